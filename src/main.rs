//! `hyperframes-ci`: HyperFrames in continuous integration.

mod auth;
mod cache;
mod changes;
mod cli;
mod collect;
mod config;
mod discover;
mod download;
mod emulator;
mod engine;
mod error;
mod http;
mod interrupt;
mod ledger;
mod pack;
mod report;
mod run;
mod shown;
mod temporary;
mod tree;
mod unpack;
mod variables;
mod verify;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect())
}
