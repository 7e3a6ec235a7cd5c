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

function median(work) {
  const times = Array.from({ length: 7 }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[3] / 1000;
}

const each = median(() => rows.forEach((row) => checkVariables(html, row)));
const parsed = () => parseCompositionVariables({ getAttribute: () => declared });
const official = median(() => rows.forEach((row) => validateVariables(row, parsed())));
const prepared = parsed();
const bare = median(() => rows.forEach((row) => validateVariables(row, prepared)));
console.log(`${each} ${official} ${bare}`);
