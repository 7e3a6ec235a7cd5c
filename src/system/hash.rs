//! Hashes that represent values in memory: eight bytes for each path or key, of which there may be a million.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Returns a hash of `value` that is equal within this process only. Two values of one hash must do no harm.
pub(crate) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
