//! The sans-IO core of hyperframes-ci.
//!
//! The core performs no I/O: it does not use the clock, the network, the file system, the environment, threads or
//! standard output. It takes text and bytes, and returns findings, archives and actions. It builds for
//! `wasm32-unknown-unknown`.
//!
//! Each public module covers one subject. Modules only depend on modules below them in this list:
//!
//! | module | subject |
//! |---|---|
//! | [`job`] | renders and presenter clips as a state machine: search, upload, submit, poll, download; identity and ledger |
//! | [`generated`] | media that HeyGen generates: requests, identity, the lock file |
//! | [`api`] | the HeyGen v3 API: typed endpoints to bytes and back |
//! | [`report`] | findings as text, JSON, workflow commands and SARIF |
//! | [`check`] | the checks of a project |
//! | [`refusal`] | what the engine must not be asked to read |
//! | [`composition`] | one composition: root, size, shape, mounts |
//! | [`variables`] | declarations, values against them, rows of values, JSON Schema |
//! | [`project`] | ignore rules, the file tree, references, bundling of files outside the project |
//! | [`findings`] | the rule table, diagnostics and their severities |
//! | [`archive`] | the manifest digest and the ZIP container |
//! | [`media`] | properties of media files, from their first and last bytes |
//! | [`video`] | properties of a video, from its container headers |
//! | [`diff`] | comparing two videos, from raw frames and sound levels |
//! | [`lang`] | parsers for HTML, CSS, scripts, JSON and colors, with positions |
//! | [`options`], [`time`], [`text`] | render options, dates, places in texts |

pub mod api;
pub mod archive;
pub mod check;
pub mod composition;
pub mod diff;
pub mod findings;
pub mod generated;
pub mod job;
pub mod lang;
pub mod media;
pub mod options;
pub mod project;
pub mod refusal;
pub mod report;
pub mod text;
pub mod time;
pub mod variables;
pub mod video;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
