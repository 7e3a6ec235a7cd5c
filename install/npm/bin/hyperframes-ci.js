#!/usr/bin/env node
// Runs the native program from the package of this platform, which npm installs as an optional dependency.
"use strict";

const { spawn } = require("node:child_process");

const PACKAGES = {
  "darwin-arm64": "@hyperframes-ci/darwin-arm64",
  "darwin-x64": "@hyperframes-ci/darwin-x64",
  "linux-arm64": "@hyperframes-ci/linux-arm64",
  "linux-x64": "@hyperframes-ci/linux-x64",
  // Windows on Arm emulates x64.
  "win32-arm64": "@hyperframes-ci/win32-x64",
  "win32-x64": "@hyperframes-ci/win32-x64",
};

function fail(message, help) {
  process.stderr.write(`error: ${message}\n  help: ${help}\n`);
  process.exit(1);
}

function findProgram() {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (!name) {
    fail(`no prebuilt program for ${platform}`, "build it from source: cargo install --locked hyperframes-ci");
  }
  try {
    return require.resolve(`${name}/bin/hyperframes-ci${process.platform === "win32" ? ".exe" : ""}`);
  } catch {
    return fail(
      `the package ${name} is not installed`,
      "reinstall hyperframes-ci with optional dependencies (no --omit=optional or --no-optional); " +
        "node_modules that were copied from another platform do not contain this package",
    );
  }
}

const program = findProgram();
const child = spawn(program, process.argv.slice(2), { stdio: "inherit", windowsHide: false });

// The program cleans up and prints how to resume. On Windows, the console sends Ctrl-C to both processes.
const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of signals) {
  process.on(signal, () => {
    if (process.platform !== "win32") child.kill(signal);
  });
}
child.on("error", (error) => fail(`cannot run ${program}: ${error.message}`, "reinstall hyperframes-ci"));
child.on("exit", (code, signal) => {
  if (!signal) process.exit(code);
  for (const name of signals) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
