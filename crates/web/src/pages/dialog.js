// Dialogs that stand in the page's markup: <dialog class="sheet" id="x">, opened by <button data-opens="x">.

/** Opens a dialog; the focus goes to its first field, and back to where it was at the end. */
export function open(dialog) {
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[autofocus], input, select, textarea")?.focus();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) open(document.getElementById(opener.dataset.opens));
  const shutter = event.target.closest?.("[data-shuts]");
  if (shutter) shutter.closest("dialog").close();
  // The backdrop belongs to the dialog itself.
  if (event.target instanceof HTMLDialogElement && event.target.matches(".sheet") && !contains(event.target, event)) event.target.close();
});

function contains(dialog, { clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
}

/** Runs `work` when the form is sent: once at a time, and what goes wrong is told in the form's `.fault`. */
export function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fault = form.querySelector(".fault"), button = form.querySelector("[type=submit]");
    if (button.disabled) return;
    fault?.replaceChildren();
    button.disabled = true;
    try {
      await work(new FormData(form));
    } catch (error) {
      fault?.replaceChildren(error.message);
    } finally {
      button.disabled = false;
    }
  });
}
