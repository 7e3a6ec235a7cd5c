import init from "./wasm.js";

// The generated code loads wasm_bg.wasm from its own directory, in a form that bundlers support.
await init();

export * from "./api.js";
