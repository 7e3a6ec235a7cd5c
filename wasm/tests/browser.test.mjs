// The package in a real browser, from the files that npm installed, without a bundler and under a strict policy.
// The environment names the browser: BROWSER.
import assert from "node:assert/strict";
import { test } from "node:test";
import puppeteer from "puppeteer-core";
import * as node from "hyperframes-preflight";
import { project, random } from "./generate.mjs";
import { serve } from "./serve.mjs";

const PAGE = `<!doctype html><title>preflight</title>
<script type="importmap" nonce="here">{"imports":{"hyperframes-preflight":"/node_modules/hyperframes-preflight/browser.js"}}</script>`;
const POLICY = "default-src 'none'; script-src 'self' 'nonce-here' 'wasm-unsafe-eval'; connect-src 'self'";

test("Chromium gives the answers of Node", async () => {
  const server = await serve(process.cwd(), { "/": PAGE }, POLICY);
  const browser = await puppeteer.launch({ executablePath: process.env.BROWSER, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(server.url);
    const projects = Array.from({ length: 200 }, (_, seed) => project(random(seed)));
    const found = await page.evaluate(async (projects) => {
      const { check, digest, checkVariables, PreflightError } = await import("hyperframes-preflight");
      let refused;
      try {
        checkVariables("<p>", []);
      } catch (error) {
        refused = error instanceof PreflightError && error.code;
      }
      return { refused, results: projects.map((files) => [check(files), digest(files)]) };
    }, projects);
    assert.equal(found.refused, "invalid_values");
    assert.deepEqual(found.results, projects.map((files) => [node.check(files), node.digest(files)]));
    // Browsers ask for an icon by themselves.
    assert.deepEqual(errors.filter((error) => !error.includes("404")), []);
  } finally {
    await browser.close();
    server.close();
  }
});
