// The package without its WebAssembly module, which `init` loads from where the caller has it.
import initModule from "./wasm.js";

let loading;

/** Loads the module: a `WebAssembly.Module`, its bytes, a URL or a response. Without an argument, from next to this file. */
export function init(source = new URL("./wasm_bg.wasm", import.meta.url)) {
  loading ??= load(source).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(source) {
  await initModule({ module_or_path: await source });
}

export * from "./api.js";
