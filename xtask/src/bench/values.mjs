// 1,000 rows of values against one composition: by the package, and by the official validator. The arguments name both.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [ours, theirs] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(path));
const { checkVariables } = await load(`${ours}/node.js`);
const { validateVariables } = await load(`${theirs}/core/dist/runtime/validateVariables.js`);
const { parseCompositionVariables } = await load(`${theirs}/parsers/dist/composition.js`);

const html = readFileSync(0, "utf8");
const types = ["string", "number", "color", "boolean"];
const declared = html.match(/data-composition-variables='([^']*)'/)[1];
const declarations = JSON.parse(declared);
const value = (type, row) => [`row ${row}`, row, "#123456", true][types.indexOf(type)];
const rows = Array.from({ length: 1000 }, (_, row) =>
  Object.fromEntries(declarations.map(({ id, type }) => [id, row % 10 === 0 ? null : value(type, row)])),
);

const parsed = () => parseCompositionVariables({ getAttribute: () => declared });
const prepared = parsed();
const sides = [
  (row) => checkVariables(html, row),
  (row) => validateVariables(row, parsed()),
  (row) => validateVariables(row, prepared),
];
const times = sides.map(() => []);
// In turns, so that whatever else the process does hits all.
for (let round = 0; round < 31; round += 1) {
  sides.forEach((judge, side) => {
    const began = performance.now();
    rows.forEach(judge);
    times[side].push((performance.now() - began) / 1000);
  });
}
console.log(times.map((seconds) => seconds.sort((a, b) => a - b)[15]).join(" "));
