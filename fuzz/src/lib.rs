//! The program as a library, with its fuzz targets: the modules of src/main.rs.

#![allow(dead_code, unused_imports, reason = "nothing starts the program")]

#[path = "../../src/action/mod.rs"]
mod action;
#[path = "../../src/app/mod.rs"]
mod app;
#[path = "../../src/ci/mod.rs"]
mod ci;
#[path = "../../src/cli/mod.rs"]
mod cli;
#[path = "../../src/emulator/mod.rs"]
mod emulator;
#[path = "../../src/engine/mod.rs"]
mod engine;
#[path = "../../src/fault.rs"]
mod fault;
#[path = "../../src/fuzz/mod.rs"]
mod fuzz;
#[path = "../../src/heygen/mod.rs"]
mod heygen;
#[path = "../../src/project/mod.rs"]
mod project;
#[path = "../../src/renderers/mod.rs"]
mod renderers;
#[path = "../../src/system/mod.rs"]
mod system;
#[path = "../../src/ui/mod.rs"]
mod ui;

/// Runs the target called `name`.
pub fn run(name: &str, input: &[u8]) {
    fuzz::run(name, input);
}
