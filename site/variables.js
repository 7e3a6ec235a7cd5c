// The variables of the composition that is shown: a form and JSON, checked as they are typed.
import { showArchive } from "./archive.js";
import { at, make } from "./element.js";
import { defaultsOf, valuesForm } from "./form.js";
import { closePreview, preparePreview, showValues } from "./preview.js";

let shown;
let engine;
let fill = () => {};
let count = 0;
/** Values by composition, which stay when another one is shown. */
const kept = new Map();

export function closeProject() {
  shown = undefined;
  kept.clear();
  closePreview();
  clear();
}

/** Shows the composition of a project. */
export async function openProject(settings, given, files) {
  if (!settings.isShown || !files) return;
  const mine = (shown = { ...settings, files });
  engine = given;
  preparePreview({ path: settings.path, file: settings.file, files });
  showArchive({ ...settings, engine: given, files });
  const schema = await given.call("schema", { path: settings.file }).catch(() => undefined);
  if (mine !== shown) return;
  clear();
  const has = schema !== undefined && Object.keys(schema.properties).length > 0;
  at("no-variables").hidden = has;
  at("json-part").hidden = !has;
  mine.defaults = schema ? defaultsOf(schema) : {};
  if (settings.values && mine.entry !== kept.get(`${settings.file} entry`)) {
    kept.set(settings.file, { ...mine.defaults, ...settings.values });
    kept.set(`${settings.file} entry`, settings.entry);
  }
  const values = kept.get(settings.file) ?? mine.defaults;
  if (has) fill = valuesForm(at("form"), schema, write);
  fill(values);
  write(values);
}

function clear() {
  at("form").replaceChildren();
  at("json").value = "";
  at("no-variables").hidden = false;
  at("json-part").hidden = true;
  fill = () => {};
}

function write(values) {
  at("json").value = JSON.stringify(values, null, 2);
  judge(values);
}

/** Checks values, and shows their issues, the preview and the commands with them. */
async function judge(values) {
  const [mine, id] = [shown, (count += 1)];
  kept.set(mine.file, values);
  showValues(values);
  const own = Object.entries(values).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(mine.defaults[name]));
  showArchive({ ...mine, engine, values: own.length > 0 ? Object.fromEntries(own) : undefined });
  try {
    const issues = await engine.call("checkValues", { path: mine.file, values });
    if (id === count && mine === shown) showIssues(issues);
  } catch (error) {
    if (id === count && mine === shown && error.message) showIssues([{ message: error.message }]);
  }
}

function readJson() {
  count += 1;
  let values;
  try {
    values = JSON.parse(at("json").value);
  } catch (error) {
    return showIssues([{ message: error.message }]);
  }
  if (values === null || typeof values !== "object" || Array.isArray(values)) return showIssues([{ message: "values must be an object" }]);
  fill(values);
  judge(values);
}

function showIssues(issues) {
  const item = ({ message, help }) => make("li", { textContent: help ? `${message} (${help})` : message });
  const fields = [...at("form").querySelectorAll(".variable")];
  for (const field of fields) {
    const own = issues.filter((issue) => issue.variable === field.dataset.id);
    field.querySelector(".issues").replaceChildren(...own.map(item));
    field.querySelector("[aria-describedby]").setAttribute("aria-invalid", String(own.length > 0));
  }
  const ids = new Set(fields.map((field) => field.dataset.id));
  at("json-issues").replaceChildren(...issues.filter((issue) => !ids.has(issue.variable)).map(item));
  at("json").setAttribute("aria-invalid", String(issues.length > 0));
}

export function startVariables() {
  at("json").addEventListener("input", readJson);
}
