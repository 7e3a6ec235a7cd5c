//! Compares the videos of compositions with golden files, or writes these.

use std::path::Path;

use hyperframes_ci_core::diff::{FailOn, Status};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;

use super::golden::GoldenDirectory;
use super::run::DiffRun;
use super::{DiffError, DiffInput, DiffOptions};
use crate::app::config::{DiffConfig, Entry, Settings, slug};
use crate::app::options::Given;
use crate::app::render::PreparedRender;
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::system::temporary;
use crate::ui::Console;

/// Compositions that are rendered, or a video file, with their golden files.
pub(crate) struct GoldenDiff<'a> {
    /// The configuration.
    pub(crate) settings: &'a Settings,
    /// Options of the user.
    pub(crate) given: &'a [Given],
    /// Settings of the user, over those of the configuration.
    pub(crate) overrides: DiffConfig,
    /// The golden files.
    pub(crate) directory: GoldenDirectory,
}

impl GoldenDiff<'_> {
    /// Compares a video file with its golden file, or writes that.
    ///
    /// # Errors
    /// Returns an error if the video or the golden file cannot be read, or the golden file cannot be written.
    pub(crate) fn file(
        mut self,
        video: DiffInput<'_>,
        run: &mut DiffRun,
        console: &mut Console,
    ) -> Result<(), Error> {
        let name = video.path.file_stem().unwrap_or(video.path.as_os_str()).to_string_lossy();
        let options = self.options(None, run);
        self.directory.compare(run, (&name, &name), (video, false), &options, console)
    }

    /// Does the same for `entries`, or the project of `base` if there are none. What fails is a result.
    ///
    /// # Errors
    /// Returns an error if an option is invalid, or if a file cannot be written.
    pub(crate) fn compositions(
        mut self,
        base: &RenderSpec,
        entries: &[&Entry],
        run: &mut DiffRun,
        console: &mut Console,
    ) -> Result<(), Error> {
        let chosen = match entries {
            [] => vec![None],
            entries => entries.iter().map(|entry| Some(*entry)).collect(),
        };
        for entry in chosen {
            let options = self.options(entry, run);
            let (spec, _) = self.settings.resolve(base.clone(), self.given, entry)?;
            let name = golden_name(&spec, entry);
            if entry.is_some() && self.settings.file.diff(entry).is_off {
                console.detail(&format!("{name}: not compared, since diff = false"));
                continue;
            }
            if spec.batch.rows.is_some() {
                let reason = "entries with rows are not compared; compare their videos";
                run.add_status(&name, Status::Skipped, reason, &options);
                continue;
            }
            console.step(&format!("Comparing {name}"));
            // The results of the renders are not those of the comparison.
            let mut quiet = console.for_entry(&name);
            let console = if console.is_json() { &mut quiet } else { &mut *console };
            // Goes with the video, so that one video at a time takes space.
            let folder = temporary::create_folder("hyperframes-ci-diff-")
                .map_err(|error| DiffError::Report(std::env::temp_dir(), error))?;
            let reach = Reach::inside(folder.path(), "the temporary directory");
            let extension = spec.request.format.unwrap_or(Format::Mp4).as_str();
            let path = folder.path().join(format!("{}.{extension}", slug(&name)));
            if let Err(error) = render(spec, &path, console) {
                let reason = format!("the video cannot be rendered: {error}");
                run.add_status(&name, Status::Failed, &reason, &options);
                continue;
            }
            let video = DiffInput { path: &path, reach: &reach };
            let compared = self.directory.compare(run, (&name, &name), (video, true), &options, console);
            if let Err(error) = compared {
                let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
                run.add_status(&name, Status::Failed, &format!("{error}{help}"), &options);
            }
        }
        Ok(())
    }

    /// Returns how a composition is compared, and sets its gate.
    fn options(&self, entry: Option<&Entry>, run: &mut DiffRun) -> DiffOptions {
        let diff = self.overrides.over(Some(&self.settings.file.diff(entry)));
        run.set_gate(if self.directory.is_updating() { FailOn::Never } else { diff.gate() });
        diff.options()
    }
}

/// Returns the name of the golden file of a composition, without its extension: that of the entry, or of the directory and the
/// composition, if it is not `index.html`.
pub(crate) fn golden_name(spec: &RenderSpec, entry: Option<&Entry>) -> String {
    if let Some(entry) = entry {
        return entry.name.clone();
    }
    let directory = spec.directory();
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let project = directory.file_name().unwrap_or_default().to_string_lossy();
    match spec.request.composition.as_deref().filter(|path| *path != DEFAULT_COMPOSITION) {
        Some(path) => format!("{project}-{}", path.trim_end_matches(".html")),
        None => project.into_owned(),
    }
}

fn render(spec: RenderSpec, path: &Path, console: &mut Console) -> Result<(), Error> {
    let spec = RenderSpec { output: Some(path.to_owned()), is_dry_run: false, ..spec };
    PreparedRender::new(spec, console)?.render(console)?.verdict()
}
