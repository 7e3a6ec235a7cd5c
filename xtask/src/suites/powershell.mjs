// Prints syntax errors of PowerShell scripts: node powershell.mjs <web-tree-sitter> <grammar> <script>…
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [parserPath, grammarPath, ...scripts] = process.argv.slice(2);
const { Language, Parser } = await import(pathToFileURL(parserPath));
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(grammarPath));

function report(script, node) {
  if (node.isError || node.isMissing) {
    const { row, column } = node.startPosition;
    console.log(`${script}:${row + 1}:${column + 1}: syntax error`);
    process.exitCode = 1;
    return;
  }
  for (const child of node.children) if (child.hasError || child.isMissing) report(script, child);
}

for (const script of scripts) report(script, parser.parse(readFileSync(script, "utf8")).rootNode);
