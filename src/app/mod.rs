//! The use cases, with typed specifications and outcomes.
//!
//! A front end builds a [`spec::RenderSpec`] (or another specification) from its input and the layers of [`options`], calls
//! a use case, and prints the [`outcome`].

pub(crate) mod account;
pub(crate) mod batch;
pub(crate) mod budget;
pub(crate) mod check;
pub(crate) mod collect;
pub(crate) mod config;
pub(crate) mod diagnose;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod entries;
pub(crate) mod failure;
pub(crate) mod fix;
pub(crate) mod init;
pub(crate) mod media;
mod official;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod pack;
pub(crate) mod pages;
pub(crate) mod prepare;
pub(crate) mod publish;
pub(crate) mod quota;
pub(crate) mod render;
pub(crate) mod repeat;
pub(crate) mod request;
pub(crate) mod request_schema;
pub(crate) mod saved_report;
pub(crate) mod severities;
pub(crate) mod sign_in;
pub(crate) mod spec;
pub(crate) mod staged;
mod staged_entries;
pub(crate) mod webhook;
