//! Events of GitLab; source: docs.gitlab.com, "Predefined CI/CD variables reference".

use crate::ci::error::ProviderError;
use crate::ci::event::{Event, PullRequest, Subject};
use crate::ci::provider::{Environment, required, variable};
use crate::ci::trust::{ConfigSource, Trust};

/// Reads the event of a pipeline.
///
/// # Errors
/// Returns [`ProviderError::Event`] if a variable of the runner is missing.
pub(crate) fn read(environment: &Environment<'_>) -> Result<Event, ProviderError> {
    let set = |name: &str| variable(environment, name);
    let repository = required(environment, "CI_PROJECT_PATH")?;
    let commit = required(environment, "CI_COMMIT_SHA")?;
    let is_own = is_own(environment, &repository);
    let request = set("CI_MERGE_REQUEST_IID").and_then(|iid| iid.parse().ok()).map(|number| PullRequest {
        number,
        // A merged results pipeline runs on a commit that is not part of the merge request.
        head: set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").unwrap_or_else(|| commit.clone()),
        base: set("CI_MERGE_REQUEST_DIFF_BASE_SHA").unwrap_or_default(),
        is_fork: !is_own,
        is_closed: false,
    });
    let subject = match (request, set("CI_COMMIT_TAG")) {
        (Some(request), _) => Subject::PullRequest(request),
        (None, Some(tag)) => Subject::Release { tag },
        (None, None) => Subject::Other,
    };
    // Not the merge base, which the author of a merge request chooses.
    let base =
        ["CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_DEFAULT_BRANCH"];
    let base = base.iter().find_map(|name| set(name));
    let name = set("CI_PIPELINE_SOURCE").unwrap_or_else(|| "pipeline".to_owned());
    // GitLab's name of a pipeline that a user started.
    let kind = if name == "web" { "workflow_dispatch" } else { &name };
    Ok(Event {
        kind: subject.kind().unwrap_or(kind).to_owned(),
        name,
        subject,
        commit,
        // Every pipeline has the variables of the project that it runs in.
        trust: if is_own { Trust::Own } else { Trust::Exposed },
        config: if is_own { ConfigSource::Checkout } else { ConfigSource::Base(base) },
        run_url: set("CI_JOB_URL").unwrap_or_default(),
        is_private: set("CI_PROJECT_VISIBILITY").is_some_and(|visibility| visibility != "public"),
        job: set("CI_JOB_NAME").unwrap_or_default(),
        repository,
    })
}

/// Returns whether the code of a pipeline is proven to be of its project.
///
/// The pipeline of a merge request runs in the project of its source, or in the target's if a member starts it there. Only
/// members add branches and tags. The child of such a pipeline is on neither, and may not know the merge request.
fn is_own(environment: &Environment<'_>, repository: &str) -> bool {
    let set = |name: &str| variable(environment, name);
    if set("CI_MERGE_REQUEST_IID").is_some() {
        let id = |name: &str| set(name).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        return match (id("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), id("CI_PROJECT_ID")) {
            (Some(source), Some(project)) => source == project,
            _ => set("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH").as_deref() == Some(repository),
        };
    }
    if set("CI_EXTERNAL_PULL_REQUEST_IID").is_some() {
        let source = set("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY");
        return source.is_some() && source == set("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY");
    }
    set("CI_COMMIT_BRANCH").or_else(|| set("CI_COMMIT_TAG")).is_some()
}
