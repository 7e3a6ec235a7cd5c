// The findings of several projects as one report, as the native program prints it.
import { codes } from "./wasm.js";

/** Returns the report of results that `check` has returned with the same format. */
export function merged(results, format) {
  if (format === "sarif") return `${JSON.stringify(mergedSarif(results), null, 2)}\n`;
  if (format !== "json") return results.map((result) => result.text).join("");
  const diagnostics = sorted(results.flatMap((result) => result.diagnostics), (found) => found);
  const count = (severity) => diagnostics.filter((found) => found.severity === severity).length;
  const counts = { errors: count("error"), warnings: count("warning"), notes: count("note") };
  return `${JSON.stringify({ diagnostics, ...counts }, null, 2)}\n`;
}

/** Returns a result with those of its findings that `isKept` returns true for. */
export function picked(result, format, isKept) {
  const kept = result.diagnostics.map(isKept);
  const pick = (items) => items.filter((_, place) => kept[place]);
  const diagnostics = pick(result.diagnostics);
  const count = (severity) => diagnostics.filter((found) => found.severity === severity).length;
  let { text } = result;
  if (format === "sarif") {
    const log = JSON.parse(text);
    log.runs[0].results = pick(log.runs[0].results);
    text = JSON.stringify(log);
  } else if (format !== "json") {
    // Each finding ends with a blank line for people, and with a line for a workflow: they contain no others.
    const end = format === "human" ? "\n\n" : "\n";
    text = pick(text.split(end)).map((one) => one + end).join("");
  }
  return { ...result, diagnostics, text, errors: count("error"), warnings: count("warning"), notes: count("note") };
}

/** Returns the text of a result for people, with the paths of findings as `displayed` returns them. */
export function relocated({ text, diagnostics }, displayed) {
  const findings = text.split("\n\n");
  const located = findings.map((finding, place) => {
    const path = diagnostics[place]?.path;
    return finding.replace(/^( *--> )(.*)$/m, (line, arrow, rest) => {
      return path !== undefined && rest.startsWith(path) ? arrow + displayed(path) + rest.slice(path.length) : line;
    });
  });
  return located.join("\n\n");
}

function mergedSarif(results) {
  const logs = results.map(({ text }) => JSON.parse(text));
  const [first] = logs;
  const [run] = first.runs;
  const used = new Set(results.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code)));
  const rules = new Map(logs.flatMap((log) => log.runs[0].tool.driver.rules).filter(({ id }) => used.has(id)).map((rule) => [rule.id, rule]));
  const order = codes().split(" ");
  run.tool.driver.rules = [...rules.values()].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  const places = new Map(run.tool.driver.rules.map((rule, place) => [rule.id, place]));
  const pairs = results.flatMap(({ diagnostics }, index) =>
    diagnostics.map((found, place) => ({ found, result: logs[index].runs[0].results[place] })),
  );
  run.results = sorted(pairs, ({ found }) => found).map(({ result }) => ({ ...result, ruleIndex: places.get(result.ruleId) }));
  return first;
}

/** Sorts by file and position, and removes what projects have in common. */
function sorted(items, findingOf) {
  const order = new Map(codes().split(" ").map((code, place) => [code, place]));
  const keyed = items.map((item) => ({ item, found: findingOf(item), json: JSON.stringify(findingOf(item)) }));
  keyed.sort((a, b) => compare(a.found, b.found, order));
  return keyed.filter(({ json }, place) => json !== keyed[place - 1]?.json).map(({ item }) => item);
}

function compare(a, b, order) {
  const position = (found) => (found.span ? [found.span.start, found.span.end] : [-1, -1]);
  const [one, other] = [position(a), position(b)];
  return (
    compareText(a.path, b.path) ||
    one[0] - other[0] ||
    one[1] - other[1] ||
    order.get(a.code) - order.get(b.code) ||
    compareText(a.message, b.message)
  );
}

/** Compares by code points, as UTF-8 does. */
function compareText(one, other) {
  if (one === other) return 0;
  const [left, right] = [[...one], [...other]];
  const place = left.findIndex((character, index) => character !== right[index]);
  if (place < 0) return -1;
  if (place >= right.length) return 1;
  return left[place].codePointAt(0) - right[place].codePointAt(0);
}
