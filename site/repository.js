// The files of a folder as the checks see them: read on demand, and grouped into projects. Runs in the worker.
import { PreflightError, isComposition } from "hyperframes-preflight/api.js";
import { EDGE, HEAD, MEDIA, TEXT } from "hyperframes-preflight/contents.js";
import { IgnoreFiles } from "./ignore.js";

const INDEX = "index.html";
const HTML = /\.html?$/i;
/** The largest text in bytes, as for the command line. */
const LARGEST = 256 * 1024 ** 2;
/** Folders that contain no projects: they are never packed. */
const SKIPPED = new Set(["node_modules", "dist", ".git", ".next", "coverage"]);

const decoder = new TextDecoder();
const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);
const fold = (name) => name.normalize().toLowerCase();

export class Repository {
  /** `files` are texts or `File`s by path. */
  constructor(files) {
    this.files = files;
    this.known = new Map();
    this.folders = new Map([["", new Set()]]);
    for (const path of files.keys()) this.#addToFolders(path);
  }

  #addToFolders(path) {
    for (let inside = path; ; inside = folderOf(inside)) {
      const folder = folderOf(inside);
      if (!this.folders.has(folder)) this.folders.set(folder, new Set());
      this.folders.get(folder).add(nameOf(inside));
      if (folder === "") return;
    }
  }

  add(files) {
    for (const [path, file] of files) {
      this.files.set(path, file);
      this.#addToFolders(path);
    }
  }

  /** Returns the contents of a file in the form that the checks take. */
  async contents(path) {
    let contents = this.known.get(path);
    if (contents === undefined) {
      contents = await read(path, this.files.get(path));
      this.known.set(path, contents);
    }
    return contents;
  }

  /** Returns the text of a file; nothing if there is none or if it is not a text. */
  async text(path) {
    if (!this.files.has(path)) return undefined;
    const contents = TEXT.test(path) ? await this.contents(path) : await readText(path, this.files.get(path));
    return typeof contents === "string" ? contents : decoder.decode(contents);
  }

  /** Returns the paths below a folder. */
  below(folder) {
    if (folder === "") return [...this.files.keys()];
    return [...this.files.keys()].filter((path) => path.startsWith(`${folder}/`));
  }

  /** Returns the files that a missing reference may mean: of the same name, ignoring case; or in the folder of this name. */
  namesakes(path) {
    const folder = folderOf(path);
    const names = [...(this.folders.get(folder) ?? [])].filter((name) => fold(name) === fold(nameOf(path)));
    return names.map((name) => (folder === "" ? name : `${folder}/${name}`));
  }

  /**
   * Returns the projects, each with its entries: folders with a composition as `index.html`, which contain no other projects.
   * If there are none, the compositions of the folder are the entries of one, as in a library of blocks.
   */
  async projects(report) {
    const ignored = await IgnoreFiles.read(this);
    const isSearched = (path) => HTML.test(path) && !path.split("/").some((name) => name.startsWith(".") || SKIPPED.has(name)) && !ignored.has(path);
    const pages = [...this.files.keys()].filter((path) => path === INDEX || isSearched(path)).sort();
    const roots = new Set();
    let done = 0;
    for (const path of pages) {
      if (await this.#isRoot(path)) roots.add(path);
      report((done += 1), pages.length);
    }
    const folders = [...roots].filter((path) => nameOf(path) === INDEX).map(folderOf).sort();
    const isInside = (path, folder) => folder === "" || path === folder || path.startsWith(`${folder}/`);
    const found = [];
    for (const folder of folders) if (!found.some((other) => isInside(folder, other))) found.push(folder);
    if (found.length === 0 && !this.files.has(INDEX) && roots.size > 0) return [{ path: "", entries: [...roots], isPartial: true }];
    // An index.html that is not a composition: the checks report its mistakes.
    if (found.length === 0 && this.files.has(INDEX)) found.push("");
    return found.map((folder) => {
      const inside = [...roots].filter((path) => isInside(folderOf(path), folder)).map((path) => (folder === "" ? path : path.slice(folder.length + 1)));
      const entries = inside.filter((path) => path !== INDEX).sort();
      return { path: folder, entries: [INDEX, ...entries], isPartial: false };
    });
  }

  async #isRoot(path) {
    const text = await this.text(path);
    return text.includes("data-composition-id") && isComposition(text);
  }
}

/** Returns the contents of a file, or its size and the bytes that are checked if it is not a text. */
async function read(path, file) {
  if (typeof file === "string") return file;
  if (TEXT.test(path)) return readBytes(path, file);
  const part = (start, end) => guarded(path, async () => new Uint8Array(await file.slice(start, end).arrayBuffer()));
  if (!MEDIA.test(path)) return { size: file.size, head: await part(0, HEAD) };
  return { size: file.size, head: await part(0, EDGE), tail: file.size > EDGE ? await part(file.size - EDGE) : undefined };
}

async function readBytes(path, file) {
  if (file.size > LARGEST) {
    const size = Math.round(file.size / 1024 ** 2);
    const message = `${path} has ${size} MB; the limit for texts is ${LARGEST / 1024 ** 2} MB.`;
    throw new PreflightError("too_large", message);
  }
  return guarded(path, async () => new Uint8Array(await file.arrayBuffer()));
}

async function readText(path, file) {
  return typeof file === "string" ? file : readBytes(path, file);
}

/** Runs `work` and says which file cannot be read. */
export async function guarded(path, work) {
  try {
    return await work();
  } catch (error) {
    const isChanged = error?.name === "NotReadableError" || error?.name === "NotFoundError";
    const reason = isChanged ? "it was changed or removed since it was chosen. Check again" : error.message;
    throw new PreflightError("unreadable", `${path} cannot be read: ${reason}.`);
  }
}
