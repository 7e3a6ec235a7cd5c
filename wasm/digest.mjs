// Prints the digest of every project given as an argument, one JSON line each, from the built WebAssembly.
// The files of a project are those that `hyperframes-ci pack --list --json` names on standard input.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";

const [, , packagePath, projectPath] = process.argv;
const { digest } = createRequire(import.meta.url)(packagePath);
const { archive } = JSON.parse(readFileSync(0, "utf8"));
const files = Object.fromEntries(
  // In reverse: the order of the map must not matter.
  archive.files.map(({ path }) => [path, new Uint8Array(readFileSync(join(projectPath, path)))]).reverse(),
);
const { digest: manifest, fileCount, contentBytes, sizeBytes } = digest(files);
for (const [name, ours, theirs] of [
  ["digest", manifest, archive.digest],
  ["file count", fileCount, archive.file_count],
  ["content bytes", contentBytes, archive.content_bytes],
  ["archive size", sizeBytes, archive.size_bytes],
]) {
  if (ours !== theirs) {
    console.error(`${projectPath}: ${name}: WebAssembly says ${ours}, native says ${theirs}`);
    process.exit(1);
  }
}
let refused;
try {
  digest({ "../escape.html": "x" });
} catch (error) {
  refused = error;
}
if (!(refused instanceof Error) || !refused.message.includes("../escape.html")) {
  console.error("a path that leaves the project is not refused");
  process.exit(1);
}
console.log(`${projectPath}: ${manifest}, ${fileCount} files, ${sizeBytes} bytes`);
