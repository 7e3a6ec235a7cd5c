//! `hyperframes-ci`: checks, packs and renders HyperFrames compositions in continuous integration.

mod action;
mod app;
mod ci;
mod cli;
mod emulator;
mod engine;
mod fault;
#[cfg(test)]
mod fuzz;
mod heygen;
mod project;
mod renderers;
#[cfg(all(test, unix))]
mod snapshots;
mod system;
mod ui;

use std::process::ExitCode;

/// The action downloads the static binary; musl's own allocator is slow.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect::<Vec<_>>();
    if let Some(code) = system::sandbox::launch(&arguments) {
        return code;
    }
    system::process_memory::protect();
    cli::run(arguments)
}
