//! Entries of the index.

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    Submodule,
}

/// An entry of the index.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Id of the blob.
    pub(super) blob: String,
    /// Whether the name is UTF-8; otherwise, its key has replacement characters.
    pub(super) is_unicode: bool,
}
