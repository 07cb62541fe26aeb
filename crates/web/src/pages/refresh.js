// Keeps a part of a page as the server would draw it now: the page is asked for again, and only what differs is changed. So
// nothing flickers, and focus, hover and scroll position stay.

/** Makes `old` like `fresh`. Children with an id keep their identity, and what a reader opened stays open. */
export function morph(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const known = wanted.id && [...old.children].find((child) => child.id === wanted.id);
    if (known && known !== place) old.insertBefore(known, place);
    const mine = known || place;
    if (mine && isAlike(mine, wanted)) {
      if (wanted.nodeType === Node.ELEMENT_NODE) morph(mine, wanted);
      else if (mine.data !== wanted.data) mine.data = wanted.data;
      place = mine.nextSibling;
    } else {
      old.insertBefore(document.importNode(wanted, true), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

const isAlike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? "") === (b.id ?? "");

/** Asks for this page again and refreshes the elements with `data-refreshes`. True if the service answered. */
export async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    // The session is over.
    if (answer.redirected) location.reload();
    if (!answer.ok || answer.redirected) return false;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refreshes]")) {
      const now = fresh.getElementById(part.id);
      if (now) morph(part, now);
    }
    return true;
  } catch {
    return false;
  }
}

/** Refreshes every `pause()` milliseconds while the page is in view; `onDone(answered)` is told of each time. */
export function keepFresh(pause, onDone = () => {}) {
  const turn = async () => {
    if (!document.hidden) onDone(await refresh());
    setTimeout(turn, pause());
  };
  setTimeout(turn, pause());
}
