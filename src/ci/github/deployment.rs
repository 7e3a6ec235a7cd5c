//! Deployments of preview pages, so that a pull request has a button that opens its page.
//!
//! All pull requests share one environment, since environments can be deleted by administrators only. The task of a deployment
//! is that of its pull request. Source: docs.github.com, "REST API endpoints for deployments".

use serde_json::{Value, json};

use super::client::Client;
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;

const ENVIRONMENT: &str = "hyperframes-previews";

/// Earlier deployments of a pull request that are made inactive at most; usually one is active.
const MAX_EARLIER: usize = 20;

const SUBJECT: &str = "the deployment";

fn task(request: &PullRequest) -> String {
    format!("hyperframes-pr-{}", request.number)
}

/// Creates a deployment of the page at `url`, and makes earlier ones of the pull request inactive.
///
/// # Errors
/// Returns [`ProviderError`] if the API refuses.
pub(super) fn create(
    client: &Client,
    request: &PullRequest,
    url: &str,
    log: &str,
) -> Result<(), ProviderError> {
    let earlier = active(client, request)?;
    let deployment = json!({
        "ref": request.head,
        "task": task(request),
        "environment": ENVIRONMENT,
        "description": "Preview of the videos",
        "transient_environment": true,
        "production_environment": false,
        "auto_merge": false,
        // The page exists, whatever checks say.
        "required_contexts": [],
    });
    let created = client.send("POST", "/deployments", &deployment, SUBJECT)?;
    let id = created["id"].as_u64().ok_or_else(|| {
        ProviderError::Failed(format!("{SUBJECT}: {}", created["message"].as_str().unwrap_or("no id")))
    })?;
    // Other pull requests have the same environment.
    let status =
        json!({ "state": "success", "environment_url": url, "log_url": log, "auto_inactive": false });
    client.send("POST", &format!("/deployments/{id}/statuses"), &status, SUBJECT)?;
    deactivate(client, &earlier)
}

/// Makes the deployments of a pull request inactive. Returns how many there were.
///
/// # Errors
/// Returns [`ProviderError`] if the API refuses.
pub(super) fn retire(client: &Client, request: &PullRequest) -> Result<usize, ProviderError> {
    let earlier = active(client, request)?;
    deactivate(client, &earlier)?;
    Ok(earlier.len())
}

/// Returns the newest deployments of a pull request, which may be inactive.
fn active(client: &Client, request: &PullRequest) -> Result<Vec<u64>, ProviderError> {
    let path =
        format!("/deployments?environment={ENVIRONMENT}&task={}&per_page={MAX_EARLIER}", task(request));
    let deployments = client.get(&path, SUBJECT)?;
    Ok(deployments.as_array().into_iter().flatten().filter_map(|it| it["id"].as_u64()).collect())
}

fn deactivate(client: &Client, deployments: &[u64]) -> Result<(), ProviderError> {
    let status: Value = json!({ "state": "inactive" });
    for id in deployments {
        client.send("POST", &format!("/deployments/{id}/statuses"), &status, SUBJECT)?;
    }
    Ok(())
}
