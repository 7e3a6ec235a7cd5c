//! JSON, read with the places of its parts and written in one spelling.

mod read;
mod write;

pub use read::json_object;
pub(crate) use read::{Member, Node, SyntaxError};
pub use write::{canonical, compact_json};
pub(crate) use write::{pretty, spelling};
