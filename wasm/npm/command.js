// The command line without the native program.
import { parseArgs } from "node:util";
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { PreflightError, check, explain } from "./node.js";
import { layers, normalize, parseConfiguration, videoFormat } from "./configuration.js";
import { merged, picked, relocated } from "./report.js";
import { UsageError } from "./usage-error.js";
import { DiskFiles, projectsOf, repositoryOf } from "./disk.js";
import { IndexFiles, changedSince, stagedProjects } from "./git.js";

const several = { type: "string", multiple: true, default: [] };

const OPTIONS = {
  composition: { ...several, short: "c" },
  "aspect-ratio": { type: "string" },
  variables: { type: "string" },
  "variables-file": several,
  rows: several,
  "changed-since": { type: "string" },
  staged: { type: "boolean" },
  format: { type: "string" },
  json: { type: "boolean" },
  "max-findings": { type: "string" },
  explain: { type: "string" },
  deny: several,
  warn: several,
  allow: several,
  strict: { type: "boolean" },
  config: { type: "string" },
};

/** Options that apply to one project, and not to staged files. */
const OF_ONE = ["composition", "aspect-ratio", "variables", "variables-file", "rows"];

const SCHEMA = new URL("./hyperframes-ci.schema.json", import.meta.url);

const readConfiguration = (text, path) => parseConfiguration(text, path, JSON.parse(readFileSync(SCHEMA, "utf8")));

const portable = (path) => path.replaceAll("\\", "/");

/** Runs the command and sets the exit code. */
export function run(args) {
  try {
    const { values: flags, positionals: paths } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    if (flags.explain !== undefined) return process.stdout.write(explanation(flags.explain));
    validate(flags, paths);
    const results = flags.staged ? checkStaged(flags, paths) : checkPaths(flags, paths);
    report(results, flags.format ?? "human", args);
  } catch (error) {
    const isExpected =
      error instanceof UsageError || error instanceof PreflightError || error?.code?.startsWith?.("ERR_PARSE_ARGS");
    if (!isExpected) throw error;
    fail(args, { code: "usage", message: error.message }, 2);
  }
}

/** Prints an error: with `--json` as an object, as the native program does. */
function fail(args, error, exitCode) {
  const lines = [`error: ${error.message}`, ...(error.hint === undefined ? [] : [`  help: ${error.hint}`])];
  process.stderr.write(`${args.includes("--json") ? JSON.stringify({ error }) : lines.join("\n")}\n`);
  process.exitCode = exitCode;
}

function explanation(code) {
  const { severity, summary, explanation, url } = explain(code);
  return `${code} (${severity})\n\n${summary}\n${explanation ? `\n${explanation}\n` : ""}\n${url}\n`;
}

function validate(flags, paths) {
  if (flags.json) {
    if (flags.format && flags.format !== "json") throw new UsageError(`--json cannot be used with --format ${flags.format}`);
    flags.format = "json";
  }
  const set = OF_ONE.filter((name) => flags[name]?.length > 0);
  for (const name of [...set, ...(flags["changed-since"] === undefined ? [] : ["changed-since"])]) {
    if (flags.staged) throw new UsageError(`--staged cannot be used with --${name}`);
  }
  const levels = new Map();
  for (const level of ["deny", "warn", "allow"]) {
    for (const code of flags[level].flatMap((codes) => codes.split(","))) {
      if ((levels.get(code) ?? level) !== level) {
        throw new UsageError(`--${levels.get(code)} and --${level} both set the severity of ${code}`);
      }
      levels.set(code, level);
    }
  }
  flags.own = { strict: flags.strict ?? false };
  for (const level of ["deny", "warn", "allow"]) {
    flags.own[level] = [...levels].filter(([, other]) => other === level).map(([code]) => code);
  }
  // Unknown codes and formats are errors even if there is nothing to check.
  check({ "index.html": "" }, { severities: [[flags.own]], format: flags.format ?? "human" });
}

/** Returns the configuration of a repository, which is read once. */
function configurations(flags) {
  const known = new Map();
  return (root) => {
    if (!known.has(root)) {
      const path = flags.config ?? join(root, "hyperframes-ci.toml");
      if (flags.config !== undefined && !existsSync(path)) throw new UsageError(`cannot read ${path}: no such file`);
      known.set(root, readConfiguration(existsSync(path) ? readFileSync(path, "utf8") : "", path));
    }
    return known.get(root);
  };
}

function checkPaths(flags, paths) {
  const selected = projectsOf(paths.length > 0 ? paths : ["."]);
  if (selected.length > 1 && OF_ONE.some((name) => name !== "aspect-ratio" && flags[name]?.length > 0)) {
    throw new UsageError(`values and --composition require a single project, but ${selected.length} were found`);
  }
  const configuration = configurations(flags);
  const changes = new Map();
  return selected.map(({ folder, files, partial }) => {
    const root = repositoryOf(folder) ?? folder;
    const project = portable(relative(root, folder));
    const known = configuration(root);
    const options = { project, severities: layers(known, project, flags.own), ...entries(files, partial, flags) };
    options.videoFormat = videoFormat(known, project);
    options.format = flags.format ?? "human";
    if (flags["changed-since"] !== undefined) {
      if (!changes.has(root)) changes.set(root, [...changedSince(root, flags["changed-since"])]);
      options.changed = changes.get(root);
    }
    const values = (name, rows) =>
      flags[name].map((path) => ({ path: shown(root, path), text: readValues(name, path), rows }));
    options.values = [...values("variables-file", false), ...values("rows", true)];
    if (flags.variables !== undefined) options.variables = parseObject(flags.variables);
    if (flags["aspect-ratio"] !== undefined) options.aspectRatio = flags["aspect-ratio"];
    return forPeople(checkOnDemand(new DiskFiles(root, folder), options), root, options.format);
  });
}

/** Returns a result with paths relative to the current directory, if people read it. */
function forPeople(result, root, format) {
  if (format !== "human") return result;
  const displayed = (path) => {
    const [from, to] = [process.cwd(), join(root, path)];
    // Only the root in common: the absolute path is clearer.
    return portable(from.split(sep)[1] === to.split(sep)[1] ? relative(from, to) : to);
  };
  return { ...result, text: relocated(result, displayed) };
}

/** Returns the entries: those of the flags, or index.html and the files that the user names. */
function entries(files, partial, flags) {
  if (flags.composition?.length > 0) return { compositions: flags.composition };
  const hasValues = flags.variables !== undefined || flags["variables-file"]?.length > 0 || flags.rows?.length > 0;
  if (files.length === 0) return {};
  return { compositions: partial || hasValues ? files : ["index.html", ...files], partial };
}

/** Returns the path of a file in findings. */
function shown(root, path) {
  const inside = relative(root, resolve(path));
  return portable(inside.startsWith("..") || isAbsolute(inside) ? resolve(path) : inside);
}

function readValues(name, path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--${name}: cannot read ${path}: ${error.message}`);
  }
}

function parseObject(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--variables is not valid JSON: ${error.message}`);
  }
}

function checkStaged(flags, paths) {
  return stagedProjects(paths, (index) => {
    const path = join(index.root, "hyperframes-ci.toml");
    const read = (text) => readConfiguration(text ?? "", path);
    const configuration = flags.config === undefined ? read(index.text("hyperframes-ci.toml")) : configurations(flags)(index.root);
    let before;
    if (flags.config === undefined && index.changed.has("hyperframes-ci.toml")) {
      try {
        before = read(index.textInHead("hyperframes-ci.toml"));
      } catch {
        before = read("");
      }
    }
    return (found) => {
      const { project, files, partial } = found;
      const options = { project, severities: layers(configuration, project, flags.own), ...entries(files, partial, {}) };
      options.videoFormat = videoFormat(configuration, project);
      if (before) options.previousSeverities = layers(before, project, flags.own);
      options.format = flags.format ?? "human";
      options.changed = [...index.changed];
      const from = new IndexFiles(index, project);
      const result = checkOnDemand(from, options, (result) => {
        options.changed = [...index.changed, ...from.changedThroughLinks(result.used)];
        options.untracked = result.missing.filter((path) => index.isOnDisk(path));
      });
      const own = configuration.entries.filter((entry) => entry.project === project);
      const added = own.map((entry) => checkEntry(index, from, options, configuration, before, entry, flags));
      const all = [result, ...added.filter((more) => more !== undefined)];
      return all.map((one) => forPeople(one, index.root, options.format));
    };
  }).flat();
}

/** Options of an entry about its composition and values. */
const ENTRY_OPTIONS = ["composition", "aspect-ratio", "variables", "variables-file", "rows"];

const setting = ({ defaults }, entry, name) => entry[name] ?? defaults[name];

/** Returns whether the commit adds or changes an entry. */
function isNewEntry(configuration, before, entry) {
  const key = (file, one) => JSON.stringify([one.project, one.check, ...ENTRY_OPTIONS.map((name) => setting(file, one, name) ?? null)]);
  return before !== undefined && !before.entries.some((other) => key(before, other) === key(configuration, entry));
}

/** Returns what an entry of the configuration adds to the findings of its project: its values come from the index. */
function checkEntry(index, from, options, configuration, before, entry, flags) {
  const own = optionsOfEntry(index, configuration, entry);
  if (ENTRY_OPTIONS.every((name) => setting(configuration, entry, name) === undefined)) return undefined;
  const isWhole = isNewEntry(configuration, before, entry) || own.values.some(({ path }) => index.changed.has(path));
  const place = ({ code, path, span, message }) => JSON.stringify([code, path, span, message]);
  const project = { ...options, changed: undefined, previousSeverities: undefined, severities: [[{}]] };
  const known = new Set(check(from.files, project).diagnostics.map(place));
  const severities = [[configuration.check, entry.check, flags.own]];
  const result = check(from.files, { ...project, ...own, severities, changed: isWhole ? undefined : options.changed });
  return picked(result, options.format, (found) => !known.has(place(found)));
}

/** Returns the options of an entry. */
function optionsOfEntry(index, configuration, entry) {
  const get = (name) => setting(configuration, entry, name);
  const values = [];
  for (const name of ["variables-file", "rows"]) {
    // Rows of standard input are known only when they are rendered.
    if (get(name) === undefined || get(name) === "-") continue;
    const path = normalize(get(name));
    const text = index.read(path);
    if (text !== undefined) values.push({ path, text, rows: name === "rows" });
    else if (index.changed.has(path)) {
      throw new UsageError(`${path} is not in the index: ${name} of the entry ${JSON.stringify(entry.name ?? entry.project)}`);
    }
  }
  const composition = get("composition");
  const compositions = composition === undefined ? undefined : [composition];
  return { values, variables: get("variables"), aspectRatio: get("aspect-ratio"), compositions, partial: undefined };
}

/** Checks a project. Files outside of it are read if a reference leads to them. */
function checkOnDemand(from, options, finish) {
  const tried = new Set();
  for (;;) {
    const result = check(from.files, options);
    const before = from.files.size;
    for (const path of result.missing.filter((path) => !tried.has(path))) {
      tried.add(path);
      from.lookUp(path);
    }
    if (from.files.size > before) continue;
    if (!finish) return result;
    finish(result);
    return check(from.files, options);
  }
}

function report(results, format, args) {
  const errors = results.reduce((count, result) => count + result.errors, 0);
  // Without a project, there is a report without findings.
  const all = results.length > 0 ? results : [check({}, { changed: [], format })];
  process.stdout.write(merged(all, format));
  if (errors > 0) {
    const message = `the checks found ${errors} error${errors === 1 ? "" : "s"}`;
    fail(args, { code: "preflight_failed", message, hint: "run `hyperframes-preflight --explain <CODE>` for details" }, 5);
  }
}
