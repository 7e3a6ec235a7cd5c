//! Decisions about money: what is paid, what is waited for, and what is fetched.
#![allow(clippy::panic, reason = "a test helper that cannot go on has no better way to say so")]

mod renders;
mod scenario;
mod submissions;
