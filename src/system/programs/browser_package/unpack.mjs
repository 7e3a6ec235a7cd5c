// Unpacks the package @sparticuz/chromium: node browser_package.mjs PACKAGE.tgz FOLDER
// The package has archives that are compressed with Brotli; all their files are written to one directory.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const BLOCK = 512;

// Yields the names and contents of the files of a tar archive.
function* files(tar) {
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    const field = (from, length) => header.toString("latin1", from, from + length).split("\0")[0];
    const size = Number.parseInt(field(124, 12), 8) || 0;
    const start = at + BLOCK;
    const type = field(156, 1);
    if (type === "0" || type === "") yield [field(0, 100), tar.subarray(start, start + size)];
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

const [archive, folder] = process.argv.slice(2);
const write = (name, contents) => writeFileSync(join(folder, basename(name)), contents);
for (const [name, contents] of files(gunzipSync(readFileSync(archive)))) {
  if (name.endsWith("/bin/chromium.br")) {
    write("headless_shell", brotliDecompressSync(contents));
  } else if (/\/bin\/(al2023|swiftshader|fonts)\.tar\.br$/.test(name)) {
    for (const [inner, text] of files(brotliDecompressSync(contents))) {
      if (basename(inner)) write(inner, text);
    }
  }
}
