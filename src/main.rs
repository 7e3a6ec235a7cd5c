//! `hyperframes-ci`: HyperFrames in continuous integration.

mod emulator;
mod engine;
mod interrupt;

fn main() {}
