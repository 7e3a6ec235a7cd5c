// The preflight page: reads a project and shows its findings. No data leaves the browser.
import { PreflightError, check, checkVariables, isComposition, variablesSchema, version } from "./preflight/browser.js";
import { EXAMPLE } from "./example.js";
import { exampleOf, valuesForm } from "./form.js";
import { renderFinding, showMark, size } from "./render.js";

const at = (id) => document.getElementById(id);

/** Files that the checks read; for other files, the size and the first bytes are sufficient. */
const TEXT = /(\.(html?|css|[cm]?js)|\.hyperframesignore)$/i;
const SKIPPED = new Set([".git", "node_modules"]);
const HEAD = 256;
/** Number of bytes at the start and at the end of media files that are checked. */
const EDGE = 64 * 1024;
const MEDIA = /\.(mp4|m4v|m4a|mov|webm|mkv|mp3|wav|flac|png|jpe?g|gif|webp|svg)$/i;

/** The files of the repository by path: strings or Files. */
let files = new Map();
/** The files in the form that the checks take: contents of text files, and stubs. */
let known = new Map();
let packer;

at("version").textContent = version;

/* Input */

function fromPaste() {
  const html = at("paste").value;
  if (html.trim()) take(new Map([["index.html", html]]));
  else show(new Map(), new Map());
}

async function take(given) {
  const read = new Map();
  for (const [path, file] of given) read.set(path, typeof file === "string" ? file : await contents(path, file));
  show(given, read);
}

async function contents(path, file) {
  if (TEXT.test(path)) return new Uint8Array(await file.arrayBuffer());
  const bytes = async (start, end) => new Uint8Array(await file.slice(start, end).arrayBuffer());
  if (!MEDIA.test(path)) return { size: file.size, head: await bytes(0, HEAD) };
  const tail = file.size > EDGE ? await bytes(file.size - EDGE) : undefined;
  return { size: file.size, head: await bytes(0, EDGE), tail };
}

/** Removes the dropped or selected directory from the paths: it is the root. */
function withoutTop(entries) {
  return new Map(entries.map(([path, file]) => [path.replace(/^\/?[^/]+\//, ""), file]));
}

async function fromEntry(entry, found) {
  if (SKIPPED.has(entry.name)) return;
  if (entry.isFile) {
    found.push([entry.fullPath, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const child of some) await fromEntry(child, found);
  }
}

async function fromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  for (const entry of entries) await fromEntry(entry, found);
  if (found.length === 0) {
    const text = transfer.getData("text/plain");
    if (text) pasted(text);
    return;
  }
  // A single file is treated as a composition, whatever its name.
  if (found.length === 1 && entries[0].isFile) return pasted(await found[0][1].text());
  at("paste").value = "";
  await take(entries.length === 1 ? withoutTop(found) : new Map(found.map(([path, file]) => [path.slice(1), file])));
}

function pasted(text) {
  at("paste").value = text;
  fromPaste();
}

/* Output */

const decoder = new TextDecoder();
const textOf = (path) => {
  const contents = known.get(path);
  return contents instanceof Uint8Array ? decoder.decode(contents) : typeof contents === "string" ? contents : undefined;
};

function options(select, names, chosen) {
  select.replaceChildren(...names.map((name) => new Option(name || "(root)", name, false, name === chosen)));
}

function show(given, read) {
  [files, known] = [given, read];
  const pages = [...known.keys()].filter((path) => /(^|\/)index\.html$/.test(path));
  const folders = pages.filter((path) => isComposition(textOf(path))).map((path) => path.replace(/\/?index\.html$/, ""));
  // Projects are not nested: everything inside a project is part of it.
  const isInside = (path, folder) => path !== folder && (folder === "" || path.startsWith(`${folder}/`));
  const names = folders.filter((path) => !folders.some((folder) => isInside(path, folder))).sort();
  options(at("project"), names.length > 0 ? names : [""], names[0]);
  at("picker").hidden = names.length < 2;
  showProject();
}

function showProject() {
  const inside = at("project").value ? `${at("project").value}/` : "";
  const compositions = [...known.keys()].filter(
    (path) => path.startsWith(inside) && /\.html?$/i.test(path) && !path.includes("node_modules/") && isComposition(textOf(path)),
  );
  const index = `${inside}index.html`;
  compositions.sort((a, b) => (b === index) - (a === index) || (a < b ? -1 : 1));
  options(at("composition"), compositions, compositions[0]);
  at("composition-picker").hidden = compositions.length < 2;
  showFindings();
  showVariables();
  showPackage();
}

function showFindings() {
  const verdict = at("verdict");
  verdict.className = "";
  if (known.size === 0) {
    verdict.textContent = "No project selected.";
    at("list").replaceChildren();
    return;
  }
  const { diagnostics, errors, warnings, notes } = check(known, { project: at("project").value, strict: at("strict").checked });
  const some = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
  const counted = [[errors, "error"], [warnings, "warning"], [notes, "note"]].filter(([count]) => count > 0);
  verdict.textContent = counted.map(([count, what]) => some(count, what)).join(", ") || "No findings. The project is ready to render.";
  verdict.className = errors > 0 ? "bad" : counted.length === 0 ? "good" : "";
  at("list").replaceChildren(...diagnostics.map((found) => renderFinding(found, textOf(found.path))));
  for (const mark of at("list").querySelectorAll("mark")) showMark(mark);
}

function showVariables() {
  const path = at("composition").value;
  const html = path ? textOf(path) : undefined;
  const schema = html === undefined ? { properties: {} } : variablesSchema(html);
  const has = Object.keys(schema.properties).length > 0;
  at("no-variables").hidden = has;
  at("no-variables").textContent = html === undefined ? "Select a project to edit the variables of its compositions." : "This composition does not declare any variables.";
  at("json-part").hidden = !has;
  const form = at("form");
  form.replaceChildren();
  if (!has) return;
  const write = (values) => {
    at("json").value = JSON.stringify(values, null, 2);
    judge(html, values);
  };
  const fill = valuesForm(form, schema, write);
  at("json").oninput = () => {
    let values;
    try {
      values = JSON.parse(at("json").value);
    } catch (error) {
      return showIssues([{ message: error.message }]);
    }
    if (judge(html, values)) fill(values);
  };
  write(exampleOf(schema));
}

/** Checks values and shows their issues. Returns whether the values are an object. */
function judge(html, values) {
  let issues;
  try {
    issues = checkVariables(html, values);
  } catch (error) {
    if (!(error instanceof PreflightError)) throw error;
    showIssues([{ message: error.message }]);
    return false;
  }
  showIssues(issues);
  return true;
}

function showIssues(issues) {
  const item = ({ message, help }) => {
    const line = document.createElement("li");
    line.textContent = help ? `${message} (${help})` : message;
    return line;
  };
  for (const field of at("form").querySelectorAll(".field")) {
    const own = issues.filter((issue) => issue.variable === field.dataset.id);
    field.querySelector(".issues").replaceChildren(...own.map(item));
    field.querySelector("input, select").setAttribute("aria-invalid", String(own.length > 0));
  }
  const ids = new Set([...at("form").querySelectorAll(".field")].map((field) => field.dataset.id));
  at("json-issues").replaceChildren(...issues.filter((issue) => !ids.has(issue.variable)).map(item));
  at("json").setAttribute("aria-invalid", String(issues.length > 0));
}

function showPackage() {
  packer?.terminate();
  at("figures").hidden = true;
  if (files.size === 0) {
    at("packing").textContent = "Select a project to see the size and digest of its archive.";
    return;
  }
  at("packing").textContent = "Packing…";
  packer = new Worker(new URL("./pack-worker.js", import.meta.url), { type: "module" });
  packer.onmessage = ({ data }) => {
    packer.terminate();
    at("packing").textContent = data.error ?? "The archive that hyperframes-ci would upload.";
    if (data.error) return;
    at("file-count").textContent = data.fileCount;
    at("content-size").textContent = size(data.contentBytes);
    at("archive-size").textContent = size(data.sizeBytes);
    at("digest").textContent = data.digest;
    at("figures").hidden = false;
  };
  packer.onerror = () => {
    at("packing").textContent = "The project is too large to pack in the browser. Use hyperframes-ci pack instead.";
  };
  packer.postMessage({ files: [...files], project: at("project").value });
}

/* Events */

at("paste").addEventListener("input", fromPaste);
at("choose").addEventListener("click", () => at("folder").click());
at("folder").addEventListener("change", async (event) => {
  const chosen = [...event.target.files].map((file) => [file.webkitRelativePath, file]);
  const wanted = chosen.filter(([path]) => !path.split("/").some((part) => SKIPPED.has(part)));
  at("paste").value = "";
  await take(withoutTop(wanted));
  event.target.value = "";
});
at("example").addEventListener("click", () => pasted(EXAMPLE));
at("project").addEventListener("change", showProject);
at("composition").addEventListener("change", showVariables);
at("strict").addEventListener("change", showFindings);
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
  fromDrop(event.dataTransfer);
});
document.body.dataset.ready = "true";
