//! The result of a comparison in a word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::options::{UnknownValue, closed_set};

closed_set! {
    /// The result of a comparison.
    Status {
        /// Identical, or within the thresholds.
        Unchanged = "unchanged",
        /// Only the mean over many frames is above the threshold.
        Faint = "faint",
        /// Frames, the sound, or properties of the video differ.
        Changed = "changed",
        /// The base does not have the composition.
        New = "new",
        /// The head does not have the composition.
        Removed = "removed",
        /// Equal inputs have given other pictures.
        Unstable = "unstable",
        /// Not compared.
        Skipped = "skipped",
        /// The comparison failed.
        Failed = "failed",
    }
}

closed_set! {
    /// Which results make a command fail.
    FailOn {
        /// None.
        Never = "never",
        /// Changed videos, and removed ones.
        Changed = "changed",
        /// All but unchanged ones: faint, new and unstable ones, too.
        Any = "any",
    }
}

impl Status {
    /// Returns whether this status fails a gate. A comparison that failed fails every gate, and one that was skipped all but
    /// `never`: it has no result.
    #[must_use]
    pub fn fails(self, gate: FailOn) -> bool {
        match (gate, self) {
            (_, Self::Failed) => true,
            (FailOn::Never, _) | (_, Self::Unchanged) => false,
            (FailOn::Any, _) => true,
            (FailOn::Changed, _) => {
                matches!(self, Self::Changed | Self::Removed | Self::Skipped)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_passed_by_what_was_compared_and_is_allowed() {
        let passing = |gate| {
            let statuses = Status::NAMES.iter().filter_map(|name| name.parse::<Status>().ok());
            statuses.filter(|status| !status.fails(gate)).map(Status::as_str).collect::<Vec<_>>()
        };
        assert_eq!(passing(FailOn::Any), ["unchanged"]);
        assert_eq!(passing(FailOn::Changed), ["unchanged", "faint", "new", "unstable"]);
        assert_eq!(passing(FailOn::Never).len(), Status::NAMES.len() - 1);
    }
}
