// News while photos are still being finished. What is on the screen stays until somebody wants to see what is new.

const NEWS_MS = 20_000;

async function lookForNews() {
  if (document.hidden) return;
  const now = await fetched(from, { cache: "no-cache" });
  if (now.coming === album.coming && now.photos.length === album.photos.length) return;
  byId("news").hidden = false;
  clearInterval(newsTimer);
}

const newsTimer = album.coming || !photos.length ? setInterval(() => lookForNews().catch(() => {}), NEWS_MS) : 0;
byId("renew").addEventListener("click", () => location.reload());
