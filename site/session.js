// What is checked at the moment: the newest input, its results, and what goes wrong.
import { at, counted } from "./element.js";
import { Engine } from "./engine.js";
import { Superseded } from "./folder.js";
import { addResult, clearResults, nameOf, setRootName, showResults, totals } from "./results.js";
import { allOptions, onSettings, projectCount, setProjects, startSettings } from "./settings.js";
import { showTabs } from "./tabs.js";
import { closeProject, openProject, startVariables } from "./variables.js";

/** Milliseconds between two announcements of progress. */
const ANNOUNCED = 2000;

let source;
let files;
let engine = new Engine();
let generation = 0;
let announced = 0;

export async function start() {
  startSettings();
  onSettings((settings, hasNewOptions) => {
    openProject(settings, engine, files);
    if (hasNewOptions) checkOne(settings);
  });
  startVariables();
  try {
    at("version").textContent = `Version ${await engine.call("version")}.`;
  } catch (error) {
    if (!(error instanceof Superseded)) show(error.message);
  }
}

/** Replaces the input: everything about an older one ends. */
export function take(given) {
  source = given;
  if (given) return run(true);
  stop();
  reset();
}

/** Reads the files and checks them again; `choose` lets the person choose the folder where browsers need that. */
export function again(choose) {
  if (source?.refresh === "choose") choose();
  else if (source) run(false);
}

/** Treats warnings as errors, or not. */
export function restrict() {
  if (!source) return;
  if (engine.isBusy || !files) run(false);
  else attempt((report) => checkAll(report));
}

export function cancel() {
  stop();
  at("verdict").textContent = "Cancelled.";
  announce("Cancelled.");
}

/** Returns the report of all projects in a format of the command line. */
export async function reportOf(format) {
  let text;
  await attempt(async (report) => {
    text = await engine.call("report", { format, ...choices() }, report);
  }, false);
  return text;
}

function stop() {
  generation += 1;
  engine.stop();
  setBusy(undefined);
}

function reset() {
  files = undefined;
  clearResults();
  setProjects([], [], new Map());
  closeProject();
  showTabs(false);
  hideAlert();
  at("source").hidden = true;
  document.body.classList.remove("loaded");
  setVerdict("Nothing to check yet.", "");
  at("about").textContent = "Drop a folder, paste a composition, or try the example.";
}

async function run(isNew) {
  stop();
  const [mine, given] = [generation, source];
  const isCurrent = () => mine === generation;
  engine = new Engine((paths) => given.lookUp(paths));
  files = undefined;
  if (isNew) closeProject();
  await attempt(async (report) => {
    report({ step: "Listing", noun: "file", done: 0 });
    const listed = await given.read((done) => isCurrent() && report({ step: "Listing", noun: "file", done }), isCurrent);
    if (!isCurrent()) throw new Superseded();
    const { projects, entries, hasConfiguration } = await engine.call("open", { files: listed }, report);
    files = listed;
    clearResults();
    setRootName(given.name);
    describe(given, listed.size, hasConfiguration);
    if (projects.length === 0) throw new Error("No HyperFrames project found: a project has a composition as index.html.");
    showTabs(true);
    setProjects(projects, entries, listed);
    await checkAll(report);
  });
}

/** Checks all projects, and shows the result of each as it comes. */
async function checkAll(report) {
  await engine.call("checkProjects", choices(), ({ result, ...progress }) => {
    if (!result) return report(progress);
    addResult(result);
    conclude();
  });
}

const choices = () => ({ isStrict: at("strict").checked, options: allOptions() });

function checkOne({ path, options }) {
  attempt(async (report) => addResult(await engine.call("checkProject", { path, options, isStrict: at("strict").checked }, report)));
}

/** Runs `work`, shows its progress, and what goes wrong. An older input shows nothing any more. */
async function attempt(work, concludes = true) {
  const mine = generation;
  hideAlert();
  try {
    await work((progress) => mine === generation && setBusy(progress));
    if (mine !== generation) return;
    showResults();
    setBusy(undefined);
    if (concludes) conclude(true);
  } catch (error) {
    if (mine !== generation || error instanceof Superseded) return;
    setBusy(undefined);
    show(error.message);
  }
}

/* Output */

function describe({ name }, count, hasConfiguration) {
  at("source").hidden = name === "" && count < 2;
  document.body.classList.toggle("loaded", !at("source").hidden);
  at("source-name").textContent = name || "Folder";
  at("source-about").textContent = `${counted(count, "file")}${hasConfiguration ? ", with hyperframes-ci.toml" : ""}`;
}

function conclude(isLast = false) {
  const { projects, failures, errors, warnings, notes } = totals();
  const parts = [[errors, "error"], [warnings, "warning"], [notes, "note"]].filter(([count]) => count > 0).map(([count, noun]) => counted(count, noun));
  if (failures > 0) parts.push(`${counted(failures, "project")} not checked`);
  const isGood = parts.length === 0;
  setVerdict(isGood ? "No findings. Ready to render." : parts.join(", "), errors + failures > 0 ? "bad" : isGood ? "good" : "fair");
  const total = projectCount();
  at("about").textContent = projects < total ? `${projects} of ${counted(total, "project")} checked.` : total === 1 ? `${nameOf([...projectPaths()][0])} was checked.` : `${counted(total, "project")} checked.`;
  if (isLast) announce(`${at("verdict").textContent} ${at("about").textContent}`);
}

const projectPaths = () => [...at("project").options].map((option) => option.value);

function setVerdict(text, kind) {
  at("verdict").textContent = text;
  at("verdict").className = `verdict ${kind}`;
}

function setBusy(progress) {
  at("busy").hidden = progress === undefined;
  at("summary").setAttribute("aria-busy", String(progress !== undefined));
  if (progress === undefined) return;
  const { step, noun, done, total } = progress;
  const bar = at("bar");
  if (total) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute("value");
  const text = noun === "byte" ? `${step} ${Math.floor((100 * done) / total)} %` : total ? `${step} ${noun}s: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : `${step} ${noun}s: ${done.toLocaleString("en")}`;
  at("busy-text").textContent = text;
  if (performance.now() - announced > ANNOUNCED) announce(text);
}

/** Makes screen readers say a text. */
function announce(text) {
  announced = performance.now();
  at("status").textContent = text;
}

/** Shows why an input cannot be taken, which replaces the one before. */
export function refuse(message) {
  source = undefined;
  stop();
  reset();
  show(message);
}

/** Shows what went wrong. */
function show(message) {
  at("alert").textContent = message;
  at("alert").hidden = false;
  setVerdict("Not checked.", "bad");
  at("about").textContent = "";
}

function hideAlert() {
  at("alert").hidden = true;
  at("alert").textContent = "";
}
