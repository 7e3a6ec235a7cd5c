// The page in a real browser: inputs that replace each other, and settings that hold.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { serve } from "./serve.mjs";
import { GOOD, OPAQUE, PAGE, drop, exported, folder, launch, open, paste, settled, text } from "./site.mjs";

const { SITE } = process.env;
let server, browser, page, errors;

before(async () => {
  server = await serve(SITE);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});
afterEach(async () => {
  if (page && !page.isClosed()) await page.close();
});

async function start() {
  ({ page, errors } = await open(browser, server.url));
}

const codes = () => page.$$eval("#groups .code", (found) => found.map((button) => button.textContent));
const groups = () => page.$$eval("#groups summary h3", (found) => found.map((title) => title.textContent));
const alert = () => text(page, "#alert");

test("an entry has the defaults, and its files by any path", async () => {
  await start();
  const path = folder("defaults", {
    "v/main.html": GOOD,
    "data/rows.jsonl": '{"title": 1}\n',
    "data/values.json": '{"title": "Ho", "titel": 1}',
    "hyperframes-ci.toml": '[defaults]\ncomposition = "main.html"\naspect-ratio = "16:9"\n[[render]]\nname = "rows"\nproject = "v"\nrows = "./data/../data/rows.jsonl"\n[[render]]\nname = "file"\nproject = "v"\nvariables-file = "./data/values.json"\n',
    "v/index.html": GOOD,
  });
  await drop(page, path);
  assert.equal(await settled(page), "No findings. Ready to render.");
  const paths = () => page.$$eval("#groups .path", (found) => found.map((element) => element.textContent));
  await page.select("#entry", "0");
  assert.equal(await settled(page, "No findings. Ready to render."), "1 error");
  assert.match((await paths()).join(), /^data\/rows\.jsonl:1/);
  const chosen = await Promise.all(["#composition", "#aspect", "#rows"].map((selector) => page.$eval(selector, (select) => select.value)));
  assert.deepEqual(chosen, ["main.html", "16:9", "data/rows.jsonl"]);
  await page.select("#entry", "1");
  await page.waitForFunction(() => document.querySelector("#groups .path")?.textContent.startsWith("data/values.json"));
  assert.match(await text(page, "#groups .finding"), /titel/);
  await page.locator("#tab-preview").click();
  assert.equal(JSON.parse(await page.$eval("#json", (element) => element.value)).title, "Ho");
  await page.select("#entry", "");
  await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("No findings"));
  assert.deepEqual(errors, []);
});

test("a newer input wins over a file or a link that is still being read", async () => {
  await start();
  const verdict = () => text(page, "#verdict");
  await page.evaluate(() => {
    const { text } = File.prototype;
    window.waiting = [];
    File.prototype.text = async function () {
      await new Promise((resolve) => window.waiting.push(resolve));
      return text.call(this);
    };
  });
  const slow = join(folder("slow", { "slow.html": PAGE }), "slow.html");
  const good = folder("quick", { "index.html": GOOD });
  await drop(page, slow);
  await page.waitForFunction(() => window.waiting.length === 1);
  await drop(page, good);
  assert.equal(await settled(page), "No findings. Ready to render.");
  await page.evaluate(() => window.waiting[0]());
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual([await verdict(), await page.$eval("#paste", (area) => area.value)], ["No findings. Ready to render.", ""]);
  await drop(page, slow);
  await page.waitForFunction(() => window.waiting.length === 2);
  await page.evaluate(() => window.waiting[1]());
  assert.equal(await settled(page, "No findings. Ready to render."), "1 error");
  // What cannot be taken replaces what was shown, and a failure of an older input is not one of a newer.
  const long = join(folder("long", { "long.html": " ".repeat(17 * 1024 ** 2) }), "long.html");
  await drop(page, long);
  await page.waitForFunction(() => !document.getElementById("alert").hidden);
  assert.match(await alert(), /long\.html is too long for the text field/);
  assert.deepEqual([await groups(), await page.$eval("#paste", (area) => area.value)], [[], ""]);
  await paste(page, GOOD);
  assert.equal(await settled(page, "Not checked."), "No findings. Ready to render.");
  assert.equal(await page.$eval("#alert", (element) => element.hidden), true);
  assert.deepEqual(errors, []);
});

test("hundreds of projects are shown in a few drawings", async () => {
  await start();
  const count = 300;
  const path = folder("hundreds", Object.fromEntries(Array.from({ length: count }, (_, place) => [`p${place}/index.html`, PAGE])));
  await page.evaluate(() => {
    window.drawings = 0;
    new MutationObserver(() => (window.drawings += 1)).observe(document.getElementById("groups"), { childList: true });
  });
  await drop(page, path);
  await page.waitForFunction((count) => document.getElementById("verdict").textContent === `${count} errors` && document.getElementById("busy").hidden, { timeout: 90_000 }, count);
  assert.equal((await groups()).length, count);
  const drawings = await page.evaluate(() => window.drawings);
  assert.ok(drawings < count / 4, `${drawings} drawings`);
  assert.deepEqual(errors, []);
});

test("what was cancelled goes on with the next change", async () => {
  await start();
  const path = folder("cancelled", { "v/index.html": OPAQUE, "x.jsonl": '{"titel": 1}\n', "hyperframes-ci.toml": '[[render]]\nproject = "v"\nformat = "webm"\nrows = "x.jsonl"\n' });
  await drop(page, path);
  const before = await settled(page);
  const cancel = async () => {
    await page.$eval("#cancel", (button) => button.click());
    assert.equal(await text(page, "#verdict"), "Cancelled.");
  };
  await cancel();
  await page.select("#entry", "0");
  const withRows = await settled(page, "Cancelled.");
  assert.notEqual(withRows, before);
  assert.equal(await alert(), "");
  await cancel();
  await page.locator("#strict").click();
  const strict = await settled(page, "Cancelled.");
  assert.ok(!/warning/.test(strict), strict);
  assert.ok((await codes()).includes("undeclared-variable"), "the rows are still checked");
  await page.$eval("#cancel", (button) => button.click());
  assert.match(await exported(page, "json"), /"undeclared-variable"/);
  assert.deepEqual([await alert(), errors], ["", []]);
});
