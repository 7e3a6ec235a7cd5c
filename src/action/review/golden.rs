//! Comparisons with golden files of the repository.

use hyperframes_ci_core::diff::Status;

use super::Reviewer;
use crate::action::host_paths::shorten;
use crate::action::preview::Preview;
use crate::app::diff::{DiffInput, DiffOptions, GoldenDirectory};
use crate::system::gate::Reach;
use crate::ui::Console;

impl Reviewer<'_> {
    /// Compares the video of a preview with its golden file in `directory`, which is relative to the workspace. What fails is a
    /// result. The name is that of the result, and that of the golden file.
    pub(super) fn compare_golden(
        &mut self,
        (name, stem): (&str, &str),
        directory: &str,
        options: &DiffOptions,
        preview: &Preview,
        console: &mut Console,
    ) {
        let Some(path) = preview.video() else { return };
        let reach = Reach::inside(&self.inputs.output_dir, "the output directory");
        let video = DiffInput { path, reach: &reach };
        let workspace = &self.inputs.workspace;
        let golden = self.golden.entry(directory.to_owned()).or_insert_with(|| {
            let reach = Reach::inside(workspace, "the workspace");
            GoldenDirectory::new(&workspace.join(directory), &reach, false)
        });
        let Err(error) = golden.compare(&mut self.run, (name, stem), (video, false), options, console) else {
            return;
        };
        let (status, help) = match error.code() {
            "golden_not_found" => (
                Status::New,
                format!("write it with `hyperframes-ci diff --update {directory}`, and commit it"),
            ),
            _ => (Status::Failed, error.help().unwrap_or_default()),
        };
        let message = shorten(&error.to_string(), &[workspace]);
        self.run.add_status(name, status, &format!("{message}; {help}"), options);
    }
}
