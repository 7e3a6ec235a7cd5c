// Compiles pages with the official engine's own code, and reports which files outside of a project it opened
// or would copy, and what it would fetch from this machine.
//
//   node compile.mjs <engine's script> <cases.json>
//
// The cases are [{ "project": directory }, …]; the output is one JSON array of lists of paths per case, as a line.
import childProcess from "node:child_process";
import fs from "node:fs";
import { registerHooks, syncBuiltinESMExports } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [, , script, casesFile] = process.argv;
const dist = path.join(path.dirname(path.dirname(fs.realpathSync(script))), "dist");

// The function is internal: the module that defines it gets another export when it is loaded. Nothing on disk changes.
const defines = (name) => {
  const start = new RegExp(`^(async )?function ${name}\\(`, "m");
  const found = fs.readdirSync(dist).find((file) => {
    return file.endsWith(".js") && start.test(fs.readFileSync(path.join(dist, file), "utf8"));
  });
  if (!found) throw new Error(`the engine has no function ${name}`);
  return path.join(dist, found);
};
const compiler = defines("compileForRender");
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (url.startsWith("file:") && fileURLToPath(url) === compiler) {
      loaded.source = `${loaded.source}\nexport { compileForRender as __compileForRender };\n`;
    }
    return loaded;
  },
});

let touched = null;
let project = "";
const note = (file) => {
  if (touched === null || typeof file !== "string") return;
  const whole = path.resolve(file);
  if (whole.includes("canary") && path.relative(project, whole).startsWith("..")) touched.add(whole);
};
const watch = (object, name) => {
  const original = object[name];
  object[name] = function (...args) {
    note(args[0]);
    return original.apply(this, args);
  };
};
for (const name of ["openSync", "open", "readFileSync", "readFile", "createReadStream", "copyFileSync", "copyFile"]) {
  watch(fs, name);
}
for (const name of ["open", "readFile", "copyFile"]) watch(fs.promises, name);
for (const name of ["spawn", "spawnSync", "execFile", "execFileSync"]) {
  const original = childProcess[name];
  childProcess[name] = function (program, args, ...rest) {
    for (const argument of Array.isArray(args) ? args : []) note(argument);
    return original.call(this, path.join(project, "no-such-program"), args, ...rest);
  };
}
syncBuiltinESMExports();
const local = /^(localhost\.?|.*\.localhost|127\..*|0\.0\.0\.0|\[::1\]|\[::ffff:7f.*\]|169\.254\..*|10\..*)$/;
globalThis.fetch = (target) => {
  if (touched !== null && local.test(new URL(target).hostname)) touched.add(`fetch ${target}`);
  return Promise.reject(new Error("no network"));
};
console.warn = console.log = console.info = console.error = () => {};

const { __compileForRender: compile } = await import(pathToFileURL(compiler));
const { resolveProjectRelativeSrc } = await import(pathToFileURL(defines("resolveProjectRelativeSrc")));
const { decodedUrlPath } = await import(pathToFileURL(defines("decodedUrlPath")));

for (const { project: folder, variables } of JSON.parse(fs.readFileSync(casesFile, "utf8"))) {
  project = folder;
  touched = new Set();
  const work = path.join(path.dirname(folder), "tmp", "work");
  try {
    const compiled = await compile(folder, path.join(folder, "index.html"), path.join(work, "downloads"), { variables });
    for (const file of compiled.externalAssets.values()) note(file);
    for (const media of [...compiled.videos, ...compiled.audios, ...compiled.images]) {
      const file = resolveProjectRelativeSrc(media.src, folder, path.join(work, "compiled"));
      if (fs.existsSync(file)) note(file);
      // What the stage that looks at the page in the browser makes of the same source.
      const url = new URL(media.src, "http://localhost:1/index.html");
      if (url.origin === "http://localhost:1") {
        const seen = url.href.slice(url.origin.length).replace(/^\//, "");
        const again = resolveProjectRelativeSrc(seen, folder, path.join(work, "compiled"));
        if (fs.existsSync(again)) note(again);
      }
    }
  } catch (error) {
    if (process.env.HOSTILE_DEBUG) process.stderr.write(`${folder}: ${error.stack}\n`);
  }
  // Work that the compiler starts and does not wait for.
  await new Promise((resolve) => setImmediate(resolve));
  const found = [...touched];
  touched = null;
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
process.exit(0);
