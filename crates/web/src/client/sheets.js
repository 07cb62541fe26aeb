// Sheets over the page, and what is said in passing.

const TOAST_MS = 6_000;

const toast = byId("toast");
let toastTimer = 0;

/** Says something in passing, over whatever is open. */
function say(text) {
  (document.querySelector("dialog[open]") ?? document.body).append(toast);
  toast.lastChild.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (toast.hidden = true), TOAST_MS);
}

document.addEventListener("click", ({ target, clientX, clientY }) => {
  const opener = target.closest("[data-sheet]");
  if (opener || target.closest("[data-shut]")) target.closest("dialog")?.close();
  if (opener) openSheet(byId(opener.dataset.sheet), opener.dataset.part);
  if (!target.matches("dialog.sheet")) return;
  // The backdrop belongs to the dialog itself.
  const { left, right, top, bottom } = target.getBoundingClientRect();
  if (clientX < left || clientX > right || clientY < top || clientY > bottom) target.close();
});

function openSheet(sheet, part) {
  const choice = part && sheet.querySelector(`input[value="${part}"]`);
  if (choice) choice.checked = true;
  sheet.querySelector(".fault")?.replaceChildren();
  sheet.showModal();
}
