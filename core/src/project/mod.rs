//! A project inside its repository: its files, their references, and the contents of its archive.

mod bundle;
mod credential;
mod credential_name;
mod ignore;
mod link;
mod memory;
mod path;
mod pattern;
mod reference;
mod resolve;
mod tree;
mod untracked;

pub(crate) use bundle::percent_encode;
pub use bundle::{BundledFile, contained};
pub use credential::credential;
pub use ignore::{DEFAULT_COMPOSITION, Exclusion, IGNORE_FILE, IgnoreRules};
pub use link::{Link, percent_decode};
pub use memory::{Contents, MemoryTree};
pub use path::{below, join, parent, resolve};
pub use reference::{Reference, TextKind, references, rewrite};
pub(crate) use reference::{ReferenceCollector, is_unseen, script_references};
pub(crate) use resolve::{Destination, Resolver};
pub use tree::{Found, HEAD, Listing, ProjectFile, Tree, unportable_name};
pub use untracked::untracked_remedy;
