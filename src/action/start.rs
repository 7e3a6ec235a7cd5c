//! The entry point: reads the environment and runs the mode that the event selects.

use super::collect;
use super::error::ActionError;
use super::generate;
use super::inputs::Inputs;
use super::markdown::code;
use super::mode::Mode;
use super::projects::ProjectLinks;
use super::publish::ActionRun;
use super::workflow_run;
use crate::ci::{self, CiProvider, ProviderError, PullRequest, Settings, Subject, Trust};
use crate::fault::Error;
use crate::ui::Console;

/// Runs the action, and annotates the error if it fails.
///
/// # Errors
/// Returns an error if the inputs or the event are invalid, the CI service rejects a request, or a result fails the step.
pub(crate) fn run(environment: &dyn Fn(&str) -> Option<String>, console: &mut Console) -> Result<(), Error> {
    start(environment, console).inspect_err(|error| {
        let help = error.help().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let location = error.location();
        ci::annotate_error(environment, "hyperframes-ci", &format!("{error}{help}"), location.as_ref());
    })
}

fn start(environment: &dyn Fn(&str) -> Option<String>, console: &mut Console) -> Result<(), Error> {
    let mut inputs = Inputs::read(environment)?;
    inputs.resolve_output_dir()?;
    let settings = Settings {
        token: inputs.token.clone(),
        preview_branch: inputs.preview_branch.clone(),
        output_dir: inputs.output_dir.clone(),
        has_secrets: inputs.has_secrets,
    };
    // The jobs of a plan have names by what they render, which stay the same when other compositions are touched.
    let is_planned = inputs.targets.is_some();
    let environment =
        &move |name: &str| environment(name).filter(|_| !(is_planned && name == "HYPERFRAMES_CI_MATRIX"));
    let provider =
        ci::detect(environment, &settings).map_err(ActionError::from)?.ok_or(ActionError::NoProvider)?;
    let provider = provider.as_ref();
    for secret in Inputs::secrets(environment) {
        provider.mask(&secret);
    }
    if let Subject::Refused(reason) = &provider.event().subject {
        return refuse(provider, reason, console);
    }
    let mode = match inputs.mode.for_event(provider.event(), inputs.release_tag.as_deref()) {
        Mode::Media if !generate::is_allowed(provider) => Mode::Check,
        mode => mode,
    };
    if provider.event().trust == Trust::Exposed {
        console.detail(
            "the code may be from a fork and the run has access to secrets: \
             using the configuration of the base, and rendering in the cloud only",
        );
    }
    console.detail(&format!(
        "event {} in {}, mode {mode}",
        provider.event().name,
        provider.event().repository
    ));
    if let (Some(problem), true) = (inputs.problem.take(), mode != Mode::Cleanup) {
        return Err(problem);
    }
    match (mode, &provider.event().subject) {
        (Mode::Cleanup, Subject::PullRequest(request)) => {
            if inputs.preview_url.is_some() {
                retire_deployments(provider, request, console);
            }
            clean_up(provider, Some(request), console)
        }
        (Mode::Cleanup, _) => clean_up(provider, None, console),
        (Mode::WorkflowRun, Subject::Run(run)) => workflow_run::publish(&inputs, provider, run, console),
        (Mode::WorkflowRun, _) => Err(Error::usage(
            "mode publish requires a workflow_run event",
            "trigger the workflow with `on: workflow_run`",
        )),
        (Mode::Media, _) => generate::run(&inputs, provider, environment, console),
        (Mode::Collect, _) => collect::run(&inputs, provider, environment, console),
        (Mode::Release, subject)
            if inputs.release_tag.is_none() && !matches!(subject, Subject::Release { .. }) =>
        {
            Err(Error::usage(
                "mode release requires a release event or the input release-tag",
                "trigger the workflow with `on: release: types: [published]`, or set release-tag",
            ))
        }
        _ => {
            let projects = ProjectLinks::default();
            let event = provider.event();
            ActionRun { inputs: &inputs, provider, mode, event, part: None, projects, console }.run()
        }
    }
}

/// Reports that a comment is not obeyed. That is not a failure: anyone can write comments.
fn refuse(provider: &dyn CiProvider, reason: &str, console: &mut Console) -> Result<(), Error> {
    console.warning(&format!("nothing was rendered: {reason}"));
    let summary = format!("## HyperFrames\n\nNothing was rendered: {}\n", code(reason));
    Ok(provider.summary(&summary).map_err(ActionError::from)?)
}

/// Says that the preview page of `request` is deleted, where the token may.
fn retire_deployments(provider: &dyn CiProvider, request: &PullRequest, console: &mut Console) {
    match provider.retire_deployments(request) {
        Ok(0) | Err(ProviderError::Forbidden(_)) => {}
        Ok(_) => console.done("the deployment is inactive"),
        Err(error) => console.warning(&format!("cannot make the deployment inactive: {error}")),
    }
}

/// Deletes the previews of `request` and of all pull requests that are closed.
fn clean_up(
    provider: &dyn CiProvider,
    request: Option<&PullRequest>,
    console: &mut Console,
) -> Result<(), Error> {
    let cleaned = match provider.clean_up(request) {
        Ok(cleaned) => cleaned,
        // The token of a fork is read-only, so there are no previews of it.
        Err(ProviderError::Forbidden(message)) => {
            console.warning(&format!("cannot delete the previews: {message}"));
            return Ok(());
        }
        Err(error) => return Err(ActionError::from(error).into()),
    };
    if cleaned.deleted.is_empty() {
        console.done("no previews to delete");
    } else {
        let numbers = cleaned.deleted.iter().map(|number| format!("#{number}")).collect::<Vec<_>>();
        console.done(&format!("deleted the previews of {}", numbers.join(", ")));
    }
    match cleaned.comment {
        Err(ProviderError::Forbidden(message)) => {
            console.warning(&format!("cannot update the comment: {message}"));
            Ok(())
        }
        comment => Ok(comment.map_err(ActionError::from)?),
    }
}
