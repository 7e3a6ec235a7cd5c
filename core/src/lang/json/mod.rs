//! JSON: a parser that records positions, and canonical output.

mod canonical;
mod describe;
mod read;

pub use canonical::canonical;
pub(crate) use canonical::spelling;
pub use describe::describe;
pub(crate) use read::{Member, Node, SyntaxError, exact_object};
pub use read::{json_object, json_value};
