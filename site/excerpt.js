// The line of a finding, with the part that it is about.

/** Number of characters of a line before and after the marked position. */
const LEAD = 60;
const TAIL = 80;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns a function that makes excerpts of a text. Spans are byte offsets (UTF-8). */
export function excerpts(text) {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const part = (start, end) => decoder.decode(bytes.subarray(start, end));
  return ({ span, position }) => {
    const before = [...part(Math.max(0, span.start - 4 * LEAD), span.start).split("\n").pop()];
    const rest = part(span.start, Math.min(bytes.length, span.end + 4 * TAIL)).split(/\r?\n/);
    const inside = [...part(span.start, Math.min(span.end, span.start + 4 * TAIL)).split(/\r?\n/)[0]];
    const after = [...rest[0]].slice(inside.length);
    const lead = clean(before.slice(-LEAD));
    return {
      line: position.line,
      lead: before.length > LEAD ? `…${lead}` : lead,
      marked: clean(inside.slice(0, TAIL)),
      tail: clean(after.slice(0, Math.max(0, TAIL - inside.length))) + (inside.length + after.length > TAIL ? "…" : ""),
    };
  };
}

/** Replaces characters that are not visible or change the direction of a text. */
function clean(characters) {
  return characters.join("").replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => (character === "\t" ? "    " : "\ufffd"));
}
