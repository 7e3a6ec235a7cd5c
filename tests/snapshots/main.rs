//! Snapshots of what users read: help texts, and the output of the main flows on a terminal, in a log and as JSON.
//!
//! The expected texts are files, so that words are reviewed like code. `cargo xtask bless` updates them, which is
//! `SNAPSHOTS=overwrite cargo test --bin hyperframes-ci --test snapshots`. Messages of errors are compared by
//! `src/snapshots.rs`, since only the program can make all of them.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a failed test ends at once")]

mod codes;
mod emulator;
mod flows;
mod help;
mod program;
mod redaction;
