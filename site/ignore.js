// The .gitignore files of a folder: Git's rules for patterns, as far as they decide about files.

export class IgnoreFiles {
  #rules = [];

  static async read(repository) {
    const ignored = new IgnoreFiles();
    const paths = [...repository.files.keys()].filter((path) => path === ".gitignore" || path.endsWith("/.gitignore"));
    // Files of deeper folders override those above them.
    paths.sort((one, other) => one.split("/").length - other.split("/").length);
    for (const path of paths) {
      const inside = path.slice(0, -".gitignore".length);
      for (const line of (await repository.text(path)).split(/\r?\n/)) ignored.#add(inside, line);
    }
    return ignored;
  }

  #add(inside, line) {
    let pattern = line.replace(/(?<!\\)\s+$/, "");
    if (pattern === "" || pattern.startsWith("#")) return;
    const isNegated = pattern.startsWith("!");
    if (isNegated) pattern = pattern.slice(1);
    const isFolder = pattern.endsWith("/");
    if (isFolder) pattern = pattern.slice(0, -1);
    const isAnchored = pattern.includes("/");
    const source = toRegExp(pattern.replace(/^\//, ""));
    try {
      const regex = new RegExp(`^${isAnchored ? "" : "(?:.*/)?"}${source}$`, "u");
      this.#rules.push({ inside, regex, isNegated, isFolder });
    } catch {
      // Git matches nothing with an invalid pattern.
    }
  }

  /** Returns whether a file, or a folder that it is in, is ignored. */
  has(path) {
    if (this.#rules.length === 0) return false;
    const segments = path.split("/");
    return segments.some((_, place) => this.#matches(segments.slice(0, place + 1).join("/"), place < segments.length - 1));
  }

  #matches(path, isFolder) {
    const applies = (rule) =>
      (isFolder || !rule.isFolder) && path.startsWith(rule.inside) && rule.regex.test(path.slice(rule.inside.length));
    return this.#rules.findLast(applies)?.isNegated === false;
  }
}

function toRegExp(pattern) {
  const tokens = /\*\*\/|\/\*\*$|\*+|\?|\[!?(?:\\.|[^\]\\])+\]|\\.|[^]/gu;
  return pattern.replace(tokens, (token, place) => {
    if (token === "**/" && (place === 0 || pattern[place - 1] === "/")) return "(?:.*/)?";
    if (token === "/**") return "/.*";
    if (token.startsWith("*")) return token.endsWith("/") ? "[^/]*/" : "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 2 && token.startsWith("[")) return token.replace(/^\[!/, "[^");
    const character = token.length > 1 && token.startsWith("\\") ? token.slice(1) : token;
    return character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
}
