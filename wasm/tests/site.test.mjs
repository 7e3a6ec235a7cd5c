// The page in a real browser: findings, folders, settings, exports and faults.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { check, digest } from "hyperframes-preflight";
import { serve } from "./serve.mjs";
import { FILE, GOOD, OPAQUE, PAGE, choose, drop, example, exported, folder, launch, open, paste, scratch, settled, text, thirteen } from "./site.mjs";

const { SITE, NATIVE } = process.env;
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

async function start(url = server.url, options = {}) {
  ({ page, errors } = await open(browser, url, options));
}

const codes = () => page.$$eval("#groups .code", (found) => found.map((button) => button.textContent));
const groups = () => page.$$eval("#groups summary h3", (found) => found.map((title) => title.textContent));
const values = (selector) => page.$$eval(`${selector} option`, (found) => found.map((option) => option.value));
const alert = () => text(page, "#alert");
const packed = () => page.waitForFunction(() => !document.getElementById("figures").hidden, { timeout: 60_000 });

test("the example shows findings and explains them", async () => {
  await start();
  assert.equal(await example(page), "1 error, 3 warnings");
  const html = await page.$eval("#paste", (element) => element.value);
  const order = ["error", "warning", "note"];
  const expected = check({ "index.html": html }).diagnostics.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  assert.deepEqual(await codes(), expected.map((found) => found.code));
  const marks = await page.$$eval("#groups mark", (found) => found.map((mark) => mark.textContent));
  const bytes = Buffer.from(html);
  for (const [place, mark] of marks.entries()) {
    const { start, end } = expected[place].span;
    assert.ok(bytes.subarray(start, end).toString().startsWith(mark));
  }
  await page.locator("#groups .code").click();
  assert.match(await text(page, "#groups .explanation:not([hidden])"), /^A referenced file was not found\./);
  await page.locator("#strict").click();
  assert.equal(await settled(page, "1 error, 3 warnings"), "4 errors");
  await page.locator("#tab-render").click();
  await packed();
  assert.equal(await text(page, "#digest"), digest({ "index.html": html }).digest);
  assert.deepEqual(errors, []);
});

test("it works from file: and below any path", async (context) => {
  const files = Object.fromEntries(readdirSync(SITE).map((name) => [`/a/b c/${name}`, readFileSync(join(SITE, name))]));
  const deep = await serve(join(scratch, "nothing"), { ...files, "/a/b c/": files["/a/b c/index.html"] });
  context.after(() => deep.close());
  for (const url of [FILE, `${deep.url}a/b%20c/`, `${deep.url}a/b%20c/index.html`]) {
    await start(url);
    assert.equal(await example(page), "1 error, 3 warnings", url);
    await drop(page, folder("anywhere", { "index.html": GOOD }));
    assert.equal(await settled(page, "1 error, 3 warnings"), "No findings. Ready to render.", url);
    await page.locator("#tab-render").click();
    await packed();
    assert.deepEqual(errors, [], url);
    await page.close();
  }
});

test("all projects of a folder, errors first, filtered, and exported as the program prints them", async () => {
  await start();
  const path = thirteen("thirteen");
  execFileSync("git", ["init", "-q"], { cwd: path });
  await drop(page, path);
  assert.equal(await settled(page), "3 errors, 4 warnings");
  assert.match(await text(page, "#about"), /^13 projects checked/);
  const names = await groups();
  assert.equal(names.length, 13);
  assert.deepEqual(names.slice(0, 5), ["videos/05-teaser", "videos/06-outro", "videos/12-intro", "videos/08-intro", "videos/11-recap"]);
  assert.deepEqual(await page.$$eval("#groups details[open]", (found) => found.length), 5);
  await page.locator('[data-severity="error"]').click();
  assert.deepEqual(new Set(await codes()), new Set(["dimensions-missing", "undeclared-binding", "unused-variable"]));
  assert.match(await text(page, "#shown"), /^4 of 7 findings shown$/);
  await page.locator('[data-severity="error"]').click();
  await page.select("#rule", "missing-asset");
  assert.deepEqual(new Set(await codes()), new Set(["missing-asset"]));
  for (const format of ["json", "sarif"]) {
    const native = run(["check", ".", "--format", format], path);
    assert.equal(await exported(page, format), native, `the export is what the program prints: ${format}`);
  }
  assert.deepEqual(errors, []);
});

function run(args, cwd) {
  try {
    return execFileSync(NATIVE, args, { cwd, stdio: ["ignore", "pipe", "ignore"] }).toString();
  } catch (error) {
    return error.stdout.toString();
  }
}

test("the findings of a folder are those of the program", async () => {
  await start();
  const path = folder("same", {
    "a/index.html": GOOD,
    "a/inner/index.html": PAGE,
    "b/index.html": OPAQUE.replace("</h1>", '</h1><img src="../pics/A.png"><script src="../node_modules/x/i.js"></script><img src="../pics">'),
    "hyperframes-ci.toml": '[[render]]\nname = "b"\nproject = "b"\nformat = "webm"\n',
    "b/vendor/p.html": '<p><img src="lib.js"><a href="gone.html">',
    "b/vendor/lib.js/x.js": "1",
    "b/.hyperframesignore": "*.psd\n",
    "pics/a.png": "\u0089PNG",
    "node_modules/x/i.js": "1",
    "node_modules/y/index.html": PAGE,
    "out/c/index.html": PAGE,
    ".gitignore": "out/\n*.tmp\n",
    ".hidden/index.html": PAGE,
    "dist/index.html": PAGE,
    "coverage/index.html": PAGE,
    "renders/index.html": PAGE.replace("Logo.png", "##[error]\u202e.png"),
  });
  execFileSync("git", ["init", "-q"], { cwd: path });
  for (const take of [drop, choose]) {
    await take(page, path);
    await settled(page);
    assert.deepEqual(await values("#project"), ["a", "b", "renders"]);
    const found = await exported(page, "json");
    assert.equal(found, run(["check", ".", "--json"], path));
    assert.ok(!found.includes("##["));
    assert.match(found, /"opaque-root"/);
    await page.reload();
    await page.waitForSelector("body[data-ready]");
  }
  const blocks = folder("blocks", { "card.html": "<template><div data-composition-id=b data-no-timeline><img src=gone.png></div></template>", "x/other.html": GOOD });
  execFileSync("git", ["init", "-q"], { cwd: blocks });
  await drop(page, blocks);
  await settled(page);
  assert.equal(await exported(page, "json"), run(["check", ".", "--json"], blocks));
});

test("the configuration holds, and its mistakes are shown", async () => {
  await start();
  const path = folder("configured", {
    "v/index.html": PAGE,
    "v/wide.html": GOOD,
    "w/index.html": PAGE,
    "rows.jsonl": '{"title": 1}\n',
    "hyperframes-ci.toml": '[check]\nallow = ["missing-asset"]\n[[render]]\nname = "strict"\nproject = "v"\ncheck.warn = ["missing-asset"]\nrows = "rows.jsonl"\naspect-ratio = "16:9"\nvariables = { title = "Ho" }\n',
  });
  await drop(page, path);
  assert.equal(await settled(page), "1 warning");
  assert.match(await text(page, "#source-about"), /with hyperframes-ci\.toml/);
  await page.select("#entry", "0");
  assert.equal(await settled(page, "1 warning"), "1 error, 1 warning");
  assert.equal(await page.$eval("#rows", (select) => select.value), "rows.jsonl");
  assert.equal(await page.$eval("#aspect", (select) => select.value), "16:9");
  await page.locator("#tab-preview").click();
  assert.deepEqual(JSON.parse(await page.$eval("#json", (element) => element.value)), { title: "Ho" });
  await page.locator("#tab-render").click();
  assert.equal(await text(page, "#render-command"), "hyperframes-ci render v --aspect-ratio 16:9 --batch rows.jsonl");
  writeFileSync(join(path, "hyperframes-ci.toml"), "[check]\nignore = []\n");
  await page.locator("#again").click();
  await settled(page, "1 error, 1 warning");
  assert.match(await alert(), /hyperframes-ci\.toml: unknown key "ignore"/);
});

test("entry, aspect ratio and files with rows", async () => {
  await start();
  const path = folder("options", {
    "index.html": GOOD,
    "parts/card.html": GOOD.replace("1920", "1080").replace('"1080" data-duration', '"1920" data-duration'),
    "rows/good.json": '[{"title": "a"}]',
    "rows/bad.jsonl": '{"title": "a"}\n{"titel": "b"}\n',
    "rows/bad.csv": "title,extra\na,b\n",
  });
  await drop(page, path);
  let verdict = await settled(page);
  assert.equal(verdict, "No findings. Ready to render.");
  assert.deepEqual(await values("#composition"), ["", "parts/card.html"]);
  assert.deepEqual(await values("#rows"), ["", "rows/bad.csv", "rows/bad.jsonl", "rows/good.json"]);
  await page.select("#rows", "rows/bad.jsonl");
  verdict = await settled(page, verdict);
  assert.match(await text(page, "#groups .path"), /^rows\/bad\.jsonl:2/);
  assert.match(await text(page, "#groups .finding"), /titel/);
  await page.select("#rows", "rows/bad.csv");
  await page.waitForFunction(() => document.querySelector("#groups .path")?.textContent.startsWith("rows/bad.csv"));
  await page.select("#rows", "rows/good.json");
  await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("No findings"));
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.locator("#rows-choose").click()]);
  await chooser.accept([join(folder("elsewhere", { "own.csv": "nope\n1\n" }), "own.csv")]);
  await page.waitForFunction(() => document.querySelector("#groups .path")?.textContent.startsWith("own.csv"));
  await page.select("#rows", "");
  await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("No findings"));
  await page.select("#aspect", "1:1");
  await page.waitForFunction(() => document.querySelector("#groups .code")?.textContent === "aspect-ratio-mismatch");
  await page.select("#composition", "parts/card.html");
  await page.select("#aspect", "9:16");
  await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("No findings"));
  await page.locator("#tab-render").click();
  assert.equal(await text(page, "#check-command"), "hyperframes-ci check . --composition parts/card.html --aspect-ratio 9:16");
  assert.deepEqual(errors, []);
});

test("values are checked as they are typed", async () => {
  await start();
  await example(page);
  await page.locator("#tab-preview").click();
  const field = (id) => `#form .variable[data-id="${id}"]`;
  const issue = (selector, pattern) =>
    page.waitForFunction((selector, source) => new RegExp(source).test(document.querySelector(selector).textContent), {}, selector, pattern.source);
  await page.waitForSelector(field("size"));
  await page.locator(`${field("size")} input`).click({ count: 3 });
  await page.keyboard.type("big");
  await issue(`${field("size")} .issues`, /must be a number, not a string/);
  assert.equal(await page.$eval(`${field("size")} input`, (input) => input.getAttribute("aria-invalid")), "true");
  await page.locator(`${field("size")} input`).click({ count: 3 });
  await page.keyboard.type("2.5");
  await issue(`${field("size")} .issues`, /^$/);
  await page.select(`${field("mood")} select`, "wild");
  const json = () => page.$eval("#json", (element) => JSON.parse(element.value));
  assert.equal((await json()).mood, "wild");
  const type = async (text) => {
    await page.$eval("#json", (element) => element.select());
    await page.type("#json", text);
  };
  await type('{"title": "Hallo", "titel": 1, "mood": "angry"}');
  await issue("#json-issues", /"titel" is not declared.*did you mean "title"/);
  await issue(`${field("mood")} .issues`, /invalid value "angry"/);
  assert.equal(await page.$eval(`${field("title")} input`, (input) => input.value), "Hallo");
  await type('{"title": ');
  await issue("#json-issues", /JSON/);
  await type("[1]");
  await issue("#json-issues", /must be an object/);
  assert.deepEqual(errors, []);
});

test("Check again reads the folder again", async () => {
  await start();
  const path = folder("again", { "index.html": PAGE, "assets/Logo.png": "x" });
  await drop(page, path);
  assert.equal(await settled(page), "No findings. Ready to render.");
  writeFileSync(join(path, "index.html"), PAGE.replace("Logo", "Other"));
  await page.locator("#again").click();
  assert.equal(await settled(page, "No findings. Ready to render."), "1 error");
  writeFileSync(join(path, "assets/Other.png"), "x");
  await page.locator("#again").click();
  assert.equal(await settled(page, "1 error"), "No findings. Ready to render.");
  rmSync(join(path, "index.html"));
  await page.locator("#again").click();
  await settled(page, "No findings. Ready to render.");
  assert.match(await alert(), /No HyperFrames project found/);
});

test("a dialog for folders gives a folder that is read again", async () => {
  await start();
  await page.evaluate(async (html) => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("chosen", { create: true });
    window.write = async (text) => {
      const file = await (await folder.getFileHandle("index.html", { create: true })).createWritable();
      await file.write(text);
      await file.close();
    };
    await window.write(html);
    window.showDirectoryPicker = async () => folder;
  }, GOOD);
  await page.locator("#choose").click();
  assert.equal(await settled(page), "No findings. Ready to render.");
  assert.equal(await text(page, "#source-name"), "chosen");
  await page.evaluate((html) => window.write(html), PAGE);
  await page.locator("#again").click();
  assert.equal(await settled(page, "No findings. Ready to render."), "1 error");
});

test("a file that has changed since it was chosen is an error", async () => {
  await start();
  const path = folder("changed", { "index.html": GOOD, "other.css": "h1 {}" });
  await choose(page, path);
  assert.equal(await settled(page), "No findings. Ready to render.");
  writeFileSync(join(path, "index.html"), `${GOOD}\n<!-- longer -->`);
  utimesSync(join(path, "index.html"), new Date(), new Date(Date.now() + 60_000));
  // The files of a file field are those of the moment when they were chosen.
  await page.locator("#tab-render").click();
  await page.waitForFunction(() => /cannot be read/.test(document.getElementById("packing").textContent));
  assert.match(await text(page, "#packing"), /index\.html cannot be read: it was changed or removed since it was chosen\. Check again/);
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.locator("#again").click()]);
  await chooser.accept([path]);
  await packed();
});

test("a huge file is an error or a stub, and the page goes on", async () => {
  await start();
  const path = folder("huge", { "bad/index.html": GOOD, "good/index.html": GOOD.replace("</h1>", '</h1><video src="clip.mp4" muted></video>') });
  for (const name of ["bad/large.html", "good/clip.mp4"]) {
    const file = openSync(join(path, name), "w");
    ftruncateSync(file, 3 * 1024 ** 3);
    closeSync(file);
  }
  const before = Date.now();
  await drop(page, path);
  const verdict = await settled(page);
  assert.ok(Date.now() - before < 20_000);
  assert.match(`${verdict} ${await text(page, "#groups")} ${await alert()}`, /bad\/large\.html has 3072 MB; the limit for texts is 256 MB/);
  await paste(page, GOOD);
  assert.equal(await settled(page, verdict), "No findings. Ready to render.");
  assert.equal(await page.$eval("#alert", (element) => element.hidden), true);
});

test("a worker that ends is an error, and the page goes on", async () => {
  await start();
  await page.evaluate(() => {
    const { postMessage } = Worker.prototype;
    let isFirst = true;
    Worker.prototype.postMessage = function (message) {
      if (isFirst && message.name === "open") {
        isFirst = false;
        this.dispatchEvent(new ErrorEvent("error", { message: "" }));
      } else {
        postMessage.apply(this, arguments);
      }
    };
  });
  await paste(page, GOOD);
  await settled(page);
  assert.match(await alert(), /The checks stopped: the browser ended them/);
  await paste(page, PAGE);
  assert.equal(await settled(page, "Not checked."), "1 error");
});

test("5 MB of HTML leave the page responsive, progress is counted, and the newest input wins", async () => {
  await start();
  const large = `${GOOD}${"<p data-start='0' class='line' style='color: red'>text</p>\n".repeat(90_000)}`;
  assert.ok(large.length > 5_000_000);
  const path = folder("large", { "a/index.html": large, "b/index.html": GOOD });
  await page.evaluate(() => {
    window.gap = 0;
    let last = performance.now();
    setInterval(() => {
      window.gap = Math.max(window.gap, performance.now() - last);
      last = performance.now();
    }, 5);
    window.progress = new Set();
    new MutationObserver(() => window.progress.add(document.getElementById("busy-text").textContent)).observe(document.getElementById("busy-text"), { childList: true });
  });
  await drop(page, path);
  await settled(page);
  const gap = await page.evaluate(() => window.gap);
  assert.ok(gap < 300, `the page did not answer for ${Math.round(gap)} ms`);
  const progress = await page.evaluate(() => [...window.progress]);
  assert.ok(progress.some((line) => /^Checking projects: \d of 2$/.test(line)), progress.join());
  await page.locator("#again").click();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await paste(page, PAGE);
  await page.waitForFunction(() => document.getElementById("verdict").textContent === "1 error", { timeout: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(await text(page, "#verdict"), "1 error");
  await drop(page, path);
  await page.waitForFunction(() => !document.getElementById("busy").hidden);
  await page.locator("#cancel").click();
  assert.equal(await text(page, "#verdict"), "Cancelled.");
  assert.deepEqual(errors, []);
});

test("a link carries the pasted text, and buttons copy", async () => {
  await start();
  await browser.defaultBrowserContext().overridePermissions(server.url, ["clipboard-read", "clipboard-write"]);
  await page.bringToFront();
  const copied = async (button) => {
    await page.locator(button).click();
    await page.waitForFunction((button) => document.querySelector(button).textContent === "Copied", {}, button);
    return page.evaluate(() => navigator.clipboard.readText());
  };
  await paste(page, PAGE.replace("Hi", "Grüße, „Welt“"));
  await settled(page);
  const link = await copied("#link");
  assert.ok(link.startsWith(`${server.url}#html=`) && link.length < 600, link);
  await page.locator("#tab-preview").click();
  await page.waitForSelector("#form input");
  await page.type("#form input", "!");
  assert.deepEqual(JSON.parse(await copied("#copy-json")), { title: "Grüße, „Welt“!" });
  await page.locator("#tab-render").click();
  assert.equal(await copied("#copy-check"), `hyperframes-ci check . --variables '{"title":"Grüße, „Welt“!"}'`);
  await packed();
  assert.match(await copied("#copy-digest"), /^[0-9a-f]{64}$/);
  await page.close();
  await start(link);
  assert.equal(await settled(page), "1 error");
  assert.match(await page.$eval("#paste", (element) => element.value), /Grüße, „Welt“/);
  await page.close();
  await start(`${server.url}#html=AAAA`);
  await page.waitForFunction(() => !document.getElementById("alert").hidden);
  assert.match(await alert(), /The link does not contain a text/);
});

test("hostile files are text", async () => {
  await start();
  await paste(page, PAGE.replace("assets/Logo.png", "x.png' onerror=alert(1) a='<script>alert(2)</script>.png").replace('"Title"', '"<img src=x onerror=alert(3)>"'));
  await settled(page);
  await page.locator("#tab-preview").click();
  await page.waitForSelector("#form input");
  assert.equal(await page.$("#form img, #groups img, #groups script"), null);
  assert.match(await text(page, "#form"), /<img src=x onerror=alert\(3\)>/);
  assert.deepEqual(errors, []);
});

test("nothing leaves the page", async () => {
  await start();
  const before = server.requests.length;
  await example(page);
  await page.locator("#tab-render").click();
  await packed();
  assert.deepEqual(server.requests.slice(before), []);
  const isEscaped = await page.evaluate(() => fetch("https://example.com/").then(() => true, () => false));
  assert.equal(isEscaped, false);
  assert.ok(errors.some((error) => error.includes("Content Security Policy")));
});
