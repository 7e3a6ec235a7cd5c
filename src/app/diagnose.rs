//! The use case `render --diagnose`: a render that has failed elsewhere is repeated on this machine, which may know why.

use std::fmt;

use serde_json::{Map, Value, json};

use super::outcome::Outcome;
use super::render::{PreparedRender, render};
use super::repeat::render_repeatedly;
use super::spec::{RenderSpec, RendererChoice};
use crate::app::budget::LimitOptions;
use crate::fault::{Error, Exit, Fault, Location};
use crate::project::resolved_paths::ResolvedPaths;
use crate::renderers;
use crate::system::gate::Reach;
use crate::system::temporary;
use crate::ui::Console;

/// The code of a render that failed after it had started.
const FAILED: &str = "render_failed";

/// Codes of local renders that failed because of the project.
const FAILED_LOCALLY: &[&str] = &[FAILED, "project_refused", "engine_limit", "unsupported_option"];

/// A render failed elsewhere, and was repeated on this machine.
#[derive(Debug)]
pub(crate) struct DiagnosedFailure {
    /// The failure.
    pub(crate) error: Error,
    /// How the same project fails on this machine; `None` if it renders.
    pub(crate) locally: Option<String>,
}

impl fmt::Display for DiagnosedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.locally {
            None => write!(f, "{}; the same project renders on this machine", self.error),
            Some(message) => write!(f, "{}; it also fails on this machine: {message}", self.error),
        }
    }
}

impl Fault for DiagnosedFailure {
    fn code(&self) -> &str {
        self.error.code()
    }

    fn help(&self) -> Option<String> {
        match &self.locally {
            None => Some("use --renderer local, or report the render ID to HeyGen".to_owned()),
            Some(_) => Some("correct the project; `hyperframes-ci check` may show more".to_owned()),
        }
    }

    fn exit(&self) -> Exit {
        self.error.exit()
    }

    fn members(&self) -> Map<String, Value> {
        let mut members = self.error.members();
        let diagnosis = json!({ "renders_locally": self.locally.is_none(), "message": self.locally });
        members.insert("diagnosis".to_owned(), diagnosis);
        members
    }

    fn location(&self) -> Option<Location> {
        self.error.location()
    }
}

/// Renders `spec`; with `--diagnose`, a render that fails elsewhere is repeated on this machine.
///
/// # Errors
/// Returns an error if the preparation or the render fails: [`DiagnosedFailure`] if it was repeated.
pub(crate) fn render_and_diagnose(spec: RenderSpec, console: &mut Console) -> Result<Outcome, Error> {
    if !spec.is_diagnosing {
        return render_repeatedly(spec, console);
    }
    let again = spec.clone();
    let prepared = PreparedRender::new(spec, console)?;
    let is_local = prepared.is_on_this_machine();
    match prepared.render(console) {
        Err(error) if !is_local && error.code() == FAILED => Err(diagnose(error, again, console)),
        rendered => rendered,
    }
}

/// Renders `spec`, for a caller that nobody has asked for a diagnosis: only a render whose service gave no reason is repeated on this
/// machine, and no batch.
///
/// # Errors
/// As [`render_and_diagnose`].
pub(crate) fn render_and_explain(spec: RenderSpec, console: &mut Console) -> Result<Outcome, Error> {
    let again = spec.batch.rows.is_none().then(|| spec.clone());
    match (render(spec, console), again) {
        (Err(error), Some(again)) if error.is_unexplained() => Err(diagnose(error, again, console)),
        (rendered, _) => rendered,
    }
}

/// Renders the project of a failed render on this machine, and adds what came of it to the error. The error is unchanged if
/// this machine cannot render.
fn diagnose(error: Error, spec: RenderSpec, console: &mut Console) -> Error {
    console.step("Rendering locally to find the cause");
    let folder = match temporary::create_folder("hyperframes-ci-diagnose-") {
        Ok(folder) => folder,
        Err(reason) => {
            console.warning(&format!("cannot write to the temporary directory: {reason}"));
            return error;
        }
    };
    let other_outputs = ResolvedPaths::new(spec.output.clone().into_iter());
    let mut local = RenderSpec {
        renderer: RendererChoice::Named(renderers::local().description().name),
        output: Some(folder.path().join("video")),
        other_outputs,
        idempotency_key: None,
        limits: LimitOptions::default(),
        ..spec
    };
    local.request.callback_url = None;
    local.run.is_waiting = true;
    local.reaches.insert("output", Reach::inside(folder.path(), "the temporary directory"));
    match render(local, &mut console.for_entry("diagnosis")) {
        Ok(_) => DiagnosedFailure { error, locally: None }.into(),
        Err(locally) if FAILED_LOCALLY.contains(&locally.code()) => {
            DiagnosedFailure { error, locally: Some(locally.to_string()) }.into()
        }
        Err(reason) => {
            console.warning(&format!("this machine cannot render the project: {reason}"));
            error
        }
    }
}
