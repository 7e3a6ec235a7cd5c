//! The use cases, typed in and typed out: what front ends ask for, and all of what they know.
//!
//! A front end makes a [`spec::RenderSpec`] (or another specification) from what its user wrote, with the layers of
//! [`options`], hands it to a use case, and shows the [`outcome`].

pub(crate) mod account;
pub(crate) mod batch;
pub(crate) mod budget;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod entries;
pub(crate) mod failure;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod pack;
pub(crate) mod prepare;
pub(crate) mod render;
pub(crate) mod request;
mod severities;
pub(crate) mod sign_in;
pub(crate) mod spec;
