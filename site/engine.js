// A worker with the checks. Each call has one answer, also if the worker fails.
import { SOURCE } from "worker-source";
import { Superseded } from "./folder.js";

/** Where the module is, next to the page. */
const WASM = "preflight.wasm";
/** The module as a script, for pages from `file:`, which cannot fetch. */
const INLINE = "preflight-wasm.js";

let compiled;

/** Compiles the module once. */
function compile() {
  compiled ??= load().catch((error) => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

async function load() {
  if (typeof WebAssembly !== "object") throw new Error("This browser does not support WebAssembly, which the checks need.");
  if (location.protocol !== "file:") {
    try {
      const response = await fetch(WASM);
      if (response.ok) return await WebAssembly.compile(await response.arrayBuffer());
    } catch {
      // The script is the other way to the same bytes.
    }
  }
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = INLINE;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`The checks cannot be loaded: ${WASM} and ${INLINE} are missing next to the page.`));
    document.head.append(script);
  });
  const bytes = Uint8Array.from(atob(globalThis.preflightWasm), (letter) => letter.charCodeAt(0));
  delete globalThis.preflightWasm;
  return WebAssembly.compile(bytes);
}

export class Engine {
  #calls = new Map();
  #count = 0;
  #worker;
  /** What the worker was opened with: one that is started again opens it again. */
  #opened;
  lookUp;

  /** `lookUp` returns files that the worker asks for. */
  constructor(lookUp = async () => new Map()) {
    this.lookUp = lookUp;
  }

  get isBusy() {
    return this.#calls.size > 0;
  }

  /** Calls a function of the worker. Rejects with `Superseded` if the engine is stopped. */
  call(name, argument, report = () => {}) {
    const id = (this.#count += 1);
    const answer = new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, report });
      this.#start().then(
        (worker) => this.#calls.has(id) && worker.postMessage({ id, name, argument }),
        (error) => this.#fail(error),
      );
    });
    return name !== "open" ? answer : answer.then((result) => {
      this.#opened = argument;
      return result;
    });
  }

  /** Ends the worker and everything that it does. */
  stop(error = new Superseded()) {
    this.#worker?.then((worker) => worker.terminate()).catch(() => {});
    this.#worker = undefined;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) reject(error);
  }

  #fail(error) {
    this.stop(error);
  }

  #start() {
    this.#worker ??= this.#spawn();
    return this.#worker;
  }

  async #spawn() {
    const module = await compile();
    // A worker from the text of a script works from `file:` as well.
    const url = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = ({ data }) => this.#receive(worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`The checks stopped: ${event.message || "the browser ended them, probably for lack of memory"}.`));
    };
    worker.onmessageerror = () => this.#fail(new Error("The checks stopped: their answer cannot be read."));
    worker.postMessage({ module });
    if (this.#opened) worker.postMessage({ id: 0, name: "open", argument: this.#opened });
    return worker;
  }

  #receive(worker, { id, result, error, progress, wanted }) {
    const call = this.#calls.get(id);
    if (!call) return;
    if (progress !== undefined) return call.report(progress);
    if (wanted !== undefined) {
      const answer = (files) => worker.postMessage({ id, found: files });
      this.lookUp(wanted).then(answer, () => answer(new Map()));
      return;
    }
    this.#calls.delete(id);
    if (error === undefined) return call.resolve(result);
    call.reject(Object.assign(new Error(error.message), { code: error.code }));
    // Memory that ran out is never returned to the browser.
    if (error.code === "out_of_memory") this.stop(new Error(error.message));
  }
}
