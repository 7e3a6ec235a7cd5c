//! The next steps after `init`.

use hyperframes_ci_core::findings::CONFIG_FILE;

use super::choices::CiService;
use super::hooks::activation;
use super::repository::Repository;
use super::{DOCS, EXAMPLE_PROJECT, InitSpec, REPOSITORY};

/// The page where API keys are created.
const KEYS: &str = "https://app.heygen.com/settings/api";

impl InitSpec {
    /// Returns whether the workflow uses an API key.
    pub(super) fn needs_key(&self) -> bool {
        matches!(self.renderer.as_str(), "auto" | "cloud")
    }
}

/// Returns the next steps; `changed` are the paths of the files that `init` writes and of those that get lines by hand.
/// Commands are on lines of their own.
pub(super) fn next_steps(repository: &Repository, spec: &InitSpec, changed: &[&str]) -> Vec<String> {
    let mut steps = Vec::new();
    if !repository.is_git {
        steps.push("Create a Git repository:\ngit init".to_owned());
    }
    if repository.projects.is_empty() {
        steps.push(format!(
            "Create a HyperFrames project:\nnpx hyperframes init {EXAMPLE_PROJECT}\nOr copy the example: \
             {REPOSITORY}/tree/main/examples/launch-card\nThen add an entry to {CONFIG_FILE}, or run \
             `hyperframes-ci init --force`."
        ));
    }
    let needs_key = spec.needs_key();
    let otherwise =
        if spec.renderer == "auto" { "\nWithout a key, videos are rendered on the runner." } else { "" };
    match spec.ci {
        CiService::GitHub if needs_key => steps.push(format!(
            "Create an API key at {KEYS} and store it as a secret:\ngh secret set HEYGEN_API_KEY{otherwise}"
        )),
        CiService::GitLab if needs_key => steps.push(format!(
            "Create an API key at {KEYS} and store it as a CI/CD variable:\nglab variable set \
             HEYGEN_API_KEY --masked{otherwise}"
        )),
        CiService::None if needs_key => {
            steps.push(format!("Create an API key at {KEYS}, or sign in:\nhyperframes-ci auth login"));
        }
        _ if spec.renderer == "lambda" => {
            steps.push(format!("Set up AWS credentials for the workflow: {DOCS}/docs/lambda.md"));
        }
        _ if spec.renderer == "cloudrun" => {
            steps.push(format!("Set up Google Cloud credentials for the workflow: {DOCS}/docs/cloudrun.md"));
        }
        _ if spec.renderer == "docker" => {
            steps.push(format!("Build the image and set docker-image: {DOCS}/docs/docker.md"));
        }
        _ if spec.renderer == "http" => {
            steps.push(format!("Set the endpoint and its token: {DOCS}/docs/http.md"));
        }
        _ => {}
    }
    if let Some(hooks) = spec.hooks {
        steps.push(format!("Activate the hooks in your clone:\n{}", activation(hooks)));
    }
    let request = match spec.ci {
        CiService::GitHub => " and open a pull request",
        CiService::GitLab => " and open a merge request",
        CiService::None => "",
    };
    if !changed.is_empty() {
        steps.push(format!(
            "Commit the files{request}:\ngit add {}\ngit commit -m \"ci: check and render videos\"",
            changed.join(" ")
        ));
    }
    steps
}
