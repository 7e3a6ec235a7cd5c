//! Hashes that represent values in memory: eight bytes for each path or key, of which there may be a million.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Returns a hash of `value` that is equal within this process only. Two values of one hash must do no harm.
pub(crate) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Hashes of many values.
#[derive(Debug, Default)]
pub(crate) struct Hashes(Vec<u64>);

impl Hashes {
    /// Adds a hash. The memory grows by an eighth instead of doubling.
    pub(crate) fn push(&mut self, hash: u64) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact((self.0.len() / 8).max(64));
        }
        self.0.push(hash);
    }

    /// Returns the hashes, sorted.
    pub(crate) fn into_sorted(mut self) -> Vec<u64> {
        self.0.sort_unstable();
        self.0
    }

    /// Returns the hashes that occur more than once, each once, sorted.
    pub(crate) fn into_repeated(self) -> Vec<u64> {
        repeated(&self.into_sorted())
    }
}

/// Returns the hashes that occur more than once in a sorted slice, each once.
pub(crate) fn repeated(sorted: &[u64]) -> Vec<u64> {
    let mut repeated =
        sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect::<Vec<_>>();
    repeated.dedup();
    repeated
}
