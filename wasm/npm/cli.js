#!/usr/bin/env node
// Command line for use without the native binary, such as in Git hooks: checks the projects of the given paths.
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, openSync, readSync, closeSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { parse as parseToml } from "smol-toml";
import { PreflightError, check, isComposition, version } from "./node.js";

const USAGE = `Check HyperFrames compositions before uploading

Usage: hyperframes-preflight [OPTIONS] [PATH]...

Arguments:
  [PATH]...  Project directories, or files in projects; other files are skipped [default: .]

Options:
  --deny <CODES>     Report these checks as errors (comma-separated; may be repeated)
  --warn <CODES>     Report these checks as warnings
  --allow <CODES>    Ignore these checks
  --strict           Treat warnings as errors
  --format <FORMAT>  Output format [default: human] [possible values: human, json, github, sarif]
  --version          Print version
  --help             Print help

Severities are also read from [check] in hyperframes-ci.toml at the root of the repository.

Exit codes:
  0  No errors
  2  Invalid command line or configuration
  5  The checks found errors
`;

const INDEX = "index.html";
const CONFIG = "hyperframes-ci.toml";
const HEAD = 256;
/** Number of bytes at the start and at the end of media files that are checked. */
const EDGE = 64 * 1024;
const MEDIA = /\.(mp4|m4v|m4a|mov|webm|mkv|mp3|wav|flac|png|jpe?g|gif|webp|svg)$/i;
const LEVELS = ["deny", "warn", "allow"];
/** Files that the checks read; for other files, the size and the first bytes are sufficient. */
const TEXT = /\.(html?|css|[cm]?js)$/i;
/** Directories that are never packed and may be large. References into them are still resolved. */
const SKIPPED = new Set(["node_modules", "dist", ".git", ".next"]);

class UsageError extends Error {}

function main() {
  const { values: flags, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      deny: { type: "string", multiple: true },
      warn: { type: "string", multiple: true },
      allow: { type: "string", multiple: true },
      strict: { type: "boolean" },
      format: { type: "string", default: "human" },
      version: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (flags.help) return print(USAGE);
  if (flags.version) return print(`${version}\n`);
  let errors = 0;
  const all = [];
  for (const project of projects(positionals.length > 0 ? positionals : ["."])) {
    const root = repository(project);
    const options = { ...levels(root, flags), format: flags.format, project: portable(relative(root, project)) };
    const result = checkOnDisk(root, project, options);
    errors += result.errors;
    all.push(result);
  }
  if (flags.format === "json") {
    const sum = (name) => all.reduce((count, result) => count + result[name], 0);
    const [warnings, notes] = [sum("warnings"), sum("notes")];
    const diagnostics = all.flatMap((result) => result.diagnostics);
    print(`${JSON.stringify({ diagnostics, errors, warnings, notes }, null, 2)}\n`);
  } else if (flags.format === "sarif" && all.length > 1) {
    const [first, ...rest] = all.map((result) => JSON.parse(result.text));
    first.runs.push(...rest.flatMap((log) => log.runs));
    print(`${JSON.stringify(first, null, 2)}\n`);
  } else {
    print(all.map((result) => result.text).join(""));
  }
  if (errors > 0) {
    process.stderr.write(`error: the checks found ${errors} error${errors === 1 ? "" : "s"}\n`);
    process.exitCode = 5;
  }
}

function print(text) {
  process.stdout.write(text);
}

/** Returns the projects of the paths, without duplicates. */
function projects(paths) {
  const found = new Set();
  for (const path of paths) {
    if (!existsSync(path)) throw new UsageError(`no such file or directory: ${path}`);
    const whole = realpathSync(path);
    const isFolder = statSync(whole).isDirectory();
    const start = isFolder ? whole : dirname(whole);
    const project = nearestProject(start);
    if (project) found.add(project);
    else if (isFolder) throw new UsageError(`no HyperFrames project found in ${path} or its parent directories`);
    else if (/\.html?$/i.test(whole) && readFileSync(whole, "utf8").includes("data-composition-")) found.add(start);
  }
  return [...found].sort();
}

function nearestProject(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    const index = join(folder, INDEX);
    if (existsSync(index) && isComposition(readFileSync(index, "utf8"))) return folder;
    if (existsSync(join(folder, ".git")) || dirname(folder) === folder) return undefined;
  }
}

/** Returns the repository of a project, or the project itself if it is not in a repository. */
function repository(project) {
  for (let folder = project; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return project;
  }
}

/** Returns the severities: flags override the configuration. */
function levels(root, flags) {
  const codes = (name) => (flags[name] ?? []).flatMap((list) => list.split(","));
  const said = new Set(LEVELS.flatMap(codes));
  if (said.size < LEVELS.flatMap(codes).length) throw new UsageError("a code is passed more than once to --deny, --warn and --allow");
  const config = configuration(join(root, CONFIG));
  const merged = Object.fromEntries(
    LEVELS.map((name) => [name, [...(config[name] ?? []).filter((code) => !said.has(code)), ...codes(name)]]),
  );
  return { ...merged, strict: (config.strict ?? false) || (flags.strict ?? false) };
}

function configuration(path) {
  if (!existsSync(path)) return {};
  try {
    const { check: config = {} } = parseToml(readFileSync(path, "utf8"));
    const unknown = Object.keys(config).find((name) => ![...LEVELS, "strict"].includes(name));
    if (unknown) throw new Error(`unknown key ${unknown} in [check] (expected deny, warn, allow or strict)`);
    return config;
  } catch (error) {
    throw new UsageError(`${path}: ${error.message}`);
  }
}

/** Checks a project. Files outside the project are read if a reference leads to them. */
function checkOnDisk(root, project, options) {
  const files = new Map();
  // Hidden files are packed only if .hyperframesignore negates the rule about them.
  const ignore = join(project, ".hyperframesignore");
  const hidden = existsSync(ignore) && /^!/m.test(readFileSync(ignore, "utf8"));
  walk(root, project, files, new Set(), hidden);
  const tried = new Set();
  for (;;) {
    const result = check(files, options);
    const before = files.size;
    for (const path of result.missing.filter((path) => !tried.has(path))) {
      tried.add(path);
      lookUp(root, path, files);
    }
    if (files.size === before) return result;
  }
}

/** Adds the file at a repository path, and files in the same directory whose names differ in case only. */
function lookUp(root, path, files) {
  const folder = join(root, dirname(path));
  const wanted = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names.filter((name) => name.toLowerCase() === wanted)) {
    const file = inside(root, join(folder, name));
    if (file && statSync(file).isFile()) files.set(portable(relative(root, join(folder, name))), contents(file, name));
  }
}

function walk(root, folder, files, above, hidden) {
  const here = realpathSync(folder);
  if (above.has(here)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if ((name.startsWith(".") && name !== ".hyperframesignore" && !hidden) || SKIPPED.has(name)) continue;
    const target = inside(root, path);
    if (!target) continue;
    const found = statSync(target);
    if (found.isDirectory()) walk(root, path, files, new Set([...above, here]), hidden);
    else if (found.isFile()) files.set(portable(relative(root, path)), contents(target, name));
  }
}

/** Returns the real path, if it is inside the repository. */
function inside(root, path) {
  if (!existsSync(path)) return undefined;
  const target = realpathSync(path);
  const place = relative(realpathSync(root), target);
  return place.startsWith("..") || isAbsolute(place) ? undefined : resolve(target);
}

function contents(file, name) {
  if (TEXT.test(name) || name === ".hyperframesignore") return new Uint8Array(readFileSync(file));
  const { size } = statSync(file);
  const handle = openSync(file);
  const read = (length, position) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(handle, bytes, 0, length, position));
  };
  try {
    if (!MEDIA.test(name)) return { size, head: read(HEAD, 0) };
    return { size, head: read(EDGE, 0), tail: size > EDGE ? read(EDGE, size - EDGE) : undefined };
  } finally {
    closeSync(handle);
  }
}

function portable(path) {
  return path.split(sep).join("/");
}

try {
  main();
} catch (error) {
  const isExpected = error instanceof UsageError || error instanceof PreflightError || error?.code?.startsWith("ERR_PARSE_ARGS");
  if (!isExpected) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 2;
}
