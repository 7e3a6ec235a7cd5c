//! Positions in texts, case folding, and suggestions for misspelled names.

mod case;
mod normal_form;
mod span;
mod suggest;

pub use case::{case_fold, differ_in_normal_form, lower};
pub use normal_form::{Decomposition, set_decomposition};
pub use span::{Position, Span};
pub use suggest::nearest;
