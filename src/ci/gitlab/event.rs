//! Events of GitLab; source: docs.gitlab.com, "Predefined CI/CD variables reference".

use crate::ci::error::ProviderError;
use crate::ci::event::{Event, PullRequest, Subject};
use crate::ci::provider::{Environment, required, variable};

/// Reads the event of a pipeline.
///
/// # Errors
/// Returns [`ProviderError::Event`] if a variable of the runner is missing.
pub(super) fn read(environment: &Environment<'_>) -> Result<Event, ProviderError> {
    let set = |name: &str| variable(environment, name);
    let repository = required(environment, "CI_PROJECT_PATH")?;
    let commit = required(environment, "CI_COMMIT_SHA")?;
    let request = set("CI_MERGE_REQUEST_IID").and_then(|iid| iid.parse().ok()).map(|number| PullRequest {
        number,
        // A merged results pipeline runs on a commit that is not part of the merge request.
        head: set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").unwrap_or_else(|| commit.clone()),
        base: set("CI_MERGE_REQUEST_DIFF_BASE_SHA").unwrap_or_default(),
        is_fork: set("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH").is_some_and(|source| source != repository),
        is_closed: false,
    });
    let subject = match (request, set("CI_COMMIT_TAG")) {
        (Some(request), _) => Subject::PullRequest(request),
        (None, Some(tag)) => Subject::Release { tag },
        (None, None) => Subject::Other,
    };
    let name = set("CI_PIPELINE_SOURCE").unwrap_or_else(|| "pipeline".to_owned());
    // GitLab's name of a pipeline that a user started.
    let kind = if name == "web" { "workflow_dispatch" } else { &name };
    Ok(Event {
        kind: subject.kind().unwrap_or(kind).to_owned(),
        name,
        subject,
        commit,
        // A pipeline for a fork runs in the fork, with the fork's permissions.
        is_privileged: false,
        run_url: set("CI_JOB_URL").unwrap_or_default(),
        job: set("CI_JOB_NAME").unwrap_or_default(),
        repository,
    })
}
