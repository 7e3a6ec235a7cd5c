//! `hyperframes-ci`: HyperFrames in continuous integration.

mod collect;
mod credentials;
mod emulator;
mod engine;
mod http;
mod interrupt;
mod time;

fn main() {}
