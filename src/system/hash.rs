//! Hashes that represent values in memory: eight bytes for each path or key, of which there may be a million.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Returns a hash of `value` that is equal within this process only. Two values of one hash must do no harm.
pub(crate) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Returns the hashes that occur more than once in a sorted slice, each once.
pub(crate) fn repeated(sorted: &[u64]) -> Vec<u64> {
    let mut repeated =
        sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect::<Vec<_>>();
    repeated.dedup();
    repeated
}
