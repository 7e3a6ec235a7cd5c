//! The operating system: processes, temporary and output files, threads, the clock, and formats shared by other rooms.

pub(crate) mod abort;
pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod deadline;
pub(crate) mod digest;
pub(crate) mod edit;
pub(crate) mod file;
pub(crate) mod gate;
pub(crate) mod hash;
pub(crate) mod http;
pub(crate) mod interrupt;
pub(crate) mod lines;
pub(crate) mod memory;
pub(crate) mod output;
pub(crate) mod output_folder;
pub(crate) mod output_parts;
pub(crate) mod output_place;
pub(crate) mod page;
pub(crate) mod parallel;
pub(crate) mod pool;
pub(crate) mod process_memory;
#[cfg(unix)]
pub(crate) mod process_tree;
pub(crate) mod programs;
pub(crate) mod proxy;
mod random;
pub(crate) mod sandbox;
pub(crate) mod secret;
pub(crate) mod signature;
pub(crate) mod stdio;
pub(crate) mod temporary;
pub(crate) mod unpack;
pub(crate) mod url;

pub(crate) use random::random;
