import { init } from "./init.js";

// For pages without a bundler: the module is a file next to this one.
await init();

export * from "./api.js";
