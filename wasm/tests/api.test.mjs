// The package as a fresh project imports it. Run in that project, by several versions of Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import {
  PreflightError,
  check,
  checkVariables,
  digest,
  digestStream,
  explain,
  isComposition,
  renderKey,
  variablesSchema,
  version,
} from "hyperframes-preflight";

const TITLE = `[{"id":"title","label":"Title","type":"string","default":"Hi"}]`;
const page = (inside = "", declarations = TITLE) =>
  `<html data-composition-variables='${declarations}'>\n` +
  `<div data-composition-id="main" data-no-timeline data-width="1920" data-height="1080" data-duration="2">\n` +
  `<h1 data-var-text="title">Hi</h1>${inside}</div></html>`;

test("the version is that of the package", () => {
  const manifest = createRequire(import.meta.url).resolve("hyperframes-preflight/package.json");
  assert.equal(version, JSON.parse(readFileSync(manifest, "utf8")).version);
});

test("a good project has no findings", () => {
  const result = check({ "index.html": page() });
  assert.deepEqual(result, { diagnostics: [], errors: 0, warnings: 0, notes: 0, compositions: 1, text: "", missing: [] });
});

test("findings have code, place and help", () => {
  const { diagnostics, errors, missing } = check(new Map([["video/index.html", page("\n<img src='gone.png'>")]]), {
    project: "./video/",
  });
  assert.equal(errors, 1);
  assert.deepEqual(missing, ["video/gone.png"]);
  const [{ code, severity, path, position, end, span, help }] = diagnostics;
  assert.deepEqual(
    { code, severity, path, position, end },
    { code: "missing-asset", severity: "error", path: "video/index.html", position: { line: 4, column: 11 }, end: { line: 4, column: 19 } },
  );
  assert.equal(span.end - span.start, "gone.png".length);
  assert.match(help, /commit the file/);
});

test("files are found on demand", () => {
  const files = { "video/index.html": page("<link rel=stylesheet href='../shared/a.css'>") };
  const options = { project: "video" };
  assert.deepEqual(check(files, options).missing, ["shared/a.css"]);
  files["shared/a.css"] = "b { background: url(b.png) }";
  assert.deepEqual(check(files, options).missing, ["shared/b.png"]);
  files["shared/b.png"] = { size: 70 };
  assert.deepEqual(check(files, options).missing, []);
});

test("every option has its effect", () => {
  const files = { "index.html": page("<img src='a.png'>"), "other.html": "<p>" };
  const codes = (options) => check(files, options).diagnostics.map(({ severity, code }) => `${severity} ${code}`);
  assert.deepEqual(codes(), ["error missing-asset"]);
  assert.deepEqual(codes({ warn: ["missing-asset"] }), ["warning missing-asset"]);
  assert.deepEqual(codes({ warn: ["missing-asset"], strict: true }), ["error missing-asset"]);
  assert.deepEqual(codes({ allow: ["missing-asset"] }), []);
  files["a.png"] = new Uint8Array(3);
  assert.deepEqual(codes({ composition: "other.html" }), ["error root-missing"]);
  assert.deepEqual(codes({ aspectRatio: "1:1" }), ["error aspect-ratio-mismatch"]);
  assert.deepEqual(codes({ variables: { titel: "x" } }), ["error undeclared-variable"]);
  const rows = { path: "rows.jsonl", text: '{"title":"a"}\n{"title":1}\n', rows: true };
  const [{ path, position }] = check(files, { values: [rows] }).diagnostics;
  assert.deepEqual([path, position.line], ["rows.jsonl", 2]);
  assert.match(check(files, { aspectRatio: "1:1", format: "github" }).text, /^::error file=index.html,line=2/);
  assert.equal(JSON.parse(check(files, { format: "sarif" }).text).version, "2.1.0");
  assert.equal(JSON.parse(check(files, { format: "json" }).text).errors, 0);
});

test("values are judged", () => {
  assert.deepEqual(checkVariables(page(), { title: "x" }), []);
  const [issue] = checkVariables(page(), { title: 4 });
  assert.deepEqual([issue.code, issue.variable, issue.severity], ["variable-type-mismatch", "title", "error"]);
  assert.match(checkVariables(page(), { titel: "x" })[0].help, /did you mean "title"/);
  assert.deepEqual(checkVariables("<p>", { anything: 1 }), []);
  // The composition is read once for any number of values, and the last one is not taken for another.
  for (const html of [page(), "<p>", page()]) {
    assert.equal(checkVariables(html, { title: 4 }).length, html === "<p>" ? 0 : 1);
  }
  assert.equal(checkVariables(page(), { title: "\ud800" }).length, 0);
  assert.equal(checkVariables(page(), { title: NaN }).length, 1);
});

test("variables have a schema", () => {
  const schema = variablesSchema(page());
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.deepEqual(schema.properties.title, { title: "Title", default: "Hi", "x-hyperframes-type": "string", type: "string" });
  assert.equal(schema.additionalProperties, false);
});

test("compositions are known by their root", () => {
  assert.deepEqual([isComposition(page()), isComposition("<!-- <a data-composition-id=b> -->")], [true, false]);
});

test("links are findings, and what they hide is out of reach", () => {
  const finding = { code: "escaping-link", path: "out.png", message: "leaves", help: "copy" };
  const options = { findings: [finding, { ...finding, path: "node_modules/x.png" }], outside: ["out.png"] };
  const { diagnostics, missing } = check({ "index.html": page('<img src="out.png"><img src="out.pngs">') }, options);
  assert.deepEqual(diagnostics.map(({ code, path }) => `${code} ${path}`), ["escaping-reference index.html", "missing-asset index.html", "escaping-link out.png"]);
  assert.deepEqual(missing, ["out.pngs"]);
});

test("a text for people has 20 findings of a kind, or as many as wanted", () => {
  const files = { "index.html": page(Array.from({ length: 30 }, (_, place) => `<img src="g${place}.png">`).join("\n")) };
  const count = (options) => check(files, options).text.match(/file not found/g)?.length ?? 0;
  assert.deepEqual([count({}), count({ maxFindings: 3 }), count({ maxFindings: 0 })], [20, 3, 30]);
  assert.match(check(files).text, /\nerror\[missing-asset\]: 10 more findings of this kind\n --> index\.html:\d+:\d+(, index\.html:\d+:\d+){4}, …\n\n$/);
  assert.equal(check(files).compositions, 1);
});

test("the digest knows no order, and nothing that is not packed", () => {
  const files = [["index.html", "ü 中 🎬"], ["a/b.css", new TextEncoder().encode("b {}")]];
  const expected = digest(new Map(files));
  assert.match(expected.digest, /^[0-9a-f]{64}$/);
  assert.equal(expected.fileCount, 2);
  const ignored = { ".env": "x", "node_modules/x.js": "x", ".hyperframesignore": "" };
  assert.deepEqual(digest({ ...ignored, ...Object.fromEntries(files.reverse()) }), expected);
  assert.notEqual(digest({ "index.html": "x" }).digest, digest({ "index.html": "y" }).digest);
  assert.equal(digest({}).fileCount, 0);
});

test("text is UTF-8", () => {
  const text = "ü 中 🎬";
  assert.deepEqual(digest({ a: text }), digest({ a: new TextEncoder().encode(text) }));
});

const cycle = {};
cycle.self = cycle;
const throwing = {
  get "index.html"() {
    throw new RangeError("mine");
  },
};

for (const [name, work, code, message] of [
  ["a path that leaves the root", () => digest({ "../escape.html": "x" }), "invalid_path", /\.\.\/escape\.html/],
  ["an absolute path", () => check({ "/etc/passwd": "x" }), "invalid_path", /passwd/],
  ["an empty path", () => digest({ "": "x" }), "invalid_path", /name/],
  ["a path that is no string", () => digest(new Map([[1, "x"]])), "invalid_path", /not a string/],
  ["paths that are one", () => digest({ "\ud800": "x", "\udc00": "x" }), "invalid_path", /twice/],
  ["a name that no archive carries", () => digest({ "a\\b": "x" }), "invalid_path", /backslash/],
  ["contents that are a number", () => check({ "index.html": 1 }), "invalid_contents", /index\.html/],
  ["contents that are null", () => check({ "index.html": null }), "invalid_contents", /index\.html/],
  ["a stub of half a byte", () => check({ "a.mp4": { size: 0.5 } }), "invalid_contents", /a\.mp4/],
  ["a stub for a digest", () => digest({ "a.mp4": { size: 5 } }), "invalid_contents", /a\.mp4/],
  ["an array of files", () => check(["x"]), "invalid_files", /Map/],
  ["no files", () => check(), "invalid_files", /Map/],
  ["null for files", () => digest(null), "invalid_files", /Map/],
  ["a string for files", () => digest("index.html"), "invalid_files", /Map/],
  ["options that are a string", () => check({}, "strict"), "invalid_options", /must be an object/],
  ["an unknown option", () => check({}, { strictly: true }), "invalid_options", /strictly/],
  ["an option of another type", () => check({}, { strict: 1 }), "invalid_options", /strict must be a boolean/],
  ["an unknown code", () => check({}, { deny: ["mising-asset"] }), "invalid_options", /did you mean missing-asset/],
  ["null for options", () => check({}, null), "invalid_options", /must be an object/],
  ["a limit that is no number", () => check({}, { maxFindings: "2" }), "invalid_options", /whole number/],
  ["a finding without a path", () => check({}, { findings: [{ code: "dangling-link" }] }), "invalid_options", /code, path, message, help/],
  ["a finding of no check", () => check({}, { findings: [{ code: "nope", path: "a", message: "", help: "" }] }), "invalid_options", /unknown check/],
  ["an unknown format", () => check({}, { format: "xml" }), "invalid_options", /xml/],
  ["an unknown ratio", () => check({}, { aspectRatio: "4:3" }), "invalid_options", /4:3/],
  ["a project outside", () => check({}, { project: "../x" }), "invalid_options", /outside/],
  ["a project that is neither", () => renderKey({ url: "x" }), "invalid_request", /digest/],
  ["a project that is both", () => renderKey({ digest: "a", assetId: "b" }), "invalid_request", /digest/],
  ["a request that is a list", () => renderKey({ digest: "a" }, []), "invalid_request", /object/],
  ["a request that is no JSON", () => renderKey({ digest: "a" }, { variables: { n: 1n } }), "invalid_request", /JSON/],
  ["half a generation", () => renderKey({ digest: "a" }, {}, 0.5), "invalid_request", /generation/],
  ["an option that digests do not have", () => digest({}, { strict: true }), "invalid_options", /strict/],
  ["variables in a circle", () => check({}, { variables: cycle }), "invalid_options", /JSON/],
  ["values with a bigint", () => checkVariables("<p>", { a: 1n }), "invalid_values", /JSON/],
  ["values that are an array", () => checkVariables("<p>", []), "invalid_values", /must be an object/],
  ["no values", () => checkVariables("<p>"), "invalid_values", /must be an object/],
  ["a composition that is no string", () => variablesSchema(5), "invalid_html", /must be a string/],
  ["no composition", () => isComposition(), "invalid_html", /must be a string/],
]) {
  test(`refused: ${name}`, () => {
    assert.throws(work, (error) => {
      assert.ok(error instanceof PreflightError && error instanceof Error, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("what callers throw passes through, and nothing is left behind", () => {
  assert.throws(() => check(throwing), RangeError);
  for (let round = 0; round < 300; round += 1) {
    assert.throws(() => check({ "a.bin": new Uint8Array(1 << 20), "": "x" }), PreflightError);
  }
  assert.equal(check({ "index.html": page() }).errors, 0);
});

test("more input than fits is an error with a code, and leaves nothing behind", async () => {
  const big = new Uint8Array(2_200_000_000);
  const before = process.memoryUsage().arrayBuffers;
  const isRefused = { name: "PreflightError", code: "too_large" };
  for (const work of [check, digest]) assert.throws(() => work({ "index.html": page(), "assets/a.mp4": big }), isRefused);
  assert.throws(() => check({ "index.html": page(), "a.css": big }), isRefused);
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 ** 2, "memory of the module has grown");
  assert.deepEqual(check({ "index.html": page() }).diagnostics, []);
});

test("streams have the digest of their contents", async () => {
  const video = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251);
  const html = page("<img src='../shared/a.svg'>");
  const files = { "v/index.html": html, "v/assets/a.mp4": video, "shared/a.svg": "<svg/>", "v/.hyperframesignore": "*.psd\n", "v/b.psd": "x" };
  const { digest: expected, fileCount, contentBytes } = digest(files, { project: "v" });
  async function* pieces() {
    for (let start = 0; start < video.length; start += 1000) yield video.subarray(start, start + 1000);
  }
  const bytes = (text) => new TextEncoder().encode(text);
  for (const contents of [video, new Blob([video]), new Blob([video]).stream(), pieces(), [video.subarray(0, 1), video.subarray(1)]]) {
    const streamed = { ...files, "v/index.html": [bytes(html)], "v/assets/a.mp4": contents, "shared/a.svg": new Blob(["<svg/>"]) };
    assert.deepEqual(await digestStream(streamed, { project: "v" }), { digest: expected, fileCount, contentBytes });
  }
  await assert.rejects(digestStream({ "a.mp4": 5 }), { name: "PreflightError", code: "invalid_contents" });
  await assert.rejects(digestStream({ "a.mp4": ["x"] }), { name: "PreflightError", code: "invalid_contents" });
  await assert.rejects(digestStream({ "../a.mp4": [] }), { name: "PreflightError", code: "invalid_path" });
  const broken = (async function* () {
    throw new Error("the file has changed");
  })();
  await assert.rejects(digestStream({ "a.mp4": broken }), /the file has changed/);
});

test("findings are limited to what changes affect", () => {
  const files = { "a.html": "", "index.html": page("<img src='gone.png'>"), "look.css": "" };
  const codes = (options) => check(files, options).diagnostics.map(({ code }) => code);
  assert.deepEqual(codes({ changed: ["look.css"] }), []);
  assert.deepEqual(codes({ changed: ["gone.png"] }), ["missing-asset"]);
  assert.deepEqual(codes({ changed: [], severities: [[]], previousSeverities: [[{ allow: ["missing-asset"] }]] }), ["missing-asset"]);
  assert.match(check(files, { untracked: ["gone.png"] }).diagnostics[0].help, /git add gone\.png/);
  const severities = [[{ allow: ["missing-asset"] }], [{ allow: ["missing-asset"] }, { warn: ["missing-asset"] }]];
  assert.deepEqual(check(files, { severities }).diagnostics.map(({ severity }) => severity), ["warning"]);
  assert.throws(() => check(files, { severities: [[{ deny: ["nope"] }]] }), { code: "invalid_options" });
  assert.throws(() => check(files, { severities: [{ deny: [] }] }), { code: "invalid_options" });
});

test("checks are explained", () => {
  const { severity, summary, url } = explain("missing-asset");
  assert.equal(severity, "error");
  assert.ok(summary.length > 10 && url.endsWith("#missing-asset"));
  assert.throws(() => explain("nope"), { code: "invalid_options" });
});
