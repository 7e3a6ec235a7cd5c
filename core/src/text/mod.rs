//! Places in texts, names without their case, and suggestions for misspelled names.

mod case;
mod span;
mod suggest;

pub use case::{case_fold, lower};
pub use span::{Position, Span};
pub use suggest::nearest;
