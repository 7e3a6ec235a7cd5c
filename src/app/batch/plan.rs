//! Plans the action for each row from the state of earlier runs.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::job::{Limits, ProjectIdentity, RenderFact, RenderIdentity, RenderKey, RenderState};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::check_whole;

use super::manifest::{Entry, Manifest, RowState};
use super::row_outcome::{PlannedRow, PlannedState, RowOutcome};
use super::rows::{BatchRows, ValidRow};
use crate::app::budget::billed_seconds;
use crate::app::request::expected;
use crate::fault::Error;
use crate::renderers::{Order, Output, Session};
use crate::system::gate::{self, Reach};
use crate::system::output_place::format_of;
use crate::ui::Console;

/// The state of earlier runs.
pub(super) struct PriorState<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) session: Option<&'a dyn Session>,
    pub(super) digest: &'a str,
}

/// The status of a row before the run.
enum RowStatus {
    /// The video exists.
    Done,
    /// The row failed in an earlier run.
    Failed,
    /// The render exists.
    Rendered(RenderFact),
    /// A new render is required, after this known one.
    New(Option<RenderFact>),
}

/// The planned actions, counted.
#[derive(Default)]
pub(super) struct BatchPlan {
    /// New renders; identical rows share one.
    pub(super) renders: u64,
    /// Rows whose render exists, or is shared with an earlier identical row.
    pub(super) reused: u64,
    /// Rows that are identical to an earlier one.
    pub(super) equal: u64,
    /// Rows whose video exists.
    pub(super) done: u64,
    /// Rows that failed in an earlier run.
    pub(super) failed: u64,
    /// Seconds that would be billed; `None` if the composition declares no duration.
    pub(super) seconds: Option<f64>,
}

impl PriorState<'_> {
    fn status(&self, rows: &BatchRows<'_>, row: &ValidRow, identity: &RenderIdentity) -> RowStatus {
        let is_reuse_off = rows.spec.run.reuse.is_off;
        let key = identity.key(0);
        let fact = |entry: &Entry, state| fact(&key, entry, state);
        if !is_reuse_off && let Some(entry) = self.manifest.row(row.row.index, key.as_str()) {
            match entry.state {
                RowState::Completed if is_video_in_place(Path::new(&row.output), row.format()) => {
                    return RowStatus::Done;
                }
                RowState::Completed | RowState::Submitted => {
                    if let Some(fact) = fact(&entry, RenderState::Submitted) {
                        return RowStatus::Rendered(fact);
                    }
                }
                RowState::Failed => {
                    // A render in the account or the ledger is used even if the manifest says that it failed.
                    return match self.known(identity) {
                        Some(fact) if is_usable(&fact) => RowStatus::Rendered(fact),
                        _ if !rows.spec.batch.is_retrying_failed => RowStatus::Failed,
                        Some(fact) if fact.generation >= entry.generation => RowStatus::New(Some(fact)),
                        known => RowStatus::New(fact(&entry, RenderState::Failed).or(known)),
                    };
                }
                RowState::Invalid => {}
            }
        }
        match self.known(identity) {
            Some(fact) if is_usable(&fact) => {
                if is_reuse_off {
                    RowStatus::New(Some(fact))
                } else {
                    RowStatus::Rendered(fact)
                }
            }
            other => RowStatus::New(other),
        }
    }

    /// Returns the known render of a row that is rendered or reused in this run, and whether it is billed already.
    fn pending(
        &self,
        rows: &BatchRows<'_>,
        row: &ValidRow,
        identity: &RenderIdentity,
    ) -> Option<(Option<RenderFact>, bool)> {
        match self.status(rows, row, identity) {
            RowStatus::Done | RowStatus::Failed => None,
            RowStatus::Rendered(fact) => Some((Some(fact), true)),
            RowStatus::New(fact) => Some((fact, false)),
        }
    }

    fn known(&self, identity: &RenderIdentity) -> Option<RenderFact> {
        self.session.and_then(|session| session.known(identity))
    }

    fn identity(&self, row: &ValidRow) -> RenderIdentity {
        RenderIdentity::new(ProjectIdentity::Digest(self.digest), &row.body)
    }
}

/// Returns the render of an entry, in `state`; `key` is that of generation 0.
fn fact(key: &RenderKey, entry: &Entry, state: RenderState) -> Option<RenderFact> {
    let (render_id, generation) = (entry.render_id.clone()?, entry.generation);
    Some(RenderFact { identity: key.to_string(), generation, render_id, state })
        .filter(RenderFact::is_plausible)
}

fn is_usable(fact: &RenderFact) -> bool {
    matches!(fact.state, RenderState::Completed | RenderState::Submitted)
}

/// Returns whether a complete video exists, by its headers: a truncated or empty file is downloaded again. Directories appear
/// complete.
fn is_video_in_place(path: &Path, format: Format) -> bool {
    if format.is_directory() {
        return format_of(path) == Some(format);
    }
    let opened = gate::open(path, &Reach::anywhere());
    opened.is_ok_and(|mut file| check_whole(&mut file).is_ok())
}

impl BatchPlan {
    /// Plans all rows; reports each in a dry run. `repeated` has the hashes of identical rows, sorted.
    ///
    /// # Errors
    /// Returns a usage error if the rows cannot be read.
    pub(super) fn new(
        rows: &BatchRows<'_>,
        prior: &PriorState<'_>,
        repeated: &[u64],
        console: &mut Console,
    ) -> Result<Self, Error> {
        let mut plan = Self { seconds: Some(0.0), ..Self::default() };
        let mut pending = FirstRows::new(repeated);
        for row in rows.read()? {
            let (row, state, error) = match row {
                Err(invalid) => (invalid.index, PlannedState::Invalid, Some(invalid.message)),
                Ok(row) => {
                    let status = prior.status(rows, &row, &prior.identity(&row));
                    let is_pending = matches!(status, RowStatus::Rendered(_) | RowStatus::New(_));
                    let is_equal = is_pending && is_shared(rows) && !pending.is_first(&row);
                    (row.row.index, plan.count(rows, &row, &status, is_equal), None)
                }
            };
            if rows.spec.is_dry_run {
                console.outcome_line(&RowOutcome::Planned(PlannedRow { row, state, error }));
            }
        }
        Ok(plan)
    }

    /// Counts a row; `is_equal` if its render is that of an earlier row whose video is not in place either.
    fn count(
        &mut self,
        rows: &BatchRows<'_>,
        row: &ValidRow,
        status: &RowStatus,
        is_equal: bool,
    ) -> PlannedState {
        self.equal += u64::from(is_equal);
        match status {
            RowStatus::Done => {
                self.done += 1;
                PlannedState::Done
            }
            RowStatus::Failed => {
                self.failed += 1;
                PlannedState::Failed
            }
            RowStatus::New(_) if !is_equal => {
                self.renders += 1;
                let seconds = rows.duration.map(|seconds| billed_seconds(seconds, row.options.resolution));
                self.seconds = self.seconds.zip(seconds).map(|(sum, seconds)| sum + seconds);
                PlannedState::WouldRender
            }
            RowStatus::Rendered(_) | RowStatus::New(_) => {
                self.reused += 1;
                PlannedState::Reused
            }
        }
    }
}

/// Finds the first of identical rows. Only those are remembered that have identical ones, so that a million different rows
/// take no memory.
pub(super) struct FirstRows<'a> {
    repeated: &'a [u64],
    /// The index of the first row, by hash.
    first: HashMap<u64, u64>,
}

impl<'a> FirstRows<'a> {
    /// Returns no rows; `repeated` has the hashes of identical rows, sorted.
    pub(super) fn new(repeated: &'a [u64]) -> Self {
        Self { repeated, first: HashMap::new() }
    }

    fn is_first(&mut self, row: &ValidRow) -> bool {
        if self.repeated.is_empty() {
            return true;
        }
        let hash = row.hash();
        if self.repeated.binary_search(&hash).is_err() {
            return true;
        }
        match self.first.entry(hash) {
            Vacant(entry) => {
                entry.insert(row.row.index);
                true
            }
            Occupied(_) => false,
        }
    }

    /// Returns the index of the first of the rows that are identical to `row`, unless it is `row`.
    fn first_of(&self, row: &ValidRow) -> Option<u64> {
        if self.first.is_empty() {
            return None;
        }
        self.first.get(&row.hash()).copied().filter(|first| *first != row.row.index)
    }
}

/// Returns the rows to render as orders, created lazily, without those that are identical to an earlier one, which are added
/// to `first`; invalid rows are skipped.
///
/// # Errors
/// Returns a usage error if the rows cannot be read.
pub(super) fn orders<'a, 'r>(
    rows: &'a BatchRows<'a>,
    prior: &'a PriorState<'a>,
    first: &'a mut FirstRows<'r>,
) -> Result<impl Iterator<Item = Order> + Send + use<'a, 'r>, Error> {
    let is_shared = is_shared(rows);
    Ok(rows.read()?.filter_map(move |row| {
        let row = row.ok()?;
        let identity = prior.identity(&row);
        let (known, is_paid) = prior.pending(rows, &row, &identity)?;
        (!is_shared || first.is_first(&row)).then(|| order(rows, row, identity, known, is_paid))
    }))
}

/// Returns the rows that are identical to one of `first` as orders, after those have been rendered: they use its render,
/// which `manifest` has, and are not billed, even without reuse. A row stays open if that render does not exist yet.
///
/// # Errors
/// Returns a usage error if the rows cannot be read.
pub(super) fn equal_orders<'a, 'r>(
    rows: &'a BatchRows<'a>,
    prior: &'a PriorState<'a>,
    first: &'a FirstRows<'r>,
    manifest: &'a Manifest,
) -> Result<impl Iterator<Item = Order> + Send + use<'a, 'r>, Error> {
    Ok(rows.read()?.filter_map(move |row| {
        let row = row.ok()?;
        let first = first.first_of(&row)?;
        let identity = prior.identity(&row);
        prior.pending(rows, &row, &identity)?;
        let key = identity.key(0);
        let entry = manifest.row(first, key.as_str())?;
        let known = match entry.state {
            RowState::Completed | RowState::Submitted => Some(fact(&key, &entry, RenderState::Submitted)?),
            RowState::Failed => fact(&key, &entry, RenderState::Failed),
            RowState::Invalid => return None,
        };
        let mut order = order(rows, row, identity, known, true);
        order.limits.is_reuse_only = true;
        Some(order)
    }))
}

/// Returns whether identical rows share a render; a local renderer renders every row.
fn is_shared(rows: &BatchRows<'_>) -> bool {
    rows.renderer.is_none_or(|renderer| renderer.description().is_billed)
}

fn order(
    rows: &BatchRows<'_>,
    row: ValidRow,
    identity: RenderIdentity,
    known: Option<RenderFact>,
    is_paid: bool,
) -> Order {
    let reach = rows.reach(&row);
    let ValidRow { row, mut body, options, output, .. } = row;
    if row.variables.is_empty() {
        body.shift_remove("variables");
    }
    let min_balance = rows.spec.limits.min_balance.filter(|_| !is_paid);
    Order {
        index: row.index,
        identity: Some(identity),
        body,
        expected: expected(&options, rows.duration),
        options,
        idempotency_key: rows.spec.idempotency_key.clone(),
        known,
        limits: Limits { min_balance, ..Limits::default() },
        output: Output::Path(PathBuf::from(output), reach),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The shortest complete video: its signature, no samples, and a body.
    const VIDEO: &[u8] = b"\0\0\0\x10ftypmp42\0\0\0\0\0\0\0\x08moov\0\0\0\x10mdat12345678";

    #[test]
    fn only_a_whole_video_is_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.mp4");
        assert!(!is_video_in_place(&path, Format::Mp4) && !is_video_in_place(folder.path(), Format::Mp4));
        for (length, is_whole) in [(0, false), (16, false), (VIDEO.len() - 1, false), (VIDEO.len(), true)] {
            fs::write(&path, &VIDEO[..length]).expect("written");
            assert_eq!(is_video_in_place(&path, Format::Mp4), is_whole, "{length}");
        }
    }
}
