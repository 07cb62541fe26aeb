// <button data-copies="ID">: copies what the field with that id holds.

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copies]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without HTTPS there is no clipboard: then what is to be copied is at least marked.
    field.select();
    document.execCommand("copy");
  }
  const text = [...button.childNodes].find((node) => node.nodeType === Node.TEXT_NODE);
  const before = text.data;
  text.data = "Copied";
  setTimeout(() => (text.data = before), 2000);
});
