// Lints projects with the official linter, in one process: node lint.mjs <script of the package> <file with a directory
// per line>. Prints a JSON object per finding.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [script, list] = process.argv.slice(2);
const dist = [join(script, "../../dist"), join(script, "../dist")].find(existsSync);
const name = readdirSync(dist).find((name) => {
  if (!/^chunk-.*\.js$/.test(name)) return false;
  const text = readFileSync(join(dist, name), "utf8");
  return text.includes("async function lintProject(") && /^ {2}lintProject,?$/m.test(text);
});
const { lintProject } = await import(pathToFileURL(join(dist, name)).href);
for (const directory of readFileSync(list, "utf8").split("\n").filter(Boolean)) {
  // It fails where the engine does, for example if `compositions` is a file.
  const { results } = await lintProject(directory).catch(() => ({ results: [] }));
  for (const { file, result } of results) {
    for (const { code, severity, elementId, snippet, message } of result.findings) {
      console.log(JSON.stringify({ directory, file, code, severity, elementId, snippet, message }));
    }
  }
}
