// What the gallery is called and when it was, the consent, and its end.

import { ask } from "./dom.js";
import { onSubmit } from "./dialog.js";
import { weddingOf } from "./zones.js";

const at = (id) => document.getElementById(id);

export function settings(gallery, title) {
  const path = `/api/v1/galleries/${gallery}`;
  onSubmit(at("details-form"), async (data) => {
    const change = { title: data.get("title").trim(), pipeline: data.get("pipeline") };
    const wedding = weddingOf(data);
    if (wedding) change.wedding = wedding;
    await ask("PATCH", path, change);
    location.reload();
  });
  at("consent-switch").addEventListener("click", async ({ currentTarget }) => {
    const faces = currentTarget.dataset.given === "false";
    const fault = at("consent").querySelector(".fault");
    currentTarget.disabled = true;
    try {
      await ask("PATCH", path, { consent: { faces } });
      location.reload();
    } catch (problem) {
      fault.replaceChildren(problem.message);
      currentTarget.disabled = false;
    }
  });
  onSubmit(at("delete-form"), async (data) => {
    if (data.get("name").trim() !== title) throw new Error(`That is not its name. Type “${title}” to delete it.`);
    await ask("DELETE", path);
    location.assign("/studio");
  });
}
