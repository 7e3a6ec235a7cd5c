// Makes one document of a composition and its files.

/**
 * Returns a function that makes one document of a composition and its files, with the values of what it mounts, and what it
 * does without. The text of this function becomes a script of the page around the preview, so that it uses nothing around
 * it. Pages are only parsed there: nothing runs.
 */
export function composer(parse, scriptOf) {
  /** Elements that a preview does without: other pages, and hints to connect. */
  const REMOVED = "base, meta[http-equiv], iframe, frame, frameset, object, embed, script[type=speculationrules], script[type=importmap]";
  /** Attributes with one address. */
  const ADDRESSES = ["src", "href", "xlink:href", "poster"];
  /** How deep compositions are mounted in each other. */
  const DEEPEST = 8;
  /** Number of files that scripts can use by their paths. */
  const MOST_FILES = 3000;

  const isRemote = (reference) => /^(https?:)?\/\//i.test(reference.trim());
  const folderOf = (path) => path.slice(0, path.lastIndexOf("/") + 1);

  /** Returns the path that a reference of a file leads to; nothing if it is not one. */
  function resolve(from, reference) {
    const path = reference.trim().split(/[?#]/)[0];
    if (path === "" || /^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith("//")) return undefined;
    const segments = path.startsWith("/") ? [] : folderOf(from).split("/").slice(0, -1);
    for (const segment of path.split("/")) {
      if (segment === "..") segments.pop();
      else if (segment !== "." && segment !== "") segments.push(decoded(segment));
    }
    return segments.join("/");
  }

  function decoded(segment) {
    try {
      return decodeURIComponent(segment);
    } catch {
      return segment;
    }
  }

  class Composer {
    assets = [];
    scopes = {};
    hosts = new Set();
    missing = new Set();
    #places = new Map();
    #token = `asset-${[...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

    constructor(files, hasNetwork) {
      this.files = files;
      this.hasNetwork = hasNetwork;
    }

    async text(path) {
      const file = this.files.get(path);
      return typeof file === "string" ? file : ((await file?.text()) ?? "");
    }

    /** Returns the place of a file in `assets`. */
    #placeOf(path) {
      if (!this.#places.has(path)) {
        const file = this.files.get(path);
        this.#places.set(path, this.assets.length);
        this.assets.push(typeof file === "string" ? new Blob([file]) : file);
      }
      return this.#places.get(path);
    }

    /** Returns what stands for a reference to a file of the folder until the frame has a URL for it. */
    #asset(from, reference) {
      const path = resolve(from, reference);
      return path !== undefined && this.files.has(path) ? `${this.#token}-${this.#placeOf(path)}-` : undefined;
    }

    /** Returns files by the paths that scripts of a file use. */
    pathsFrom(file) {
      const base = folderOf(file).split("/").slice(0, -1);
      const relative = (path) => {
        const segments = path.split("/");
        const common = base.findIndex((segment, place) => segment !== segments[place]);
        const shared = common < 0 ? base.length : common;
        return [...base.slice(shared).map(() => ".."), ...segments.slice(shared)].join("/");
      };
      const used = [...this.files.keys()].slice(0, MOST_FILES).map((path) => [relative(path), this.#placeOf(path)]);
      return Object.fromEntries(used);
    }

    async document(file) {
      const page = await this.page(file, 0);
      const html = `<!doctype html>${page.documentElement.outerHTML}`;
      const { assets, scopes } = this;
      return { html, assets, scopes, paths: this.pathsFrom(file), hosts: [...this.hosts], missing: [...this.missing] };
    }

    /** Returns a page whose references are placeholders, and whose compositions are mounted. */
    async page(path, depth) {
      const page = parse(await this.text(path));
      await this.#rewrite(page, path, depth);
      return page;
    }

    async #rewrite(root, path, depth) {
      for (const template of root.querySelectorAll("template")) await this.#rewrite(template.content, path, depth);
      for (const element of root.querySelectorAll(REMOVED)) element.remove();
      for (const link of root.querySelectorAll("link")) await this.#rewriteLink(link, path);
      for (const style of root.querySelectorAll("style")) style.textContent = await this.#css(path, style.textContent, 0);
      for (const element of root.querySelectorAll("[style]")) element.setAttribute("style", this.#urls(path, element.getAttribute("style")));
      for (const element of root.querySelectorAll("[src], [href], [poster], [srcset]")) this.#rewriteAddresses(element, path);
      for (const host of root.querySelectorAll("[data-composition-src]")) await this.#mount(host, path, depth);
    }

    async #rewriteLink(link, path) {
      const href = link.getAttribute("href") ?? "";
      if (!/\bstylesheet\b/i.test(link.rel)) return link.remove();
      const target = resolve(path, href);
      if (target === undefined || !this.files.has(target)) {
        this.#note(href);
        if (!this.hasNetwork) link.remove();
        return;
      }
      const style = link.ownerDocument.createElement("style");
      style.textContent = await this.#css(target, await this.text(target), 0);
      if (link.media) style.media = link.media;
      link.replaceWith(style);
    }

    #rewriteAddresses(element, path) {
      for (const name of ADDRESSES) {
        const reference = element.getAttribute(name);
        if (reference === null || reference.startsWith("#")) continue;
        const asset = this.#asset(path, reference);
        if (asset !== undefined) element.setAttribute(name, asset);
        else if (element.localName !== "a") this.#leaveOut(element, name, path, reference);
      }
      const set = element.getAttribute("srcset");
      if (set !== null) {
        const one = (candidate) => candidate.replace(/^\s*\S+/, (reference) => this.#asset(path, reference) ?? reference);
        element.setAttribute("srcset", set.split(/,\s+/).map(one).join(", "));
      }
    }

    /** Notes a reference to another host, and empties one to a file that is missing. */
    #leaveOut(element, name, path, reference) {
      if (isRemote(reference)) return this.#note(reference);
      if (resolve(path, reference) === undefined) return;
      this.missing.add(reference);
      element.setAttribute(name, "data:,");
    }

    #note(reference) {
      const host = /^(?:https?:)?\/\/([^/?#]*)/i.exec(reference.trim())?.[1];
      if (host) this.hosts.add(host);
    }

    async #css(path, text, depth) {
      const pieces = [];
      let end = 0;
      for (const found of text.matchAll(/@import\s+(?:url\(\s*)?(["']?)([^"')\s;]+)\1\s*\)?([^;]*);/gi)) {
        const target = resolve(path, found[2]);
        pieces.push(this.#urls(path, text.slice(end, found.index)));
        end = found.index + found[0].length;
        if (target !== undefined && this.files.has(target) && depth < DEEPEST) {
          const inside = await this.#css(target, await this.text(target), depth + 1);
          pieces.push(found[3].trim() ? `@media ${found[3]} {${inside}}` : inside);
        } else {
          this.#note(found[2]);
          pieces.push(found[0]);
        }
      }
      pieces.push(this.#urls(path, text.slice(end)));
      return pieces.join("");
    }

    #urls(path, css) {
      return css.replace(/url\(\s*(["']?)([^"')]+)\1\s*\)/gi, (whole, _, reference) => {
        const asset = this.#asset(path, reference);
        if (asset === undefined) this.#note(reference);
        return asset === undefined ? whole : `url("${asset}")`;
      });
    }

    /** Puts the composition of a file into the element that mounts it. */
    async #mount(host, path, depth) {
      const target = resolve(path, host.getAttribute("data-composition-src"));
      if (depth >= DEEPEST || target === undefined || !this.files.has(target)) return;
      const page = await this.page(target, depth + 1);
      const name = String(Object.keys(this.scopes).length);
      this.scopes[name] = { ...defaultsIn(page), ...objectIn(host.getAttribute("data-variable-values")) };
      host.setAttribute("data-hf-scope", name);
      host.removeAttribute("data-composition-src");
      const template = page.querySelector("template");
      const content = template ? template.content : page.body;
      for (const script of content.querySelectorAll("script:not([src])")) {
        if (script.type && script.type !== "text/javascript") continue;
        script.textContent = scriptOf(`window.__hfScope("${name}", function (window, document, __hyperframes) {${script.textContent}\n});`);
      }
      host.append(...[...page.head.querySelectorAll("style")].filter((style) => !template || !template.contains(style)), ...content.childNodes);
    }
  }

  /** Returns the defaults that a page declares. */
  function defaultsIn(page) {
    const values = {};
    for (const element of page.querySelectorAll("[data-composition-variables]")) {
      for (const declared of arrayIn(element.getAttribute("data-composition-variables"))) {
        if (typeof declared?.id === "string" && declared.default !== undefined) values[declared.id] = declared.default;
      }
    }
    return values;
  }

  function parsed(json) {
    try {
      return JSON.parse(json);
    } catch {
      return undefined;
    }
  }

  function arrayIn(json) {
    const value = parsed(json);
    return Array.isArray(value) ? value : [];
  }

  function objectIn(json) {
    const value = parsed(json);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  }

  return (files, file, hasNetwork) => new Composer(files, hasNetwork).document(file);
}
