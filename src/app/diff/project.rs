//! Compares the videos of compositions with those of another revision: both are rendered, or found.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::{ChangedRange, Status};
use hyperframes_ci_core::options::Format;

use super::run::DiffRun;
use super::{Compared, DiffInput, DiffOptions, compare_files};
use crate::app::config::{DiffConfig, Entry, Settings, slug};
use crate::app::options::Given;
use crate::app::outcome::Outcome;
use crate::app::render::{PreparedRender, render};
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::fault::Error;
use crate::project::checkout::Checkout;
use crate::system::gate::Reach;
use crate::system::temporary;
use crate::ui::Console;

/// Pixels that a change may be away from a place that differs from run to run.
const UNSTABLE_MARGIN: u32 = 16;

/// What is compared with another revision.
pub(crate) struct ProjectDiff<'a> {
    /// The configuration.
    pub(crate) settings: &'a Settings,
    /// The revision; its merge base with `HEAD` is rendered.
    pub(crate) revision: &'a str,
    /// The project without an entry, and what entries do not set.
    pub(crate) base: RenderSpec,
    /// Options of the user.
    pub(crate) given: &'a [Given],
    /// Entries of the configuration; without any, the project of `base`.
    pub(crate) entries: Vec<&'a Entry>,
    /// Settings of the user, over those of the configuration.
    pub(crate) overrides: DiffConfig,
}

/// The two renders of a composition.
struct Pair<'a> {
    name: String,
    head: RenderSpec,
    /// `None` if the base does not have the project.
    base: Option<RenderSpec>,
    options: DiffOptions,
    folder: &'a Path,
}

impl ProjectDiff<'_> {
    /// Compares all compositions. Failed renders are results.
    ///
    /// # Errors
    /// Returns an error if the revision cannot be checked out, an option is invalid, or the report cannot be written.
    pub(crate) fn run(&self, run: &mut DiffRun, console: &mut Console) -> Result<(), Error> {
        let checkout = Checkout::of_merge_base(&self.settings.root, self.revision)?;
        let folder = temporary::create_folder("hyperframes-ci-diff-")
            .map_err(|error| super::DiffError::Report(std::env::temp_dir(), error))?;
        let entries = self.entries.iter().map(|entry| Some(*entry));
        let chosen = if self.entries.is_empty() { vec![None] } else { entries.collect() };
        for entry in chosen {
            let configured = self.settings.file.diff(entry);
            let diff = self.overrides.over(Some(&configured));
            let (options, gate) = (diff.options(), diff.gate());
            run.set_gate(gate);
            let name = entry.map_or_else(|| self.project_name(), |entry| entry.name.clone());
            if entry.is_some() && configured.is_off {
                console.detail(&format!("{name}: not compared, since diff = false"));
                continue;
            }
            let base_settings = self.settings.at(checkout.path());
            let (head, _) = self.settings.resolve(self.base.clone(), self.given, entry)?;
            let (mut base, _) = base_settings.resolve(self.base.clone(), self.given, entry)?;
            if head.batch.rows.is_some() {
                let reason = "entries with rows are not compared; compare their videos";
                run.add_status(&name, Status::Skipped, reason, &options);
                continue;
            }
            if entry.is_none() {
                base.source = ProjectSource::Directory(checkout.path().join(self.relative_directory()));
            }
            let base = base.directory().is_dir().then_some(base);
            let pair = Pair { name, head, base, options, folder: folder.path() };
            pair.compare(run, console)?;
        }
        Ok(())
    }

    /// Returns the directory of the project from the root of the repository.
    fn relative_directory(&self) -> PathBuf {
        let root = if self.settings.root == Path::new("") { Path::new(".") } else { &self.settings.root };
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let directory = absolute(self.base.directory());
        directory.strip_prefix(absolute(root)).map(Path::to_owned).unwrap_or_default()
    }

    fn project_name(&self) -> String {
        let directory = self.base.directory();
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        directory.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Pair<'_> {
    fn compare(&self, run: &mut DiffRun, console: &mut Console) -> Result<(), Error> {
        let Some(base) = &self.base else {
            run.add_status(&self.name, Status::New, "the base does not have this project", &self.options);
            return Ok(());
        };
        console.step(&format!("Comparing {}", self.name));
        if let (Ok(base_key), Ok(head_key)) = (key(base), key(&self.head))
            && base_key == head_key
        {
            run.add_status(
                &self.name,
                Status::Unchanged,
                "the inputs of both renders are equal",
                &self.options,
            );
            return Ok(());
        }
        let rendered = self.render(base, "base", console).and_then(|(base, is_local)| {
            self.render(&self.head, "head", console).map(|(head, _)| (base, is_local, head))
        });
        let (base_video, is_local, head_video) = match rendered {
            Ok(rendered) => rendered,
            Err((side, error)) => {
                let message = error.to_string();
                let reason = format!("the {side} cannot be rendered: {message}");
                run.add_status(&self.name, Status::Failed, &reason, &self.options);
                return Ok(());
            }
        };
        let mut compared = match self.compare_videos(&base_video, &head_video, console) {
            Ok(compared) => compared,
            Err(super::DiffError::Program(error)) => {
                run.add_status(&self.name, Status::Skipped, &error.to_string(), &self.options);
                return Ok(());
            }
            Err(error) => {
                run.add_status(&self.name, Status::Failed, &error.to_string(), &self.options);
                return Ok(());
            }
        };
        if is_local && matches!(compared.diff.status, Status::Changed | Status::Faint) {
            console.detail("rendering the base once more, to see whether it is stable");
            // Without a second render the first one is believed.
            if let Ok((again, _)) = self.render(base, "base-again", console)
                && let Ok(rerun) = self.compare_videos(&base_video, &again, console)
            {
                compared.judge_stability(&rerun);
            }
        }
        run.add(&self.name, &compared, &self.options)
    }

    fn compare_videos(
        &self,
        base: &Path,
        head: &Path,
        console: &mut Console,
    ) -> Result<Compared, super::DiffError> {
        let reach = Reach::inside(self.folder, "the temporary directory");
        let input = |path| DiffInput { path, reach: &reach };
        let compared = compare_files(input(base), input(head), &self.options, console)?;
        Ok(Compared { is_temporary: true, ..compared })
    }

    /// Renders one side; returns the video, and whether this machine rendered it.
    fn render<'n>(
        &self,
        spec: &RenderSpec,
        side: &'n str,
        console: &mut Console,
    ) -> Result<(PathBuf, bool), (&'n str, Error)> {
        let extension = spec.request.format.unwrap_or(Format::Mp4).as_str();
        let path = self.folder.join(format!("{}-{side}.{extension}", slug(&self.name)));
        let spec = RenderSpec { output: Some(path.clone()), is_dry_run: false, ..spec.clone() };
        let render = || {
            let prepared = PreparedRender::new(spec, console)?;
            let is_local = prepared.is_on_this_machine();
            let outcome = prepared.render(console)?;
            outcome.verdict()?;
            Ok((path, is_local))
        };
        render().map_err(|error| (side, error))
    }
}

/// Returns the render key of a specification.
fn key(spec: &RenderSpec) -> Result<String, Error> {
    let spec = RenderSpec { output: None, is_dry_run: true, ..spec.clone() };
    match render(spec, &mut Console::silent())? {
        Outcome::DryRun(dry) => Ok(dry.key),
        _ => Err(Error::usage("not a single render", "compare videos of single renders")),
    }
}

impl Compared {
    /// Compares the changes with those between two renders of the base. If all of them are where the base differs from
    /// itself, the composition is unstable and not changed.
    fn judge_stability(&mut self, rerun: &Self) {
        let Some(unstable) = rerun.diff.picture.as_ref().filter(|picture| !picture.ranges.is_empty()) else {
            return;
        };
        self.diff.notes.push("two renders of the base differ".to_owned());
        let Some(picture) = &self.diff.picture else { return };
        let is_explained = |range: &ChangedRange| unstable.ranges.iter().any(|other| explains(other, range));
        if picture.ranges.iter().all(is_explained) && self.diff.has_only_picture() {
            self.diff.status = Status::Unstable;
        }
    }
}

/// Returns whether a change is at a time and in places where `unstable` is.
fn explains(unstable: &ChangedRange, range: &ChangedRange) -> bool {
    let is_then = range.start < unstable.end && unstable.start < range.end;
    let is_there = range.boxes.iter().all(|inner| {
        unstable.boxes.iter().any(|outer| {
            inner.x + UNSTABLE_MARGIN >= outer.x
                && inner.y + UNSTABLE_MARGIN >= outer.y
                && inner.x + inner.width <= outer.x + outer.width + UNSTABLE_MARGIN
                && inner.y + inner.height <= outer.y + outer.height + UNSTABLE_MARGIN
        })
    });
    is_then && is_there
}
