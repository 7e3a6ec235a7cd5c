//! Signing in and out, with a real browser, a pseudo-terminal, and the official CLI beside it.

mod home;
mod session;
mod sign_in;
