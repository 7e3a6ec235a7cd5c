// The preview of compositions on the page: what it shows, and what a hostile composition reaches.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { cpSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { serve } from "./serve.mjs";
import { FILE, GOOD, VARIABLES, drop, folder, launch, open, paste, scratch, settled, text } from "./site.mjs";

const { SITE, ROOT } = process.env;
let server, browser, page, errors, collector;

before(async () => {
  server = await serve(SITE);
  browser = await launch();
  collector = await collect();
});
after(async () => {
  await browser?.close();
  server?.close();
  collector?.close();
});
beforeEach(async () => {
  ({ page, errors } = await open(browser, server.url));
});
afterEach(async () => {
  if (!page.isClosed()) await page.close();
});

/** Counts connections and packets that arrive on this machine. */
async function collect() {
  const arrived = [];
  const http = createServer((request, response) => {
    arrived.push(request.url);
    response.writeHead(200, { "access-control-allow-origin": "*" }).end();
  });
  http.on("connection", () => arrived.push("connection"));
  const udp = createSocket("udp4");
  udp.on("message", () => arrived.push("packet"));
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  await new Promise((resolve) => udp.bind(0, "127.0.0.1", resolve));
  const close = () => {
    http.closeAllConnections();
    http.close();
    udp.close();
  };
  return { arrived, url: `http://127.0.0.1:${http.address().port}`, stun: `stun:127.0.0.1:${udp.address().port}`, close };
}

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** Runs the preview, and returns the frame of the composition. */
async function run() {
  await page.locator("#tab-preview").click();
  await page.waitForSelector("#run");
  await page.locator("#run").click();
  await page.waitForSelector("#toggle");
  return composition();
}

async function composition() {
  for (let tries = 0; tries < 50; tries += 1) {
    const frame = page.frames().find((frame) => frame.parentFrame()?.parentFrame());
    if (frame) return frame;
    await pause(50);
  }
  throw new Error("the preview has no frame");
}

async function show(html) {
  await paste(page, html);
  await settled(page);
  return run();
}

/** Waits until a function of the composition returns a value. */
async function becomes(read, expected) {
  let found;
  for (let tries = 0; tries < 60; tries += 1) {
    found = await (await composition()).evaluate(read).catch((error) => error.message);
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    await pause(50);
  }
  assert.deepEqual(found, expected);
}

async function setTime(time) {
  await page.$eval(
    "#time",
    (range, time) => {
      range.value = time;
      range.dispatchEvent(new Event("input"));
    },
    time,
  );
}

test("a composition is shown with the values of the form, and at any time", async () => {
  const page_ = `<html data-composition-variables='[${VARIABLES.slice(1, -1)},{"id":"ink","label":"Ink","type":"color","default":"#ff0000"}]'>
    <style>#box { color: var(--ink); animation: fade 2s linear both } @keyframes fade { from { opacity: 0 } }</style>
    <div data-composition-id="main" data-no-timeline data-width="640" data-height="480" data-duration="3">
    <h1 id="box" data-var-text="title">old</h1><p id="late" data-start="1" data-duration="1">late</p></div>
    <script>window.__timelines.main = { time: 0, pause() {}, seek(time) { document.title = time.toFixed(1); } };
      document.body.dataset.title = window.__hyperframes.getVariables().title;</script></html>`;
  const frame = await show(page_);
  assert.equal(await frame.evaluate(() => document.body.dataset.title), "Hi");
  const state = () => {
    const box = document.getElementById("box");
    return [box.textContent, getComputedStyle(box).color, getComputedStyle(box).opacity, document.getElementById("late").style.visibility, document.title];
  };
  await setTime(1.5);
  await becomes(state, ["Hi", "rgb(255, 0, 0)", "0.75", "", "1.5"]);
  await setTime(0.5);
  await becomes(state, ["Hi", "rgb(255, 0, 0)", "0.25", "hidden", "0.5"]);
  assert.equal(await text(page, "output"), "0.50 of 3.00 s");
  await page.locator('#form [data-id="title"] input').click({ count: 3 });
  await page.keyboard.type("Ho");
  await becomes(() => document.body.dataset.title, "Ho");
  await becomes(state, ["Ho", "rgb(255, 0, 0)", "0.25", "hidden", "0.5"]);
  await page.locator("#toggle").click();
  await page.waitForFunction(() => Number(document.getElementById("time").value) > 0.8);
  await page.locator("#stop").click();
  assert.equal((await page.$$("#screen iframe")).length, 0);
  assert.deepEqual(errors, []);
});

test("files and mounted compositions of a folder are shown, also from file:", async () => {
  cpSync(join(ROOT, "examples"), join(scratch, "examples"), { recursive: true });
  for (const url of [server.url, FILE]) {
    await page.close();
    ({ page, errors } = await open(browser, url));
    await drop(page, join(scratch, "examples"));
    await settled(page);
    await run();
    await becomes(() => [document.querySelector("#logo").naturalWidth > 0, document.querySelector("#card").dataset.mood], [true, "dusk"]);
    await becomes(() => getComputedStyle(document.querySelector("#title")).color, "rgb(255, 255, 255)");
    await page.select("#project", "portrait-story");
    await page.waitForSelector("#run");
    await run();
    await becomes(() => [...document.querySelectorAll(".name")].map((name) => name.textContent), ["Check", "Pack", "Render"]);
    assert.equal(await text(page, "#notes"), "");
    assert.deepEqual(errors, [], url);
  }
});

/** Ways to the network, as scripts; `url` is an address of the collector with the name of the way. */
const WAYS = {
  fetch: (url) => `fetch("${url}")`,
  request: (url) => `const r = new XMLHttpRequest(); r.open("GET", "${url}"); r.send()`,
  beacon: (url) => `navigator.sendBeacon("${url}")`,
  image: (url) => `new Image().src = "${url}"`,
  script: (url) => `const s = document.createElement("script"); s.src = "${url}"; document.head.append(s)`,
  import: (url) => `import("${url}").catch(() => {})`,
  style: (url) => `document.body.style.backgroundImage = "url(${url})"`,
  font: (url) => `new FontFace("x", "url(${url})").load().catch(() => {})`,
  video: (url) => `const v = document.createElement("video"); v.src = "${url}"; document.body.append(v)`,
  socket: (url) => `new WebSocket("${url.replace("http", "ws")}")`,
  events: (url) => `new EventSource("${url}")`,
  worker: (url) => `new Worker(URL.createObjectURL(new Blob(["fetch('${url}')"])))`,
  frame: (url) => `const f = document.createElement("iframe"); f.src = "${url}"; document.body.append(f)`,
  markup: (url) => `document.body.insertAdjacentHTML("beforeend", "<iframe src='${url}'></iframe><object data='${url}'></object><embed src='${url}'>")`,
  preconnect: (url) => `const l = document.createElement("link"); l.rel = "preconnect"; l.href = "${url}"; document.head.append(l)`,
  hint: (url) => `document.head.innerHTML += "<link rel=preconnect href='${url}'>"`,
  namespace: (url) => `const l = document.createElementNS("http://www.w3.org/1999/xhtml", "x:link"); l.setAttribute("rel", "preconnect"); l.setAttribute("href", "${url}"); document.head.append(l)`,
  xml: (url) => `const d = new DOMParser().parseFromString("<!DOCTYPE a [<!ENTITY e '<h:l&#105;nk xmlns:h=&quot;http://www.w3.org/1999/xhtml&quot; rel=&quot;preconnect&quot; href=&quot;${url}&quot;/>'>]><a>&e;</a>", "text/xml"); document.head.append(...d.documentElement.childNodes)`,
  document: (url) => `const d = document.implementation.createDocument("http://www.w3.org/1999/xhtml", "link"); const l = d.documentElement; l.rel = "preconnect"; l.href = "${url}"; document.head.append(l)`,
  fragment: (url) => `document.head.append(document.createRange().createContextualFragment("<link rel=preconnect href='${url}'>"))`,
  template: (url) => `const t = document.createElement("template"); t.innerHTML = "<link rel=preconnect href='${url}'>"; document.head.append(t.content.cloneNode(true))`,
  shadow: (url) => `const d = document.createElement("div"); document.body.append(d); d.setHTMLUnsafe("<p><template shadowrootmode=closed><link rel=preconnect href='${url}'></template></p>")`,
  write: (url) => `document.write("<li"); document.write("nk rel=preconnect href='${url}'>")`,
  command: (url) => `document.body.contentEditable = true; document.body.focus(); document.execCommand("insertHTML", false, "<link rel=preconnect href='${url}'>")`,
  parsed: (url) => `document.head.append(Document.parseHTMLUnsafe("<link rel=preconnect href='${url}'>").querySelector("link"))`,
  child: (url) => `const f = document.createElement("iframe"); f.srcdoc = "<link rel=preconnect href='${url}'>"; document.body.append(f)`,
  rules: (url) => `const s = document.createElement("script"); s.type = "speculationrules"; s.textContent = '{"prefetch":[{"urls":["${url}"],"eagerness":"immediate"}]}'; document.head.append(s)`,
  peer: (_, stun) => `const p = new RTCPeerConnection({ iceServers: [{ urls: "${stun}" }] }); p.createDataChannel("x"); p.createOffer().then((offer) => p.setLocalDescription(offer))`,
  form: (url) => `const f = document.createElement("form"); f.action = "${url}"; document.body.append(f); f.submit()`,
  popup: (url) => `open("${url}")`,
  top: (url) => `top.location = "${url}"`,
  refresh: (url) => `const m = document.createElement("meta"); m.httpEquiv = "refresh"; m.content = "0;url=${url}"; document.head.append(m)`,
  location: (url) => `setTimeout(() => { location = "${url}" }, 1200)`,
  own: () => `setTimeout(() => { location = "${server.url}own?secret" }, 1100)`,
};

const MARKUP = (url) => `<link rel="preconnect" href="${url}/static"><link rel="dns-prefetch" href="${url}"><link rel="prefetch" href="${url}/a">
<meta http-equiv="refresh" content="2;url=${url}/b"><base href="${url}/"><iframe srcdoc="<link rel=preconnect href='${url}/c'>"></iframe>
<script type="speculationrules">{"prefetch":[{"urls":["${url}/d"]}]}</script><img src="x.png"><a href="${url}/e" ping="${url}/f">x</a>`;

const ACCESS = `
  const reached = ["ran"];
  const attempt = (name, work) => { try { work(); reached.push(name); } catch {} };
  attempt("parent", () => parent.document.title);
  attempt("top", () => top.document.title);
  attempt("storage", () => localStorage.length);
  attempt("session", () => sessionStorage.length);
  attempt("database", () => indexedDB.open("x"));
  attempt("cookie", () => document.cookie);
  attempt("frames", () => top.frames[0].document.title);
  attempt("caches", () => { if (!window.caches) throw 1; caches.open("x").catch(() => {}); throw 1; });
  document.documentElement.dataset.reached = reached.join();`;

function hostile() {
  const scripts = Object.entries(WAYS).map(([name, way]) => `try { (() => { ${way(`${collector.url}/${name}`, collector.stun)} })(); } catch {}`);
  const inside = `${MARKUP(collector.url)}<script>${ACCESS}\n${scripts.join("\n").replaceAll("</", "<\\/")}</script>`;
  return GOOD.replace("</h1>", `</h1>${inside}`);
}

test("the ways of a hostile composition lead to the network without the preview", async () => {
  collector.arrived.length = 0;
  for (const [name, way] of Object.entries(WAYS)) {
    const plain = await browser.newPage();
    const probe = await serve(scratch, { "/": `<!doctype html><body><script>try { ${way(`${collector.url}/${name}`, collector.stun)} } catch {}</script>` });
    await plain.goto(probe.url).catch(() => {});
    await pause(150);
    await plain.close();
    probe.close();
  }
  const found = new Set(collector.arrived.map((path) => path.split("?")[0]));
  for (const name of ["fetch", "image", "script", "worker", "frame", "beacon", "form"]) assert.ok(found.has(`/${name}`), name);
  assert.ok(found.has("packet") && found.has("connection"));
});

for (const where of ["http", "file"]) {
  test(`a hostile composition reaches neither the page nor its storage nor the network, from ${where}:`, async () => {
    await page.close();
    ({ page, errors } = await open(browser, where === "http" ? server.url : FILE));
    const before = page.url();
    await paste(page, hostile());
    await settled(page);
    collector.arrived.length = 0;
    const requests = server.requests.length;
    await run();
    await becomes(() => document.documentElement.dataset.reached, "ran");
    await pause(4000);
    assert.deepEqual(collector.arrived, [], "nothing arrives");
    assert.deepEqual(server.requests.slice(requests).filter((path) => path !== "/preview.html"), []);
    assert.equal(page.url(), before);
    await paste(page, GOOD);
    await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("No findings"));
  });
}

test("messages of a hostile composition are not trusted", async () => {
  const flood = `for (const target of [parent, top]) { target.postMessage("ready", "*"); target.postMessage({ width: 1e9, height: 1e9, duration: 1e9 }, "*"); }
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function () {
      for (let i = 0; i < 1000; i += 1) postMessage.call(this, { error: "<img src=x onerror=alert(1)>" + i, width: 1e9, height: -1, duration: NaN });
      postMessage.apply(this, arguments);
    };`;
  await paste(page, GOOD.replace("</h1>", `</h1><script>${flood}</script>`));
  await settled(page);
  await page.locator("#tab-preview").click();
  await page.locator("#run").click();
  await page.waitForFunction(() => document.getElementById("notes").childElementCount > 0);
  await pause(500);
  assert.equal(await page.$("#notes img"), null);
  assert.ok((await page.$$("#notes li")).length <= 8);
  assert.ok(await page.$eval("#screen", (screen) => screen.clientHeight < 2000 && screen.clientHeight > 100));
});

test("a composition that runs forever is stopped", async () => {
  await paste(page, GOOD.replace("</h1>", "</h1><script>for (;;);</script>"));
  await settled(page);
  await page.locator("#tab-preview").click();
  await page.locator("#run").click();
  await page.waitForFunction(() => /does not answer/.test(document.getElementById("notes").textContent), { timeout: 20_000 });
  await paste(page, GOOD);
  await page.waitForFunction(() => document.querySelector("#run"), { timeout: 10_000 });
  await run();
});

test("the network is reached only if it is allowed, by HTTPS", async () => {
  const probe = `<script src="https://cdn.invalid/lib.js"></script><script>
    addEventListener("securitypolicyviolation", (event) => document.documentElement.append(" blocked " + event.blockedURI));
    for (const host of ["https://api.invalid/x", "${collector.url}/x"]) fetch(host).catch(() => {});</script>`;
  await show(GOOD.replace("</h1>", `</h1>${probe}`));
  const blocked = () => page.evaluate(() => document.getElementById("notes").textContent);
  assert.match(await blocked(), /Not loaded without network access: cdn\.invalid/);
  collector.arrived.length = 0;
  await page.locator("#network").click();
  await page.waitForFunction(() => document.querySelector("#screen iframe")?.src.endsWith("preview-network.html"));
  await becomes(() => document.documentElement.textContent.includes("blocked http://127"), true);
  const inside = await (await composition()).evaluate(() => document.documentElement.textContent);
  assert.ok(!/blocked https/.test(inside), inside);
  assert.deepEqual(collector.arrived, []);
});
