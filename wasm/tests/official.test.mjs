// The verdict on values is that of the official validator. The environment names it: OFFICIAL is a folder with
// @hyperframes/core and @hyperframes/parsers.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { checkVariables } from "hyperframes-preflight";
import { declaration, random, values } from "./generate.mjs";

const load = (path) => import(pathToFileURL(join(process.env.OFFICIAL, path)));
const { validateVariables } = await load("core/dist/runtime/validateVariables.js");
const { parseCompositionVariables } = await load("parsers/dist/composition.js");

const PAIRS = 20000;
const KINDS = {
  undeclared: "undeclared-variable",
  "type-mismatch": "variable-type-mismatch",
  "enum-out-of-range": "variable-not-in-enum",
};

test(`${PAIRS} pairs of declarations and values`, (context) => {
  const seen = { none: 0 };
  for (let seed = 0; seed < PAIRS; seed += 1) {
    const r = random(seed);
    const declarations = [declaration(r), ...r.list(4, () => declaration(r))];
    // What is declared twice is judged by the last, for both.
    const json = JSON.stringify(declarations);
    const given = JSON.parse(JSON.stringify(values(r, declarations.map((entry) => entry.id))));
    const parsed = parseCompositionVariables({ getAttribute: () => json });
    assert.equal(parsed.length, declarations.length);
    const expected = validateVariables(given, parsed).map((issue) => `${KINDS[issue.kind]} ${issue.variableId}`);
    const escaped = json.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
    const html = `<html data-composition-variables="${escaped}"><div data-composition-id="a"></div></html>`;
    const found = checkVariables(html, given).map((issue) => `${issue.code} ${issue.variable}`);
    assert.deepEqual(found, expected, `seed ${seed}: ${json} ${JSON.stringify(given)}`);
    for (const verdict of expected.length ? expected : ["none"]) {
      const kind = verdict.split(" ")[0];
      seen[kind] = (seen[kind] ?? 0) + 1;
    }
  }
  context.diagnostic(JSON.stringify(seen));
  assert.equal(Object.keys(seen).length, 4);
});

test("a verdict that is remembered is the one that would be given", () => {
  const r = random(7);
  const types = ["string", "number", "color", "boolean", "enum", "font", "image"];
  const options = ["calm", "wild"].map((value) => ({ value, label: value }));
  const declarations = types.map((type) => ({ id: type, label: "", type, default: { number: 2, boolean: true }[type] ?? "calm", options }));
  const html = `<html data-composition-variables='${JSON.stringify(declarations)}'><div data-composition-id="a"></div></html>`;
  const odd = [NaN, -Infinity, undefined, () => 1, Symbol("a"), new Date(0), new String("calm"), new Number(1), [1], "\ud800", { toJSON: () => "calm" }];
  const rows = Array.from({ length: 5000 }, () => {
    const row = values(r, types);
    if (r.chance(0.5)) row[r.pick(types)] = r.pick(odd);
    const other = { number: r.pick([1, "x"]), string: 1 };
    if (r.chance(0.1)) row.toJSON = () => other;
    return row;
  });
  const remembered = rows.map((row) => checkVariables(html, row));
  const seen = new Set();
  rows.forEach((row, index) => {
    // Nothing is remembered about a composition that was not there before.
    assert.deepEqual(remembered[index], checkVariables(`${html}<!--${index}-->`, row), `row ${index}`);
    remembered[index].forEach(({ code, variable }) => seen.add(`${code} ${variable}`));
  });
  assert.ok(seen.size > 12, [...seen].join(", "));
  // What callers do to an answer does not change the next one.
  checkVariables(html, { string: 1 })[0].code = "changed";
  assert.equal(checkVariables(html, { string: 1 })[0].code, "variable-type-mismatch");
});
