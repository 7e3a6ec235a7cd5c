// The preflight page in a real browser: what its tests share. The environment names the page (SITE), the browser (BROWSER) and
// where pictures go (SCREENSHOTS).
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const { SITE, BROWSER, SCREENSHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const scratch = mkdtempSync(join(tmpdir(), "site-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

export const FILE = pathToFileURL(join(SITE, "index.html")).href;

/** Puppeteer turns off that sandboxed frames have a process of their own, as they have in browsers of people. */
const WITHOUT_ISOLATION = puppeteer.defaultArgs().filter((argument) => argument.startsWith("--disable-features="));

export const launch = () => puppeteer.launch({ executablePath: BROWSER, args: ["--no-sandbox"], ignoreDefaultArgs: WITHOUT_ISOLATION });

/** Opens the page; `errors` are what the browser reports. */
export async function open(browser, url, { width = 1280, height = 900, isMobile = false, isDark = false, before } = {}) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.setViewport({ width, height, isMobile, hasTouch: isMobile, deviceScaleFactor: isMobile ? 2 : 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }]);
  await before?.(page);
  await page.goto(url);
  await page.waitForSelector("body[data-ready]");
  return { page, errors };
}

export const text = (page, selector) => page.$eval(selector, (element) => element.textContent.trim());

export const shot = (page, name) => page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });

/** Waits until a verdict is shown that is not `before`, and nothing is running. */
export async function settled(page, before = "") {
  const isDone = (before) => {
    const verdict = document.getElementById("verdict").textContent;
    return document.getElementById("busy").hidden && verdict !== before && verdict !== "Nothing to check yet.";
  };
  await page.waitForFunction(isDone, { timeout: 60_000 }, before);
  return text(page, "#verdict");
}

export async function example(page) {
  await page.locator("#example").click();
  return settled(page);
}

export function paste(page, html) {
  return page.$eval(
    "#paste",
    (element, html) => {
      element.value = html;
      element.dispatchEvent(new Event("input", { bubbles: true }));
    },
    html,
  );
}

/** Writes files into a folder on disk. */
export function folder(name, files) {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(scratch, name, path)), { recursive: true });
    writeFileSync(join(scratch, name, path), contents);
  }
  return join(scratch, name);
}

/** Drops a folder on the page. */
export async function drop(page, path) {
  const client = await page.createCDPSession();
  await page.$eval("#drop", (element) => element.scrollIntoView({ block: "center" }));
  const box = await (await page.$("#drop")).boundingBox();
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await client.send("Input.dispatchDragEvent", { type, x: box.x + 20, y: box.y + 20, data });
  }
}

/** Returns the file that an export offers. */
export async function exported(page, format) {
  await page.evaluate(() => {
    window.createObjectURL ??= URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      // A worker that starts again has a URL of its own.
      if (blob.type === "text/javascript") return window.createObjectURL.call(URL, blob);
      window.exported = blob.text();
      return "blob:nothing";
    };
    HTMLAnchorElement.prototype.click = () => {};
    window.exported = undefined;
  });
  await page.locator(`#export-${format}`).click();
  await page.waitForFunction(() => window.exported);
  return page.evaluate(() => window.exported);
}

/** Chooses a folder in the dialog of a file field, as in browsers without a dialog for folders. */
export async function choose(page, path) {
  await page.evaluate(() => {
    window.showDirectoryPicker = undefined;
  });
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.locator("#choose").click()]);
  await chooser.accept([path]);
}

/** Fails if axe finds a barrier that is serious or worse; returns the number of rules that it has checked. */
export async function accessible(page, state) {
  // A policy of the page forbids scripts that are not its own; this one comes from the debugger.
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, { iframes: false }));
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const places = grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  assert.deepEqual(places, [], `barriers on the page, state: ${state}`);
  return { state, rules: passes.length, violations: violations.map(({ id, impact }) => `${id} (${impact})`) };
}

export async function fits(page, state) {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide, state: ${state}`);
}

export const VARIABLES = `[{"id":"title","label":"Title","type":"string","default":"Hi"}]`;

export const PAGE = `<html data-composition-variables='${VARIABLES}'>
<div data-composition-id="main" data-no-timeline data-width="1920" data-height="1080" data-duration="2">
<h1 data-var-text="title">Hi</h1><img src="assets/Logo.png"></div></html>`;

export const GOOD = PAGE.replace('<img src="assets/Logo.png">', "");

export const OPAQUE = GOOD.replace("data-composition-id", 'style="background: #101820" data-composition-id');

/** A repository with 13 projects: 3 with errors, 2 with warnings, 8 without findings. */
export function thirteen(name) {
  const files = { "shared/brand.css": "h1 { background: url(gone.png) }", "data/rows.csv": "title\nOne\n" };
  for (let number = 1; number <= 13; number += 1) {
    const inside = `videos/${String(number).padStart(2, "0")}-${["intro", "teaser", "outro", "recap"][number % 4]}`;
    files[`${inside}/index.html`] = GOOD;
    if (number % 6 === 0) files[`${inside}/index.html`] = GOOD.replace("</h1>", '</h1>\n<link rel="stylesheet" href="../../shared/brand.css">');
    if (number === 5) files[`${inside}/index.html`] = PAGE.replace('id="title"', "").replace("data-var-text=\"title\"", 'data-var-text="titel"');
    if (number === 8 || number === 11) files[`${inside}/index.html`] = GOOD.replace(' data-width="1920" data-height="1080"', "");
  }
  return folder(name, files);
}
