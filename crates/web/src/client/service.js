// What the service adds to the gallery besides favourites: sheets, downloads, and news while photos are still being finished.

const NEWS_MS = 20_000;

document.addEventListener("click", ({ target, clientX, clientY }) => {
  const opener = target.closest("[data-sheet]");
  if (opener) byId(opener.dataset.sheet).showModal();
  if (target.closest("[data-shut]")) target.closest("dialog").close();
  if (!target.matches("dialog.sheet")) return;
  // The backdrop belongs to the dialog itself.
  const { left, right, top, bottom } = target.getBoundingClientRect();
  if (clientX < left || clientX > right || clientY < top || clientY > bottom) target.close();
});

byId("show-favourites").addEventListener("click", () => {
  byId("favourites-sheet").close();
  setFilter({ ...NO_FILTER, flags: ["favourites"] });
  scrollTo({ top: grid.offsetTop - barHeight(), behavior: "instant" });
});

/** Says when there is more to see than this page shows; what is on the screen stays until somebody wants to see it. */
async function lookForNews() {
  if (document.hidden) return;
  const now = await fetched(from, { cache: "no-cache" });
  if (now.coming === album.coming && now.photos.length === album.photos.length) return;
  byId("news").hidden = false;
  clearInterval(newsTimer);
}

const newsTimer = album.coming || !photos.length ? setInterval(() => lookForNews().catch(() => {}), NEWS_MS) : 0;
byId("renew").addEventListener("click", () => location.reload());
