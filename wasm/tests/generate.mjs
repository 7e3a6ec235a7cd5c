// Projects, declarations and values without end, the same for the same seed.

/** Mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (count) => Math.floor(next() * count);
  return {
    below,
    pick: (list) => list[below(list.length)],
    chance: (share) => next() < share,
    list: (most, make) => Array.from({ length: below(most + 1) }, make),
  };
}

const IDS = ["title", "size", "mood", "ink", "logo", "font", "on", "títle", "constructor", "__proto__", "a b", "toString"];
const TYPES = ["string", "number", "color", "boolean", "enum", "font", "image"];
const TEXTS = ["", "Hi", "calm", "wild", "#fff", "red", "a.png", "https://x.example/a.png", "javascript:x", "Grüße 🎬", '"', "<b>", "\n", "0"];

/** Any JSON value. */
export function value(r) {
  return r.pick([
    () => r.pick(TEXTS),
    () => r.pick([0, -1, 2.5, 1e21, 5e-324, 9007199254740993]),
    () => r.chance(0.5),
    () => null,
    () => r.list(2, () => r.pick(TEXTS)),
    () => ({}),
    () => ({ name: r.pick(TEXTS), source: r.pick([1, "x", null]) }),
    () => ({ url: r.pick([1, "a.png", null]) }),
    () => ({ value: "calm", label: "Calm" }),
  ])();
}

const DEFAULTS = { number: 2, boolean: true };

/** A declaration that the official parser accepts. */
export function declaration(r) {
  const type = r.pick(TYPES);
  const entry = { id: r.pick(IDS), label: r.pick(TEXTS), type, default: DEFAULTS[type] ?? r.pick(TEXTS) };
  if (type === "enum") entry.options = ["calm", "wild", "loud"].slice(r.below(3)).map((name) => ({ value: name, label: name }));
  return entry;
}

/** A declaration with something wrong, perhaps. */
export function anyDeclaration(r) {
  const entry = declaration(r);
  if (r.chance(0.3)) entry[r.pick(["id", "label", "type", "default", "options"])] = value(r);
  if (r.chance(0.1)) delete entry[r.pick(Object.keys(entry))];
  return r.chance(0.05) ? value(r) : entry;
}

/** Values for some of `ids`, or for any. */
export function values(r, ids = IDS) {
  return Object.fromEntries(r.list(5, () => [r.pick(r.chance(0.7) ? ids : IDS), value(r)]));
}

const TARGETS = [
  "logo.png", "Logo.png", "gone.png", "gone", "parts/card.html", "/logo.png", "../logo.png", "../../x.png", "a%20b.png", "a b.png",
  "logo.psd", "renders/a.mp4", ".env", "http://x.example/a.png", "https://x.example/a.js", "//x.example/a.css", "data:image/png;base64,AA==",
  "file:///etc/passwd", "C:\\a.png", "{{logo}}", "#a", "?x=1", "style.css?v=1", "", "app.js", "%zz", "é.png", "#", "mailto:a@b.c",
];

function attribute(r, text) {
  const escaped = text.replaceAll("&", "&amp;");
  return r.chance(0.5) ? `"${escaped.replaceAll('"', "&quot;")}"` : `'${escaped.replaceAll("'", "&#39;")}'`;
}

const PIECES = [
  (r) => `<img src=${attribute(r, r.pick(TARGETS))} srcset=${attribute(r, r.list(3, () => `${r.pick(TARGETS)} ${r.below(3)}x`).join(", "))}>`,
  (r) => `<video src=${attribute(r, r.pick(TARGETS))} poster=${attribute(r, r.pick(TARGETS))} data-duration=${attribute(r, r.pick(["2", "x", "-1"]))}></video>`,
  (r) => `<link rel=stylesheet href=${attribute(r, r.pick(TARGETS))}>`,
  (r) => `<script src=${attribute(r, r.pick(TARGETS))}></script>`,
  (r) => `<${r.pick(["h1", "img", "iframe"])} ${r.pick(["data-var-text", "data-var-src"])}=${attribute(r, r.pick(IDS))}>`,
  (r) => `<div data-composition-src=${attribute(r, r.pick(TARGETS))} data-variable-values=${attribute(r, r.chance(0.8) ? JSON.stringify(values(r)) : '{"a":')}></div>`,
  (r) => `<style>b { color: var(--${r.pick(["ink", "títle", "gap"])}); background: url(${r.pick(TARGETS.slice(0, 8))}) } :root { --gap: 1px }</style>`,
  (r) => `<p style=${attribute(r, `color: var(--${r.pick(["ink", "inc"])}); background: url(${r.pick(TARGETS.slice(0, 4))})`)}>`,
  (r) => `<script>const { ${r.pick(["title", "subtitle: s", "...rest"])} } = getVariables(); ${r.pick(["", "window.__timelines = {}", "vars['ink']", "`${a}`"])}</script>`,
  (r) => r.pick(["<!-- <img src=no.png> -->", "<svg><style/><path d='M'/></svg>", "<textarea><img src=no.png></textarea>", "&lt;img&gt;", "\r\n", "<p a=1 a=2", "</div", "\u0000", "é中🎬"]),
];

function page(r, name) {
  const declarations = r.chance(0.85) ? JSON.stringify(r.list(4, () => anyDeclaration(r))) : r.pick(["", "{}", "[1,]", "[{", "null"]);
  const on = r.pick(["html", "html", "root", "p"]);
  const carried = (where) => (where === on ? ` data-composition-variables=${attribute(r, declarations)}` : "");
  const measure = (values) => r.pick(values);
  const root = r.chance(0.92)
    ? `<div data-composition-id="${name}"${carried("root")} data-width="${measure(["1920", "1080", "720", "0", "x"])}" data-height="${measure(["1080", "1080", "1280", ".5"])}"${measure([' data-duration="2"', ' data-duration="0"', ""])}>`
    : "<div>";
  const newline = r.pick(["\n", "\r\n", ""]);
  return `<!doctype html>${newline}<html${carried("html")}><p${carried("p")}>${newline}${root}${r.list(5, () => r.pick(PIECES)(r)).join(newline)}</div></html>${newline}`;
}

/** A project: files by path. */
export function project(r) {
  const files = { "index.html": page(r, "main"), "logo.png": "\u0089PNG", "a b.png": "x", "style.css": PIECES[6](r).slice(7, -8) };
  if (r.chance(0.5)) files["parts/card.html"] = page(r, "card");
  if (r.chance(0.3)) files["app.js"] = "export const { ink } = getVariables()";
  if (r.chance(0.3)) files[".hyperframesignore"] = r.pick(["*.psd\n", "logo.*\n", "parts/\n!parts/\n", "# nothing\n", "*.html\n"]);
  if (r.chance(0.2)) files["logo.psd"] = "x";
  if (r.chance(0.1)) files["renders/a.mp4"] = "x";
  if (r.chance(0.05)) delete files["index.html"];
  return files;
}
