//! The checks: find problems that would fail a render, or silently render the wrong result, before the upload.
//!
//! The input is a [`Tree`](crate::project::Tree), the output a [`Report`] with all findings. Each finding has a file
//! and, if possible, a position in it.

mod animations;
mod bindings;
mod compiled;
mod composition;
mod correct;
mod files;
mod fonts;
mod graph;
mod loading;
mod markup;
mod media;
mod media_elements;
mod media_files;
mod options;
mod outline;
mod packages;
mod page;
mod reach;
mod references;
mod refused;
mod repair;
mod report;
mod run;
mod scripts;
mod sheet;
mod structure;
mod style_facts;
mod styles;
mod timing;
mod transitions;
mod tweens;
mod unused;
mod values;

pub use correct::{Corrected, correct};
pub use options::{CheckOptions, Values};
pub use report::Report;
pub use run::check;
