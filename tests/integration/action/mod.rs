//! The GitHub Action without GitHub: action.yml, run as a runner runs it, against a fake of the API and the emulator.

mod check_run;
mod checks;
mod collect;
mod command;
mod comment;
mod configuration;
mod faults;
mod git_api;
mod github;
mod gitlab;
mod graph;
mod install;
mod media;
mod media_kills;
mod oracle;
mod page;
#[cfg(unix)]
mod paths;
mod plan;
mod preview;
mod projects;
mod published;
mod random;
mod release;
mod release_api;
mod release_store;
mod requests;
mod review;
mod runner;
mod server;
mod stage;
mod stored;
mod story;
mod trust;
mod worker;

/// Runs the action for a pull request, on the runner, with these variables; gives back its exit code and log.
pub(crate) fn local_render(variables: &[(&str, &str)]) -> (i32, String) {
    let stage = stage::Stage::new();
    let mut runner = stage.pull_request();
    variables.iter().for_each(|(name, value)| runner.set(name, value));
    let inputs = [("projects", "videos/one"), ("api-key", ""), ("quality", "draft"), ("diff", "false")];
    let run = stage.run(&runner, &inputs);
    (run.code, run.log)
}
