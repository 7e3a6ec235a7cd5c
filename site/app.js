// The preflight page: reads projects and shows their findings. No data leaves the browser.
import { startCopies } from "./archive.js";
import { at } from "./element.js";
import { EXAMPLE } from "./example.js";
import { ofDrop, ofFiles, ofHandle, ofText } from "./folder.js";
import { startResults } from "./results.js";
import { again, cancel, refuse, reportOf, restrict, start, take } from "./session.js";
import { download, linkTo, copy, textOfLink } from "./share.js";
import { openTab, startTabs } from "./tabs.js";

/** Milliseconds after the last change of a text until it is checked. */
const PAUSE = 150;
/** The largest file in bytes that the text field takes. */
const LONGEST = 16 * 1024 ** 2;

let typing;
/** Number of the newest input: an older one that is still being read is given up. */
let newest = 0;

function pasted(text) {
  at("paste").value = text;
  checkPaste();
}

function checkPaste() {
  newest += 1;
  clearTimeout(typing);
  const html = at("paste").value;
  at("link").hidden = html.trim() === "";
  take(html.trim() ? ofText(html) : undefined);
}

function takeFolder(source) {
  newest += 1;
  clearTimeout(typing);
  at("paste").value = "";
  at("link").hidden = true;
  take(source);
}

async function chooseFolder() {
  if (typeof showDirectoryPicker !== "function") return at("folder").click();
  try {
    takeFolder(ofHandle(await showDirectoryPicker({ id: "preflight" })));
  } catch (error) {
    // The person closed the dialog.
    if (error.name !== "AbortError") at("folder").click();
  }
}

async function drop(transfer) {
  const isFile = transfer.files.length === 1 && transfer.items[0].webkitGetAsEntry?.()?.isFile;
  const source = isFile ? undefined : ofDrop(transfer.items);
  if (source) return takeFolder(source);
  // A single file is treated as a composition, whatever its name.
  await takeText(isFile ? () => textOfFile(transfer.files[0]) : async () => transfer.getData("text/plain"));
}

/** Takes the text that `read` returns, unless there is a newer input by then. */
async function takeText(read) {
  const mine = (newest += 1);
  clearTimeout(typing);
  try {
    const text = await read();
    if (text && mine === newest) pasted(text);
  } catch (error) {
    if (mine !== newest) return;
    at("paste").value = "";
    at("link").hidden = true;
    refuse(error.message);
  }
}

async function textOfFile(file) {
  if (file.size > LONGEST) throw new Error(`${file.name} is too long for the text field. Drop the folder that contains it.`);
  try {
    return await file.text();
  } catch (error) {
    throw new Error(`${file.name} cannot be read: ${error.message}`);
  }
}

function takeLink() {
  if (location.hash === "") return undefined;
  return takeText(async () => {
    try {
      return await textOfLink();
    } catch (error) {
      throw new Error(`The link does not contain a text: ${error.message}.`);
    }
  });
}

/** Copies a text, and says so on the button for a moment. */
async function copied(button, text) {
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  const isCopied = text !== undefined && (await copy(text));
  button.textContent = text === undefined ? "Too long for a link" : isCopied ? "Copied" : "Not copied";
  at("status").textContent = button.textContent;
  setTimeout(() => {
    button.textContent = label;
  }, 2000);
}

async function exported(format, name, type) {
  const text = await reportOf(format);
  if (text !== undefined) download(name, type, text);
}

at("paste").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(checkPaste, PAUSE);
});
at("choose").addEventListener("click", chooseFolder);
at("again").addEventListener("click", () => again(chooseFolder));
at("cancel").addEventListener("click", cancel);
at("folder").addEventListener("change", (event) => {
  if (event.target.files.length > 0) takeFolder(ofFiles(event.target.files));
  event.target.value = "";
});
at("example").addEventListener("click", () => pasted(EXAMPLE));
at("strict").addEventListener("change", restrict);
at("link").addEventListener("click", async (event) => copied(event.target, await linkTo(at("paste").value)));
at("export-json").addEventListener("click", () => exported("json", "hyperframes-findings.json", "application/json"));
at("export-sarif").addEventListener("click", () => exported("sarif", "hyperframes-findings.sarif", "application/sarif+json"));
at("form").addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  drop(event.dataTransfer);
});
addEventListener("hashchange", takeLink);

startTabs();
startCopies(copied);
startResults((path) => openTab("preview", path));
document.querySelector("main").hidden = false;
document.body.dataset.ready = "true";
start().then(() => newest === 0 && takeLink());
