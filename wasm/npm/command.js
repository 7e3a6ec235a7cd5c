// The command line without the native program.
import { parseArgs } from "node:util";
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { PreflightError, check, explain } from "./node.js";
import { layers, normalize, parseConfiguration, videoFormat } from "./configuration.js";
import { merged, picked, relocated } from "./report.js";
import { repositoryOf } from "./run-git.js";
import { UsageError } from "./usage-error.js";
import { DiskFiles, projectsOf, utf8 } from "./disk.js";
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

/** Options of the native program that need more than the checks. */
const NATIVE = ["all", "dry-run", "entry", "fix", "official", "on", "save-report"];

/** Options that apply to one project, and not to staged files. */
const OF_ONE = ["composition", "aspect-ratio", "variables", "variables-file", "rows"];

const CONFIGURATION = "hyperframes-ci.toml";

const SCHEMA = new URL("./hyperframes-ci.schema.json", import.meta.url);

const readConfiguration = (text, path) => parseConfiguration(text, path, JSON.parse(readFileSync(SCHEMA, "utf8")));

const portable = (path) => path.split(sep).join("/");

/** Runs the command and sets the exit code. */
export function run(args) {
  try {
    const { values: flags, positionals: paths } = parseArgs({ args: args, options: OPTIONS, allowPositionals: true });
    if (flags.explain !== undefined) return process.stdout.write(explanation(flags.explain));
    validate(flags, paths);
    const results = flags.staged ? checkStaged(flags, paths) : checkPaths(flags, paths);
    report(results, flags, args);
  } catch (error) {
    const isOfArguments = error?.code?.startsWith?.("ERR_PARSE_ARGS");
    if (!(error instanceof UsageError || error instanceof PreflightError || isOfArguments)) throw error;
    const native = isOfArguments && NATIVE.find((name) => error.message.includes(`'--${name}'`));
    if (native) {
      const hint = "it is a package for the platform, which npm installs as an optional dependency";
      return fail(args, { code: "usage", message: `--${native} requires the native program, which is not installed`, hint }, 2);
    }
    fail(args, { code: error instanceof UsageError ? error.code : "usage", message: error.message, hint: error.hint }, 2);
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

const ONE = "remove one of them";

function validate(flags, paths) {
  flags.most = wholeNumber("--max-findings", flags["max-findings"] ?? "20");
  if (flags.json) {
    if (flags.format && flags.format !== "json") throw new UsageError(`--json cannot be used with --format ${flags.format}`, { hint: ONE });
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
        throw new UsageError(`--${levels.get(code)} and --${level} both set the severity of ${code}`, { hint: ONE });
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

function wholeNumber(name, text) {
  const number = Number(text);
  if (/^\+?\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new UsageError(`invalid value '${text}' for '${name} <N>': invalid digit found in string`, { hint: "see `hyperframes-preflight --help`" });
}

/** Returns the configuration of a repository, which is read once. */
function configurations(flags) {
  const known = new Map();
  return (root) => {
    if (!known.has(root)) {
      const path = flags.config ?? join(root, CONFIGURATION);
      const text = flags.config === undefined && !existsSync(path) ? "" : readText(path, "", "config_unreadable", "check the path and the permissions");
      known.set(root, readConfiguration(text, path));
    }
    return known.get(root);
  };
}

function checkPaths(flags, paths) {
  const selected = projectsOf(paths.length > 0 ? paths : ["."]);
  if (selected.length > 1 && OF_ONE.some((name) => name !== "aspect-ratio" && flags[name]?.length > 0)) {
    const message = `values and --composition require a single project, but ${selected.length} were found`;
    throw new UsageError(message, { hint: "pass a single project directory" });
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
    options.maxFindings = 0;
    if (flags["changed-since"] !== undefined) {
      if (!changes.has(root)) changes.set(root, [...changedSince(root, flags["changed-since"])]);
      options.changed = changes.get(root);
    }
    const values = (name, rows) =>
      flags[name].map((path) => ({ path: shown(root, path), text: readValues(name, path), rows }));
    options.values = [...values("variables-file", false), ...values("rows", true)];
    if (flags.variables !== undefined) options.variables = parseObject(flags.variables);
    if (flags["aspect-ratio"] !== undefined) options.aspectRatio = flags["aspect-ratio"];
    return located(checkOnDemand(new DiskFiles(root, folder), options), root, options.format);
  });
}

/** Returns a result with paths relative to the current directory for people, and to the repository around it for programs. */
function located(result, root, format) {
  const here = process.cwd();
  const base = format === "human" ? here : (repositoryOf(here) ?? here);
  return base === root ? result : relocated(result, format, (path) => relativeTo(base, join(root, path)));
}

function relativeTo(base, path) {
  const [from, to] = [base, path].map((one) => portable(one).split("/").filter((name) => name !== ""));
  // Only the root in common: the absolute path is clearer.
  return from.length > 0 && from[0] !== to[0] ? portable(path) : portable(relative(base, path)) || ".";
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

/** What the native program says about an error of the system. */
const REASONS = {
  ENOENT: "No such file or directory (os error 2)",
  EACCES: "Permission denied (os error 13)",
  EISDIR: "Is a directory (os error 21)",
};

function readText(path, label, code, hint) {
  const refuse = (reason) => new UsageError(`${label}cannot read ${path}: ${reason}`, { code, hint });
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw refuse(REASONS[error.code] ?? error.message);
  }
  const text = utf8(bytes);
  if (text === undefined) throw refuse("the text is not valid UTF-8");
  return text;
}

const readValues = (name, path) => readText(path, `--${name}: `, "input_unreadable", "check that the file exists and is readable");

function parseObject(text) {
  const hint = 'pass a JSON object of variables and values, for example {"title": "Hello"}';
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--variables is not valid JSON: ${error.message}`, { code: "invalid_json", hint });
  }
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
  const kind = { string: "a string", number: "a number", boolean: "a boolean", object: value === null ? "null" : "an array" }[typeof value];
  throw new UsageError(`--variables: the value must be a JSON object, not ${kind}`, { code: "invalid_json", hint });
}

function checkStaged(flags, paths) {
  return stagedProjects(paths, (index) => {
    const path = join(index.root, CONFIGURATION);
    const read = (text) => readConfiguration(text ?? "", path);
    if (flags.config === undefined && index.has(CONFIGURATION) && index.read(CONFIGURATION) === undefined) {
      throw new UsageError(`${CONFIGURATION} in the index is not valid UTF-8`, { hint: "save it as UTF-8, and add it again" });
    }
    const configuration = flags.config === undefined ? read(index.read(CONFIGURATION)) : configurations(flags)(index.root);
    let before;
    if (flags.config === undefined && index.changed.has(CONFIGURATION)) {
      try {
        before = read(index.textInHead(CONFIGURATION));
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
      options.maxFindings = 0;
      options.changed = [...index.changed];
      const from = new IndexFiles(index, project);
      const result = checkOnDemand(from, options, (result) => {
        const through = from.changedThroughLinks(result.used);
        options.changed = [...index.changed, ...through];
        options.untracked = result.missing.filter((path) => index.isOnDisk(path));
        return through.length + options.untracked.length > 0;
      });
      const own = configuration.entries.filter((entry) => entry.project === project);
      const added = own.map((entry) => checkEntry(index, from, options, configuration, before, entry, flags));
      const all = [result, ...added.filter((more) => more !== undefined)];
      if (index.hasChangedLinks()) all.push(escaping(from, options));
      return all.map((one) => located(one, index.root, options.format));
    };
  }).flat();
}

/** Returns the findings about references that leave the repository: a changed link may be why, and they have no target. */
function escaping(from, options) {
  const result = check(from.files, { ...options, changed: undefined, previousSeverities: undefined });
  return { ...picked(result, options.format, ({ code }) => code === "escaping-reference"), isEntry: true };
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
  return { ...picked(result, options.format, (found) => !known.has(place(found))), isEntry: true };
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

/**
 * Checks a project. Files outside of it are read if a reference leads to them. `finish` sets options that depend on the
 * result, and returns whether there are any.
 */
function checkOnDemand(from, options, finish) {
  Object.assign(options, { findings: from.findings, outside: from.outside });
  const tried = new Set();
  const known = () => from.files.size + from.outside.length;
  for (;;) {
    const result = check(from.files, options);
    const before = known();
    for (const path of result.missing.filter((path) => !tried.has(path))) {
      tried.add(path);
      from.lookUp(path);
    }
    if (known() > before) continue;
    return finish?.(result) ? check(from.files, options) : result;
  }
}

function report(results, flags, args) {
  const format = flags.format ?? "human";
  // Without a project, there is a report without findings.
  const all = results.length > 0 ? results : [check({}, { changed: [], format })];
  const { text, errors, warnings } = merged(all, format, flags.most);
  process.stdout.write(text);
  if (errors > 0) {
    const message = `the checks found ${counted(errors, "error")}`;
    fail(args, { code: "preflight_failed", message, hint: "run `hyperframes-preflight --explain <CODE>` for details" }, 5);
  } else if (!flags.json) {
    process.stderr.write(`✓ ${summary(results, warnings, flags)}\n`);
  }
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function summary(results, warnings, flags) {
  const isCounted = ({ isEntry, compositions }) => !isEntry && (!flags.staged || compositions > 0);
  const projects = results.filter(isCounted);
  if (projects.length === 0) return flags.staged ? "no composition is affected by the staged files" : "no HyperFrames project found: nothing to check";
  const compositions = projects.reduce((count, result) => count + result.compositions, 0);
  const changes = flags.staged ? " affected by the staged files" : flags["changed-since"] === undefined ? "" : ` affected by changes since ${flags["changed-since"]}`;
  const verdict = warnings === 0 ? "no errors or warnings" : counted(warnings, "warning");
  return `${counted(compositions, "composition")}${changes} in ${counted(projects.length, "project")}: ${verdict}`;
}
