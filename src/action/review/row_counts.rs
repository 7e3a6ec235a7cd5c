//! How the rows of a batch differ from those of the base, in numbers.

use hyperframes_ci_core::diff::Status;

use crate::ui::counted;

/// Rows that are compared.
pub(super) const MAX_COMPARED: usize = 10;

/// How the rows of a batch differ from those of the base.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct RowCounts {
    /// Rows with other inputs, and new ones.
    pub(super) changed: usize,
    /// All rows.
    pub(super) all: usize,
    /// Rows that only the base has.
    pub(super) removed: usize,
}

impl RowCounts {
    /// Returns the number of rows that are compared, which are the first ones with other inputs.
    pub(super) fn compared(self) -> usize {
        self.changed.min(MAX_COMPARED)
    }

    /// Returns what differs, with the results of comparisons of rows: `12 of 40 rows have other inputs, 3 changed, 7
    /// unchanged, 2 not compared`.
    pub(super) fn title(self, results: &[Status]) -> String {
        let results = &results[..self.compared().min(results.len())];
        let mut title = format!("{} of {} have other inputs", self.changed, counted(self.all, "row"));
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                title.push_str(&format!(", {count} {what}"));
            }
        };
        for status in Status::NAMES.iter().filter_map(|name| name.parse::<Status>().ok()) {
            if !matches!(status, Status::Skipped | Status::Removed) {
                add(results.iter().filter(|result| **result == status).count(), status.as_str());
            }
        }
        let skipped = results.iter().filter(|result| **result == Status::Skipped).count();
        add(skipped + self.changed - self.compared(), "not compared");
        add(self.removed, "removed");
        title
    }
}
