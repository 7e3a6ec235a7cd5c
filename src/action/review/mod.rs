//! The visual review of a pull request: what its videos look like, compared with those of the base.
//!
//! `inputs.rs` has the settings, `baseline.rs` and `release.rs` find the video of the base, `golden.rs` compares with golden files
//! instead, `result.rs` is what reports show of a comparison,
//! `markdown.rs` how, and `gate.rs` decides whether a difference fails the step. The comparison is that of the command `diff`
//! ([`Pair`]).

mod baseline;
mod gate;
mod golden;
mod inputs;
mod markdown;
mod release;
mod result;
mod row_counts;
mod rows;

use std::collections::BTreeMap;

use hyperframes_ci_core::diff::Status;

use super::inputs::Inputs;
use super::preview::{Preview, PreviewState, file_stem};
use crate::app::budget::Billed;
use crate::app::config::DiffConfig;
use crate::app::diff::{DiffError, DiffResult, DiffRun, GoldenDirectory, KnownVideo, Pair, Side};
use crate::app::spec::RenderSpec;
use crate::ci::CiProvider;
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::system::temporary::{self, TemporaryFolder};
use crate::ui::Console;
pub(super) use gate::Gate;
pub(super) use inputs::{Baseline, ReviewInputs};
pub(super) use markdown::{RangesAs, notes, pictures, release_notes, title, unchanged};
use release::LastRelease;
pub(super) use release::RELEASE_PROVENANCE;
pub(super) use result::{RANGE_COLUMNS, Review};
pub(super) use row_counts::RowCounts;

/// The directory of the report and its pictures, in the output directory.
pub(super) const REPORT: &str = "diff";

/// Compares previews with the base.
pub(super) struct Reviewer<'a> {
    inputs: &'a Inputs,
    provider: &'a dyn CiProvider,
    run: DiffRun,
    /// Videos of the base.
    folder: TemporaryFolder,
    /// The release to compare with, or why there is none; `None` if it is the base of a pull request.
    release: Option<Result<LastRelease, String>>,
    /// Directories of golden files by their paths, if videos are compared with them.
    golden: BTreeMap<String, GoldenDirectory>,
}

/// The results of all comparisons.
pub(super) struct Reviewed {
    pub(super) diff: DiffResult,
    /// The tag of the release that was compared with.
    pub(super) since: Option<String>,
    /// Videos of the base, until they are published.
    _folder: TemporaryFolder,
}

/// How a preview and its base are rendered and compared.
pub(super) struct Comparison {
    /// Settings of the comparison.
    pub(super) config: DiffConfig,
    /// How it was rendered.
    pub(super) head: RenderSpec,
    /// How the base is rendered, or why it cannot be.
    pub(super) base: Result<RenderSpec, String>,
    /// The name of its golden file, without the extension.
    pub(super) golden_name: String,
}

impl<'a> Reviewer<'a> {
    /// Returns what compares the previews of a run; `tag` is the release of the run, if it is about one.
    ///
    /// # Errors
    /// Returns an error if no temporary directory can be created.
    pub(super) fn new(
        inputs: &'a Inputs,
        provider: &'a dyn CiProvider,
        tag: Option<&str>,
    ) -> Result<Self, Error> {
        let folder = temporary::create_folder("hyperframes-ci-review-")
            .map_err(|error| DiffError::Report(std::env::temp_dir(), error))?;
        let reach = Reach::inside(&inputs.output_dir, "the output directory");
        let mut run = DiffRun::new(Some(&inputs.output_dir.join(REPORT)), &reach);
        run.write_sheets();
        let is_release = inputs.review.baseline == Baseline::Release;
        let release = is_release.then(|| LastRelease::read(provider, tag, folder.path()));
        Ok(Self { inputs, provider, run, folder, release, golden: BTreeMap::new() })
    }

    /// Compares a preview with the base, and returns what rendering the base was billed. [`Self::finish`] sets the result.
    ///
    /// # Errors
    /// Returns an error if the report cannot be written.
    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        preview: &mut Preview,
        console: &mut Console,
    ) -> Result<Billed, Error> {
        let first = self.run.len();
        let billed = self.add(comparison, preview, console)?;
        preview.comparisons = first..self.run.len();
        self.run.summaries(first).for_each(|summary| console.done(summary));
        Ok(billed)
    }

    fn add(
        &mut self,
        comparison: Comparison,
        preview: &mut Preview,
        console: &mut Console,
    ) -> Result<Billed, Error> {
        let Comparison { config, head, base, golden_name } = comparison;
        if config.is_off {
            console.detail("not compared with the base, since diff = false");
            return Ok(Billed::default());
        }
        let options = config.options();
        self.run.set_gate(self.inputs.review.gate.unwrap_or(config.gate()));
        let name = preview.display_name.clone();
        let is_golden = self.inputs.review.baseline == Baseline::File;
        let has_rows = head.batch.rows.is_some() && self.release.is_none() && !is_golden;
        let is_rendered = matches!(preview.state, PreviewState::Rendered(_));
        if let (true, true, false, Ok(base)) = (has_rows, is_rendered, preview.is_new, &base) {
            return self.compare_rows(head, base.clone(), &options, preview, console);
        }
        let base = match &self.release {
            Some(Ok(release)) => release.side(self.provider, &name, self.folder.path()),
            Some(Err(reason)) => Err(reason.clone()),
            None if preview.is_new || is_golden => Ok(None),
            None => base.map(|spec| Some(self.base(spec, preview.base_name.clone(), preview, console))),
        };
        let without_videos = if !matches!(preview.state, PreviewState::Rendered(_)) {
            Some((Status::Failed, "it was not rendered".to_owned()))
        } else if head.batch.rows.is_some() {
            Some((Status::Skipped, "entries with rows are not compared".to_owned()))
        } else {
            base.as_ref().err().map(|reason| (Status::Skipped, reason.clone()))
        };
        if let Some((status, reason)) = without_videos {
            self.run.add_status(&name, status, &reason, &options);
            return Ok(Billed::default());
        }
        if is_golden {
            self.compare_golden((&name, &golden_name), config.golden(), &options, preview, console);
            return Ok(Billed::default());
        }
        let video = preview.video().map(|path| KnownVideo {
            path: path.to_owned(),
            reach: Reach::inside(&self.inputs.output_dir, "the output directory"),
            is_temporary: false,
            is_stable: false,
        });
        let identity = preview.outcome().and_then(file_stem);
        let base = base.ok().flatten();
        let format = base.as_ref().and_then(Side::format);
        let pair = Pair {
            name,
            base,
            head: Side { spec: Some(head), identity, video },
            options,
            folder: self.folder.path(),
            may_bill_base: self.may_bill(),
        };
        let compared = pair.compare(&mut self.run, console)?;
        let name = preview.base_name.clone();
        Self::keep_base(compared.base, name.as_deref(), format, preview);
        Ok(compared.billed)
    }

    /// Adds what the base has and the head has not, which is compared by `config`.
    pub(super) fn add_removed(&mut self, names: &[String], config: &DiffConfig) {
        self.run.set_gate(self.inputs.review.gate.unwrap_or(config.gate()));
        for name in names.iter().filter(|_| !config.is_off) {
            self.run.add_status(name, Status::Removed, "the head does not have it", &config.options());
        }
    }

    /// Returns whether the base may be rendered where it is billed.
    fn may_bill(&self) -> bool {
        self.inputs.review.baseline == Baseline::Render
    }

    /// Writes the report, and sets the results of the previews. Returns all results; `None` if nothing was compared.
    ///
    /// # Errors
    /// Returns an error if the report cannot be written.
    pub(super) fn finish(self, previews: &mut [Preview]) -> Result<Option<Reviewed>, Error> {
        if self.run.len() == 0 {
            return Ok(None);
        }
        let since = self.release.and_then(Result::ok).map(|release| release.tag().to_owned());
        let diff = self.run.finish()?;
        for preview in previews {
            let outcomes = diff.outcome.comparisons.get(preview.comparisons.clone()).unwrap_or_default();
            preview.review = match (preview.rows_changed, outcomes) {
                (_, []) => None,
                (None, [outcome, ..]) => Some(Review::of(outcome)),
                (Some(counts), outcomes) => Some(Review::of_rows(&preview.display_name, counts, outcomes)),
            };
        }
        Ok(Some(Reviewed { diff, since, _folder: self.folder }))
    }
}
