// The package in bundlers, test runners and runtimes, each the real tool without configuration for the package. Run in a
// folder whose node_modules have the tools and the package; the environment names a browser (BROWSER), versions of Node
// (NODES), and the programs that scripts of npm would otherwise link (PROGRAMS).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import puppeteer from "puppeteer-core";
import { serve } from "./serve.mjs";

const ROOT = process.cwd();
const NODES = JSON.parse(process.env.NODES);
const PROGRAMS = JSON.parse(process.env.PROGRAMS);
const require = createRequire(import.meta.url);

const PAGE = `<!doctype html><html><body><div data-composition-id="a" data-no-timeline data-width="1920" data-height="1080" data-duration="2"><img src="gone.png" alt=""></div></body></html>`;
const FILES = `{ "index.html": ${JSON.stringify(PAGE)} }`;
/** A script that sets `answer`. */
const SCRIPT = `import { check } from "hyperframes-preflight";\nconst answer = check(${FILES}).diagnostics.map(({ code }) => code).join();\n`;
const ANSWER = "missing-asset";
const IN_PAGE = `${SCRIPT}document.title = answer;\n`;
const PRINTED = `${SCRIPT}console.log(answer);\n`;
/** Without 'unsafe-inline' and 'unsafe-eval'. */
const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

let browser;
before(async () => {
  browser = await puppeteer.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });
});
after(() => browser?.close());

/** Makes a folder for a case, with files. */
function folder(name, files) {
  const path = join(ROOT, "cases", name);
  rmSync(path, { recursive: true, force: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return path;
}

function run(program, args, cwd, env = {}) {
  const ran = spawnSync(program, args, { cwd, encoding: "utf8", env: { ...process.env, NODE_TEST_CONTEXT: "", ...env } });
  assert.equal(ran.status, 0, `${program} ${args.join(" ")}: ${ran.error ?? ""}${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

const html = (script, kind = "module") => `<!doctype html><title>-</title><body><script type="${kind}" src="${script}"></script>`;

/** Opens a page of a folder under a strict content security policy, and returns the title that its script sets. */
async function opened(path, policy = CSP) {
  const server = await serve(path, {}, policy);
  try {
    return await title(server.url);
  } finally {
    server.close();
  }
}

async function title(url) {
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  try {
    await page.goto(url);
    await page.waitForFunction(() => document.title !== "-", { timeout: 20_000 });
    return await page.title();
  } catch (error) {
    throw new Error(`${error.message}; ${problems.join("; ")}`);
  } finally {
    await page.close();
  }
}

test("Vite, built and served", async () => {
  const vite = await import("vite");
  const path = folder("vite", { "index.html": html("/main.js"), "main.js": IN_PAGE });
  await vite.build({ root: path, logLevel: "error", build: { chunkSizeWarningLimit: 9999 } });
  assert.equal(await opened(join(path, "dist")), ANSWER);
  const server = await vite.createServer({ root: path, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  try {
    await server.listen();
    assert.equal(await title(server.resolvedUrls.local[0]), ANSWER);
  } finally {
    await server.close();
  }
});

test("Vite, with the .wasm file as an asset", async () => {
  const vite = await import("vite");
  const script = `import { check, init } from "hyperframes-preflight/init";\nimport url from "hyperframes-preflight/wasm?url";\ninit(url).then(() => { document.title = check(${FILES}).diagnostics[0].code; });\n`;
  const path = folder("vite-init", { "index.html": html("/main.js"), "main.js": script });
  await vite.build({ root: path, logLevel: "error" });
  assert.ok(readdirSync(join(path, "dist/assets")).some((name) => name.endsWith(".wasm")));
  assert.equal(await opened(join(path, "dist")), ANSWER);
});

for (const target of ["web", "node"]) {
  test(`webpack, ${target}`, async () => {
    const webpack = require("webpack");
    const path = folder(`webpack-${target}`, { "index.html": html("dist/main.js", "text/javascript"), "main.js": target === "web" ? IN_PAGE : PRINTED });
    const entry = { mode: "production", context: path, entry: "./main.js", target, output: { path: join(path, "dist"), filename: "main.js" }, performance: { hints: false } };
    const stats = await new Promise((resolve, reject) => webpack(entry, (error, stats) => (error ? reject(error) : resolve(stats))));
    assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).errors, []);
    assert.deepEqual(stats.toJson({ all: false, warnings: true }).warnings, []);
    if (target === "web") assert.equal(await opened(path), ANSWER);
    else assert.equal(run(NODES.at(-1), ["dist/main.js"], path).trim(), ANSWER);
  });
}

for (const [platform, format] of [["browser", "iife"], ["browser", "esm"], ["node", "esm"], ["node", "cjs"]]) {
  test(`esbuild, ${platform}, ${format}`, async () => {
    const esbuild = await import("esbuild");
    const path = folder(`esbuild-${platform}-${format}`, { "index.html": html("main.bundle.js"), "main.js": platform === "browser" ? IN_PAGE : PRINTED });
    const outfile = join(path, platform === "node" ? `main.bundle.${format === "esm" ? "mjs" : "cjs"}` : "main.bundle.js");
    const { warnings } = await esbuild.build({ entryPoints: [join(path, "main.js")], bundle: true, platform, format, outfile, logLevel: "silent" });
    assert.deepEqual(warnings, []);
    if (platform === "browser") assert.equal(await opened(path), ANSWER);
    else assert.equal(run(NODES[0], [outfile], path).trim(), ANSWER);
  });
}

test("Rollup", async () => {
  const { rollup } = await import("rollup");
  const { default: resolve } = await import("@rollup/plugin-node-resolve");
  const path = folder("rollup", { "index.html": html("dist/main.js"), "main.js": IN_PAGE });
  const bundle = await rollup({ input: join(path, "main.js"), plugins: [resolve({ browser: true })] });
  await bundle.write({ dir: join(path, "dist"), format: "es" });
  assert.equal(await opened(path), ANSWER);
});

test("Parcel, in a page and in a Web Worker", async () => {
  const worker = `${SCRIPT}postMessage(answer);\n`;
  const main = `${SCRIPT}const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });\nworker.onmessage = ({ data }) => { document.title = data === answer ? answer : "different"; };\n`;
  const path = folder("parcel", { "package.json": '{"private":true}', "index.html": html("main.js"), "main.js": main, "worker.js": worker });
  const args = [join(ROOT, "node_modules/parcel/lib/bin.js"), "build", "index.html", "--no-cache", "--no-source-maps", "--dist-dir", "dist"];
  run(process.execPath, args, path);
  // Parcel writes an inline script of its own.
  assert.equal(await opened(join(path, "dist"), null), ANSWER);
});

test("Next.js, a server component (Turbopack)", () => {
  const path = folder("next", {
    "package.json": '{"private":true}',
    "next.config.mjs": `export default { turbopack: { root: ${JSON.stringify(ROOT)} } };\n`,
    "app/layout.js": "export default function Layout({ children }) {\n  return <html><body>{children}</body></html>;\n}\n",
    "app/page.js": `${SCRIPT}export default function Page() {\n  return <p>{answer}</p>;\n}\n`,
  });
  run(process.execPath, [join(ROOT, "node_modules/next/dist/bin/next"), "build"], path, { NEXT_TELEMETRY_DISABLED: "1", CI: "1" });
  const built = join(path, ".next/server/app/index.html");
  assert.ok(readFileSync(built, "utf8").includes(`<p>${ANSWER}</p>`));
});

test("Cloudflare Workers (workerd)", async () => {
  const esbuild = await import("esbuild");
  const test = `${SCRIPT}export default { test() { if (answer !== ${JSON.stringify(ANSWER)}) throw new Error(answer); } };\n`;
  const path = folder("workerd", { "main.js": test });
  // As wrangler bundles a Worker.
  const outfile = join(path, "bundle.mjs");
  await esbuild.build({ entryPoints: [join(path, "main.js")], bundle: true, format: "esm", conditions: ["workerd", "worker", "browser"], external: ["*.wasm"], outfile });
  const module = readFileSync(require.resolve("hyperframes-preflight/wasm"));
  writeFileSync(join(path, "wasm_bg.wasm"), module);
  const config = `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (services = [(name = "main", worker = (compatibilityDate = "2026-01-01", modules = [(name = "bundle.mjs", esModule = embed "bundle.mjs"), (name = "wasm_bg.wasm", wasm = embed "wasm_bg.wasm")]))]);\n`;
  writeFileSync(join(path, "config.capnp"), config);
  run(PROGRAMS.workerd, ["test", "config.capnp"], path);
});

test("Deno", () => {
  const path = folder("deno", { "main.mjs": PRINTED });
  assert.equal(run(PROGRAMS.deno, ["run", "--allow-read", "--allow-env", "--no-remote", "--node-modules-dir=manual", "main.mjs"], path).trim(), ANSWER);
});

test("Bun", () => {
  const path = folder("bun", { "main.mjs": PRINTED, "main.cjs": PRINTED.replace(/import (.*) from (.*);/, "const $1 = require($2);") });
  for (const name of ["main.mjs", "main.cjs"]) assert.equal(run(PROGRAMS.bun, ["run", name], path).trim(), ANSWER);
});

for (const node of NODES) {
  const version = run(node, ["--version"], ROOT).trim();
  test(`Node ${version}, import and require`, () => {
    const init = `const { init, check } = await import("hyperframes-preflight/init");\nconst { readFileSync } = await import("node:fs");\nconst { createRequire } = await import("node:module");\nawait init(readFileSync(createRequire(import.meta.url).resolve("hyperframes-preflight/wasm")));\nconsole.log(check(${FILES}).diagnostics[0].code);\n`;
    const files = { "main.mjs": PRINTED, "main.cjs": PRINTED.replace(/import (.*) from (.*);/, "const $1 = require($2);"), "init.mjs": init };
    const path = folder(`node-${version}`, files);
    for (const name of Object.keys(files)) assert.equal(run(node, [name], path).trim(), ANSWER, name);
  });
}

const SPEC = `test("checks", () => {\n  expect(check(${FILES}).errors).toBe(1);\n});\n`;

test("Jest", () => {
  const path = folder("jest", { "package.json": '{"private":true}', "main.test.js": `const { check } = require("hyperframes-preflight");\n${SPEC}` });
  run(process.execPath, [join(ROOT, "node_modules/jest/bin/jest.js"), "--rootDir", path, "--no-cache"], path);
});

test("Vitest", () => {
  const path = folder("vitest", { "main.test.js": `import { expect, test } from "vitest";\nimport { check } from "hyperframes-preflight";\n${SPEC}` });
  run(process.execPath, [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--root", path], path);
});

test("a page without a bundler", async () => {
  const path = folder("plain", { "index.html": html("main.js"), "main.js": IN_PAGE.replace("hyperframes-preflight", "./preflight/browser.js") });
  const package_ = dirname(require.resolve("hyperframes-preflight/package.json"));
  mkdirSync(join(path, "preflight"));
  for (const name of ["api.js", "browser.js", "contents.js", "init.js", "people.js", "wasm.js", "wasm_bg.wasm"]) writeFileSync(join(path, "preflight", name), readFileSync(join(package_, name)));
  assert.equal(await opened(path), ANSWER);
});

test("old resolvers find main, browser and types", () => {
  const manifest = require("hyperframes-preflight/package.json");
  const package_ = dirname(require.resolve("hyperframes-preflight/package.json"));
  for (const name of ["main", "module", "browser", "types"]) assert.ok(existsSync(join(package_, manifest[name])), name);
  for (const [module, resolution] of [["commonjs", "node10"], ["esnext", "bundler"], ["nodenext", "nodenext"]]) {
    const text = `import { check, checkVariables, type Diagnostic } from "hyperframes-preflight";\ninterface Values { title: string }\nconst values: Values = { title: "x" };\nexport const found: Diagnostic[] = check({}, { variables: values }).diagnostics;\nexport const issues = checkVariables("", values);\n`;
    const files = resolution === "nodenext" ? ["main.ts", "main.cts"] : ["main.ts"];
    // Types of other packages of this folder are not meant.
    const compilerOptions = { noEmit: true, strict: true, target: "es2022", module, moduleResolution: resolution, ignoreDeprecations: "5.0", types: [] };
    const path = folder(`types-${resolution}`, { "package.json": '{"private":true}', "main.ts": text, "main.cts": text, "tsconfig.json": JSON.stringify({ compilerOptions, files }) });
    run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "."], path);
  }
});
