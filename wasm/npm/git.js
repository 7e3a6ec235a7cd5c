// Projects in the index of Git: what the next commit will have.
import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, posix, relative, resolve } from "node:path";
import { isComposition } from "./node.js";
import { TEXT, contents, edges, findingOf, isSameName, isSkipped, portable, utf8 } from "./disk.js";
import { HEAD } from "./contents.js";
import { git, list, repositoryOf } from "./run-git.js";
import { UsageError } from "./usage-error.js";

/** Larger blobs are not read for their first bytes if the working tree has the file. */
const LARGE = 1024 ** 2;
/** Larger blobs are not read at all: Git returns whole blobs only. */
const LARGEST = 256 * 1024 ** 2;
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n[^]*?^size (\d+)$/m;
const [FILE, LINK, SUBMODULE] = ["100", "120", "160"];
const DIFF = ["--name-only", "--no-renames", "-z", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];

function isUnborn(root) {
  const works = (args) => {
    try {
      git(root, args);
      return true;
    } catch {
      return false;
    }
  };
  return !works(["rev-parse", "--verify", "--quiet", "HEAD"]) && works(["symbolic-ref", "--quiet", "HEAD"]);
}

function unknownRevision(revision) {
  const hint = "fetch it; a shallow clone only has the latest commit (use `fetch-depth: 0` with actions/checkout)";
  return new UsageError(`revision ${JSON.stringify(revision)} not found in this clone`, { code: "unknown_revision", hint });
}

/** Returns the files that differ from the merge base of a revision and `HEAD`, including deleted and untracked ones. */
export function changedSince(root, revision) {
  const untracked = () => list(git(root, ["ls-files", "--others", "--exclude-standard", "-z"]));
  if (revision === "HEAD" && isUnborn(root)) return new Set([...list(git(root, ["ls-files", "-z"])), ...untracked()]);
  let commit;
  try {
    const name = `${revision}^{commit}`;
    commit = git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", name]).toString().trim();
  } catch (error) {
    // Git says nothing about a revision that it does not know.
    if (!/^git failed: $/.test(error.message)) throw error;
    throw unknownRevision(revision);
  }
  try {
    commit = git(root, ["merge-base", commit, "HEAD"]).toString().trim();
  } catch {
    // Without a merge base, as in a shallow clone, compared with the revision itself, which misses no change.
  }
  return new Set([...list(git(root, ["diff", "--relative", ...DIFF, commit])), ...untracked()]);
}

/** Returns the files whose staged content differs from `HEAD`, or from what pre-commit compares with. */
function staged(root) {
  const { PRE_COMMIT, PRE_COMMIT_FROM_REF, GIT_INDEX_FILE } = process.env;
  const revision = (PRE_COMMIT && PRE_COMMIT_FROM_REF) || "HEAD";
  const all = () => new Set(list(git(root, ["ls-files", "-z"])));
  if (revision === "HEAD" && isUnborn(root)) return all();
  let changed;
  try {
    changed = new Set(list(git(root, ["diff-index", "--cached", ...DIFF, "--end-of-options", `${revision}^{commit}`, "--"])));
  } catch (error) {
    throw revision === "HEAD" || error.code !== "git_failed" ? error : unknownRevision(revision);
  }
  // Outside of a commit, as in `pre-commit run --all-files`, all files are meant.
  return changed.size === 0 && PRE_COMMIT && !PRE_COMMIT_FROM_REF && !GIT_INDEX_FILE ? all() : changed;
}

/**
 * Checks the projects of paths, or of the whole repository. `prepare` gets the index of each repository and returns a
 * function that checks a project of it.
 */
export function stagedProjects(paths, prepare) {
  const repositories = new Map();
  for (const path of paths.length > 0 ? paths : ["."]) {
    const whole = realPath(path);
    const root = repositoryOf(statSync(whole, { throwIfNoEntry: false })?.isDirectory() ? whole : dirname(whole));
    if (!root) throw new UsageError(`${path} is not in a Git repository`, { hint: "run it in the repository, without --staged anywhere else" });
    const places = repositories.get(root) ?? [];
    repositories.set(root, places);
    if (paths.length > 0) places.push(portable(relative(root, whole)));
  }
  const isBelow = (path, folder) => folder === "" || path === folder || path.startsWith(`${folder}/`);
  return [...repositories].flatMap(([root, places]) => {
    const index = new Index(root);
    const work = prepare(index);
    if (index.changed.size === 0) return [];
    const isChosen = ({ project }) =>
      places.length === 0 || places.some((place) => isBelow(place, project) || isBelow(project, place));
    return index.projects().filter(isChosen).map(work);
  });
}

const isHidden = (path) => path.split("/").some((name) => name.startsWith("."));

/** Returns an absolute path with the links of its existing part resolved: a deleted file does not exist any more. */
function realPath(path) {
  const whole = resolve(path);
  if (existsSync(whole) || dirname(whole) === whole) return realpathSync(whole);
  return join(realPath(dirname(whole)), relative(dirname(whole), whole));
}

/** The index of a repository. */
export class Index {
  constructor(root) {
    this.root = root;
    this.entries = new Map();
    const unmerged = new Set();
    const listing = git(root, ["ls-files", "--stage", "-z"]);
    for (const record of list(listing)) {
      const tab = record.indexOf("\t");
      const [[mode, blob, stage], path] = [record.slice(0, tab).split(" "), record.slice(tab + 1)];
      if (stage !== "0") unmerged.add(path);
      // Names that are not UTF-8 have other characters here.
      else this.entries.set(path, { kind: mode.slice(0, 3), blob, isUnicode: !path.includes("\ufffd") || listing.includes(`${record}\0`) });
    }
    if (unmerged.size > 0) {
      const hint = "resolve the conflicts, and run `git add` for the files";
      throw new UsageError(`merge conflicts in ${[...unmerged].sort().join(", ")}`, { code: "unmerged_files", hint });
    }
    // `git add --intent-to-add` adds entries without content, which a commit leaves out.
    for (const path of list(git(root, ["diff-files", "--name-only", "--diff-filter=A", "-z"]))) this.entries.delete(path);
    this.changed = staged(root);
    this.hasLinks = [...this.entries.values()].some(({ kind }) => kind !== FILE);
    this.folders = new Map([["", new Set()]]);
    for (const path of this.entries.keys()) {
      for (let [inside, place] = [path, path.lastIndexOf("/")]; ; [inside, place] = [inside.slice(0, place), inside.lastIndexOf("/", place - 1)]) {
        const folder = inside.slice(0, Math.max(place, 0));
        if (!this.folders.has(folder)) this.folders.set(folder, new Set());
        this.folders.get(folder).add(inside.slice(place + 1));
        if (folder === "") break;
      }
    }
    this.load();
  }

  /** Reads the sizes of all blobs, and the contents of those that are needed. */
  load() {
    const blobs = [...new Set([...this.entries.values()].filter(({ kind }) => kind !== SUBMODULE).map(({ blob }) => blob))];
    this.sizes = new Map();
    for (const line of git(this.root, ["cat-file", "--batch-check"], blobs.map((blob) => `${blob}\n`).join("")).toString().split("\n")) {
      const [blob, kind, size] = line.split(" ");
      if (kind === "blob") this.sizes.set(blob, Number(size));
    }
    const isNeeded = ([path, { kind, blob }]) =>
      this.sizes.has(blob) && (kind === LINK || TEXT.test(path) || /(^|\/)(\.hyperframesignore|hyperframes-ci\.toml)$/.test(path) || this.sizes.get(blob) <= LARGE);
    const needed = [...new Set([...this.entries].filter(isNeeded).map(([, { blob }]) => blob))];
    this.blobs = new Map();
    const bytes = git(this.root, ["cat-file", "--batch"], needed.map((blob) => `${blob}\n`).join(""));
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(10, at);
      const [blob, , size] = bytes.toString("latin1", at, end).split(" ");
      this.blobs.set(blob, new Uint8Array(bytes.buffer, bytes.byteOffset + end + 1, Number(size)));
      at = end + 1 + Number(size) + 1;
    }
  }

  /** Returns the text of a file, or `undefined` if the index does not have it. */
  text(path) {
    const bytes = this.blobs.get(this.entries.get(path)?.blob);
    return bytes && Buffer.from(bytes).toString();
  }

  has(path) {
    return this.resolve(path).file !== undefined;
  }

  /** Returns the text of a file of any size and kind, or `undefined` if the index does not have it or it is not UTF-8. */
  read(path) {
    const { file } = this.resolve(path);
    if (file === undefined) return undefined;
    const { blob } = this.entries.get(file);
    return utf8(this.blobs.get(blob) ?? git(this.root, ["cat-file", "blob", blob]));
  }

  /** Returns the text of a file of `HEAD`, or `undefined` if it does not exist. */
  textInHead(path) {
    try {
      return git(this.root, ["cat-file", "blob", `HEAD:${path}`]).toString();
    } catch {
      return undefined;
    }
  }

  isOnDisk(path) {
    const found = lstatSync(join(this.root, path), { throwIfNoEntry: false });
    return found !== undefined && !found.isDirectory();
  }

  /** Returns the projects, and the directories with compositions outside of projects. */
  projects() {
    const isPage = (path, kind) => kind === FILE && /\.html?$/i.test(path) && !path.split("/").some(isSkipped);
    const pages = [...this.entries].filter(([path, { kind }]) => isPage(path, kind)).map(([path]) => path).sort();
    const folderOf = (path) => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
    const isRoot = (path) => isComposition(this.text(path) ?? "");
    const roots = new Set(pages.filter((path) => posix.basename(path) === "index.html" && isRoot(path)).map(folderOf));
    const isNested = (folder) => {
      while (folder !== "") {
        folder = folderOf(folder);
        if (roots.has(folder)) return true;
      }
      return false;
    };
    const projects = [...roots].filter((folder) => !isNested(folder)).map((project) => ({ project, files: [], partial: false }));
    const blocks = new Map();
    for (const path of pages) {
      const folder = folderOf(path);
      if (roots.has(folder) || isNested(folder) || !isRoot(path)) continue;
      if (!blocks.has(folder)) blocks.set(folder, []);
      blocks.get(folder).push(posix.basename(path));
    }
    return [...projects, ...[...blocks].map(([project, files]) => ({ project, files, partial: true }))];
  }

  /** Returns whether a changed file is a link or a submodule. */
  hasChangedLinks() {
    return this.hasLinks && [...this.changed].some((path) => (this.entries.get(path)?.kind ?? FILE) !== FILE);
  }

  /**
   * Resolves a path: `{ file }`, `{ folder }`, `{ disk }` in a submodule, `{ outside }` for a link that leads outside of the
   * repository or to a hidden file, or nothing. `way` gets links and the result.
   */
  resolve(path, way = []) {
    if (!this.hasLinks) return this.entries.has(path) ? { file: path } : this.folders.has(path) ? { folder: path } : {};
    let [rest, current, links] = [path.split("/").filter((name) => name !== ""), "", 0];
    while (rest.length > 0) {
      const next = posix.join(current, rest.shift());
      const kind = this.entries.get(next)?.kind;
      if (kind === FILE) {
        way.push(next);
        if (rest.length > 0) return {};
        return links > 0 && isHidden(next) ? { outside: true } : { file: next };
      } else if (kind === SUBMODULE) {
        way.push(next);
        return { disk: join(this.root, next, ...rest) };
      } else if (kind === LINK) {
        way.push(next);
        const target = this.text(next) ?? "";
        const place = posix.join(posix.dirname(next), target);
        if ((links += 1) > 40) return {};
        if (posix.isAbsolute(target) || place === ".." || place.startsWith("../")) return { outside: true };
        rest = [...place.split("/").filter((name) => name !== "" && name !== "."), ...rest];
        current = "";
      } else if (this.folders.has(next)) {
        current = next;
      } else {
        way.push(posix.join(next, ...rest));
        return {};
      }
    }
    return links > 0 && isHidden(current) ? { outside: true } : { folder: current };
  }

  /** Returns the contents of the file at an entry, or its size and first bytes if the checks do not read it. */
  contents(path, name) {
    const { blob } = this.entries.get(path);
    const [bytes, size] = [this.blobs.get(blob), this.sizes.get(blob) ?? 0];
    if (bytes && (TEXT.test(name) || name === ".hyperframesignore")) return bytes;
    const head = bytes?.subarray(0, HEAD);
    const pointer = head && size < 1024 ? POINTER.exec(Buffer.from(head).toString()) : null;
    const file = join(this.root, path);
    const found = lstatSync(file, { throwIfNoEntry: false });
    // A Git LFS pointer stands for the file of the working tree.
    const isSame = found?.isFile() && found.size === (pointer ? Number(pointer[1]) : size);
    if (isSame && (pointer || !bytes)) return contents(file, TEXT.test(name) ? "" : name);
    if (bytes) return edges(name, size, (start, length) => bytes.subarray(start, start + length));
    if (head || size === 0 || size > LARGEST) return { size, head };
    return { size, head: new Uint8Array(git(this.root, ["cat-file", "blob", blob]).subarray(0, HEAD)) };
  }
}

/** The files of a project in the index, and those of the repository that it refers to. */
export class IndexFiles {
  constructor(index, project) {
    this.index = index;
    this.files = new Map();
    this.findings = [];
    this.outside = [];
    this.walk(project, project, new Set([project]));
  }

  /** Adds what is in a folder of the index, as if it were at `place`. */
  walk(folder, place, above) {
    for (const name of this.index.folders.get(folder) ?? []) {
      const [path, shown] = [posix.join(folder, name), posix.join(place, name)];
      const entry = this.index.entries.get(path);
      const report = (code) => this.findings.push(findingOf(code, shown));
      if (entry && !entry.isUnicode) {
        report("unportable-name");
        continue;
      }
      const found = this.index.resolve(path);
      if (found.file !== undefined) this.files.set(shown, this.index.contents(found.file, name));
      else if (found.disk !== undefined) this.walkDisk(found.disk, shown);
      else if (found.folder !== undefined && above.has(found.folder)) report("link-cycle");
      else if (found.folder !== undefined) this.walk(found.folder, shown, new Set([...above, found.folder]));
      else if (found.outside) {
        report("escaping-link");
        this.outside.push(shown);
      } else report("dangling-link");
    }
  }

  walkDisk(path, place) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile()) this.files.set(place, contents(path, posix.basename(place)));
    else if (found?.isDirectory()) for (const name of readdirSync(path)) if (name !== ".git") this.walkDisk(join(path, name), posix.join(place, name));
  }

  /** Adds what is at a repository path, and files in the same directory whose names differ in case only. */
  lookUp(path) {
    const [folder, wanted] = [posix.dirname(path) === "." ? "" : posix.dirname(path), posix.basename(path)];
    const above = this.index.resolve(folder);
    if (above.outside) this.outside.push(path);
    const onDisk = above.disk !== undefined && existsSync(above.disk) ? readdirSync(above.disk) : [];
    const names = above.disk === undefined ? [...(this.index.folders.get(above.folder) ?? [])] : onDisk;
    for (const name of names.filter((name) => isSameName(name, wanted))) {
      const place = posix.join(folder, name);
      const found = this.index.resolve(place);
      if (found.file !== undefined) this.files.set(place, this.index.contents(found.file, name));
      else if (found.disk !== undefined && statSync(found.disk, { throwIfNoEntry: false })?.isFile()) this.files.set(place, contents(found.disk, name));
      else if (found.outside) this.outside.push(place);
      else if (found.folder !== undefined || found.disk !== undefined) this.files.set(`${place}/.directory`, { size: 0 });
    }
  }

  /** Returns those of the used paths that lead to a changed file through links and submodules. */
  changedThroughLinks(used) {
    if (!this.index.hasLinks) return [];
    return used.filter((path) => {
      const way = [];
      this.index.resolve(path, way);
      return way.some((step) => this.index.changed.has(step));
    });
  }
}
