#!/usr/bin/env node
// The command line, for use in hooks: runs the native program if npm has installed it, otherwise the same checks as
// WebAssembly.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const USAGE = `Check HyperFrames compositions before uploading

Usage: hyperframes-preflight [OPTIONS] [PATH]...

Arguments:
  [PATH]...  Project directories, parent directories or files [default: .]

Options:
  -c, --composition <PATH>     Entry HTML file; may be repeated [default: index.html]
      --aspect-ratio <RATIO>   Aspect ratio of the planned render: 16:9, 9:16 or 1:1
      --variables <JSON>       Values of the composition's variables, as a JSON object
      --variables-file <FILE>  JSON file with values of variables; may be repeated
      --rows <FILE>            File with rows of values; may be repeated
      --changed-since <REVISION>  Only report compositions affected by changes since REVISION
      --staged                 Check the staged files; only report what they affect
      --format <FORMAT>        Output format: human, json, github or sarif [default: human]
      --json                   Same as --format json
      --explain <CODE>         Explain a check and exit
      --deny <CODE>            Report findings of these checks as errors (comma-separated)
      --warn <CODE>            Report findings of these checks as warnings (comma-separated)
      --allow <CODE>           Do not report findings of these checks (comma-separated)
      --strict                 Treat all warnings as errors
      --config <FILE>          Configuration file [default: hyperframes-ci.toml in the repository root]
  -h, --help                   Print help
  -V, --version                Print version

Exit codes:
  0  No errors
  2  Invalid command line or configuration
  5  The checks found errors
`;

/** The packages with the native program, which are optional dependencies. */
const PROGRAMS = {
  "darwin-arm64": "@hyperframes-ci/darwin-arm64",
  "darwin-x64": "@hyperframes-ci/darwin-x64",
  "linux-arm64": "@hyperframes-ci/linux-arm64",
  "linux-x64": "@hyperframes-ci/linux-x64",
  // Windows on Arm emulates x64.
  "win32-arm64": "@hyperframes-ci/win32-x64",
  "win32-x64": "@hyperframes-ci/win32-x64",
};

/** Returns the path of the native program, if it is installed. */
function findProgram() {
  const name = PROGRAMS[`${process.platform}-${process.arch}`];
  try {
    const suffix = process.platform === "win32" ? ".exe" : "";
    return name && createRequire(import.meta.url).resolve(`${name}/bin/hyperframes-ci${suffix}`);
  } catch {
    return undefined;
  }
}

/** Runs the native program; returns whether it could be started. */
function runNative(program, args) {
  const { error, status, signal } = spawnSync(program, ["check", ...args], { stdio: "inherit" });
  if (error) return false;
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status;
  return true;
}

const args = process.argv.slice(2);
const options = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
if (options.some((option) => option === "-h" || option === "--help")) {
  process.stdout.write(USAGE);
} else if (options.some((option) => option === "-V" || option === "--version")) {
  const { version } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8"));
  process.stdout.write(`${version}\n`);
} else {
  const program = findProgram();
  if (!program || !runNative(program, args)) {
    const { run } = await import("./command.js");
    run(args);
  }
}
