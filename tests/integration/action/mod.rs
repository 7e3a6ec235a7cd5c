//! The GitHub Action without GitHub: action.yml, run as a runner runs it, against a fake of the API and the emulator.

mod check_run;
mod checks;
mod command;
mod comment;
mod configuration;
mod faults;
mod git_api;
mod github;
mod gitlab;
mod graph;
mod install;
mod oracle;
mod page;
#[cfg(unix)]
mod paths;
mod plan;
mod preview;
mod published;
mod random;
mod release;
mod release_api;
mod requests;
mod review;
mod runner;
mod server;
mod stage;
mod trust;
