// Projects on disk.
import { closeSync, existsSync, lstatSync, openSync, readSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { EDGE, HEAD, MEDIA } from "./contents.js";
import { isComposition } from "./node.js";
import { ignoredOf, repositoryOf } from "./run-git.js";
import { UsageError } from "./usage-error.js";

const INDEX = "index.html";
/** Files that the checks read; for other files, the size and the first bytes are sufficient. */
export const TEXT = /\.(html?|css|[cm]?js)$/i;
const HTML = /\.html?$/i;
/** Directories that are never packed and may be large. References into them are still resolved. */
const SKIPPED = new Set([".git", "node_modules", "dist", ".next", "coverage"]);

/** Returns whether no project is searched for in a directory. */
export const isSkipped = (name) => name.startsWith(".") || SKIPPED.has(name);

export const portable = (path) => path.split(sep).join("/");

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

const isRoot = (path) => HTML.test(path) && isFile(path) && isComposition(readFileSync(path, "utf8"));

const isProject = (folder) => isRoot(join(folder, INDEX));

const NAMED = "pass a directory that contains compositions, one of its parent directories, or an HTML file";

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
    if (!existsSync(path)) throw new UsageError(`no such file or directory: ${path}`, { hint: NAMED });
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
    else throw new UsageError(`no HyperFrames project found in ${path} or its subdirectories`, { hint: NAMED });
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

/** Returns the pages below a directory, without what Git ignores. Links to directories are not followed. */
function pages(folder) {
  const found = [];
  let level = [{ folder, root: repositoryOf(folder) }];
  while (level.length > 0) {
    const here = level.flatMap(({ folder, root: above }) => {
      const root = existsSync(join(folder, ".git")) ? folder : above;
      const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !isSkipped(name));
      return entries.map((entry) => ({ entry, folder: join(folder, entry.name), root }));
    });
    const isPage = ({ entry, folder: path }) => HTML.test(entry.name) && (entry.isFile() || (entry.name === INDEX && isFile(path)));
    const wanted = here.filter((one) => one.entry.isDirectory() || isPage(one));
    const kept = withoutIgnored(wanted);
    found.push(...kept.filter(({ entry }) => !entry.isDirectory()).map(({ folder: path }) => path));
    level = kept.filter(({ entry }) => entry.isDirectory());
  }
  return found;
}

function withoutIgnored(all) {
  const ignored = new Map();
  for (const root of new Set(all.map((one) => one.root))) {
    const own = all.filter((one) => one.root === root && root !== undefined);
    if (own.length > 0) ignored.set(root, ignoredOf(root, own.map(({ folder }) => portable(relative(root, folder)))));
  }
  return all.filter(({ root, folder }) => root === undefined || !ignored.get(root).has(portable(relative(root, folder))));
}

/** Findings about paths that are not files, with the texts of the native program. */
const TEXTS = {
  "dangling-link": ["the target of the symbolic link does not exist", "restore its target, remove the link, or ignore it with .hyperframesignore"],
  "escaping-link": [
    "the symbolic link points outside the repository",
    "copy the file into the project; only files inside the repository without dotted names are packed",
  ],
  "link-cycle": ["the symbolic link points to one of its parent directories", "remove the link, or ignore it with .hyperframesignore"],
  "not-a-file": ["neither a file nor a directory; not packed", "ignore it with .hyperframesignore"],
  "unportable-name": ["the name is not valid Unicode", "rename it"],
};

/** Returns a finding about a path that is not a file. */
export function findingOf(code, path) {
  const [message, help] = TEXTS[code];
  return { code, path, message, help };
}

/** The files of a project on disk, and those of the repository that it refers to. */
export class DiskFiles {
  constructor(root, project) {
    this.root = root;
    this.realRoot = realpathSync(root);
    this.files = new Map();
    /** Findings about paths that are not files, and links that lead outside of the repository. */
    this.findings = [];
    this.outside = [];
    // Hidden files are packed only if .hyperframesignore negates the rule about them.
    const ignore = join(project, ".hyperframesignore");
    this.hidden = existsSync(ignore) && /^!/m.test(readFileSync(ignore, "utf8"));
    this.walk(project, new Set());
  }

  /** Adds what is at a repository path, and files in the same directory whose names differ in case only. */
  lookUp(path) {
    const folder = join(this.root, dirname(path));
    const wanted = path.slice(path.lastIndexOf("/") + 1);
    const names = existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
    for (const name of names.filter((name) => isSameName(name, wanted))) {
      const place = this.placeOf(join(folder, name));
      // A reference may have a dotted name; a link must not lead below one.
      const file = this.inside(join(folder, name), place.split("/").some((name) => name.startsWith(".")));
      const found = file && statSync(file);
      if (found?.isFile()) this.files.set(place, contents(file, name));
      // A directory is known by what is in it.
      else if (found?.isDirectory()) this.files.set(`${place}/.directory`, { size: 0 });
      else if (existsSync(join(folder, name))) this.outside.push(place);
    }
  }

  placeOf(path) {
    return portable(relative(this.root, path));
  }

  /** Adds the files of a folder; `above` are the folders above it, with links resolved, to detect cycles of links. */
  walk(folder, above) {
    const inside = new Set([...above, realpathSync(folder)]);
    for (const name of readdirSync(folder)) {
      if ((name.startsWith(".") && name !== ".hyperframesignore" && !this.hidden) || SKIPPED.has(name)) continue;
      const path = join(folder, name);
      const found = lstatSync(path, { throwIfNoEntry: false });
      const report = (code) => this.findings.push(findingOf(code, this.placeOf(path)));
      if (found === undefined) {
        // Names that are not UTF-8 have other characters here.
        if (name.includes("\ufffd")) report("unportable-name");
        continue;
      }
      if (!existsSync(path)) {
        report("dangling-link");
        continue;
      }
      const target = this.inside(path, !found.isSymbolicLink());
      if (target === undefined) {
        report("escaping-link");
        this.outside.push(this.placeOf(path));
        continue;
      }
      const kind = statSync(target);
      if (kind.isDirectory() && inside.has(target)) report("link-cycle");
      else if (kind.isDirectory()) this.walk(path, inside);
      else if (kind.isFile()) this.files.set(this.placeOf(path), contents(target, name));
      else report("not-a-file");
    }
  }

  /** Returns the real path, if it is inside the repository, and not below a dotted name unless `hidden`. */
  inside(path, hidden) {
    if (!existsSync(path)) return undefined;
    const target = realpathSync(path);
    const place = relative(this.realRoot, target);
    const isOutside = place === ".." || place.startsWith(`..${sep}`) || isAbsolute(place);
    return isOutside || (!hidden && place.split(sep).some((name) => name.startsWith("."))) ? undefined : target;
  }
}

export const isSameName = (one, other) => one.normalize().toLowerCase() === other.normalize().toLowerCase();

/** Returns bytes as text; nothing if they are not UTF-8. */
export function utf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

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
