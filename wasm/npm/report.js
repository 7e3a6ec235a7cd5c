// The findings of several projects as one report, as the native program prints it.
import { forPeople, textsOf } from "./people.js";
import { codes } from "./wasm.js";

/**
 * Returns the report of results that `check` has returned with the same format and all findings, and the numbers of errors
 * and warnings in it. For people, at most `most` findings of one kind are written in full; 0 = all.
 */
export function merged(results, format, most = 0) {
  const items = sorted(results.flatMap((result) => itemsOf(result, format)));
  const diagnostics = items.map(({ found }) => found);
  const count = (severity) => diagnostics.filter((found) => found.severity === severity).length;
  const counts = { errors: count("error"), warnings: count("warning"), notes: count("note") };
  const text =
    format === "sarif"
      ? json(sarif(results, items))
      : format === "json"
        ? json({ diagnostics, ...counts })
        : format === "github"
          ? items.map((item) => item.text).join("")
          : forPeople(items, most);
  return { text, ...counts };
}

/** Returns the findings of a result, each with its part of the text. */
function itemsOf({ diagnostics, text }, format) {
  if (format === "json") return diagnostics.map((found) => ({ found }));
  const parts = format === "sarif" ? sarifResults(text) : textsOf(text, format);
  return diagnostics.map((found, place) => (format === "sarif" ? { found, result: parts[place] } : { found, text: parts[place] }));
}

const sarifResults = (text) => JSON.parse(text).runs[0].results;

/** Returns JSON as the native program prints it: what controls a terminal or a workflow is escaped. */
function json(value) {
  const text = JSON.stringify(value, null, 2).replaceAll("##[", "#\\u0023[");
  const escaped = text.replace(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${escaped}\n`;
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
    text = pick(textsOf(text, format)).join("");
  }
  return { ...result, diagnostics, text, errors: count("error"), warnings: count("warning"), notes: count("note") };
}

/** Returns a result with the paths of its findings as `displayed` returns them. */
export function relocated(result, format, displayed) {
  const diagnostics = result.diagnostics.map((found) => ({ ...found, path: displayed(found.path) }));
  const moved = (text, before, [from, to], escaped = (path) => path) => {
    const start = text.indexOf(before + escaped(from));
    return start < 0 ? text : text.slice(0, start) + before + escaped(to) + text.slice(start + before.length + escaped(from).length);
  };
  const paths = result.diagnostics.map(({ path }, place) => [path, diagnostics[place].path]);
  let { text } = result;
  if (format === "sarif") {
    const log = JSON.parse(text);
    for (const [place, { locations }] of log.runs[0].results.entries()) {
      const uri = (path) => path.split("/").map(encodeURIComponent).join("/");
      for (const { physicalLocation } of locations ?? []) physicalLocation.artifactLocation.uri = uri(paths[place][1]);
    }
    text = JSON.stringify(log);
  } else if (format === "human") {
    text = textsOf(text, format).map((part, place) => moved(part, "--> ", paths[place])).join("");
  } else if (format === "github") {
    text = textsOf(text, format).map((part, place) => moved(part, " file=", paths[place], property)).join("");
  }
  return { ...result, diagnostics, text };
}

const property = (text) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll(":", "%3A").replaceAll(",", "%2C");

/** Returns the SARIF log of findings. */
function sarif(results, items) {
  const logs = results.map(({ text }) => JSON.parse(text));
  const [first] = logs;
  const [run] = first.runs;
  const used = new Set(items.map(({ found }) => found.code));
  const rules = new Map(logs.flatMap((log) => log.runs[0].tool.driver.rules).filter(({ id }) => used.has(id)).map((rule) => [rule.id, rule]));
  const order = codes().split(" ");
  run.tool.driver.rules = [...rules.values()].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  const places = new Map(run.tool.driver.rules.map((rule, place) => [rule.id, place]));
  run.results = items.map(({ result }) => ({ ...result, ruleIndex: places.get(result.ruleId) }));
  return first;
}

/** Sorts by file and position, and removes what projects have in common. */
function sorted(items) {
  const order = new Map(codes().split(" ").map((code, place) => [code, place]));
  const keyed = items.map((item) => ({ ...item, json: JSON.stringify(item.found) }));
  keyed.sort((a, b) => compare(a.found, b.found, order));
  return keyed.filter(({ json }, place) => json !== keyed[place - 1]?.json);
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
