// The worker: reads files and runs the checks, so that the page stays responsive.
import { init, check, checkVariables, digest, digestStream, explain, variablesSchema, version, PreflightError } from "hyperframes-preflight/init.js";
import { layers, normalize, parseConfiguration, videoFormat } from "hyperframes-preflight/configuration.js";
import { merged } from "hyperframes-preflight/report.js";
import { UsageError } from "hyperframes-preflight/usage-error.js";
import schema from "hyperframes-preflight/hyperframes-ci.schema.json";
import { excerpts } from "./excerpt.js";
import { Repository, guarded } from "./repository.js";

const CONFIGURATION = "hyperframes-ci.toml";
/** Findings of a project that are shown with their line. */
const MOST_EXCERPTS = 2000;
/** Size in bytes up to which a project is packed to know the size of its archive; larger ones are only hashed. */
const MOST_PACKED = 128 * 1024 ** 2;
/** Milliseconds between two reports of progress. */
const STEP = 100;

const SEVERITIES = ["error", "warning", "note"];

let repository;
let configuration;
let projects;

const functions = { open, checkProjects, checkProject, report, schema: schemaOf, checkValues, digest: digestOf, version: () => version };

/** Takes the files of a folder, and returns its projects and the entries of its configuration. */
async function open({ files }, { progress }) {
  repository = new Repository(files);
  const text = (await repository.text(CONFIGURATION)) ?? "";
  configuration = parseConfiguration(text, CONFIGURATION, schema);
  // Unknown codes in the configuration are errors, even without a project.
  check({ "index.html": "" }, { severities: [[configuration.check, ...configuration.entries.map((entry) => entry.check)]] });
  const found = await repository.projects((done, total) => progress({ step: "Searching", noun: "page", done, total }));
  projects = new Map(found.map((project) => [project.path, { ...project, options: {}, results: {} }]));
  const entries = await Promise.all(configuration.entries.map(entryOf));
  return { projects: found, entries, hasConfiguration: text !== "" };
}

/** Returns an entry of the configuration with its options: its own, or the defaults. */
async function entryOf(entry) {
  const get = (name) => entry[name] ?? configuration.defaults[name];
  // Rows of standard input are known only when they are rendered.
  const file = (name) => (get(name) === undefined || get(name) === "-" ? undefined : normalize(get(name)));
  const [rows, valuesFile] = [file("rows"), file("variables-file")];
  const variables = get("variables") ?? (valuesFile && objectOf(await repository.text(valuesFile)));
  const { name, project } = entry;
  return { name, project, composition: get("composition"), aspectRatio: get("aspect-ratio"), rows, valuesFile, variables };
}

/** Returns the object in a text; nothing if there is none, which the checks report. */
function objectOf(text = "") {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Sets the options of all projects: those of a worker that is started again are not known. */
function setOptions(options, isStrict) {
  for (const [path, project] of projects) {
    const isSame = project.isStrict === isStrict && JSON.stringify(project.options) === JSON.stringify(options[path] ?? {});
    if (!isSame) Object.assign(project, { options: options[path] ?? {}, isStrict, results: {} });
  }
}

/** Checks all projects, and reports the result of each. */
async function checkProjects({ isStrict, options }, context) {
  setOptions(options, isStrict);
  const paths = [...projects.keys()];
  for (const [place, path] of paths.entries()) {
    context.progress({ step: "Checking", noun: "project", done: place, total: paths.length, isFirst: place === 0 });
    const result = await checkProject({ path, isStrict }, context);
    context.now({ result });
  }
}

/** Checks a project with options, which hold until they are replaced. A failure is a part of the result. */
async function checkProject({ path, isStrict, options }, context) {
  const project = projects.get(path);
  if (options) project.options = options;
  project.isStrict = isStrict;
  project.results = {};
  try {
    return await resultOf(project, await checkOnDemand(project, "json", context));
  } catch (error) {
    if (!(error instanceof PreflightError)) throw error;
    if (error.code === "out_of_memory") throw error;
    return { path, failure: error.message, diagnostics: [], errors: 0, warnings: 0, notes: 0, explanations: {} };
  }
}

/** Checks a project. Files outside of it are read if a reference leads to them. */
async function checkOnDemand(project, format, context) {
  if (project.results[format]) return project.results[format];
  const files = await filesOf(project.path, context);
  const options = await optionsOf(project, format);
  const tried = new Set();
  for (;;) {
    const result = check(files, options);
    const wanted = result.missing.filter((path) => !tried.has(path));
    if (wanted.length > 0) repository.add(await context.lookUp(wanted));
    const before = files.size;
    for (const path of wanted) {
      tried.add(path);
      await addNamesakes(files, path);
    }
    if (files.size === before) return (project.results[format] = result);
  }
}

async function filesOf(folder, { progress }) {
  const paths = repository.below(folder);
  const files = new Map();
  for (const path of paths) {
    files.set(path, await repository.contents(path));
    progress({ step: "Reading", noun: "file", done: files.size, total: paths.length });
  }
  return files;
}

async function addNamesakes(files, path) {
  for (const found of repository.namesakes(path)) {
    // A directory is known by what is in it.
    if (repository.files.has(found)) files.set(found, await repository.contents(found));
    else files.set(`${found}/.directory`, { size: 0 });
  }
}

async function optionsOf({ path, entries, isPartial, isStrict, options }, format) {
  const result = { project: path, format, severities: layers(configuration, path, { strict: isStrict }) };
  if (options.composition) result.composition = options.composition;
  else if (isPartial) Object.assign(result, { compositions: entries, partial: true });
  result.videoFormat = videoFormat(configuration, path);
  if (options.aspectRatio) result.aspectRatio = options.aspectRatio;
  if (options.variables) result.variables = options.variables;
  result.values = [];
  if (options.valuesFile) result.values.push({ path: options.valuesFile, text: (await repository.text(options.valuesFile)) ?? "" });
  if (options.rows) result.values.push({ path: options.rows.path, text: await textOf(options.rows), rows: true });
  return result;
}

/** Returns the text of a file of the folder, or of one that was chosen on its own. */
async function textOf({ path, file }) {
  if (!file) return (await repository.text(path)) ?? "";
  return guarded(path, async () => file.text());
}

/** Returns a result for the page: with the lines of findings and the explanations of their codes. */
async function resultOf(project, { diagnostics, errors, warnings, notes }) {
  const makers = new Map();
  const shown = [];
  for (const found of diagnostics) {
    if (!found.span || shown.length >= MOST_EXCERPTS) {
      shown.push(found);
      continue;
    }
    if (!makers.has(found.path)) makers.set(found.path, await excerptsOf(project, found.path));
    shown.push({ ...found, excerpt: makers.get(found.path)?.(found) });
  }
  const codes = new Set(diagnostics.map(({ code }) => code));
  const explanations = Object.fromEntries([...codes].map((code) => [code, explain(code)]));
  shown.sort((one, other) => SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity));
  return { path: project.path, diagnostics: shown, errors, warnings, notes, explanations };
}

async function excerptsOf({ options }, path) {
  if (options.rows?.path === path) return excerpts(await textOf(options.rows));
  const text = await repository.text(path);
  return text === undefined ? undefined : excerpts(text);
}

/** Returns the report of all projects in a format of the command line. */
async function report({ format, isStrict, options }, context) {
  setOptions(options, isStrict);
  const results = [];
  for (const project of projects.values()) results.push(await checkOnDemand(project, format, context));
  return merged(results.length > 0 ? results : [check({}, { changed: [], format })], format).text;
}

/** Returns the schema of a composition's variables. */
async function schemaOf({ path }) {
  const html = await repository.text(path);
  return html === undefined ? undefined : variablesSchema(html);
}

async function checkValues({ path, values }) {
  return checkVariables((await repository.text(path)) ?? "", values);
}

/** Returns the digest of a project, and the size of its archive if the project is not large. */
async function digestOf({ path }, context) {
  const project = projects.get(path);
  // The checks look up the files outside of the project that it refers to.
  await checkOnDemand(project, "json", context);
  const paths = [...new Set([...repository.below(path), ...outside(path)])];
  const wanted = paths.filter((each) => repository.files.has(each));
  const sizeOf = (file) => (typeof file === "string" ? file.length : file.size);
  const total = wanted.reduce((sum, each) => sum + sizeOf(repository.files.get(each)), 0);
  let done = 0;
  const count = (bytes) => context.progress({ step: "Hashing", noun: "byte", done: (done += bytes), total });
  if (total > MOST_PACKED) {
    const files = new Map(wanted.map((each) => [each, counting(each, repository.files.get(each), count)]));
    return digestStream(files, { project: path });
  }
  const files = new Map();
  for (const each of wanted) {
    const file = repository.files.get(each);
    files.set(each, typeof file === "string" ? file : await guarded(each, async () => new Uint8Array(await file.arrayBuffer())));
    count(sizeOf(file));
  }
  return digest(files, { project: path });
}

/** Returns the files outside of a project: references to them are packed. */
const outside = (folder) => (folder === "" ? [] : [...repository.known.keys()].filter((path) => !path.startsWith(`${folder}/`)));

/** Returns the pieces of a file, which are counted as they are read. */
function counting(path, file, count) {
  if (typeof file === "string") return file;
  return {
    async *[Symbol.asyncIterator]() {
      const reader = file.stream().getReader();
      for (;;) {
        const { done, value } = await guarded(path, () => reader.read());
        if (done) return;
        count(value.byteLength);
        yield value;
      }
    },
  };
}

/* Messages */

let isReady;
const answers = new Map();
/** The last call of `open`, which others wait for. */
let opening = Promise.resolve();

onmessage = async ({ data: { module, id, name, argument, found } }) => {
  if (module) {
    isReady = init(module);
    return;
  }
  if (found) return answers.get(id)?.(found);
  let last = 0;
  const context = {
    now: (progress) => postMessage({ id, progress }),
    progress: (progress) => {
      if (!progress.isFirst && performance.now() - last < STEP) return;
      last = performance.now();
      postMessage({ id, progress });
    },
    lookUp: (wanted) =>
      new Promise((resolve) => {
        answers.set(id, resolve);
        postMessage({ id, wanted });
      }),
  };
  try {
    await isReady;
    if (name === "open") opening = functions.open(argument, context);
    else await opening.catch(() => {});
    postMessage({ id, result: await (name === "open" ? opening : functions[name](argument, context)) });
  } catch (error) {
    const isExpected = error instanceof PreflightError || error instanceof UsageError;
    const message = isExpected ? error.message : `The checks stopped: ${error.message}`;
    postMessage({ id, error: { message, code: error instanceof UsageError ? "configuration" : error.code } });
  }
};
