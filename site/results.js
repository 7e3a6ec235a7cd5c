// The findings of all projects: grouped, errors first, filtered by severity and check.
import { at, counted, make, setOptions } from "./element.js";
import { findingElement, showMark } from "./finding.js";

const SEVERITIES = ["error", "warning", "note"];
/** Number of findings of a project that are shown at once. */
const PAGE = 50;

/** Projects by path, and what is shown of them. */
const results = new Map();
const hidden = new Set();
const limits = new Map();
const closed = new Map();
let rule = "";
let select = () => {};

/** Sets what happens when a project is opened, and the listeners of the filters. */
export function startResults(onSelect) {
  select = onSelect;
  at("rule").addEventListener("change", () => {
    rule = at("rule").value;
    draw();
  });
}

/** Timer of the next drawing, and how long the last one took, in milliseconds. */
let pending;
let duration = 0;
/** How much longer than a drawing the pause after it is: hundreds of results come one by one. */
const PAUSE = 4;

export function clearResults() {
  results.clear();
  limits.clear();
  closed.clear();
  hidden.clear();
  rule = "";
  draw();
}

/** Takes a result, which is shown soon, or by `showResults`. */
export function addResult(result) {
  results.set(result.path, result);
  pending ??= setTimeout(showResults, PAUSE * duration);
}

/** Shows the results that have come. */
export function showResults() {
  if (pending !== undefined) draw();
}

export const resultOf = (path) => results.get(path);

/** Returns the number of projects, failures, errors, warnings and notes. */
export function totals() {
  const sum = (name) => [...results.values()].reduce((count, result) => count + result[name], 0);
  const failures = [...results.values()].filter((result) => result.failure !== undefined).length;
  return { projects: results.size, failures, errors: sum("errors"), warnings: sum("warnings"), notes: sum("notes") };
}

/** The name of a project: its path, or that of the folder that was chosen. */
let rootName = "";
export function setRootName(name) {
  rootName = name;
}
export const nameOf = (path) => path || rootName || "index.html";

function isShown(found) {
  return !hidden.has(found.severity) && (rule === "" || found.code === rule);
}

/** Projects with errors first, then by path. */
function ordered() {
  const rank = (result) => (result.failure !== undefined ? 0 : result.errors > 0 ? 1 : result.warnings > 0 ? 2 : result.notes > 0 ? 3 : 4);
  return [...results.values()].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
}

function draw() {
  clearTimeout(pending);
  pending = undefined;
  const start = performance.now();
  drawFilters();
  const groups = ordered().map(groupElement);
  at("groups").replaceChildren(...groups);
  for (const mark of at("groups").querySelectorAll("mark")) showMark(mark);
  const all = [...results.values()].flatMap((result) => result.diagnostics);
  const shown = all.filter(isShown).length;
  at("shown").textContent = shown < all.length ? `${shown} of ${counted(all.length, "finding")} shown` : "";
  duration = performance.now() - start;
}

function drawFilters() {
  const all = [...results.values()].flatMap((result) => result.diagnostics);
  const focused = document.activeElement?.dataset?.severity;
  at("severities").replaceChildren(
    ...SEVERITIES.map((severity) => {
      const count = all.filter((found) => found.severity === severity).length;
      const chip = make("button", { type: "button", className: `chip ${severity}`, "aria-pressed": String(!hidden.has(severity)), disabled: count === 0 });
      chip.dataset.severity = severity;
      chip.append(counted(count, severity));
      chip.addEventListener("click", () => {
        if (!hidden.delete(severity)) hidden.add(severity);
        draw();
      });
      return chip;
    }),
  );
  if (focused) at("severities").querySelector(`[data-severity="${focused}"]`)?.focus();
  const counts = new Map();
  for (const { code } of all) counts.set(code, (counts.get(code) ?? 0) + 1);
  if (!counts.has(rule)) rule = "";
  const rules = [...counts].sort(([one, many], [other, more]) => more - many || (one < other ? -1 : 1));
  setOptions(at("rule"), [["", "All checks"], ...rules.map(([code, count]) => [code, `${code} (${count})`])], rule);
  at("rule").disabled = counts.size === 0;
  at("finding-count").textContent = all.length > 0 ? all.length.toLocaleString("en") : "";
}

function groupElement(result) {
  const { path, diagnostics, failure, errors, warnings, notes, explanations } = result;
  const shown = diagnostics.filter(isShown);
  const isOpen = closed.has(path) ? !closed.get(path) : shown.length > 0 || failure !== undefined;
  const summary = make("summary", {}, make("h3", { textContent: nameOf(path) }));
  if (failure !== undefined) summary.append(make("span", { className: "badge error", textContent: "not checked" }));
  for (const [count, noun] of [[errors, "error"], [warnings, "warning"], [notes, "note"]]) {
    if (count > 0) summary.append(make("span", { className: `badge ${noun}`, textContent: counted(count, noun) }));
  }
  if (failure === undefined && diagnostics.length === 0) summary.append(make("span", { className: "badge good", textContent: "no findings" }));
  const group = make("details", { className: "group", open: isOpen }, summary);
  group.addEventListener("toggle", () => closed.set(path, !group.open));
  if (failure !== undefined) group.append(make("p", { className: "alert", textContent: failure }));
  const limit = limits.get(path) ?? PAGE;
  const list = make("ol", { className: "list" }, ...shown.slice(0, limit).map((found) => findingElement(found, explanations[found.code])));
  if (shown.length > 0) group.append(list);
  const rest = diagnostics.length - shown.length;
  if (rest > 0) group.append(make("p", { className: "quiet-text", textContent: `${counted(rest, "finding")} hidden by the filters` }));
  const actions = make("p", { className: "actions" });
  if (shown.length > limit) {
    const more = make("button", { type: "button", textContent: `Show ${Math.min(PAGE, shown.length - limit)} more of ${shown.length}` });
    more.addEventListener("click", () => {
      limits.set(path, limit + PAGE);
      draw();
    });
    actions.append(more);
  }
  if (results.size > 1) {
    const open = make("button", { type: "button", className: "quiet", textContent: "Variables and preview", "aria-label": `Variables and preview of ${nameOf(path)}` });
    open.addEventListener("click", () => select(path));
    actions.append(open);
  }
  if (actions.childElementCount > 0) group.append(actions);
  return group;
}
