// One table of cases for the command line, with the native program and without it: the same exit codes and findings. Run
// in a project that has the package; the environment names the native binary (NATIVE).
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";

const { NATIVE } = process.env;
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "command-")));
after(() => rmSync(scratch, { recursive: true }));

const MODULES = join(process.cwd(), "node_modules");
const WASM = join(MODULES, "hyperframes-preflight/cli.js");

/** The package as npm installs it with its optional dependency. */
function withProgram() {
  const modules = join(scratch, "installed/node_modules");
  const suffix = process.platform === "win32" ? ".exe" : "";
  const program = join(modules, `@hyperframes-ci/${process.platform}-${process.arch}/bin/hyperframes-ci${suffix}`);
  mkdirSync(dirname(program), { recursive: true });
  cpSync(NATIVE, program);
  for (const name of ["hyperframes-preflight", "smol-toml"]) cpSync(join(MODULES, name), join(modules, name), { recursive: true });
  return join(modules, "hyperframes-preflight/cli.js");
}

const CLIS = { native: withProgram(), wasm: WASM };

/** As on a desk: in a CI job, the native program opens nothing outside of the workspace, and names paths from there. */
const ENVIRONMENT = { ...process.env, GITHUB_WORKSPACE: "", CI: "" };

const TITLE = `[{"id":"title","label":"Title","type":"string","default":"Hi"}]`;
const page = (inside = "") =>
  `<html data-composition-variables='${TITLE}'>\n` +
  `<div data-composition-id="main" data-no-timeline data-width="1920" data-height="1080" data-duration="2">\n` +
  `<h1 data-var-text="title">Hi</h1>${inside}</div></html>\n`;
const BROKEN = page('\n<img src="gone.png" alt="">');
const FRAGMENT = '<template><div data-composition-id="b" data-width="9" data-height="9" data-no-timeline><img src="card.png" alt=""></div></template>\n';

const git = (folder, ...args) =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.hooksPath=/dev/null", ...args], { cwd: folder, stdio: "pipe" });
const commit = (folder) => {
  git(folder, "add", "-A");
  git(folder, "commit", "-qm", "x");
};
const stage = (files) => (folder) => {
  put(folder, files);
  git(folder, "add", "-A");
};
const remove = (path) => (folder) => git(folder, "rm", "-q", path);

function put(folder, files) {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
}

const toml = (text) => ({ "v/index.html": BROKEN, "hyperframes-ci.toml": text });
const GOOD = { "v/index.html": page('<img src="a.png" alt="">'), "v/a.png": "x" };
const ROWS = { "v/index.html": page(), "hyperframes-ci.toml": '[[render]]\nproject = "v"\nrows = "x.csv"\n' };
const MISSING = ["missing-asset v/index.html:4"];
const flood = (count) => Array.from({ length: count }, (_, place) => `\n<img src="g${place}.png" alt="">`).join("");

const LINKED = { "v/index.html": page('\n<img src="out.png"><img src="gone.png"><img src="pics/a.png"><img src="hidden/a.png">'), "pics/a.png": "x", ".hidden/a.png": "x", "v/d/x.txt": "x" };
/** Adds links of all kinds. */
function links(folder) {
  const all = { "out.png": "/etc/hostname", "gone.png": "nowhere.png", pics: "../pics", hidden: "../.hidden", self: "." };
  for (const [name, target] of Object.entries(all)) symlinkSync(target, join(folder, "v", name));
  put(folder, { "v/d/y.txt": "x" });
}
const LINKS = [
  "dangling-link v/gone.png",
  "escaping-link v/hidden",
  "escaping-reference v/index.html:4",
  "missing-asset v/index.html:4",
  "escaping-reference v/index.html:4",
  "escaping-link v/out.png",
  "link-cycle v/self",
];
const ABOVE = { "v/index.html": page(), "v/d/a.txt": "x" };
function linksAbove(folder) {
  symlinkSync("..", join(folder, "v/up"));
  symlinkSync(".", join(folder, "v/d/self"));
  put(folder, { "v/index.html": page("<p>x</p>") });
}
const PNG = Buffer.from("89504e470d0a1a0a0000000d4948445200000010000000100802000000", "hex");
/** Adds a file whose name is not UTF-8. */
const unnamed = (folder) => writeFileSync(Buffer.concat([Buffer.from(join(folder, "v/")), Buffer.from([0xff]), Buffer.from(".png")]), "x");
function conflict(folder) {
  git(folder, "checkout", "-q", "-b", "side");
  put(folder, { "v/index.html": page("<p>1") });
  commit(folder);
  git(folder, "checkout", "-q", "main");
  put(folder, { "v/index.html": page("<p>2") });
  commit(folder);
  assert.throws(() => git(folder, "merge", "side"));
}

/**
 * A name, files, arguments, and the exit code. Optional: findings, a part of what is printed, a change after the first
 * commit, the current directory, variables.
 */
const CASES = [
  ["a good project", GOOD, ["v"], 0, { findings: [] }],
  ["a finding", { "v/index.html": BROKEN }, ["v"], 5, { findings: MISSING }],
  ["beside the current directory", { "v/index.html": BROKEN, "w/x": "" }, ["../v"], 5, { cwd: "w", findings: MISSING }],
  ["the current directory", { "v/index.html": BROKEN }, [], 5, { cwd: "v", findings: MISSING }],
  ["a folder above projects", { "v/a/index.html": BROKEN, "v/b/index.html": BROKEN }, ["."], 5, { count: 2 }],
  ["nested projects are one", { "v/index.html": BROKEN, "v/inner/index.html": BROKEN }, ["."], 5, { same: true }],
  ["nested projects by name are two", { "v/index.html": page(), "v/inner/index.html": page() }, ["v", "v/inner"], 0],
  ["projects that Git ignores", { ".gitignore": "out\n", "out/index.html": BROKEN, ...GOOD }, ["."], 0, { findings: [] }],
  ["projects in vendor", { "v/vendor/index.html": BROKEN, "v/dist/index.html": page() }, ["."], 5, { same: true }],
  ["a page of vendor", { ...GOOD, "v/vendor/lib.js/x.js": "1", "v/vendor/p.html": '<p><img src="lib.js"><a href="gone.html">' }, ["v"], 0, { same: true }],
  ["SARIF of several projects", { "a/index.html": BROKEN, "b/index.html": page().replace(' data-width="1920"', "") }, [".", "--format", "sarif"], 5, { raw: true }],
  ["JSON of projects with a file in common", { ...["a", "b", "c"].reduce((all, name) => ({ ...all, [`${name}/index.html`]: page('<link rel="stylesheet" href="../s/x.css">') }), {}), "s/x.css": "body { background: url(gone.png) }" }, [".", "--format", "json"], 5, { raw: true }],
  ["SARIF of no project", GOOD, ["README.md", "--format", "sarif"], 0, { raw: true, change: (folder) => put(folder, { "README.md": "x" }) }],
  ["nested projects with references to each other", { "v/index.html": page('<div data-composition-id="i" data-composition-src="inner/index.html"></div><img src="inner/a.png">'), "v/inner/index.html": page('\n<img src="../gone.png"><img src="a.png">'), "v/inner/a.png": "x", "v/inner/deep/index.html": BROKEN }, ["."], 5, { same: true }],
  ["nested projects by name and from inside", { "v/index.html": page(), "v/inner/index.html": page('\n<img src="../pics/a.png">'), "v/pics/a.png": "x" }, ["v/inner"], 0, { same: true }],
  ["a nested project with its own rules", { "v/index.html": page(), "v/inner/index.html": BROKEN, "v/inner/.hyperframesignore": "*.psd\n", "v/.hyperframesignore": "inner/\n" }, ["."], 0, { same: true, status: 0 }],
  ["pages of vendor with styles", { ...GOOD, "v/vendor/demo/index.html": '<link rel="stylesheet" href="css/x.css"><script src="js/../js/x.js"></script><img src="//cdn.example/x.png"><img src="/root.png">', "v/vendor/demo/css/x.css": "@import 'y.css'; a { background: url(../../gone.png) }", "v/vendor/demo/js/x.js": "import './gone.js'" }, ["v"], 0, { same: true }],
  ["a directory with a dot", { "v/index.html": page('<img src="../pics.d" alt="">'), "pics.d/a.png": "x" }, ["v"], 5, { same: true, count: 1 }],
  ["files in other directories", { "v/index.html": page('<img src="../pics/a.png" alt=""><img src="../pics/b.png" alt="">'), "pics/a.png": "x", "pics/B.png": "x" }, ["v"], 5, { same: true }],
  ["a file of a project", { "v/index.html": page(), "v/part.html": page() }, ["v/part.html"], 0, { same: true }],
  ["a library of blocks", { "blocks/card.html": FRAGMENT }, ["blocks"], 5, { findings: ["missing-asset blocks/card.html:1"] }],
  ["a page that is no composition", { "v/index.html": "<p>\n" }, ["v"], 5, { same: true }],
  ["a file of no project", { "README.md": "x" }, ["README.md"], 0, { findings: [] }],
  ["no project", { "README.md": "x" }, ["."], 2, { said: /no HyperFrames project found/ }],
  ["no such path", GOOD, ["nowhere"], 2, { said: /no such file or directory: nowhere/ }],
  ["a composition", { "v/index.html": page(), "v/b.html": "<p>\n" }, ["v", "-c", "b.html"], 5, { same: true }],
  ["values", { "v/index.html": page() }, ["v", "--variables", '{"titel":1}'], 5, { same: true }],
  ["a file with values", { "v/index.html": page(), "x.json": '{"title":1}' }, ["v", "--variables-file", "x.json"], 5, { same: true }],
  ["rows", { "v/index.html": page(), "x.csv": "titel\n1\n" }, ["v", "--rows", "x.csv"], 5, { same: true }],
  ["an aspect ratio", { "v/index.html": page() }, ["v", "--aspect-ratio", "1:1"], 5, { same: true }],
  ["severities", { "v/index.html": BROKEN }, ["v", "--warn", "missing-asset"], 0, { same: true }],
  ["several codes", { "v/index.html": BROKEN }, ["v", "--allow=missing-asset,unused-variable"], 0, { findings: [] }],
  ["strict", { "v/index.html": BROKEN }, ["v", "--warn", "missing-asset", "--strict"], 5, { findings: MISSING }],
  ["a code twice", { "v/index.html": BROKEN }, ["v", "--allow=missing-asset", "--allow=missing-asset"], 0],
  ["a code with two severities", GOOD, ["v", "--allow=missing-asset", "--deny=missing-asset"], 2, { said: /both set the severity of missing-asset/ }],
  ["an unknown code", GOOD, ["v", "--deny", "missing-aset"], 2, { said: /missing-asset/ }],
  ["an unknown option", GOOD, ["v", "--nope"], 2],
  ["an unknown format", GOOD, ["v", "--format", "xml"], 2],
  ["formats that exclude each other", GOOD, ["v", "--json", "--format", "sarif"], 2],
  ["help", GOOD, ["-h"], 0, { raw: true, said: /Usage: hyperframes-preflight/ }],
  ["long help", GOOD, ["--help"], 0, { raw: true, said: /Usage: hyperframes-preflight/ }],
  ["version", GOOD, ["-V"], 0, { raw: true, said: /^\d+\.\d+\.\d+\n$/ }],
  ["an explanation", GOOD, ["--explain", "missing-asset"], 0, { raw: true, said: /^missing-asset \(error\)\n/ }],
  ["an explanation of nothing", GOOD, ["--explain", "nope"], 2],
  ["the configuration", toml('[check]\nallow = ["missing-asset"]\n'), ["v"], 0, { findings: [] }],
  ["flags over the configuration", toml('[check]\nallow = ["missing-asset"]\n'), ["v", "--deny=missing-asset"], 5, { findings: MISSING }],
  ["another configuration", { ...toml(""), "other.toml": '[check]\nallow = ["missing-asset"]\n' }, ["v", "--config", "other.toml"], 0, { findings: [] }],
  ["a configuration that is missing", GOOD, ["v", "--config", "other.toml"], 2],
  ["a wrong type", toml('[check]\nallow = "missing-asset"\n'), ["v"], 2, { said: /hyperframes-ci\.toml.*array/ }],
  ["a wrong type in an array", toml("[check]\nallow = [1]\n"), ["v"], 2, { said: /hyperframes-ci\.toml/ }],
  ["an unknown code in the configuration", toml('[check]\nallow = ["nope"]\n'), ["v"], 2],
  ["an unknown key", toml("[check]\nignore = []\n"), ["v"], 2, { said: /unknown key "ignore"/ }],
  ["an unknown table", toml("[default]\nfps = 24\n"), ["v"], 2, { said: /unknown key "default"/ }],
  ["an unknown default", toml("[defaults]\nqualty = 1\n"), ["v"], 2, { said: /unknown key "qualty"/ }],
  ["a wrong default", toml("[defaults]\nfps = 300\n"), ["v"], 2],
  ["no TOML", toml("[check\n"), ["v"], 2, { said: /hyperframes-ci\.toml/ }],
  ["a code in two lists", toml('[check]\nallow = ["missing-asset"]\ndeny = ["missing-asset"]\n'), ["v"], 5, { findings: MISSING }],
  ["a project outside", toml('[[render]]\nproject = "../v"\n'), ["v"], 2, { said: /project must be the path of a directory inside the repository/ }],
  ["no project at all", toml('[[render]]\nproject = ""\n'), ["v"], 2, { said: /project must be the path of a directory inside the repository/ }],
  ["an entry with a name of no letters", toml('[[render]]\nproject = "v"\nname = "-"\n'), ["v"], 2, { said: /name must start with a letter or digit/ }],
  ["entries of one name", toml('[[render]]\nproject = "v"\n[[render]]\nproject = "v/"\ncomposition = "index.html"\n'), ["v"], 2, { said: /duplicate entry name "v"/ }],
  ["values twice", toml('[[render]]\nproject = "v"\nvariables = {}\nvariables-file = "x.json"\n'), ["v"], 2, { said: /variables and variables-file cannot be used together/ }],
  ["staged: a configuration that is not UTF-8", GOOD, ["--staged"], 2, { change: stage({ "hyperframes-ci.toml": Buffer.from("[check]\n# \xff\n", "latin1") }), said: /hyperframes-ci\.toml in the index is not valid UTF-8/ }],
  ["staged: rows that are not UTF-8", { ...ROWS, "x.csv": "title\nOne\n" }, ["--staged"], 2, { change: stage({ "x.csv": Buffer.from("title\n\xe9\n", "latin1") }), said: /x\.csv is not in the index/ }],
  ["severities of an entry", toml('[[render]]\nproject = "v"\ncheck.allow = ["missing-asset"]\n'), ["v"], 0, { findings: [] }],
  ["the highest severity of entries", toml('[[render]]\nproject = "./v"\nname = "a"\ncheck.allow = ["missing-asset"]\n[[render]]\nproject = "v"\nname = "b"\ncheck.warn = ["missing-asset"]\n'), ["v"], 0, { same: true, count: 1 }],
  ["an entry of another project", toml('[[render]]\nproject = "w"\ncheck.allow = ["missing-asset"]\n'), ["v"], 5, { findings: MISSING }],
  ["changed since a revision", GOOD, ["v", "--changed-since", "HEAD"], 0, { change: (folder) => put(folder, { "v/index.html": BROKEN, "w/index.html": BROKEN }), same: true, status: 5 }],
  ["not changed since a revision", { "v/index.html": BROKEN }, ["v", "--changed-since", "HEAD"], 0, { change: () => {}, findings: [] }],
  ["an unknown revision", GOOD, ["v", "--changed-since", "nope"], 2, { said: /revision "nope" not found/ }],
  ["staged: nothing", { "v/index.html": BROKEN }, ["--staged"], 0, { change: () => {}, findings: [] }],
  ["staged: a deleted file", GOOD, ["--staged"], 5, { change: remove("v/a.png"), same: true, count: 1 }],
  ["staged: a renamed file", GOOD, ["--staged"], 5, { change: (folder) => git(folder, "mv", "v/a.png", "v/b.png"), same: true, count: 1 }],
  ["staged: not added", GOOD, ["--staged"], 5, { change: (folder) => git(folder, "rm", "-q", "--cached", "v/a.png"), said: /git add v\/a\.png/, count: 1 }],
  ["staged: the working tree is not read", GOOD, ["--staged"], 0, { change: (folder) => put(folder, { "v/index.html": BROKEN }), findings: [] }],
  ["staged: the index is", GOOD, ["--staged"], 5, { change: (folder) => { stage({ "v/index.html": BROKEN })(folder); put(folder, GOOD); }, findings: MISSING }],
  ["staged: from a subdirectory", GOOD, ["--staged"], 5, { change: remove("v/a.png"), cwd: "w", count: 1 }],
  ["staged: other paths", { ...GOOD, "w/index.html": page() }, ["--staged", "w"], 0, { change: remove("v/a.png"), findings: [] }],
  ["staged: the configuration", toml('[check]\nallow = ["missing-asset"]\n'), ["--staged"], 5, { change: stage({ "hyperframes-ci.toml": "" }), findings: MISSING }],
  ["staged: the configuration is invalid", GOOD, ["--staged"], 2, { change: stage({ "hyperframes-ci.toml": "[chek]\n" }) }],
  ["staged: another default", toml(""), ["--staged"], 0, { change: stage({ "hyperframes-ci.toml": "[defaults]\nfps = 24\n" }), findings: [] }],
  ["staged: rows of an entry", { ...ROWS, "x.csv": "title\nOne\n" }, ["--staged"], 5, { change: (folder) => { stage({ "x.csv": "titel\nOne\n" })(folder); put(folder, { "x.csv": "title\nOne\n" }); }, findings: ["undeclared-variable x.csv:2"] }],
  ["staged: a page with rows", { ...ROWS, "x.csv": "titel\nOne\n" }, ["--staged"], 5, { change: stage({ "v/index.html": page("<p>x</p>") }), findings: ["undeclared-variable x.csv:2"] }],
  ["staged: nothing about rows", { ...ROWS, "x.csv": "titel\nOne\n" }, ["--staged"], 0, { change: stage({ "README.md": "x" }), findings: [] }],
  ["staged: values of a new entry", { "v/index.html": BROKEN }, ["--staged"], 5, { change: stage({ "hyperframes-ci.toml": '[[render]]\nproject = "./v"\nvariables = { title = 1 }\n' }), count: 1 }],
  ["staged: an aspect ratio by default", { ...ROWS, "x.csv": "title\nOne\n" }, ["--staged"], 5, { change: stage({ "hyperframes-ci.toml": `[defaults]\naspect-ratio = "1:1"\n${ROWS["hyperframes-ci.toml"]}` }), count: 1 }],
  ["staged: severities of an entry with values", { ...ROWS, "x.csv": "title\nOne\n" }, ["--staged"], 0, { change: stage({ "x.csv": "titel\nOne\n", "hyperframes-ci.toml": `${ROWS["hyperframes-ci.toml"]}check.warn = ["undeclared-variable"]\n` }), count: 1 }],
  ["staged: SARIF with values", { ...ROWS, "x.csv": "title\nOne\n" }, ["--staged", "--format", "sarif"], 5, { change: stage({ "x.csv": "titel\nOne\n" }), raw: true }],
  ["staged: annotations with values", { ...ROWS, "v/index.html": BROKEN, "x.csv": "title\nOne\n" }, ["--staged", "--format", "github"], 5, { change: stage({ "x.csv": "titel\nOne\n" }), raw: true }],
  ["staged: deleted rows", { ...ROWS, "x.csv": "title\nOne\n" }, ["--staged"], 2, { change: remove("x.csv"), said: /x\.csv is not in the index: rows of the entry "/ }],
  ["staged: the first commit", { "v/index.html": BROKEN }, ["--staged"], 5, { change: (folder) => { git(folder, "checkout", "-q", "--orphan", "fresh"); }, findings: MISSING }],
  ["staged: with values", GOOD, ["--staged", "--variables", "{}"], 2],
  ["staged: outside of a repository", GOOD, ["--staged"], 2, { outside: true, said: /is not in a Git repository/ }],
  ["pre-commit: all files", { "v/index.html": BROKEN }, ["--staged"], 5, { change: () => {}, env: { PRE_COMMIT: "1" }, findings: MISSING }],
  ["pre-commit: a range", { "v/index.html": BROKEN }, ["--staged"], 0, { change: () => {}, env: { PRE_COMMIT: "1", PRE_COMMIT_FROM_REF: "HEAD" }, findings: [] }],
];

const FORMATS = ["human", "json", "github", "sarif"];

/** Cases whose output is the same in all formats, to the byte. */
const IN_ALL_FORMATS = [
  ["many findings of a kind", { "a/index.html": page(flood(15)), "b/index.html": page(flood(15)) }, ["."], 5],
  ["fewer findings of a kind", { "a/index.html": page(flood(9)), "b/index.html": page(flood(9)) }, [".", "--max-findings", "3"], 5],
  ["all findings of a kind", { "a/index.html": page(flood(30)) }, ["a", "--max-findings", "0"], 5],
  ["many staged findings", { "a/index.html": page(), "b/index.html": page() }, ["--staged"], 5, { change: stage({ "a/index.html": page(flood(15)), "b/index.html": page(flood(15)) }) }],
  ["a shared file and folders in an odd order", { ...["a", "a-b", "c"].reduce((all, name) => ({ ...all, [`${name}/index.html`]: page('<link rel="stylesheet" href="../s/x.css"><img src="gone.png">') }), {}), "s/x.css": "body { background: url(gone.png) }" }, ["."], 5],
  ["no findings", GOOD, ["v"], 0],
  ["warnings", { "v/index.html": BROKEN }, ["v", "--warn", "missing-asset"], 0],
  ["two compositions that a change affects", { "a/index.html": page(), "b/index.html": page() }, [".", "--changed-since", "HEAD"], 0, { change: (folder) => put(folder, { "a/index.html": page("<p>x</p>") }) }],
  ["nothing that a change affects", GOOD, ["--staged"], 0, { change: stage({ "README.md": "x" }) }],
  ["nothing to check", { "README.md": "x" }, ["README.md"], 0],
  ["names that control a terminal or a workflow", { "v/index.html": page('\n<img src="##[error].png"><img src="\u202egpj.png"><img src="::x%2C.png"><img src="\u009b.png">'), "v/back\\slash.png": "x", "v/tab\t.png": "x", "v/a,b:c.png": "x" }, ["v"], 5],
  ["names of a commit that control a terminal", { "v/index.html": page() }, ["--staged"], 5, { change: stage({ "v/index.html": page('<img src="##[error]\u202e.png">'), "v/back\\slash.png": "x", "v/new\nline.png": "x" }) }],
  ["links that cannot be packed", LINKED, ["v"], 5, { change: links, findings: LINKS }],
  ["staged links that cannot be packed", LINKED, ["--staged"], 5, { change: (folder) => { links(folder); git(folder, "add", "-A"); }, findings: LINKS }],
  ["links to folders above", ABOVE, ["v"], 5, { change: linksAbove, findings: ["link-cycle v/d/self", "link-cycle v/up/v"] }],
  ["staged links to folders above", ABOVE, ["--staged"], 5, { change: (folder) => { linksAbove(folder); git(folder, "add", "-A"); }, findings: ["link-cycle v/d/self", "link-cycle v/up/v"] }],
  ["a link that comes to leave the repository", { "v/index.html": page('<img src="../l/a.png">'), "pics/a.png": "x" }, ["--staged"], 5, { change: (folder) => { symlinkSync("pics", join(folder, "l")); commit(folder); rmSync(join(folder, "l")); symlinkSync("/tmp", join(folder, "l")); git(folder, "add", "-A"); }, findings: ["escaping-reference v/index.html:3"] }],
  ["ignored links", { ...LINKED, "v/.hyperframesignore": "*.png\nself\nhidden\n", "v/index.html": page() }, ["v"], 0, { change: links }],
  ["a pipe", GOOD, ["v"], 0, { change: (folder) => execFileSync("mkfifo", [join(folder, "v/pipe")]), findings: ["not-a-file v/pipe"] }],
  ["names that are not UTF-8", GOOD, ["v"], 5, { change: unnamed, findings: ["unportable-name v/\ufffd.png"] }],
  ["staged names that are not UTF-8", GOOD, ["--staged"], 5, { change: (folder) => { unnamed(folder); git(folder, "add", "-A"); }, findings: ["unportable-name v/\ufffd.png"] }],
  ["a submodule below the folder", GOOD, ["."], 5, { change: (folder) => { put(folder, { "m/a/index.html": BROKEN, "m/out/index.html": BROKEN, "m/.gitignore": "out\n" }); git(join(folder, "m"), "init", "-q"); }, findings: ["missing-asset m/a/index.html:4"] }],
  ["projects that Git tracks and ignores", { "out/index.html": BROKEN, "a/.gitignore": "b\n!b/c\n", "a/b/index.html": BROKEN, "x.log.html": BROKEN, ...GOOD }, ["."], 0, { change: (folder) => { put(folder, { ".gitignore": "/out\n*.log.html\n" }); git(folder, "add", "-f", "a/b/index.html"); } }],
  ["projects in folders of output", { "renders/index.html": BROKEN, "a/snapshots/index.html": BROKEN, "coverage/index.html": BROKEN, "dist/index.html": BROKEN, ".x/index.html": BROKEN }, ["."], 5, { count: 2 }],
  ["staged projects in folders of output", GOOD, ["--staged"], 5, { change: stage({ "renders/index.html": BROKEN, "coverage/index.html": BROKEN, ".x/index.html": BROKEN }), count: 1 }],
  ["outside of a repository, from beside it", { "v/index.html": BROKEN }, ["v"], 5, { outside: true }],
  ["outside of a repository, from another folder", { "v/a b/index.html": BROKEN, "w/x": "" }, ["../v/a b"], 5, { outside: true, cwd: "w" }],
  ["another repository", { "v/index.html": BROKEN, "w/x": "" }, ["../v"], 5, { outside: true, cwd: "w", change: (folder) => ["v", "w"].forEach((name) => git(join(folder, name), "init", "-q")) }],
  ["above a repository", { "v/index.html": BROKEN }, ["."], 5, { outside: true, change: (folder) => git(join(folder, "v"), "init", "-q") }],
  ["a large staged video, and another one in the working tree", { "v/index.html": page('<video src="m.mp4" data-start="0" muted></video>'), "v/m.mp4": "x" }, ["--staged"], 5, { change: (folder) => { stage({ "v/m.mp4": Buffer.concat([PNG, Buffer.alloc(200_000)]) })(folder); put(folder, { "v/m.mp4": "x" }); }, count: 1 }],
];

/** Mistakes whose messages are the same. */
const MISTAKES = [
  ["values that are no object", GOOD, ["v", "--variables", "[]"]],
  ["a file with rows that is missing", GOOD, ["v", "--rows", "nope.csv"]],
  ["a file with values that is a folder", GOOD, ["v", "--variables-file", "v"]],
  ["a configuration that is missing", GOOD, ["v", "--config", "nope.toml"]],
  ["rows that are not UTF-8", { ...GOOD, "x.csv": Buffer.from("title\n\xe9\n", "latin1") }, ["v", "--rows", "x.csv"]],
  ["a configuration that is not UTF-8", { ...GOOD, "hyperframes-ci.toml": Buffer.from("# \xff\n", "latin1") }, ["v"]],
  ["no such path", GOOD, ["nowhere"]],
  ["no project", { "README.md": "x" }, ["."]],
  ["two severities", GOOD, ["v", "--allow=missing-asset", "--deny=missing-asset"]],
  ["two formats", GOOD, ["v", "--json", "--format", "sarif"]],
  ["several projects with values", { "a/index.html": page(), "b/index.html": page() }, [".", "--rows", "x.csv"]],
  ["an unknown revision", GOOD, ["v", "--changed-since", "nope"]],
  ["changes of no repository", GOOD, ["v", "--changed-since", "HEAD"], { outside: true }],
  ["the index of no repository", GOOD, ["--staged"], { outside: true }],
  ["an unknown revision of pre-commit", GOOD, ["--staged"], { env: { PRE_COMMIT: "1", PRE_COMMIT_FROM_REF: "nope" } }],
  ["a conflict", GOOD, ["--staged"], { change: conflict }],
  ["a branch with an invalid name", GOOD, ["--staged"], { change: (folder) => writeFileSync(join(folder, ".git/HEAD"), "ref: refs/heads/a..b\n") }],
];

const line = (found) => `${found.code} ${found.path}${found.position ? `:${found.position.line}` : ""}`;

/** Runs a command line; returns its exit code and what it prints. */
function execute(cli, args, options) {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], options, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** Makes the folder of a case. */
function setUp(name, files, more) {
  const folder = join(scratch, name.replace(/\W+/g, "-"));
  mkdirSync(join(folder, "w"), { recursive: true });
  put(folder, files);
  if (!more.outside) {
    git(folder, "init", "-q", "-b", "main");
    commit(folder);
  }
  more.change?.(folder);
  return { cwd: join(folder, more.cwd ?? ""), env: { ...ENVIRONMENT, ...more.env } };
}

/** What the command without the native program says of itself is what the native one does. */
const sameNames = (text) => text.replaceAll("hyperframes-preflight", "hyperframes-ci check");

describe("the command line in all formats", { concurrency: 4 }, () => {
  for (const [name, files, args, status, more = {}] of IN_ALL_FORMATS) {
    test(name, async () => {
      const options = setUp(`formats ${name}`, files, more);
      for (const format of FORMATS) {
        const [native, wasm] = await Promise.all([CLIS.native, CLIS.wasm].map((cli) => execute(cli, [...args, "--format", format], options)));
        assert.equal(native.status, more.status ?? status, native.stdout + native.stderr);
        assert.equal(wasm.status, native.status, wasm.stderr);
        assert.equal(wasm.stdout, native.stdout, format);
        assert.equal(sameNames(wasm.stderr), native.stderr, format);
        const diagnostics = format === "json" ? JSON.parse(native.stdout).diagnostics : undefined;
        if (diagnostics && more.findings) assert.deepEqual(diagnostics.map(line), more.findings);
        if (diagnostics && more.count) assert.equal(diagnostics.length, more.count);
      }
    });
  }
});

describe("mistakes on the command line", { concurrency: 4 }, () => {
  for (const [name, files, args, more = {}] of MISTAKES) {
    test(name, async () => {
      const options = setUp(`mistakes ${name}`, files, more);
      for (const flags of [args, [...args.filter((arg) => arg !== "--json"), "--json"]]) {
        const [native, wasm] = await Promise.all([CLIS.native, CLIS.wasm].map((cli) => execute(cli, flags, options)));
        assert.deepEqual([native.status, wasm.status], [2, 2], wasm.stderr);
        assert.equal(wasm.stderr, native.stderr);
        assert.equal(wasm.stdout, native.stdout);
      }
    });
  }
});

test("options that need the native program say so", async () => {
  for (const flag of ["--fix", "--official", "--all", "--entry=x", "--save-report=json=x"]) {
    const { status, stderr } = await execute(CLIS.wasm, [flag], {});
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`^error: ${flag.split("=")[0]} requires the native program, which is not installed\n`));
  }
});

describe("the command line", { concurrency: 4 }, () => {
  for (const [name, files, args, status, more = {}] of CASES) {
    test(name, async () => {
      const folder = join(scratch, name.replace(/\W+/g, "-"));
      mkdirSync(join(folder, "w"), { recursive: true });
      put(folder, files);
      if (!more.outside) git(folder, "init", "-q", "-b", "main");
      if (more.change) {
        commit(folder);
        more.change(folder);
      }
      const hasFormat = more.raw || args.some((arg) => /^--(json|format)/.test(arg));
      const env = { ...ENVIRONMENT, ...more.env };
      const options = { cwd: join(folder, more.cwd ?? ""), env };
      const run = async (cli) => {
        const ran = await execute(cli, hasFormat ? args : [...args, "--json"], options);
        const diagnostics = ran.status === 2 || more.raw ? undefined : JSON.parse(ran.stdout).diagnostics;
        return { ...ran, diagnostics };
      };
      const [native, wasm] = await Promise.all([run(CLIS.native), run(CLIS.wasm)]);
      for (const [how, ran] of Object.entries({ native, wasm })) {
        assert.equal(ran.status, more.status ?? status, `${how}: ${ran.stdout}${ran.stderr}`);
        assert.ok(!/^\s+at /m.test(ran.stderr), `${how}: ${ran.stderr}`);
        if (more.findings) assert.deepEqual(ran.diagnostics.map(line), more.findings, how);
        if (more.count) assert.equal(ran.diagnostics.length, more.count, how);
        if (more.said) assert.match(ran.stdout + ran.stderr.replaceAll("\\n", "\n").replaceAll('\\"', '"'), more.said, how);
      }
      assert.deepEqual(wasm.diagnostics, native.diagnostics);
      if (more.raw) assert.equal(wasm.stdout, native.stdout);
      if (native.status === 2) return;
      const errorOf = ({ stderr }) => stderr.trim().split("\n").at(-1).replace("hyperframes-preflight", "hyperframes-ci check");
      if (native.status === 5) assert.equal(errorOf(wasm), errorOf(native));
      if (hasFormat) return;
      const [forPeople, expected] = await Promise.all([execute(CLIS.wasm, args, options), execute(CLIS.native, args, options)]);
      assert.equal(forPeople.stdout, expected.stdout, "for people");
    });
  }
});
