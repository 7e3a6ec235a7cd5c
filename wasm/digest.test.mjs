// `digest` in Node. Arguments: the built module, then pairs of a project and the output of
// `hyperframes-ci pack --list --json` over it. Run by `cargo xtask test wasm`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

const [module, ...projects] = process.argv.slice(2);
const { digest } = createRequire(import.meta.url)(module);

assert.ok(projects.length >= 2, "there is no project to compare");
for (let index = 0; index < projects.length; index += 2) {
  const [project, native] = projects.slice(index, index + 2);
  test(`${project}: native and WebAssembly agree`, () => {
    const { archive } = JSON.parse(readFileSync(native, "utf8"));
    const files = archive.files.map(({ path }) => [path, new Uint8Array(readFileSync(join(project, path)))]);
    const expected = {
      digest: archive.digest,
      sha256: archive.sha256,
      fileCount: archive.file_count,
      contentBytes: archive.content_bytes,
      sizeBytes: archive.size_bytes,
    };
    assert.deepEqual(digest(Object.fromEntries(files)), expected);
    // The order must not matter.
    assert.deepEqual(digest(new Map(files.reverse())), expected);
  });
}

test("strings are UTF-8", () => {
  const text = "ü 中 🎬";
  assert.deepEqual(digest({ a: text }), digest({ a: new TextEncoder().encode(text) }));
  assert.notEqual(digest({ a: text }).digest, digest({ a: text.slice(1) }).digest);
});

test("an empty project is one", () => {
  assert.equal(digest({}).fileCount, 0);
  assert.equal(digest(new Map()).digest, digest({}).digest);
});

for (const [name, files, code, message] of [
  ["a path that leaves the project", { "../escape.html": "x" }, "invalid_path", /\.\.\/escape\.html/],
  ["an empty path", { "": "x" }, "invalid_path", /name/],
  ["a path that is no string", new Map([[1, "x"]]), "invalid_path", /not a string/],
  ["paths that are one", { "\ud800": "x", "\udc00": "x" }, "invalid_path", /twice/],
  ["contents that are a number", { "index.html": 1 }, "invalid_contents", /index\.html/],
  ["contents that are null", { "index.html": null }, "invalid_contents", /index\.html/],
  ["an array", ["x"], "invalid_files", /Map/],
  ["null", null, "invalid_files", /Map/],
  ["nothing", undefined, "invalid_files", /Map/],
  ["a string", "index.html", "invalid_files", /Map/],
]) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => digest(files),
      (error) => {
        assert.ok(error instanceof Error);
        assert.ok(!(error instanceof WebAssembly.RuntimeError), "a panic");
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
