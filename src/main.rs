//! `hyperframes-ci`: HyperFrames in continuous integration.

mod collect;
mod credentials;
mod download;
mod emulator;
mod engine;
mod http;
mod interrupt;
mod time;
mod variables;

fn main() {}
