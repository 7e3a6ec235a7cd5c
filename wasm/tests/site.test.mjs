// The page in a real browser. The environment names the page (SITE), the browser (BROWSER) and where pictures go
// (SCREENSHOTS).
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import puppeteer from "puppeteer-core";
import { check, digest } from "hyperframes-preflight";
import { serve } from "./serve.mjs";

const { SITE, BROWSER, SCREENSHOTS } = process.env;
const scratch = mkdtempSync(join(tmpdir(), "site-"));
let server, browser, page, errors;

before(async () => {
  server = await serve(SITE);
  browser = await puppeteer.launch({ executablePath: BROWSER, args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  server?.close();
  rmSync(scratch, { recursive: true });
});
beforeEach(async () => {
  await page?.close();
  page = await browser.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(server.url);
  await page.waitForSelector("body[data-ready]");
});

const text = (selector) => page.$eval(selector, (element) => element.textContent.trim());
const shot = (name) => page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
const packed = () => page.waitForFunction(() => !document.getElementById("figures").hidden);

function paste(html) {
  return page.$eval(
    "#paste",
    (element, html) => {
      element.value = html;
      element.dispatchEvent(new Event("input", { bubbles: true }));
    },
    html,
  );
}

/** A project on disk, for the folder chooser. */
function folder(name, files) {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(scratch, name, path)), { recursive: true });
    writeFileSync(join(scratch, name, path), contents);
  }
  return join(scratch, name);
}

async function choose(path) {
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.click("#choose")]);
  await chooser.accept([path]);
  await packed();
}

const PAGE = `<html data-composition-videos data-composition-variables='[{"id":"title","label":"Title","type":"string","default":"Hi"}]'>
<div data-composition-id="main" data-no-timeline data-width="1920" data-height="1080" data-duration="2">
<h1 data-var-text="title">Hi</h1><img src="assets/Logo.png"></div></html>`;

test("the example shows findings, a form and figures", async () => {
  await page.click("#example");
  await packed();
  const html = await page.$eval("#paste", (element) => element.value);
  const expected = check({ "index.html": html }).diagnostics;
  assert.ok(expected.length >= 3);
  assert.equal((await page.$$("#list > li")).length, expected.length);
  assert.deepEqual(await page.$$eval(".finding a", (links) => links.map((link) => link.textContent)), expected.map((found) => found.code));
  const marks = await page.$$eval("#list > li", (items) => items.map((item) => item.querySelector("mark")?.textContent));
  const bytes = Buffer.from(html);
  assert.deepEqual(marks, expected.map((found) => bytes.subarray(found.span.start, found.span.end).toString()));
  assert.equal(await text("#digest"), digest({ "index.html": html }).digest);
  assert.equal((await page.$$("#form .field")).length, 4);
  assert.match(await text("#verdict"), /^2 errors, 2 warnings$/);
  await page.click("#strict");
  assert.match(await text("#verdict"), /^4 errors$/);
  await page.click("#strict");
  await shot("site-light");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await shot("site-dark");
  // The page begins anew as a phone.
  await page.setViewport({ width: 390, height: 844, isMobile: true, hasTouch: true });
  await page.waitForSelector("body[data-ready]");
  await page.click("#example");
  await packed();
  await shot("site-phone-dark");
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await shot("site-phone");
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide for a phone`);
  assert.deepEqual(errors, []);
});

test("values are checked as they are typed", async () => {
  await page.click("#example");
  const field = (id) => `#form .field[data-id="${id}"]`;
  assert.equal(JSON.parse(await page.$eval("#json", (element) => element.value)).size, 64);
  await page.click(`${field("size")} input`, { count: 3 });
  await page.keyboard.type("big");
  assert.match(await text(`${field("size")} .issues`), /must be a number, not a string/);
  assert.equal(await page.$eval(`${field("size")} input`, (input) => input.getAttribute("aria-invalid")), "true");
  await page.click(`${field("size")} input`, { count: 3 });
  await page.keyboard.type("2.5");
  assert.equal(await text(`${field("size")} .issues`), "");
  await page.select(`${field("mood")} select`, "wild");
  assert.deepEqual(JSON.parse(await page.$eval("#json", (element) => element.value)).mood, "wild");
  // The other way round: from JSON into the form.
  const json = async (text) => {
    await page.click("#json", { count: 1 });
    await page.$eval("#json", (element) => element.select());
    await page.keyboard.type(text);
  };
  await json('{"title": "Hallo", "titel": 1, "mood": "angry"}');
  assert.match(await text("#json-issues"), /"titel" is not declared.*did you mean "title"/);
  assert.match(await text(`${field("mood")} .issues`), /invalid value "angry"/);
  assert.equal(await page.$eval(`${field("title")} input`, (input) => input.value), "Hallo");
  await json('{"title": ');
  assert.match(await text("#json-issues"), /JSON/);
  await json("[1]");
  assert.match(await text("#json-issues"), /must be an object/);
  assert.deepEqual(errors, []);
});

test("a folder with projects in it", async () => {
  const repository = folder("repository", {
    "videos/launch/index.html": PAGE,
    "videos/launch/assets/logo.png": "\u0089PNG",
    "videos/launch/.hyperframesignore": "*.psd\n",
    "videos/launch/parts/card.html": "<div data-composition-id=card data-no-timeline></div>",
    "videos/other/index.html": PAGE.replace("assets/Logo.png", "../../shared/logo.png"),
    "shared/logo.png": "\u0089PNG",
    "node_modules/x/index.html": PAGE,
  });
  await choose(repository);
  const names = await page.$$eval("#project option", (found) => found.map((option) => option.value));
  assert.deepEqual(names, ["videos/launch", "videos/other"]);
  assert.match(await text("#list"), /asset-case-mismatch/);
  assert.match(await text("#list .place"), /^videos\/launch\/index\.html:3:/);
  assert.deepEqual(await page.$$eval("#composition option", (found) => found.map((option) => option.value)), [
    "videos/launch/index.html",
    "videos/launch/parts/card.html",
  ]);
  await page.select("#project", "videos/other");
  await packed();
  assert.equal(await text("#verdict"), "No findings. The project is ready to render.");
  assert.equal(await text("#file-count"), "2", "the file outside of the project is carried along");
  await shot("site-folder");
  assert.deepEqual(errors, []);
});

test("a folder is dropped", async () => {
  const path = folder("dropped", { "index.html": PAGE, "assets/Logo.png": "x" });
  const client = await page.createCDPSession();
  const box = await (await page.$("#drop")).boundingBox();
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await client.send("Input.dispatchDragEvent", { type, x: box.x + 20, y: box.y + 20, data });
  }
  await packed();
  assert.equal(await text("#verdict"), "No findings. The project is ready to render.");
  assert.equal(await text("#file-count"), "2");
});

test("hostile files are text", async () => {
  await paste(PAGE.replace("assets/Logo.png", "x.png' onerror=alert(1) a='<script>alert(2)</script>.png").replace('"Title"', '"<img src=x onerror=alert(3)>"'));
  await packed();
  assert.equal(await page.$("#form img, #list img, #list script"), null);
  assert.match(await text("#form"), /<img src=x onerror=alert\(3\)>/);
  assert.deepEqual(errors, []);
});

test("everything works with the keyboard alone", async () => {
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  const way = [];
  for (let step = 0; step < 6; step += 1) {
    await page.keyboard.press("Tab");
    way.push(await focused());
  }
  assert.deepEqual(way.slice(0, 4), ["skip", "choose", "example", "paste"]);
  await page.focus("#example");
  await page.keyboard.press("Enter");
  await packed();
  await page.focus("#strict");
  await page.keyboard.press("Space");
  assert.match(await text("#verdict"), /^4 errors$/);
  const outline = await page.$eval("#strict", (element) => getComputedStyle(element).outlineStyle);
  assert.equal(outline, "solid");
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll("input:not([hidden]), select, textarea, button")].filter(
      (control) => !control.textContent.trim() && control.labels?.length === 0,
    ).length,
  );
  assert.equal(unnamed, 0, "every control has a label");
});

test("nothing leaves the page", async () => {
  const before = server.requests.length;
  await page.click("#example");
  await packed();
  const own = ["/pack-worker.js", "/preflight/browser.js", "/preflight/init.js", "/preflight/wasm.js", "/preflight/api.js", "/preflight/wasm_bg.wasm"];
  assert.deepEqual(server.requests.slice(before).filter((path) => !own.includes(path)), []);
  const escaped = await page.evaluate(async () => {
    try {
      await fetch("https://example.com/");
      return true;
    } catch {
      return false;
    }
  });
  assert.equal(escaped, false);
  assert.ok(errors.some((error) => error.includes("Content Security Policy")));
});
