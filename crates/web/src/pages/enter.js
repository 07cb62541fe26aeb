// A key in the address (/enter#pk_…) is used once and taken out of the address and of the history.

const form = document.getElementById("enter");

function takeKey() {
  const key = decodeURIComponent(location.hash.slice(1)).trim();
  if (!key) return false;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.key.value = key;
  form.requestSubmit();
  return true;
}

addEventListener("hashchange", takeKey);
if (!takeKey() && !form.querySelector(".fault").textContent) {
  // The first page that one comes to from elsewhere is asked for without the session's cookie; this is not.
  const answer = await fetch(form.dataset.next, { redirect: "manual" }).catch(() => null);
  if (answer?.ok) location.replace(form.dataset.next);
}
