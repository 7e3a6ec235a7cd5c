// Cloudflare Workers compile no bytes at run time; an import of the module is compiled with the Worker.
import { initSync } from "./wasm.js";
import module from "./wasm_bg.wasm";

initSync({ module });

export * from "./api.js";
