//! The rows of a batch: those with other inputs than the base are compared, and all are counted.

use std::collections::{BTreeMap, BTreeSet};

use hyperframes_ci_core::diff::Status;

use super::Reviewer;
use super::row_counts::{MAX_COMPARED, RowCounts};
use crate::action::preview::{Preview, name_of_key};
use crate::app::batch::RowRender;
use crate::app::budget::Billed;
use crate::app::diff::{DiffOptions, KnownVideo, Pair, Side};
use crate::app::render::PreparedRender;
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, counted};

/// Rows that are read.
const MAX_ROWS: usize = 10_000;

impl Reviewer<'_> {
    /// Compares the rows of a batch with those of the base by their keys: rows with equal inputs are unchanged, the first ones
    /// of the others are compared.
    ///
    /// # Errors
    /// Returns an error if the report cannot be written.
    pub(super) fn compare_rows(
        &mut self,
        head: RenderSpec,
        base: RenderSpec,
        options: &DiffOptions,
        preview: &mut Preview,
        console: &mut Console,
    ) -> Result<Billed, Error> {
        let name = preview.display_name.clone();
        let (head, base) = match (renders(head), renders(base)) {
            (Ok(head), Ok(base)) => (head, base),
            (Err(error), _) | (_, Err(error)) => {
                let reason = format!("its rows cannot be read: {error}");
                self.run.add_status(&name, Status::Skipped, &reason, options);
                return Ok(Billed::default());
            }
        };
        let keys = |rows: &[RowRender]| rows.iter().map(|row| row.identity.clone()).collect::<BTreeSet<_>>();
        let (head_keys, base_keys) = (keys(&head), keys(&base));
        let changed = head.iter().filter(|row| !base_keys.contains(&row.identity)).collect::<Vec<_>>();
        let left = base.into_iter().filter(|row| !head_keys.contains(&row.identity));
        let mut left = left.map(|row| (row.row, row)).collect::<BTreeMap<_, _>>();
        let total = counted(head.len(), "row");
        if changed.is_empty() {
            let status = if left.is_empty() { Status::Unchanged } else { Status::Removed };
            let reason = match left.len() {
                0 => format!("the inputs of all {total} are equal"),
                removed => format!("{} removed, the inputs of {total} are equal", counted(removed, "row")),
            };
            self.run.add_status(&name, status, &reason, options);
            return Ok(Billed::default());
        }
        let matched = changed.iter().filter(|row| left.contains_key(&row.row)).count();
        let counts = RowCounts { changed: changed.len(), all: head.len(), removed: left.len() - matched };
        preview.rows_changed = Some(counts);
        let mut billed = Billed::default();
        for row in changed.iter().take(MAX_COMPARED) {
            let title = format!("{name}, row {}", row.row + 1);
            let Some(video) = preview.rows.iter().find(|known| known.key == row.identity) else {
                self.run.add_status(&title, Status::Failed, "it was not rendered", options);
                continue;
            };
            let reach = Reach::inside(&self.inputs.output_dir, "the output directory");
            let video =
                KnownVideo { path: video.video.clone(), reach, is_temporary: false, is_stable: false };
            let base = left.remove(&row.row);
            let name = base.as_ref().and_then(|row| name_of_key(&row.identity));
            let base = base.map(|row| {
                let side = self.base(row.spec, name.clone(), preview, console);
                Side { identity: Some(row.identity), ..side }
            });
            let format = base.as_ref().and_then(Side::format);
            let pair = Pair {
                name: title,
                base,
                head: Side {
                    spec: Some(row.spec.clone()),
                    identity: Some(row.identity.clone()),
                    video: Some(video),
                },
                options: options.clone(),
                folder: self.folder.path(),
                may_bill_base: self.may_bill(),
            };
            let compared = pair.compare(&mut self.run, console)?;
            billed += compared.billed;
            Self::keep_base(compared.base, name.as_deref(), format, preview);
        }
        if counts.changed > counts.compared() {
            let more = counted(counts.changed - counts.compared(), "more row");
            let reason = format!("{more} with other inputs");
            self.run.add_status(&name, Status::Skipped, &reason, options);
        }
        if counts.removed > 0 {
            let reason = format!("{} removed", counted(counts.removed, "row"));
            self.run.add_status(&name, Status::Removed, &reason, options);
        }
        Ok(billed)
    }
}

/// Returns the rows of a batch.
fn renders(spec: RenderSpec) -> Result<Vec<RowRender>, Error> {
    let spec = RenderSpec { is_dry_run: true, ..spec };
    let mut console = Console::silent();
    PreparedRender::new(spec, &mut console)?.row_renders(MAX_ROWS, &mut console)
}
