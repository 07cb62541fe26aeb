// The list of galleries: opening one, and staying up to date.

import { ask } from "./dom.js";
import { onSubmit } from "./dialog.js";
import { keepFresh } from "./refresh.js";
import { weddingOf } from "./zones.js";

const form = document.getElementById("new-gallery-form");
if (form) {
  onSubmit(form, async (data) => {
    const title = data.get("title").trim();
    if (!title) throw new Error("Say whose wedding it is: that is what the gallery is called.");
    const gallery = { title, consent: { faces: data.has("faces") }, pipeline: data.get("pipeline") };
    const wedding = weddingOf(data);
    if (wedding) gallery.wedding = wedding;
    const made = await ask("POST", "/api/v1/galleries", gallery);
    location.assign(`/studio/galleries/${made.id}`);
  });
}

keepFresh(() => (document.querySelector(".card progress") ? 2000 : 10000));
