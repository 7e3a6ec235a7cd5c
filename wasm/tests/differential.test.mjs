// Native and WebAssembly say the same, byte for byte. Run in a project that has the package; the environment names the
// repository (ROOT) and the native binary (NATIVE).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, test } from "node:test";
import Ajv from "ajv";
import { check, digest, renderKey } from "hyperframes-preflight";
import { project, random, value } from "./generate.mjs";

const { ROOT, NATIVE } = process.env;
/** Generated projects whose findings are compared, and those of them whose archives are. */
const PROJECTS = 4000;
const DIGESTS = 250;
/** Requests whose render keys are. */
const KEYS = 150;

const scratch = mkdtempSync(join(tmpdir(), "preflight-"));
after(() => rmSync(scratch, { recursive: true }));

function native(cwd, ...args) {
  const ran = spawnSync(NATIVE, args, { cwd, encoding: "utf8", maxBuffer: 1 << 30 });
  assert.ok([0, 5].includes(ran.status), ran.stderr);
  return ran.stdout;
}

function put(folder, files) {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
}

const CODES = readFileSync(join(ROOT, "docs/checks.md"), "utf8").match(/(?<=^### ).+/gm);

/** What the packer says, whatever is wrong with the project. */
function nativeDigest(folder) {
  const { archive } = JSON.parse(native(folder, "pack", "--json", `--allow=${CODES.join(",")}`));
  const { digest, sha256, file_count: fileCount, content_bytes: contentBytes, size_bytes: sizeBytes } = archive;
  return { digest, sha256, fileCount, contentBytes, sizeBytes };
}

function read(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1).replaceAll("\\", "/"), new Uint8Array(readFileSync(path))];
    }),
  );
}

for (const { name } of readdirSync(join(ROOT, "examples"), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
  test(`example ${name}`, () => {
    const folder = join(ROOT, "examples", name);
    const files = Object.fromEntries(Object.entries(read(folder)).map(([path, bytes]) => [`examples/${name}/${path}`, bytes]));
    const project = `examples/${name}`;
    assert.deepEqual(digest(files, { project }), nativeDigest(folder));
    assert.equal(check(files, { project, format: "json" }).text, native(folder, "check", "--format=json"));
  });
}

const CLI = join(process.cwd(), "node_modules/hyperframes-preflight/cli.js");

/** A fixture of `tests/checks`. */
function fixture(path) {
  const [head, ...sections] = readFileSync(path, "utf8").split(/^-- (.+) --\n/m);
  const files = {};
  for (let index = 0; index < sections.length; index += 2) files[sections[index]] = sections[index + 1];
  const { findings, ...rest } = files;
  return { name: basename(path, ".txt"), options: head ? JSON.parse(head) : {}, files: rest, findings };
}

const fixtures = readdirSync(join(ROOT, "tests/checks")).map((name) => fixture(join(ROOT, "tests/checks", name)));
assert.ok(fixtures.length > 40);

test("fixtures have the findings that are written down, and their SARIF is valid", () => {
  const schema = readFileSync("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json", "utf8");
  const ajv = new Ajv({ schemaId: "id", meta: false, unknownFormats: "ignore", logger: false });
  ajv.addMetaSchema(JSON.parse(readFileSync("node_modules/ajv/lib/refs/json-schema-draft-04.json", "utf8")));
  const validate = ajv.compile(JSON.parse(schema));
  for (const { name, options, files, findings } of fixtures) {
    const given = Object.entries(files).map(([header, text]) => {
      const [, path, how] = header.match(/^(.+?)(?: \((.+)\))?$/);
      if (how === "hex") return [path, Uint8Array.from(text.trim().match(/../g), (digits) => parseInt(digits, 16))];
      if (how) return [path, { size: parseInt(how, 10), head: new TextEncoder().encode(text.trimEnd()) }];
      return [path, text];
    });
    for (const value of options.values ?? []) value.text = files[value.path];
    assert.equal(check(new Map(given), options).text, findings, name);
    const log = JSON.parse(check(new Map(given), { ...options, format: "sarif" }).text);
    assert.ok(validate(log), `${name}: ${JSON.stringify(validate.errors)}`);
    assert.ok(log.runs[0].results.length > 0);
  }
});

test("the hook in Node says what the native one says", () => {
  const plain = fixtures.filter(({ options, files }) => {
    const usual = Object.keys(options).every((name) => name === "project");
    return usual && Object.keys(files).every((name) => !/ \(|\\/.test(name));
  });
  assert.ok(plain.length > 25);
  for (const { name, options, files } of plain) {
    const folder = join(scratch, "hook", name);
    put(folder, { ...files, "hyperframes-ci.toml": '[check]\nwarn = ["missing-asset"]\nstrict = false\n' });
    mkdirSync(join(folder, ".git"));
    for (const flags of [[], ["--format=json", "--strict"], ["--format=github", "--deny=missing-asset"], ["--format=sarif"]]) {
      const path = options.project ?? ".";
      const hook = spawnSync(process.execPath, [CLI, path, ...flags], { cwd: folder, encoding: "utf8" });
      const binary = spawnSync(NATIVE, ["check", path, ...flags], { cwd: folder, encoding: "utf8" });
      // Without a root, a folder is a project for those who name it only to the native binary.
      if (hook.status === 2) assert.match(hook.stderr, /no HyperFrames project found/, name);
      else assert.deepEqual([hook.status, hook.stdout], [binary.status, binary.stdout], `${name} ${flags}`);
    }
  }
});

test(`${PROJECTS} generated projects have the same findings, and ${DIGESTS} the same archives`, (context) => {
  mkdirSync(join(scratch, ".git"));
  const projects = Array.from({ length: PROJECTS }, (_, seed) => {
    const path = `p${String(seed).padStart(5, "0")}`;
    return [path, project(random(seed))];
  });
  for (const [path, files] of projects) put(join(scratch, path), files);
  const paths = projects.map(([path]) => path);
  // Hidden or not, each is named: what has no root is a project all the same.
  const text = (format) => {
    const parts = [];
    for (let start = 0; start < paths.length; start += 1000) {
      const known = paths.slice(start, start + 1000).filter((path, place) => "index.html" in projects[start + place][1]);
      parts.push(native(scratch, "check", `--format=${format}`, "--max-findings=0", ...known));
    }
    return parts;
  };
  const known = projects.filter(([, files]) => "index.html" in files);
  const ours = (format) =>
    known.map(([path, files]) => {
      const whole = Object.fromEntries(Object.entries(files).map(([name, contents]) => [`${path}/${name}`, contents]));
      return check(whole, { project: path, format });
    });
  const human = ours("human");
  assert.equal(human.map((result) => result.text).join(""), text("human").join(""));
  assert.equal(ours("github").map((result) => result.text).join(""), text("github").join(""));
  const diagnostics = text("json").flatMap((part) => JSON.parse(part).diagnostics);
  assert.equal(JSON.stringify(human.flatMap((result) => result.diagnostics)), JSON.stringify(diagnostics));
  const codes = new Set(diagnostics.map((found) => found.code));
  context.diagnostic(`${known.length} projects, ${diagnostics.length} findings of ${codes.size} rules`);
  assert.ok(diagnostics.length > PROJECTS && codes.size > 35, "the projects are of use");
  const packed = known.slice(0, DIGESTS);
  for (const [path, files] of packed) assert.deepEqual(digest(files), nativeDigest(join(scratch, path)), path);
});

/** The definition in docs/identity.md once more, by what Node has: JSON.stringify spells numbers and texts as RFC 8785. */
function keyByDefinition(manifest, request, generation) {
  const canonical = (json) => {
    if (Array.isArray(json)) return `[${json.map(canonical)}]`;
    if (json === null || typeof json !== "object") return JSON.stringify(json);
    return `{${Object.keys(json).sort().map((name) => `${JSON.stringify(name)}:${canonical(json[name])}`)}}`;
  };
  const { title, callback_id, callback_url, project, composition, variables, ...given } = request;
  const options = { aspect_ratio: "16:9", format: "mp4", fps: 30, quality: "standard", resolution: "1080p" };
  for (const [name, option] of Object.entries(given)) if (option !== null) options[name] = option;
  const lines = [
    "hyperframes-ci render 1",
    `project digest ${manifest}`,
    `composition ${composition ?? "index.html"}`,
    `options ${canonical(options)}`,
    `variables ${canonical(variables ?? {})}`,
    `generation ${generation}`,
  ];
  return `hfci_${createHash("sha256").update(lines.map((line) => `${line}\n`).join("")).digest("hex")}`;
}

test(`${KEYS} requests have the same render key natively, in WebAssembly and by definition`, () => {
  const folder = join(scratch, "keys");
  put(folder, { "index.html": '<div data-composition-id="a" data-width="720" data-height="720" data-duration="2"></div>' });
  mkdirSync(join(folder, ".git"));
  for (let seed = 0; seed < KEYS; seed += 1) {
    const r = random(seed);
    const body = { variables: Object.fromEntries(r.list(6, () => [`${r.pick(["a", "b", "ö", "🎬", "\ufb33"])}${r.below(3)}`, value(r)])) };
    if (r.chance(0.5)) body.fps = 1 + r.below(240);
    if (r.chance(0.3)) body.quality = r.pick(["draft", "standard", "high"]);
    if (r.chance(0.3)) body.title = `t${r.below(9)}`;
    if (r.chance(0.3)) body.later_option = value(r);
    const answer = JSON.parse(native(folder, "render", "--dry-run", "--json", "-d", JSON.stringify(body)));
    const { key, request } = answer;
    assert.equal(request.aspect_ratio, "1:1");
    assert.equal(renderKey({ digest: answer.archive.digest }, request), key, JSON.stringify(body));
    assert.equal(keyByDefinition(answer.archive.digest, request, 0), key, JSON.stringify(body));
    assert.equal(renderKey({ digest: "d" }, body, seed), keyByDefinition("d", body, seed));
  }
});
