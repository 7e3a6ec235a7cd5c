//! `hyperframes-ci`: HyperFrames in continuous integration.

mod action;
mod auth;
mod base64;
mod batch;
mod cache;
mod changes;
mod ci;
mod cli;
mod collect;
mod config;
mod digest;
mod discover;
mod download;
mod emulator;
mod engine;
mod error;
mod http;
mod interrupt;
mod lambda;
mod ledger;
mod pack;
mod page;
mod parallel;
mod percent;
mod programs;
mod random;
mod report;
mod run;
mod shown;
mod temporary;
mod tree;
mod unpack;
mod variables;
mod verify;

use std::process::ExitCode;

use random::random;

/// The static binary is what the action downloads; musl's allocator is made for size, not for speed.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect())
}
