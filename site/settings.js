// The project that is shown, and its options: entry, aspect ratio and rows.
import { at, setOptions } from "./element.js";
import { nameOf } from "./results.js";
import { onTab } from "./tabs.js";

const ROWS = /\.(jsonl?|ndjson|csv|tsv)$/i;
/** JSON files that contain no rows. */
const OTHER = /(^|\/)(package(-lock)?|tsconfig|jsconfig|composer|\.[^/]*)\.json$/i;
/** Number of files that are offered. */
const MOST_FILES = 200;

let projects = new Map();
let entries = [];
let rowFiles = [];
let settings = new Map();
let listener = () => {};

/** Calls a function with the settings of the project that is shown, and whether its options are new. */
export function onSettings(given) {
  listener = given;
}

export const projectCount = () => projects.size;

/** Returns the options of the projects that have some, by path. */
export const allOptions = () => Object.fromEntries([...settings].map(([path, { options }]) => [path, options]));

/** Takes the projects of a new input. Projects that were there before keep their options. */
export function setProjects(found, configured, files) {
  projects = new Map(found.map((project) => [project.path, project]));
  entries = configured;
  rowFiles = [...files.keys()].filter((path) => ROWS.test(path) && !OTHER.test(path)).sort().slice(0, MOST_FILES);
  settings = new Map([...settings].filter(([path]) => projects.has(path)));
  at("settings").hidden = found.length === 0;
  at("project-field").hidden = found.length < 2;
  const chosen = projects.has(at("project").value) ? at("project").value : found[0]?.path;
  setOptions(at("project"), found.map(({ path }) => [path, nameOf(path)]), chosen);
  if (found.length === 0) return;
  const changed = [...settings].filter(([, { options }]) => Object.keys(options).length > 0);
  showProject();
  for (const [path] of changed) notify(path);
}

function current() {
  const path = at("project").value;
  if (!settings.has(path)) settings.set(path, { options: {} });
  return settings.get(path);
}

function showProject() {
  const path = at("project").value;
  const { options, entry } = current();
  const { entries: compositions, isPartial } = projects.get(path);
  const first = isPartial ? [["", "all compositions"]] : [["", compositions[0]]];
  const rest = isPartial ? compositions : compositions.slice(1);
  setOptions(at("composition"), [...first, ...rest.map((name) => [name, name])], options.composition ?? "");
  at("aspect").value = options.aspectRatio ?? "";
  const own = entries.map((each, place) => [each, place]).filter(([each]) => each.project === path);
  at("entry-field").hidden = own.length === 0;
  setOptions(at("entry"), [["", "none"], ...own.map(([each, place]) => [String(place), each.name ?? each.composition ?? nameOf(path)])], entry ?? "");
  const { rows } = options;
  const others = rows && (rows.file || !rowFiles.includes(rows.path)) ? [[rows.path, rows.path]] : [];
  setOptions(at("rows"), [["", "none"], ...others, ...rowFiles.map((file) => [file, file])], rows?.path ?? "");
  notify(path, false);
}

function notify(path, isNew = true) {
  if (path !== at("project").value) return listener({ ...detailsOf(path), isShown: false }, isNew);
  listener({ ...detailsOf(path), isShown: true }, isNew);
}

function detailsOf(path) {
  const { options = {}, values, entry } = settings.get(path) ?? {};
  const { entries: compositions } = projects.get(path);
  const composition = options.composition ?? compositions[0];
  return { path, options, values, entry, composition, file: path === "" ? composition : `${path}/${composition}` };
}

function change(options) {
  const all = { ...current().options, ...options };
  current().options = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== ""));
  showProject();
  notify(at("project").value);
}

/** Applies an entry of the configuration. */
function applyEntry() {
  const place = at("entry").value;
  const { composition, aspectRatio, rows, valuesFile, variables } = place === "" ? {} : entries[Number(place)];
  Object.assign(current(), { entry: place, values: variables });
  change({ composition: composition === "index.html" ? undefined : composition, aspectRatio, valuesFile, rows: rows && { path: rows } });
}

export function startSettings() {
  at("project").addEventListener("change", showProject);
  at("entry").addEventListener("change", applyEntry);
  at("composition").addEventListener("change", () => change({ composition: at("composition").value }));
  at("aspect").addEventListener("change", () => change({ aspectRatio: at("aspect").value }));
  at("rows").addEventListener("change", () => change({ rows: at("rows").value && { path: at("rows").value } }));
  at("rows-choose").addEventListener("click", () => at("rows-file").click());
  at("rows-file").addEventListener("change", () => {
    const [file] = at("rows-file").files;
    if (file) change({ rows: { path: file.name, file } });
    at("rows-file").value = "";
  });
  onTab((name, project) => {
    if (project === undefined || !projects.has(project)) return;
    at("project").value = project;
    showProject();
  });
}
