//! Mode `collect`: downloads the videos of renders that an earlier run has submitted without waiting.

use serde_json::json;

use super::error::ActionError;
use super::inputs::Inputs;
use super::markdown::{code, short_code};
use super::mode::{FailOn, Mode};
use super::outputs::{set_outputs, write_report};
use crate::app::collect::{CollectSpec, collect};
use crate::app::failure::CollectFailed;
use crate::app::options::apply_layers;
use crate::app::outcome::{CollectOutcome, CollectState, CollectedRender};
use crate::app::spec::RenderSpec;
use crate::ci::{CiProvider, ProviderError};
use crate::fault::Error;
use crate::system::gate::{Folder, Reach};
use crate::ui::{Console, counted};

/// Longest reason of a failure in the summary, in characters.
const MAX_MESSAGE: usize = 300;

/// Collects what has ended, and writes the results.
///
/// # Errors
/// Returns an error if there is no credential, the API rejects it, a file cannot be written, or a render has failed and the
/// input `fail-on` does not allow it.
pub(super) fn run(
    inputs: &Inputs,
    provider: &dyn CiProvider,
    environment: &dyn Fn(&str) -> Option<String>,
    console: &mut Console,
) -> Result<(), Error> {
    let folder = &inputs.output_dir;
    Folder::of(folder).map_err(|error| ActionError::from(ProviderError::Runner(folder.clone(), error)))?;
    let mut render = RenderSpec::default();
    apply_layers(&mut render, inputs.given.clone())?;
    render.run.reuse.ledger = environment("HYPERFRAMES_CI_LEDGER").map(Into::into);
    let spec = CollectSpec {
        render_ids: inputs.render_ids.clone(),
        folder: folder.clone(),
        reach: Reach::inside(folder, "the output directory"),
        options: render.run,
    };
    let outcome = collect(&spec, console)?;
    let report =
        json!({ "event": provider.event().name, "mode": Mode::Collect.to_string(), "collected": outcome });
    let report = write_report(folder, &report)?;
    provider.summary(&summary(&outcome)).map_err(ActionError::from)?;
    let first = outcome.renders.iter().find(|render| render.output_path.is_some());
    let path = first.and_then(|render| render.output_path.as_ref()).map(|path| path.display().to_string());
    let is_uploaded = !inputs.has_foreign_files && outcome.collected > 0;
    let artifact_name = inputs.artifact_name(&provider.event().job, None);
    let outputs = [
        ("results", json!(outcome.renders).to_string()),
        ("render-id", first.map(|render| render.render_id.clone()).unwrap_or_default()),
        ("video-path", path.unwrap_or_default()),
        ("count", outcome.collected.to_string()),
        ("report-path", report.display().to_string()),
        ("artifact-path", if is_uploaded { folder.display().to_string() } else { String::new() }),
        ("artifact-name", if is_uploaded { artifact_name } else { String::new() }),
    ];
    set_outputs(provider, outputs)?;
    console.done(&format!(
        "collected {}; {} still running",
        counted(outcome.collected, "video"),
        outcome.running
    ));
    match outcome.failed {
        0 => Ok(()),
        _ if inputs.fail_on == FailOn::Never => Ok(()),
        failed => Err(CollectFailed { failed, total: outcome.renders.len() }.into()),
    }
}

/// Returns the table of renders for the summary of the job.
fn summary(outcome: &CollectOutcome) -> String {
    if outcome.renders.is_empty() {
        return "## HyperFrames\n\nNothing to collect.\n".to_owned();
    }
    let row = |render: &CollectedRender| {
        let state = match render.state {
            CollectState::Collected => "collected".to_owned(),
            CollectState::Running => "still running".to_owned(),
            CollectState::Failed => short_code(render.message.as_deref().unwrap_or("failed"), MAX_MESSAGE),
        };
        let name = render.title.as_deref().or(render.callback_id.as_deref()).unwrap_or_default();
        format!("| {} | {} | {state} |\n", code(&render.render_id), code(name))
    };
    let rows = outcome.renders.iter().map(row).collect::<String>();
    format!("## HyperFrames\n\n| Render | Title | State |\n|---|---|---|\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_messages_are_escaped() {
        let mut outcome = CollectOutcome::default();
        let mut render = CollectedRender::new("r|1");
        render.title = Some("<b>@all".to_owned());
        render.fail("render_failed", "x | y\n![](z)");
        outcome.add(render);
        let text = summary(&outcome);
        let row = text.lines().last().expect("a row");
        assert_eq!(row.matches('|').count(), 4, "{row}");
        assert!(!row.contains("<b>") && !row.contains("![") && !row.contains('@'), "{row}");
    }
}
