// The archive of the project that is shown, and the commands for it.
import { commandsOf } from "./commands.js";
import { at, size } from "./element.js";
import { Engine } from "./engine.js";
import { Superseded } from "./folder.js";
import { currentTab, onTab } from "./tabs.js";

let shown;
/** What the figures on the page are about. */
let packed;
let packer = new Engine();

/** Shows the commands; the archive is packed when its view is open. */
export function showArchive({ path, options, values, files, engine }) {
  const { check, render } = commandsOf({ path, composition: options.composition, aspectRatio: options.aspectRatio, rows: options.rows?.path, values });
  at("check-command").textContent = check;
  at("render-command").textContent = render;
  shown = { path, files, engine };
  if (currentTab() === "render") pack();
}

async function pack() {
  if (!shown || (packed?.path === shown.path && packed.files === shown.files)) return;
  const mine = (packed = shown);
  packer.stop();
  // A worker of its own, so that large files do not delay the checks.
  packer = new Engine((paths) => mine.engine.lookUp(paths));
  at("figures").hidden = true;
  at("packing").textContent = "Reading files…";
  try {
    await packer.call("open", { files: mine.files });
    const figures = await packer.call("digest", { path: mine.path }, ({ step, done, total }) => {
      if (step === "Hashing") at("packing").textContent = `Reading files: ${size(done)} of ${size(total)}`;
    });
    if (mine === packed) showFigures(figures);
  } catch (error) {
    if (error instanceof Superseded || mine !== packed) return;
    at("packing").textContent = `Cannot be packed: ${error.message}`;
    packed = undefined;
  }
}

function showFigures({ digest, fileCount, contentBytes, sizeBytes }) {
  at("packing").textContent = "The archive that hyperframes-ci uploads, and its digest.";
  at("file-count").textContent = fileCount.toLocaleString("en");
  at("content-size").textContent = size(contentBytes);
  at("archive-part").hidden = sizeBytes === undefined;
  if (sizeBytes !== undefined) at("archive-size").textContent = size(sizeBytes);
  at("digest").textContent = digest;
  at("figures").hidden = false;
}

/** Makes the buttons copy: `copied` copies a text and says so on the button. */
export function startCopies(copied) {
  for (const [button, text] of [["copy-digest", "digest"], ["copy-check", "check-command"], ["copy-render", "render-command"]]) {
    at(button).addEventListener("click", () => copied(at(button), at(text).textContent));
  }
  at("copy-json").addEventListener("click", () => copied(at("copy-json"), at("json").value));
  onTab((name) => name === "render" && pack());
}
