// Runs in the frame of a composition: variables, time, and messages to the page.

/**
 * Shows a composition. The text of this function becomes a script, so that it uses nothing around it; `write` writes the
 * document.
 */
export function stage(write) {
  const ASSET = /asset-[0-9a-f]+-(\d+)-/g;
  let port;
  let content;
  const urls = new Map();
  const post = (message) => port.postMessage(message);

  addEventListener(
    "message",
    ({ data, ports: [given] }) => {
      [content, port] = [data, given];
      port.onmessage = ({ data }) => seek(data.time, data.isPlaying);
      begin();
    },
    { once: true },
  );

  function begin() {
    post({ hosts: content.hosts, missing: content.missing });
    const owned = { getVariables: () => structuredClone(localized(content.values)) };
    window.__hyperframes = owned;
    window.__timelines = {};
    window.__hfScope = scope;
    // This removes all listeners.
    document.open();
    addEventListener("error", (event) => event.message && post({ error: String(event.message).slice(0, 300) }));
    addEventListener("unhandledrejection", (event) => post({ error: String(event.reason).slice(0, 300) }));
    document.addEventListener("securitypolicyviolation", (event) => post({ blocked: String(event.blockedURI).slice(0, 300) }));
    hookAssets();
    addEventListener("DOMContentLoaded", bind);
    addEventListener("load", () => {
      bind();
      seek(content.time, false);
      const { width, height } = sizeOf(root());
      post({ width, height, duration: duration() });
    });
    write(content.html.replace(ASSET, (_, place) => urlOf(Number(place))));
    document.close();
  }

  /* Files */

  function urlOf(place) {
    if (!urls.has(place)) urls.set(place, URL.createObjectURL(content.assets[place]));
    return urls.get(place);
  }

  /** Returns the URL of a file of the project; nothing if there is none. */
  function local(reference) {
    const path = typeof reference === "string" ? reference.replace(/^\.?\//, "").split(/[?#]/)[0] : "";
    return Object.hasOwn(content.paths, path) ? urlOf(content.paths[path]) : undefined;
  }

  /** Returns values whose files are URLs. */
  function localized(values) {
    const one = (value) => (value?.url !== undefined ? { ...value, url: local(value.url) ?? value.url } : (local(value) ?? value));
    return Object.fromEntries(Object.entries(values).map(([id, value]) => [id, one(value)]));
  }

  /** Makes files of the project available to scripts by their paths. */
  function hookAssets() {
    for (const type of [HTMLImageElement, HTMLMediaElement, HTMLSourceElement, HTMLScriptElement]) {
      const { get, set } = Object.getOwnPropertyDescriptor(type.prototype, "src");
      Object.defineProperty(type.prototype, "src", {
        configurable: true,
        get,
        set(value) {
          set.call(this, local(value) ?? value);
        },
      });
    }
    const { setAttribute } = Element.prototype;
    Element.prototype.setAttribute = function (name, value) {
      const isSource = /^(src|href|xlink:href|poster)$/i.test(name);
      return setAttribute.call(this, name, isSource ? (local(value) ?? value) : value);
    };
    const { fetch } = window;
    window.fetch = async (input, options) => {
      const path = typeof input === "string" ? input.replace(/^\.?\//, "") : "";
      const place = Object.hasOwn(content.paths, path) ? content.paths[path] : undefined;
      return place === undefined ? fetch(input, options) : new Response(content.assets[place]);
    };
  }

  /* Variables */

  /** Calls the script of a mounted composition with its own variables and elements. */
  function scope(name, script) {
    const host = document.querySelector(`[data-hf-scope="${name}"]`);
    const values = content.scopes[name];
    const hyperframes = { ...window.__hyperframes, getVariables: () => structuredClone(localized(values)) };
    const bound = (target, key) => {
      const value = Reflect.get(target, key);
      return typeof value === "function" && value.prototype === undefined ? value.bind(target) : value;
    };
    const own = {
      querySelector: (selector) => host.querySelector(selector),
      querySelectorAll: (selector) => host.querySelectorAll(selector),
      getElementById: (id) => host.querySelector(`#${CSS.escape(id)}`),
    };
    const page = new Proxy(document, { get: (target, key) => own[key] ?? bound(target, key), set: Reflect.set });
    const proxy = new Proxy(window, {
      get: (target, key) => ({ __hyperframes: hyperframes, document: page })[key] ?? bound(target, key),
      set: (target, key, value) => Reflect.set(target, key, value),
    });
    script.call(proxy, proxy, page, hyperframes);
  }

  const valuesAround = (element) => localized(content.scopes[element.closest("[data-hf-scope]")?.dataset.hfScope] ?? content.values);

  /** Sets custom properties, texts and sources from variables. */
  function bind() {
    const isText = (value) => ["string", "number", "boolean"].includes(typeof value);
    for (const element of [document.documentElement, ...document.querySelectorAll("[data-composition-id], [data-hf-scope]")]) {
      for (const [id, value] of Object.entries(valuesAround(element))) {
        const text = isText(value) ? String(value) : value?.name;
        if (text !== undefined) element.style.setProperty(`--${id}`, text.replace(/[;{}<>\r\n]/g, ""));
      }
    }
    for (const element of document.querySelectorAll("[data-var-text]")) {
      const value = valuesAround(element)[element.dataset.varText];
      if (isText(value)) element.textContent = value;
    }
    for (const element of document.querySelectorAll("[data-var-src]")) {
      const value = valuesAround(element)[element.dataset.varSrc];
      const source = typeof value === "string" ? value : value?.url;
      if (source && element.src !== source) element.src = source;
    }
  }

  /* Time */

  const root = () => document.querySelector("[data-composition-id]") ?? document.body;
  const number = (text) => (text === undefined || text.trim() === "" || !Number.isFinite(Number(text)) ? undefined : Number(text));

  function sizeOf({ dataset }) {
    return { width: number(dataset.width) || 1920, height: number(dataset.height) || 1080 };
  }

  /** Returns when an element starts, in seconds of the video. */
  function startOf(element) {
    let start = 0;
    for (let timed = element?.closest("[data-start]"); timed; timed = timed.parentElement?.closest("[data-start]")) start += number(timed.dataset.start) ?? 0;
    return start;
  }

  const lengthOf = ({ dataset }) => number(dataset.duration) ?? (number(dataset.end) === undefined ? undefined : number(dataset.end) - (number(dataset.start) ?? 0));

  const timelines = () => Object.entries(window.__timelines ?? {}).filter(([, timeline]) => typeof (timeline?.seek ?? timeline?.time) === "function");

  function duration() {
    const given = lengthOf(root());
    if (given > 0) return given;
    const ends = [...document.querySelectorAll("[data-start]")].map((element) => startOf(element) + (lengthOf(element) ?? 0));
    const lasting = timelines().map(([, timeline]) => Number(timeline.totalDuration?.() ?? timeline.duration?.()));
    const animated = document.getAnimations().map((animation) => Number(animation.effect?.getComputedTiming().endTime) / 1000);
    const longest = Math.max(0, ...[...ends, ...lasting, ...animated].filter((end) => Number.isFinite(end) && end < 3600));
    return longest || 5;
  }

  /** Shows the composition at a time in seconds. */
  function seek(time, isPlaying) {
    for (const element of document.querySelectorAll("[data-start]")) {
      const length = lengthOf(element);
      const start = startOf(element);
      const isOver = element !== root() && (time < start || (length !== undefined && time >= start + length));
      element.style.visibility = isOver ? "hidden" : "";
    }
    for (const [id, timeline] of timelines()) {
      const since = Math.max(0, time - startOf(document.querySelector(`[data-composition-id="${CSS.escape(id)}"]`)));
      try {
        timeline.pause?.();
        (timeline.seek ?? timeline.time).call(timeline, since);
      } catch (error) {
        post({ error: String(error).slice(0, 300) });
      }
    }
    for (const animation of document.getAnimations()) {
      animation.pause();
      animation.currentTime = Math.max(0, time - startOf(animation.effect?.target)) * 1000;
    }
    for (const media of document.querySelectorAll("video, audio")) {
      const since = time - startOf(media) + (number(media.dataset.mediaStart) ?? 0);
      const isOn = isPlaying && since >= 0 && media.style.visibility !== "hidden";
      if (Math.abs(media.currentTime - since) > (isOn ? 0.3 : 0.02)) media.currentTime = Math.max(0, since);
      if (isOn && media.paused) media.play().catch(() => {});
      if (!isOn && !media.paused) media.pause();
    }
  }
}
