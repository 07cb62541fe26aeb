// What happens in a gallery, told by the service. A page out of sight does not listen: browsers keep only six connections to a
// place, and ten open galleries would use them up.

const NAMES = ["status", "photo_stored", "photo_done", "photo_quarantined", "file_refused", "receipt_issued", "receipt_refused", "gallery_finished"];

/** Listens; `on[name](data)` is called for each event, and `on.open()` whenever it listens anew: what was told meanwhile is missed. */
export function listen(path, on) {
  let source = null, retry = 0;
  const connect = () => {
    if (source || document.hidden) return;
    source = new EventSource(path);
    source.onopen = () => on.open?.();
    source.onerror = () => {
      on.lost?.();
      // The browser tries again by itself, unless the service said no: then it may be starting.
      if (source.readyState !== EventSource.CLOSED) return;
      source = null;
      clearTimeout(retry);
      retry = setTimeout(connect, 3000);
    };
    for (const name of NAMES) source.addEventListener(name, (event) => on[name]?.(JSON.parse(event.data)));
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return connect();
    source?.close();
    source = null;
  });
  connect();
}
