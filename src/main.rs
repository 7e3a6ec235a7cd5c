//! `hyperframes-ci`: HyperFrames in continuous integration.

mod cli;
mod collect;
mod credentials;
mod download;
mod emulator;
mod engine;
mod error;
mod http;
mod interrupt;
mod pack;
mod report;
mod run;
mod time;
mod unpack;
mod variables;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect())
}
