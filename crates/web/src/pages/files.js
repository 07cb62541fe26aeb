// What a person drops or chooses: files and whole folders, as a flat list of {path, file}. Nothing is read here.

/** Names that are never photos: what cards, cameras and computers put beside them. Everything else the service looks at. */
const BESIDE = /(^|\/)(\.|thumbs\.db$|desktop\.ini$|__MACOSX\/)|\.(xmp|thm|txt|pdf|mov|mp4|m4v|avi|mts|m2ts|mpg|mpeg|wav|mp3|m4a|aac|zip|rar|db|ini|html?|css|js|json|xml|ctg|dat|bin|lrcat|lrprev|cos|cop|cot|pp3|dop|icc|icm|lut|cube|log|csv|md)$/i;

/** True for a path that is sent to the service. */
export const mayBePhoto = (path) => !BESIDE.test(path);

/** The files of an <input type=file>. */
export function chosenFiles(input) {
  return [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** The files of a drop. To be called in the drop's event itself: afterwards the browser has forgotten them. */
export function droppedFiles(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  return walk(entries.filter(Boolean));
}

/** Goes through folders, a few at a time, so that a card of ten thousand is found without a thousand open folders. */
async function* walk(entries) {
  for (const entry of entries) {
    if (entry instanceof File) yield { path: entry.name, file: entry };
    else if (entry.isFile) yield { path: entry.fullPath.replace(/^\//, ""), file: await fileOf(entry) };
    else for await (const children of foldersOf(entry)) yield* walk(children);
  }
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

/** Browsers give a hundred at a time, and nothing at the end. */
async function* foldersOf(folder) {
  const reader = folder.createReader();
  for (;;) {
    const children = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!children.length) return;
    yield children;
  }
}
