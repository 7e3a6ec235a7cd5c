//! The cache of the engine, which `action.yml` restores and saves: a runner that has it needs no npm.

use super::inputs::Inputs;
use super::mode::Mode;
use crate::app::spec::RendererChoice;
use crate::engine::Installation;
use crate::renderers;

/// The end of the value of several lines; source: docs.github.com, "Workflow commands", "Multiline strings".
const END: &str = "HYPERFRAMES_CI_END";

/// Events for which `mode: auto` may render.
const RENDERING: [&str; 4] = ["pull_request", "pull_request_target", "release", "issue_comment"];

/// Returns the lines that set the outputs `key` and `path` of a step, or nothing if the run renders nothing on the runner, or
/// the engine is installed. The event is its name and its action, such as `pull_request opened`.
pub(crate) fn step_outputs(environment: &dyn Fn(&str) -> Option<String>) -> String {
    // The step that renders reports what is wrong with the inputs.
    let Ok(inputs) = Inputs::read(environment) else { return String::new() };
    let event = environment("HYPERFRAMES_CI_EVENT").unwrap_or_default();
    let has_key = inputs.has_key || environment("HAS_API_KEY").as_deref() == Some("true");
    if !may_render(inputs.mode, &event) || !is_local(inputs.renderer, has_key) {
        return String::new();
    }
    let Ok(installation) = Installation::find() else { return String::new() };
    if installation.is_there() {
        return String::new();
    }
    let paths = installation.folders.iter().map(|folder| format!("{}\n", folder.display()));
    format!("key={}\npath<<{END}\n{}{END}", installation.key, paths.collect::<String>())
}

/// Returns whether a run of this mode may render for an event.
fn may_render(mode: Mode, event: &str) -> bool {
    let (name, action) = event.split_once(' ').unwrap_or((event, ""));
    match mode {
        Mode::Auto => RENDERING.contains(&name) && action != "closed",
        Mode::Preview | Mode::Release | Mode::Render => true,
        Mode::Check | Mode::WorkflowRun | Mode::Cleanup | Mode::Plan | Mode::Collect | Mode::Media => false,
    }
}

/// Returns whether a run renders on the runner, as far as the workflow says it.
fn is_local(renderer: Option<RendererChoice>, has_key: bool) -> bool {
    let local = renderers::local().description().name;
    let cloud = renderers::cloud().description().name;
    match renderer {
        Some(RendererChoice::Named(name)) if name == local => true,
        // A fork is rendered on the runner, whatever the workflow says.
        None | Some(RendererChoice::Auto) => !has_key,
        Some(RendererChoice::Named(name)) => name == cloud && !has_key,
        Some(RendererChoice::Emulated) => false,
    }
}

/// Returns whether the engine is installed now, so that it can be saved.
pub(super) fn is_installed() -> bool {
    Installation::find().is_ok_and(|installation| installation.is_there())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_restored_where_something_may_be_rendered_on_the_runner() {
        for (mode, event, expected) in [
            (Mode::Auto, "pull_request opened", true),
            (Mode::Auto, "pull_request closed", false),
            (Mode::Auto, "push ", false),
            (Mode::Render, "push ", true),
            (Mode::Plan, "pull_request opened", false),
        ] {
            assert_eq!(may_render(mode, event), expected, "{mode} {event}");
        }
        let named = |name| Some(RendererChoice::Named(name));
        for (renderer, has_key, expected) in [
            (None, false, true),
            (None, true, false),
            (Some(RendererChoice::Auto), true, false),
            (named("local"), true, true),
            (named("cloud"), true, false),
            (named("cloud"), false, true),
            (named("docker"), false, false),
            (named("lambda"), false, false),
            (named("cloudrun"), false, false),
            (named("http"), false, false),
        ] {
            assert_eq!(is_local(renderer, has_key), expected, "{renderer:?} {has_key}");
        }
    }
}
