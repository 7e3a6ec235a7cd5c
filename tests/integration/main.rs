//! The binary from end to end, against its own emulator, with the real engine and the real official client.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has no better way to say so")]

#[cfg(unix)]
mod action;
#[cfg(unix)]
mod auth;
mod bad_input;
mod batch;
mod browser;
mod catalogue;
mod check;
mod cloudrun;
mod commands;
mod config;
mod contract;
#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod deadline;
mod diagnose;
mod diff;
mod diff_base;
#[cfg(unix)]
mod docker;
mod engine_processes;
mod faults;
mod fix;
mod flow;
mod formats;
mod generated;
mod generation;
mod http;
mod http_hostile;
mod init;
mod lambda;
mod limits;
mod lint;
mod matrix;
mod media;
mod media_checks;
mod mistakes;
mod money;
mod official;
mod outputs;
mod own_files;
mod pack;
mod paths;
mod presenter;
mod proof;
mod publish;
mod real;
mod repeat;
mod reuse;
mod rows;
mod sandbox;
mod saved_reports;
mod secrets;
mod speech;
mod staged;
mod store;
mod support;
mod templates;
#[cfg(unix)]
mod tls;
mod translations;
mod video;
mod visual;
mod voice_over;
#[cfg(unix)]
mod warm;
#[cfg(unix)]
mod webhook;
#[cfg(unix)]
mod wire;
