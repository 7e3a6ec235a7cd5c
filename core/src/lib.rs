//! The sans-IO core of hyperframes-ci.
//!
//! No clock, no network, no file system, no environment, no threads, no printing: text and bytes go in,
//! findings, archives and actions come out. It builds for `wasm32-unknown-unknown`.
//!
//! Every public module is one subject. Dependencies between them point down this list only:
//!
//! | module | subject |
//! |---|---|
//! | [`job`] | the render as a state machine: search, upload, submit, poll, download; its identity and ledger |
//! | [`api`] | the HeyGen v3 API: typed endpoints to bytes and back |
//! | [`report`] | findings as text, JSON, workflow commands and SARIF |
//! | [`check`] | the checks of a project |
//! | [`composition`] | one composition: root, size, shape, mounts |
//! | [`variables`] | declarations, values against them, rows of values, JSON Schema |
//! | [`project`] | ignore rules, the file tree, references, bundling of files outside the project |
//! | [`findings`] | the rule table, diagnostics and their severities |
//! | [`archive`] | the manifest digest and the ZIP container |
//! | [`video`] | what a video is, from its container headers |
//! | [`lang`] | HTML, CSS, scripts, JSON and colors, with the places of what is found in them |
//! | [`options`], [`time`], [`text`] | render options, dates, places in texts |

pub mod api;
pub mod archive;
pub mod check;
pub mod composition;
pub mod findings;
pub mod job;
pub mod lang;
pub mod options;
pub mod project;
pub mod report;
pub mod text;
pub mod time;
pub mod variables;
pub mod video;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
