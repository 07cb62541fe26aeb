// Many photos as one file. The service packs it as it is fetched, so it begins at once and can go on where it broke off.

const downloadForm = byId("download-form");

async function download(form) {
  const of = form.get("of"), files = form.get("files") ?? undefined;
  if (of === "favourites") await send();
  const body = JSON.stringify({ of: of === "moment" ? { moment: Number(byId("download-moment").value) } : of, files });
  const answer = await fetch(`${home}/archive`, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!answer.ok) throw Object.assign(new Error("refused"), { status: answer.status });
  const { url, bytes, photos: count } = await answer.json();
  byId("download-sheet").close();
  say(`${countText(count, "photo")}, ${bytesText(bytes)}: your download begins.`);
  location.assign(url);
}

const REFUSALS = {
  409: "Some of these photos are still being finished. Please try again a little later.",
  410: "This link has ended. Ask your photographer for a new one.",
  422: "There is no photo to download yet.",
  429: "That was a little too often. Please try again in a minute.",
};

downloadForm?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = downloadForm.querySelector("[type=submit]"), fault = downloadForm.querySelector(".fault");
  fault.replaceChildren();
  button.disabled = true;
  await download(new FormData(downloadForm)).catch(({ status }) => fault.append(REFUSALS[status] ?? "That did not work. Please try again."));
  button.disabled = false;
});
byId("download-moment")?.addEventListener("input", () => (downloadForm.elements.of.value = "moment"));
