import { readFileSync } from "node:fs";
import { initSync } from "./wasm.js";

initSync({ module: readFileSync(new URL("./wasm_bg.wasm", import.meta.url)) });

export * from "./api.js";
