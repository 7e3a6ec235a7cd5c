//! The machine: child processes, temporary files, threads, archives of strangers.

pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod digest;
pub(crate) mod interrupt;
pub(crate) mod output;
pub(crate) mod page;
pub(crate) mod parallel;
pub(crate) mod pool;
pub(crate) mod programs;
mod random;
pub(crate) mod temporary;
pub(crate) mod unpack;
pub(crate) mod url;

pub(crate) use random::random;
