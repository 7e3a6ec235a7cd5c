// The package with the WebAssembly module as a part of the script: it works wherever scripts do, without files.
import { initSync } from "./wasm.js";
import { bytes } from "./bytes.js";

initSync({ module: bytes() });

export * from "./api.js";
