// The files of a folder that is dropped or chosen, and of a pasted text. Contents are not read here.

/** Folders whose files are listed only if a reference leads into them. */
const SKIPPED = new Set(["node_modules", "dist", ".next"]);
/** A folder of Git: its files are never referred to. */
const GIT = ".git";
/** Number of files between two reports of progress. */
const STEP = 64;

/** Returned by functions whose input was replaced by a newer one. */
export class Superseded extends Error {}

/**
 * The files of an input: texts or `File`s by path.
 *
 * `read` lists the files again, `refresh` says how: `list` if that is possible, `choose` if the user must choose the folder
 * again, because browsers do not list a folder of a file field twice.
 */
class Source {
  constructor(name, refresh, read) {
    this.name = name;
    this.refresh = refresh;
    this.read = read;
    /** Listed folders that are not part of `files`, by path. */
    this.skipped = new Map();
  }

  /** Returns the files at paths in skipped folders, and those whose names differ in case only. */
  async lookUp(paths) {
    const found = new Map();
    for (const path of paths) {
      const top = [...this.skipped.keys()].find((folder) => path.startsWith(`${folder}/`));
      if (top !== undefined) await this.descend(this.skipped.get(top), top, path.slice(top.length + 1).split("/"), found);
    }
    return found;
  }

  async descend(node, place, [name, ...rest], found) {
    for (const child of await node.list()) {
      const path = `${place}/${child.name}`;
      if (!isSameName(child.name, name)) continue;
      if (child.isFolder && rest.length > 0) await this.descend(child, path, rest, found);
      else if (child.isFolder) found.set(`${path}/.directory`, "");
      else if (rest.length === 0) found.set(path, await child.file());
    }
  }
}

const isSameName = (one, other) => one.normalize().toLowerCase() === other.normalize().toLowerCase();

/** Returns the source of a pasted text. */
export function ofText(html) {
  return new Source("", "list", async () => new Map([["index.html", html]]));
}

/** Returns the source of a chosen `FileSystemDirectoryHandle`. */
export function ofHandle(handle) {
  return ofNodes(handle.name, [nodeOfHandle(handle)]);
}

/** Returns the source of a drop: one folder, or several files and folders. Nothing is dropped after the event is over. */
export function ofDrop(items) {
  const found = [...items].filter((item) => item.kind === "file").map((item) => [item.getAsFileSystemHandle?.(), item.webkitGetAsEntry?.()]);
  const entries = found.map(([, entry]) => entry).filter(Boolean);
  if (entries.length === 0) return undefined;
  // Pages from `file:` can read handles only, and other browsers have entries only.
  const nodes = Promise.all(found.map(async ([handle, entry]) => nodeOf(await handle?.catch(() => undefined), entry)));
  return ofNodes(entries.length === 1 ? entries[0].name : "", nodes);
}

const nodeOf = (handle, entry) => (handle ? nodeOfHandle(handle) : nodeOfEntry(entry));

function ofNodes(name, roots) {
  const source = new Source(name, "list", async (report, isCurrent) => {
    const files = new Map();
    source.skipped.clear();
    const nodes = await roots;
    const children = nodes.length === 1 && nodes[0].isFolder ? await nodes[0].list() : nodes;
    await walk(source, children, "", files, report, isCurrent);
    return files;
  });
  return source;
}

async function walk(source, nodes, inside, files, report, isCurrent) {
  await Promise.all(
    nodes.map(async (node) => {
      if (!isCurrent()) throw new Superseded();
      const path = inside + node.name;
      if (!node.isFolder) {
        files.set(path, await node.file());
        if (files.size % STEP === 0) report(files.size);
      } else if (SKIPPED.has(node.name)) {
        source.skipped.set(path, node);
      } else if (node.name !== GIT) {
        await walk(source, await node.list(), `${path}/`, files, report, isCurrent);
      }
    }),
  );
}

function nodeOfHandle(handle) {
  return {
    name: handle.name,
    isFolder: handle.kind === "directory",
    file: () => handle.getFile(),
    list: async () => {
      const nodes = [];
      for await (const child of handle.values()) nodes.push(nodeOfHandle(child));
      return nodes;
    },
  };
}

function nodeOfEntry(entry) {
  return {
    name: entry.name,
    isFolder: entry.isDirectory,
    file: () => new Promise((resolve, reject) => entry.file(resolve, reject)),
    list: async () => {
      const reader = entry.createReader();
      const nodes = [];
      for (;;) {
        // A call returns a part of the entries, and none at the end.
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (some.length === 0) return nodes;
        nodes.push(...some.map(nodeOfEntry));
      }
    },
  };
}

/** Returns the source of the files of a file field for folders, whose paths begin with the name of the folder. */
export function ofFiles(list) {
  const chosen = [...list].map((file) => [file.webkitRelativePath.split("/"), file]);
  const name = chosen[0]?.[0][0] ?? "";
  const source = new Source(name, "choose", async () => {
    const files = new Map();
    for (const [[, ...segments], file] of chosen) {
      const place = segments.slice(0, -1).findIndex((segment) => SKIPPED.has(segment));
      if (segments.includes(GIT)) continue;
      if (place < 0) files.set(segments.join("/"), file);
      else addToTree(source.skipped, segments, place, file);
    }
    return files;
  });
  return source;
}

/** Adds a file to the folder at `place` of its path. */
function addToTree(skipped, segments, place, file) {
  const top = segments.slice(0, place + 1).join("/");
  if (!skipped.has(top)) skipped.set(top, folderNode(segments[place]));
  let node = skipped.get(top);
  for (const segment of segments.slice(place + 1, -1)) {
    if (!node.children.has(segment)) node.children.set(segment, folderNode(segment));
    node = node.children.get(segment);
  }
  const name = segments.at(-1);
  node.children.set(name, { name, isFolder: false, file: async () => file });
}

function folderNode(name) {
  const children = new Map();
  return { name, isFolder: true, children, list: async () => [...children.values()] };
}
