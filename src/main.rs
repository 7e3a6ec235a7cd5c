//! `hyperframes-ci`: HyperFrames in continuous integration.

mod action;
mod app;
mod ci;
mod cli;
mod emulator;
mod engine;
mod fault;
mod heygen;
mod project;
mod renderers;
mod system;
mod ui;

use std::process::ExitCode;

/// The static binary is what the action downloads; musl's allocator is made for size, not for speed.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect())
}
