// The studio's keys.

import "./copy.js";
import { onSubmit, open } from "./dialog.js";
import { ask, say } from "./dom.js";
import { refresh } from "./refresh.js";

const at = (id) => document.getElementById(id);
const form = at("new-key-form"), made = at("made-key");

onSubmit(form, async (data) => {
  const name = data.get("name").trim(), scopes = data.getAll("scopes");
  if (!name) throw new Error("Say who or what the key is for, so that you know it again.");
  if (!scopes.length) throw new Error("Choose at least one thing that it may do.");
  const { token } = await ask("POST", "/api/v1/keys", { name, scopes });
  at("made-key-token").value = token;
  form.hidden = true;
  made.hidden = false;
  made.querySelector("[data-copies]").focus();
  await refresh();
});
at("new-key").addEventListener("close", () => {
  form.reset();
  form.hidden = false;
  made.hidden = true;
  at("made-key-token").value = "";
});

let ending = null;
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-revokes]");
  if (!button) return;
  ending = button.dataset.revokes;
  say(at("revoke-title"), `End the key “${button.dataset.name}”?`);
  open(at("revoke"));
});
onSubmit(at("revoke-form"), async () => {
  await ask("DELETE", `/api/v1/keys/${ending}`);
  at("revoke").close();
  await refresh();
});
