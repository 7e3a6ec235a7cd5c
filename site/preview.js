// The preview of the composition that is shown: in a frame without access to this page, and without network unless allowed.
import { composer } from "./compose.js";
import { at, make } from "./element.js";
import { guard } from "./guard.js";
import { stage } from "./stage.js";

/** Milliseconds after the last change of a value until the composition is shown with it. */
const PAUSE = 300;
/** Milliseconds until a composition that does not answer is reported. */
const PATIENCE = 8000;
/** Number of messages of a composition that are read. */
const MOST_MESSAGES = 200;

let shown;
let values = {};
/** What runs: the frame, the port to the composition, and its clock. */
let running;
let hasNetwork = false;
let changing;
let screen;
let player;

export function closePreview() {
  shown = undefined;
  stop();
  at("stage").replaceChildren();
}

/** Prepares the preview of a composition; it runs only if the person asks for it. */
export function preparePreview({ file, files }) {
  if (shown?.file === file && shown.files === files) return;
  shown = { file, files };
  stop();
  draw();
}

/** Shows the composition with other values, if it runs. */
export function showValues(given) {
  values = given;
  if (!running) return;
  clearTimeout(changing);
  changing = setTimeout(() => running && run(), PAUSE);
}

function draw() {
  screen = make("div", { className: "screen", id: "screen" });
  const start = make("button", { type: "button", className: "primary", id: "run", textContent: "Run preview" });
  start.addEventListener("click", run);
  const about = "Runs the scripts of the composition in an isolated frame, which can reach neither this page nor its storage.";
  screen.append(make("div", { className: "cover" }, start, make("p", { textContent: about })));
  const network = make("input", { type: "checkbox", id: "network", checked: hasNetwork });
  network.addEventListener("change", () => {
    hasNetwork = network.checked;
    if (running) run();
  });
  const label = make("label", { className: "check" }, network, " Allow network access, for fonts and scripts of other hosts");
  player = make("div", { className: "player" }, label);
  const notes = make("ul", { className: "notes", id: "notes", role: "status" });
  at("stage").replaceChildren(screen, player, notes);
}

function stop() {
  clearTimeout(changing);
  if (!running) return;
  cancelAnimationFrame(running.request);
  clearTimeout(running.patience);
  running.port.close();
  running.frame.remove();
  running = undefined;
}

function run() {
  const { file, files } = shown;
  const { time, isPlaying } = running ?? { time: 0, isPlaying: true };
  at("notes").replaceChildren();
  stop();
  const { port1: port, port2 } = new MessageChannel();
  const frame = make("iframe", { title: "Preview of the composition", src: hasNetwork ? "preview-network.html" : "preview.html", inert: true });
  frame.setAttribute("sandbox", "allow-scripts");
  running = { frame, port, time, isPlaying, duration: 0, messages: 0 };
  const current = running;
  current.patience = setTimeout(() => current === running && note("The composition does not answer. A script may run forever."), PATIENCE);
  const listen = ({ source, data }) => {
    // The frame says once that it is ready; whatever else arrives comes from a page that it has become.
    if (source !== frame.contentWindow || data !== "ready") return;
    removeEventListener("message", listen);
    if (current !== running) return;
    const write = hasNetwork ? "document.write.bind(document)" : `(${guard})()`;
    const text = `<!doctype html><script>(${stage})(${write});</script>`;
    frame.contentWindow.postMessage({ composer: `${composer}`, document: text, files, file, hasNetwork, values, time }, "*", [port2]);
  };
  addEventListener("message", listen);
  port.onmessage = ({ data }) => current === running && receive(current, data);
  screen.replaceChildren(frame);
  fit(1920, 1080);
}

/** Takes a message of the composition. It may come from a hostile page. */
function receive(current, data) {
  current.messages += 1;
  if (current.messages > MOST_MESSAGES || data === null || typeof data !== "object") return;
  if (typeof data.error === "string") note(`Error in the composition: ${data.error.slice(0, 300)}`);
  if (typeof data.blocked === "string") note(`Blocked: ${data.blocked.slice(0, 120)}`);
  const names = (list) => list.slice(0, 8).map((name) => String(name).slice(0, 100)).join(", ");
  if (!hasNetwork && Array.isArray(data.hosts) && data.hosts.length > 0) note(`Not loaded without network access: ${names(data.hosts)}`);
  if (Array.isArray(data.missing) && data.missing.length > 0) note(`Missing files: ${names(data.missing)}`);
  const { width, height, duration } = data;
  const isSize = (length) => Number.isFinite(length) && length > 0 && length <= 16_384;
  if (!isSize(width) || !isSize(height) || !Number.isFinite(duration)) return;
  clearTimeout(current.patience);
  current.duration = Math.min(Math.max(duration, 0.1), 36_000);
  fit(width, height);
  drawPlayer(current);
  seek(current, Math.min(current.time, current.duration));
  if (current.isPlaying) play(current);
}

/** Scales the frame to the width of the page. */
function fit(width, height) {
  const { frame } = running;
  Object.assign(frame.style, { width: `${width}px`, height: `${height}px` });
  screen.style.aspectRatio = `${width} / ${height}`;
  screen.style.maxWidth = `min(100%, calc(70vh * ${width / height}))`;
  running.observer?.disconnect();
  running.observer = new ResizeObserver(() => {
    frame.style.transform = `scale(${screen.clientWidth / width})`;
  });
  running.observer.observe(screen);
}

function drawPlayer(current) {
  if (current.controls) return;
  const toggle = make("button", { type: "button", id: "toggle", textContent: current.isPlaying ? "Pause" : "Play" });
  const range = make("input", { type: "range", id: "time", min: 0, max: current.duration, step: 0.01, value: current.time, "aria-label": "Time in seconds" });
  const output = make("output", { htmlFor: "time" });
  const end = make("button", { type: "button", className: "quiet", id: "stop", textContent: "Stop" });
  current.controls = { toggle, range, output };
  toggle.addEventListener("click", () => (current.isPlaying ? pause(current) : play(current, true)));
  range.addEventListener("input", () => pause(current, Number(range.value)));
  end.addEventListener("click", () => {
    stop();
    draw();
    at("run").focus();
  });
  const label = player.querySelector("label");
  player.replaceChildren(toggle, range, output, end, label);
}

function play(current, isAgain = false) {
  if (isAgain && current.time >= current.duration) current.time = 0;
  current.isPlaying = true;
  current.controls.toggle.textContent = "Pause";
  const start = performance.now() - current.time * 1000;
  const step = () => {
    if (current !== running || !current.isPlaying) return;
    const time = (performance.now() - start) / 1000;
    if (time >= current.duration) return pause(current, current.duration);
    seek(current, time);
    current.request = requestAnimationFrame(step);
  };
  cancelAnimationFrame(current.request);
  step();
}

function pause(current, time = current.time) {
  current.isPlaying = false;
  current.controls.toggle.textContent = "Play";
  seek(current, time);
}

function seek(current, time) {
  current.time = time;
  current.controls.range.value = time;
  current.controls.output.textContent = `${time.toFixed(2)} of ${current.duration.toFixed(2)} s`;
  // At its very end, a video shows its last frame.
  current.port.postMessage({ time: Math.min(time, current.duration - 0.001), isPlaying: current.isPlaying });
}

function note(text) {
  const notes = at("notes");
  const isKnown = [...notes.children].some((line) => line.textContent === text);
  if (!isKnown && notes.childElementCount < 8) notes.append(make("li", { textContent: text }));
}
