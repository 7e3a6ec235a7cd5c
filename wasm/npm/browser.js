import init from "./wasm.js";

// The glue finds wasm_bg.wasm beside itself, in a way that bundlers know.
await init();

export * from "./api.js";
