//! Compares the videos of compositions with those of another revision: both are rendered, or found.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::{ChangedRange, Status};
use hyperframes_ci_core::options::Format;

use super::run::DiffRun;
use super::{Compared, DiffInput, DiffOptions, compare_files};
use crate::app::budget::{Billed, LimitOptions};
use crate::app::config::{DiffConfig, Entry, Settings, slug};
use crate::app::media::fetch_from;
use crate::app::options::Given;
use crate::app::render::PreparedRender;
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::fault::{Error, Exit};
use crate::project::checkout::Checkout;
use crate::system::gate::Reach;
use crate::system::temporary;
use crate::ui::{Console, plain};

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
pub(crate) struct Pair<'a> {
    /// The name in results.
    pub(crate) name: String,
    /// The base; `None` if it does not have the project.
    pub(crate) base: Option<Side>,
    pub(crate) head: Side,
    pub(crate) options: DiffOptions,
    /// A temporary directory for videos.
    pub(crate) folder: &'a Path,
    /// Whether the base may be rendered where it is billed. Without that, only an earlier render is used.
    pub(crate) may_bill_base: bool,
}

/// What a comparison has billed and rendered.
#[derive(Debug, Default)]
pub(crate) struct PairOutcome {
    pub(crate) billed: Billed,
    /// The video of the base, if this machine has rendered it or found that it is stable.
    pub(crate) base: Option<BaseVideo>,
}

/// A video of the base.
#[derive(Debug)]
pub(crate) struct BaseVideo {
    /// The file, in the temporary directory of the comparison.
    pub(crate) path: PathBuf,
    /// Whether a second render of it was equal.
    pub(crate) is_stable: bool,
}

/// One of the renders.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// How it is rendered; `None` if only the video is known.
    pub(crate) spec: Option<RenderSpec>,
    /// What identifies its inputs, if that is known; both sides have it in the same form.
    pub(crate) identity: Option<String>,
    /// The video, if it is rendered already.
    pub(crate) video: Option<KnownVideo>,
}

/// A video that is rendered already.
#[derive(Clone, Debug)]
pub(crate) struct KnownVideo {
    /// The file.
    pub(crate) path: PathBuf,
    /// Where the path may lead.
    pub(crate) reach: Reach,
    /// Whether the file is deleted after the comparison.
    pub(crate) is_temporary: bool,
    /// Whether two renders are known to be equal.
    pub(crate) is_stable: bool,
}

impl ProjectDiff<'_> {
    /// Compares all compositions. Failed renders are results.
    ///
    /// # Errors
    /// Returns an error if the revision cannot be checked out, an option is invalid, or the report cannot be written.
    pub(crate) fn run(&self, run: &mut DiffRun, console: &mut Console) -> Result<(), Error> {
        let checkout = Checkout::of_merge_base(&self.settings.root, self.revision)?;
        let base_settings = self.base_settings(checkout.path(), console);
        for file in fetch_from(&self.settings.root, &base_settings)? {
            console.warning(&format!(
                "the base lacks {}: the working tree has another file, and `diff --base` does not fetch; run `hyperframes-ci media fetch` \
                 and render in a checkout of {}, and compare the videos",
                plain(&file),
                plain(self.revision)
            ));
        }
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
            let (head, _) = self.settings.resolve(self.base.clone(), self.given, entry)?;
            // The options of the base are those that it had. An entry of a configuration that is new is that of the head.
            let earlier = &base_settings.file.entries;
            let base_entry = entry.map(|entry| earlier.iter().find(|earlier| earlier.name == entry.name));
            if matches!(base_entry, Some(None)) && !earlier.is_empty() {
                let reason = "the configuration of the base does not have this entry";
                run.add_status(&name, Status::New, reason, &options);
                continue;
            }
            let base_entry = base_entry.flatten().or(entry);
            let (mut base, _) = base_settings.resolve(self.base.clone(), self.given, base_entry)?;
            if head.batch.rows.is_some() {
                let reason = "entries with rows are not compared; compare their videos";
                run.add_status(&name, Status::Skipped, reason, &options);
                continue;
            }
            if entry.is_none() {
                base.source = ProjectSource::Directory(checkout.path().join(self.relative_directory()));
            }
            let base = base.directory().is_dir().then_some(base);
            let pair = Pair {
                name,
                base: base.map(Side::from),
                head: Side::from(head),
                options,
                folder: folder.path(),
                may_bill_base: true,
            };
            pair.compare(run, console)?;
        }
        Ok(())
    }

    /// Returns the configuration of the base, or that of the head if the user has named a file or the base's is invalid.
    fn base_settings(&self, checkout: &Path, console: &mut Console) -> Settings {
        let same = self.settings.at(checkout);
        if self.base.severities.config.is_some() {
            return same;
        }
        match Settings::read(checkout, None, Some(checkout.to_owned())) {
            Ok(base) => Settings { file: base.file, ..same },
            Err(error) => {
                console.note(&format!("the configuration of the base is not used: {error}"));
                same
            }
        }
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

/// Why a base is not compared that would have to be paid for.
const NOT_RENDERED: &str = "the base has no video yet, and rendering one would be billed";

/// What is said where equal inputs have given other pictures.
const EQUAL_INPUTS: &str = "the inputs of both renders are equal";

impl Pair<'_> {
    /// Compares the videos, and adds the result to `run`. Renders those that are not known. A render that fails is a
    /// result.
    ///
    /// # Errors
    /// Returns an error if the report cannot be written.
    pub(crate) fn compare(&self, run: &mut DiffRun, console: &mut Console) -> Result<PairOutcome, Error> {
        let mut outcome = PairOutcome::default();
        let Some(base) = &self.base else {
            run.add_status(&self.name, Status::New, "the base does not have it", &self.options);
            return Ok(outcome);
        };
        console.step(&format!("Comparing {}", self.name));
        // The results of the renders are not those of the comparison.
        let mut quiet = console.for_entry(&self.name);
        let console = if console.is_json() { &mut quiet } else { console };
        let prepared = self.prepare(base, "base", console);
        let prepared = prepared.and_then(|base| Ok([base, self.prepare(&self.head, "head", console)?]));
        let keys =
            prepared.as_ref().map_or([None, None], |sides| sides.each_ref().map(|side| side.key.clone()));
        let [base_key, head_key] = keys;
        let identity = base.identity(base_key);
        let is_equal = identity.is_some() && identity == self.head.identity(head_key);
        if is_equal && (base.video.is_none() || self.head.video.is_none()) {
            run.add_status(&self.name, Status::Unchanged, EQUAL_INPUTS, &self.options);
            return Ok(outcome);
        }
        let videos = prepared.and_then(|[base, head]| {
            let is_local = base.is_rendered_on_this_machine();
            let base = self.render(base, &mut outcome.billed, console)?;
            outcome.base = is_local.then(|| BaseVideo { path: base.path.clone(), is_stable: false });
            Ok([base, self.render(head, &mut outcome.billed, console)?])
        });
        let videos = match videos {
            Ok(videos) => videos,
            Err((status, reason)) => {
                run.add_status(&self.name, status, &reason, &self.options);
                return Ok(outcome);
            }
        };
        let mut compared = match self.compare_videos(&videos, console) {
            Ok(compared) => compared,
            Err(super::DiffError::Program(error)) => {
                run.add_status(&self.name, Status::Skipped, &error.to_string(), &self.options);
                return Ok(outcome);
            }
            Err(error) => {
                run.add_status(&self.name, Status::Failed, &error.to_string(), &self.options);
                return Ok(outcome);
            }
        };
        if matches!(compared.diff.status, Status::Changed | Status::Faint) {
            let [base_video, _] = videos;
            if is_equal {
                compared.diff.status = Status::Unstable;
                compared.diff.notes.push(EQUAL_INPUTS.to_owned());
            } else if compared.diff.has_only_picture()
                && !base_video.is_stable
                && let Some(again) = self.render_again(base, console)
                && let Ok(rerun) = self.compare_videos(&[base_video.clone(), again], console)
            {
                compared.judge_stability(&rerun);
                let is_stable = rerun.diff.status == Status::Unchanged;
                outcome.base = Some(BaseVideo { path: base_video.path, is_stable });
            }
        }
        run.add(&self.name, &compared, &self.options)?;
        Ok(outcome)
    }

    fn compare_videos(
        &self,
        [base, head]: &[KnownVideo; 2],
        console: &mut Console,
    ) -> Result<Compared, super::DiffError> {
        let compared = compare_files(base.input(), head.input(), &self.options, console)?;
        Ok(Compared { are_temporary: [base.is_temporary, head.is_temporary], ..compared })
    }

    /// Prepares the render of one side, and packs its project, if its video is not known. Returns the status of the
    /// comparison, with the reason, if that fails.
    fn prepare(
        &self,
        side: &Side,
        name: &'static str,
        console: &mut Console,
    ) -> Result<PreparedSide, (Status, String)> {
        if let Some(video) = &side.video {
            return Ok(PreparedSide { name, video: video.clone(), render: None, key: None });
        }
        let Some(spec) = &side.spec else {
            return Err((Status::Skipped, format!("the {name} has no video")));
        };
        let (video, spec) = self.output(spec, name);
        let prepare = || {
            let limits = spec.limits;
            let mut render = PreparedRender::new(spec, console)?;
            let key = render.key(console)?;
            Ok(PreparedSide { name, video, render: Some((render, limits)), key })
        };
        prepare().map_err(|error: Error| (Status::Failed, format!("the {name} cannot be rendered: {error}")))
    }

    /// Returns the video of one side, which is rendered if it is not known; or the status of the comparison, with the reason.
    fn render(
        &self,
        side: PreparedSide,
        billed: &mut Billed,
        console: &mut Console,
    ) -> Result<KnownVideo, (Status, String)> {
        let PreparedSide { name, video, render, .. } = side;
        let Some((mut prepared, limits)) = render else { return Ok(video) };
        let is_free = name == "base" && !self.may_bill_base;
        if is_free && !prepared.is_on_this_machine() {
            prepared.set_limits(LimitOptions { max_renders: Some(0), ..limits });
        }
        let rendered = prepared.render(console).and_then(|outcome| {
            *billed += outcome.billed();
            outcome.verdict()
        });
        rendered.map(|()| video).map_err(|error| match error.exit() {
            Exit::Limit if is_free => (Status::Skipped, NOT_RENDERED.to_owned()),
            _ => (Status::Failed, format!("the {name} cannot be rendered: {error}")),
        })
    }

    /// Renders the base a second time, if this machine renders it: two renders of it must be equal. Without a second render the
    /// first one is believed.
    fn render_again(&self, base: &Side, console: &mut Console) -> Option<KnownVideo> {
        let (video, spec) = self.output(base.spec.as_ref()?, "base-again");
        let prepared = PreparedRender::new(spec, &mut Console::silent()).ok()?;
        if !prepared.is_on_this_machine() {
            return None;
        }
        console.detail("rendering the base once more, to see whether it is stable");
        prepared.render(console).ok()?.verdict().ok()?;
        Some(video)
    }

    /// Returns the video that a side is rendered to, and how.
    fn output(&self, spec: &RenderSpec, side: &str) -> (KnownVideo, RenderSpec) {
        let extension = spec.request.format.unwrap_or(Format::Mp4).as_str();
        let path = self.folder.join(format!("{}-{side}.{extension}", slug(&self.name)));
        let reach = Reach::inside(self.folder, "the temporary directory");
        let mut spec = RenderSpec { output: Some(path.clone()), is_dry_run: false, ..spec.clone() };
        spec.reaches.insert("output", reach.clone());
        (KnownVideo { path, reach, is_temporary: true, is_stable: false }, spec)
    }
}

impl KnownVideo {
    fn input(&self) -> DiffInput<'_> {
        DiffInput { path: &self.path, reach: &self.reach }
    }
}

impl From<RenderSpec> for Side {
    fn from(spec: RenderSpec) -> Self {
        Self { spec: Some(spec), identity: None, video: None }
    }
}

impl Side {
    /// Returns the format that its specification sets.
    pub(crate) fn format(&self) -> Option<Format> {
        self.spec.as_ref()?.request.format
    }

    /// Returns what identifies the inputs: the render key, which is `key` if it is known already, if nothing else is; `None`
    /// without either.
    fn identity(&self, key: Option<String>) -> Option<String> {
        self.identity.clone().or(key).or_else(|| {
            // Equal inputs are unchanged where they cannot be rendered, too.
            let spec = RenderSpec { output: None, is_dry_run: true, ..self.spec.clone()? };
            let mut console = Console::silent();
            PreparedRender::new(spec, &mut console).ok()?.key(&mut console).ok()?
        })
    }
}

/// One side, ready to be rendered, if its video is not known.
struct PreparedSide {
    name: &'static str,
    video: KnownVideo,
    render: Option<(PreparedRender, LimitOptions)>,
    /// The render key.
    key: Option<String>,
}

impl PreparedSide {
    fn is_rendered_on_this_machine(&self) -> bool {
        self.render.as_ref().is_some_and(|(render, _)| render.is_on_this_machine())
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
