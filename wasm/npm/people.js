// Findings as a text for people.

/** Number of further places that are listed. */
const MOST_PLACES = 5;

/** Returns the parts of a text: each finding ends with a blank line for people, and with a line for a workflow. */
export function textsOf(text, format) {
  const end = format === "human" ? "\n\n" : "\n";
  return text.split(end).slice(0, -1).map((part) => part + end);
}

/** Returns findings of which at most `most` of one kind, the same check and severity, are in full. */
export function forPeople(items, most) {
  const kinds = new Map();
  let text = "";
  for (const { found, text: part } of items) {
    const kind = `${found.severity}[${found.code}]`;
    if (!kinds.has(kind)) kinds.set(kind, { count: 0, rest: [] });
    const known = kinds.get(kind);
    known.count += 1;
    if (most === 0 || known.count <= most) text += part;
    else known.rest.push(found);
  }
  const rests = [...kinds].filter(([, { rest }]) => rest.length > 0);
  // In the order of their first findings that are not in full.
  rests.sort(([, one], [, other]) => items.findIndex(({ found }) => found === one.rest[0]) - items.findIndex(({ found }) => found === other.rest[0]));
  for (const [kind, { rest }] of rests) {
    const places = rest.slice(0, MOST_PLACES).map(({ path, position }) => (position ? `${path}:${position.line}:${position.column}` : path));
    const more = rest.length > MOST_PLACES ? ", …" : "";
    text += `${kind}: ${rest.length} more finding${rest.length === 1 ? "" : "s"} of this kind\n --> ${places.join(", ")}${more}\n\n`;
  }
  return text;
}

