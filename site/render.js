// Renders findings as elements. Text from files is never inserted as markup.

const DOCS = "https://github.com/hyperframes-ci/hyperframes-ci/blob/main/docs/checks.md";

/** Number of characters of a line that are shown before and after the marked position. */
const LEAD = 60;
const TAIL = 80;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function renderFinding(found, source) {
  const { code, severity, path, position, message, help } = found;
  const link = element("a", "", code);
  link.href = `${DOCS}#${code}`;
  const item = element("li");
  item.append(element("p", "finding", element("span", severity, `${severity} `), link, ` ${message}`));
  item.append(element("p", "place", position ? `${path}:${position.line}:${position.column}` : path));
  if (position && source !== undefined) item.append(excerpt(found, source));
  if (help) item.append(element("p", "help", help));
  return item;
}

/** Returns the line with the span marked. Spans are byte offsets (UTF-8). */
function excerpt({ span, position, severity }, source) {
  const bytes = encoder.encode(source);
  const part = (start, end) => decoder.decode(bytes.subarray(start, end));
  const before = [...part(Math.max(0, span.start - 4 * LEAD), span.start).split("\n").pop()];
  const rest = part(span.start, Math.min(bytes.length, span.end + 4 * TAIL)).split(/\r?\n/);
  const inside = [...part(span.start, span.end).split(/\r?\n/)[0]];
  const after = [...rest[0]].slice(inside.length);
  const clean = (characters) => characters.join("").replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (c) => (c === "\t" ? "    " : "\ufffd"));
  const lead = clean(before.slice(-LEAD));
  const marked = element("mark", severity, clean(inside.slice(0, TAIL)));
  const tail = clean(after.slice(0, Math.max(0, TAIL - inside.length)));
  return element(
    "pre",
    "",
    element("span", "number", `${position.line} │ `),
    before.length > LEAD ? `…${lead}` : lead,
    marked,
    tail,
    inside.length + after.length > TAIL ? "…" : "",
  );
}

/** Scrolls a long line to its mark. */
export function showMark(mark) {
  const line = mark.parentElement;
  const end = mark.offsetLeft + mark.offsetWidth - line.offsetLeft;
  if (end > line.clientWidth) line.scrollLeft = mark.offsetLeft - line.offsetLeft - Math.min(96, line.clientWidth / 4);
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KB", "MB", "GB"];
  let value = bytes / 1024;
  while (value >= 1023.95 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return `${value.toFixed(1)} ${units[0]}`;
}
