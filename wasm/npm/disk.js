// Projects on disk.
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { EDGE, HEAD, MEDIA } from "./contents.js";
import { isComposition } from "./node.js";
import { UsageError } from "./usage-error.js";

const INDEX = "index.html";
/** Files that the checks read; for other files, the size and the first bytes are sufficient. */
export const TEXT = /\.(html?|css|[cm]?js)$/i;
const HTML = /\.html?$/i;
/** Directories that are never packed and may be large. References into them are still resolved. */
const SKIPPED = new Set(["node_modules", "dist", ".git", ".next"]);
/** Directories at the root of a project that are not packed by default. */
const OUTPUTS = new Set(["renders", "snapshots"]);

/** Returns whether no project is searched for in a directory. */
export const isSkipped = (name) => name.startsWith(".") || SKIPPED.has(name) || OUTPUTS.has(name);

export const portable = (path) => path.split(sep).join("/");

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

const isRoot = (path) => HTML.test(path) && isFile(path) && isComposition(readFileSync(path, "utf8"));

const isProject = (folder) => isRoot(join(folder, INDEX));

/** Returns the nearest directory above, or itself, that contains a `.git`. */
export function repositoryOf(folder) {
  for (; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Returns the projects of paths: project directories, directories above them, and files inside them. Files that belong to
 * no project are skipped. Each has the files that are entries of their own.
 */
export function projectsOf(paths) {
  const found = new Map();
  const add = (folder, files, partial) => {
    const project = found.get(folder) ?? { folder, files: [], partial };
    found.set(folder, project);
    for (const file of files.map((file) => portable(relative(folder, file)))) {
      if (!project.files.includes(file)) project.files.push(file);
    }
  };
  for (const path of paths) {
    if (!existsSync(path)) throw new UsageError(`no such file or directory: ${path}`);
    const whole = realpathSync(path);
    if (!statSync(whole).isDirectory()) {
      const folder = projectOf(whole);
      if (folder) add(folder, isRoot(whole) ? [whole] : [], !isProject(folder));
      continue;
    }
    const projects = search(whole);
    const blocks = projects.length > 0 || existsSync(join(whole, INDEX)) ? [] : pages(whole).filter(isRoot);
    if (projects.length > 0) projects.forEach((folder) => add(folder, [], false));
    else if (existsSync(join(whole, INDEX))) add(whole, [], false);
    else if (blocks.length > 0) add(whole, blocks, true);
    else throw new UsageError(`no HyperFrames project found in ${path} or its subdirectories`);
  }
  for (const project of found.values()) project.files.sort();
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** Returns the project of a file: the nearest directory above that is one, or its own directory. */
function projectOf(file) {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (isProject(folder)) return folder;
    if (existsSync(join(folder, ".git")) || dirname(folder) === folder) break;
  }
  return HTML.test(file) && readFileSync(file, "utf8").includes("data-composition-") ? dirname(file) : undefined;
}

/** Returns the directory if it is a project, otherwise the projects below it. A project does not contain others. */
function search(folder) {
  if (isProject(folder)) return [folder];
  const folders = pages(folder).filter((path) => path.endsWith(`${sep}${INDEX}`)).map(dirname).sort();
  const found = [];
  for (const candidate of folders) {
    const isNested = found.some((project) => candidate.startsWith(project + sep));
    if (!isNested && isProject(candidate)) found.push(candidate);
  }
  return found;
}

/** Returns the pages below a directory, without what Git ignores. */
function pages(folder) {
  const isSearched = (path) => HTML.test(path) && !path.split("/").some(isSkipped);
  let paths;
  try {
    const list = ["-c", "core.fsmonitor=false", "ls-files", "-co", "--exclude-standard", "-z"];
    const options = { cwd: folder, maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "ignore"] };
    paths = execFileSync("git", list, options).toString().split("\0");
  } catch {
    paths = [];
    const walk = (inside) => {
      for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
        const path = inside ? `${inside}/${entry.name}` : entry.name;
        if (entry.isDirectory() && !isSkipped(entry.name)) walk(path);
        else if (entry.isFile()) paths.push(path);
      }
    };
    walk("");
  }
  return [...new Set(paths)].filter(isSearched).map((path) => join(folder, path)).filter(isFile);
}

/** The files of a project on disk, and those of the repository that it refers to. */
export class DiskFiles {
  constructor(root, project) {
    this.root = root;
    this.files = new Map();
    // Hidden files are packed only if .hyperframesignore negates the rule about them.
    const ignore = join(project, ".hyperframesignore");
    this.hidden = existsSync(ignore) && /^!/m.test(readFileSync(ignore, "utf8"));
    this.walk(project, new Set());
  }

  /** Adds what is at a repository path, and files in the same directory whose names differ in case only. */
  lookUp(path) {
    const folder = join(this.root, dirname(path));
    const wanted = path.slice(path.lastIndexOf("/") + 1);
    const names = existsSync(folder) ? readdirSync(folder) : [];
    for (const name of names.filter((name) => isSameName(name, wanted))) {
      const file = this.inside(join(folder, name));
      const found = file && statSync(file);
      const place = portable(relative(this.root, join(folder, name)));
      if (found?.isFile()) this.files.set(place, contents(file, name));
      // A directory is known by what is in it.
      else if (found?.isDirectory()) this.files.set(`${place}/.directory`, { size: 0 });
    }
  }

  walk(folder, above) {
    const here = realpathSync(folder);
    if (above.has(here)) return;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if ((name.startsWith(".") && name !== ".hyperframesignore" && !this.hidden) || SKIPPED.has(name)) continue;
      const target = this.inside(path);
      if (!target) continue;
      const found = statSync(target);
      if (found.isDirectory()) this.walk(path, new Set([...above, here]));
      else if (found.isFile()) this.files.set(portable(relative(this.root, path)), contents(target, name));
    }
  }

  /** Returns the real path, if it is inside the repository. */
  inside(path) {
    if (!existsSync(path)) return undefined;
    const target = realpathSync(path);
    const place = relative(realpathSync(this.root), target);
    return place.startsWith("..") || isAbsolute(place) ? undefined : resolve(target);
  }
}

export const isSameName = (one, other) => one.normalize().toLowerCase() === other.normalize().toLowerCase();

/** Returns the contents of a file, or its size and the bytes that are checked if it is not a text. */
export function contents(file, name) {
  if (TEXT.test(name) || name === ".hyperframesignore") return new Uint8Array(readFileSync(file));
  const { size } = statSync(file);
  const handle = openSync(file);
  try {
    return edges(name, size, (start, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(handle, bytes, 0, length, start));
    });
  } finally {
    closeSync(handle);
  }
}

/** Returns the size and the bytes of a file that are checked; `read` returns as many bytes from a position on. */
export function edges(name, size, read) {
  if (!MEDIA.test(name)) return { size, head: read(0, HEAD) };
  return { size, head: read(0, EDGE), tail: size > EDGE ? read(size - EDGE, EDGE) : undefined };
}
