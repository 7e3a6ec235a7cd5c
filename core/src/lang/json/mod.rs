//! JSON, read with the places of its parts and written in one spelling.

mod canonical;
mod read;

pub use canonical::canonical;
pub(crate) use canonical::spelling;
pub use read::json_object;
pub(crate) use read::{Member, Node, SyntaxError};
