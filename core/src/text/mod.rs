//! Places in texts, and words that are nearly right.

mod nearest;
mod span;

pub use nearest::nearest;
pub use span::{Position, Span};
