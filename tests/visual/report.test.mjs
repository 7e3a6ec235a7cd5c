// The report of `diff` in a real browser, from disk. The environment names the program (NATIVE), the browser (BROWSER) and where
// pictures go (SCREENSHOTS).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const { NATIVE, BROWSER, SCREENSHOTS } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)<!--`;
const SECONDS = 70;
const BITS = 12;

const folder = mkdtempSync(join(tmpdir(), "report-"));
let browser;
let report;

/** A video whose first lines show the number of the frame, with white blocks for its bits. */
function make(name, filter = "") {
  const bits = `geq=lum='if(lt(Y,16),235*mod(floor(N/pow(2,floor(X/16))),2),90)':cb=128:cr=128`;
  const source = `color=c=gray:s=${BITS * 16}x108:r=30:d=${SECONDS},format=yuv420p,${bits}${filter}`;
  const encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"];
  const sound = ["-f", "lavfi", "-i", `sine=frequency=330:duration=${SECONDS}`, "-c:a", "aac", "-shortest"];
  execFileSync("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", source, ...sound, ...encode, join(folder, name)]);
}

before(async () => {
  make("base.mp4");
  make(`${HOSTILE}.mp4`, ",drawbox=x=40:y=40:w=48:h=32:c=red:t=fill:enable='between(t,2,3)+between(t,40,40.5)'");
  report = join(folder, "report");
  execFileSync(NATIVE, ["diff", "base.mp4", `${HOSTILE}.mp4`, "--report", "report"], { cwd: folder });
  browser = await puppeteer.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open({ width = 1280, height = 900, isMobile = false, isDark = false } = {}) {
  const page = await browser.newPage();
  const errors = [];
  const requests = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("dialog", (dialog) => errors.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => requests.push(request.url()));
  await page.setViewport({ width, height, isMobile, hasTouch: isMobile });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }]);
  await page.goto(pathToFileURL(join(report, "index.html")).href);
  await state(page, "changed");
  return { page, errors, requests };
}

/** Waits until the viewer shows this state, and returns the text. */
async function state(page, part) {
  const has = (part) => document.querySelector("output")?.textContent.includes(part);
  await page.waitForFunction(has, { timeout: 60_000 }, part);
  return page.$eval("output", (output) => output.textContent);
}

/** The frames that the canvases of both sides show. */
const shown = (page) =>
  page.evaluate((bits) => {
    return ["base", "head"].map((side) => {
      const context = document.querySelector(`canvas.${side}`).getContext("2d");
      const bit = (at) => (context.getImageData(at * 16 + 8, 8, 1, 1).data[0] > 120 ? 2 ** at : 0);
      return Array.from({ length: bits }, (_, at) => bit(at)).reduce((sum, bit) => sum + bit, 0);
    });
  }, BITS);

test("it works from disk, loads nothing else, and shows hostile names as text", async () => {
  const { page, errors, requests } = await open();
  assert.deepEqual(errors, []);
  assert.deepEqual(requests.filter((url) => !/^(file|data|blob):/.test(url)), []);
  assert.equal(await page.$eval("h2", (heading) => heading.textContent), HOSTILE);
  assert.equal(await page.$("img[src=x]"), null);
  await page.screenshot({ path: join(SCREENSHOTS, "report-desktop.png"), fullPage: true });
  await page.close();
});

test("both players show the frame that is asked for", async () => {
  const { page } = await open();
  for (const [key, frame] of [["n", 1200], ["p", 60], ["ArrowRight", 61], ["ArrowRight", 62], ["ArrowLeft", 61]]) {
    await page.keyboard.press(key);
    await state(page, `frame ${frame},`);
    assert.deepEqual(await shown(page), [frame, frame], key);
  }
  await page.close();
});

test("every control is reached and used by keyboard", async () => {
  const { page } = await open();
  const names = new Set();
  for (let count = 0; count < 30; count += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (element === document.body) return null;
      const outline = getComputedStyle(element).outlineStyle;
      return [element.getAttribute("aria-label") ?? element.closest("label")?.textContent ?? element.textContent, outline];
    });
    if (!focused) break;
    assert.notEqual(focused[1], "none", `the focus on ${focused[0]} is not visible`);
    names.add(focused[0].trim());
  }
  for (const name of ["Slider", "Share of the base", "Time", "Play", "Next change", "Previous change", "+1 frame"]) {
    assert.ok(names.has(name), `${name} is not reached: ${[...names].join(", ")}`);
  }
  for (const [key, view] of [["2", "side"], ["3", "onion"], ["4", "difference"], ["1", "slider"]]) {
    await page.keyboard.press(key);
    assert.ok(await page.$eval(".stage", (stage, view) => stage.classList.contains(view), view), view);
  }
  await page.close();
});

test("it fits a phone, in every view", async () => {
  const { page, errors } = await open({ width: 320, height: 640, isMobile: true });
  for (const view of ["slider", "side", "onion", "difference"]) {
    await page.locator(`input[value=${view}]`).click();
    await page.waitForFunction((view) => document.querySelector(".stage").classList.contains(view), {}, view);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${view} is ${width} px wide`);
    await page.screenshot({ path: join(SCREENSHOTS, `report-phone-${view}.png`), fullPage: true });
  }
  const small = await page.$$eval("button, select, .views label", (all) =>
    all.filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.textContent));
  assert.deepEqual(small, [], "too small to touch");
  assert.deepEqual(errors, []);
  await page.close();
});

test("axe finds nothing serious, in light and dark mode", async () => {
  for (const isDark of [false, true]) {
    const { page } = await open({ isDark });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground, isDark ? "rgb(13, 17, 23)" : "rgb(255, 255, 255)");
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => window.axe.run());
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), []);
    await page.screenshot({ path: join(SCREENSHOTS, `report-${isDark ? "dark" : "light"}.png`), fullPage: true });
    await page.close();
  }
});

test("the players stay in step for a minute", { timeout: 240_000 }, async () => {
  const { page } = await open();
  await page.locator("::-p-aria(Play)").click();
  await page.waitForSelector("::-p-aria(Pause)");
  const apart = [];
  let last = 0;
  const until = Date.now() + 65_000;
  while (Date.now() < until) {
    const [base, head] = await shown(page);
    apart.push(Math.abs(base - head));
    last = head;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  apart.sort((a, b) => a - b);
  const at = (share) => apart[Math.floor((apart.length - 1) * share)];
  console.log(`frames apart: median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)}, of ${apart.length} samples, to frame ${last}`);
  assert.ok(last > 1500 && at(0.5) <= 1 && at(0.95) <= 2, `median ${at(0.5)}, 95 % ${at(0.95)}, frame ${last}`);
  await page.close();
});
