export * from "./index.js";

/**
 * Loads the WebAssembly module, which this entry does not contain; the other functions work after that. Later calls return
 * the first promise.
 *
 * @param source A `WebAssembly.Module`, its bytes, or a URL or `Response` of `hyperframes-preflight/wasm`; or a promise of
 * one. Default: `wasm_bg.wasm` next to the script.
 */
export function init(source?: object | string): Promise<void>;
