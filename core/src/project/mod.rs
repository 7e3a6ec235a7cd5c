//! A project inside its repository: which files belong to it, what they refer to, and what an archive of it holds.

mod bundle;
mod ignore;
mod pattern;
mod reference;
mod resolve;
mod tree;

pub use bundle::{Carried, contained};
pub use ignore::{DEFAULT_COMPOSITION, Exclusion, IGNORE_FILE, IgnoreRules};
pub(crate) use pattern::Pattern;
pub(crate) use reference::in_document;
pub use reference::{Link, Reference, TextKind, percent_decode, references, resolve, rewrite};
pub(crate) use resolve::{Destination, Resolver};
pub use tree::{
    Contents, Found, HEAD, Listing, MemoryTree, ProjectFile, Tree, below, join, parent, unportable_name,
};
