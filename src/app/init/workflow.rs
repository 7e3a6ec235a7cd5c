//! The workflow for GitHub Actions.

use super::choices::Events;
use super::repository::{ACTION, Repository};
use super::{DOCS, Limits};

/// Path of the workflow from the root of the repository.
pub(super) const WORKFLOW: &str = ".github/workflows/hyperframes.yml";

/// `actions/checkout`, pinned as in the workflows of this project.
const CHECKOUT: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1";

/// Returns the workflow.
pub(super) fn workflow(
    repository: &Repository,
    events: &Events,
    renderer: &str,
    has_key: bool,
    limits: Limits,
) -> String {
    let previews = events.has("pull_request");
    let writes = previews || events.has("release");
    let major = env!("CARGO_PKG_VERSION").split('.').next().unwrap_or_default();
    let mut lines = vec![
        format!("# Checks and renders HyperFrames projects. Documentation: {DOCS}/docs/action.md"),
        "name: videos".to_owned(),
        String::new(),
        "on:".to_owned(),
    ];
    lines.extend(triggers(repository, events));
    lines.extend([
        String::new(),
        "permissions: {}".to_owned(),
        String::new(),
        "concurrency:".to_owned(),
        "  group: hyperframes-${{ github.event.pull_request.number || github.ref }}".to_owned(),
        "  cancel-in-progress: ${{ github.event_name == 'pull_request' }}".to_owned(),
        String::new(),
        "jobs:".to_owned(),
        "  videos:".to_owned(),
        "    name: videos".to_owned(),
        "    runs-on: ubuntu-24.04".to_owned(),
        "    timeout-minutes: 60".to_owned(),
        "    permissions:".to_owned(),
    ]);
    lines.push(match (previews, writes) {
        (true, _) => "      contents: write # preview images, release files".to_owned(),
        (false, true) => "      contents: write # release files".to_owned(),
        (false, false) => "      contents: read # checkout".to_owned(),
    });
    if previews {
        lines.push("      pull-requests: write # the comment".to_owned());
        lines.push("      checks: write # all findings as annotations".to_owned());
    }
    lines.extend([
        "    steps:".to_owned(),
        format!("      - uses: {CHECKOUT}"),
        "        with:".to_owned(),
        "          persist-credentials: false".to_owned(),
        "      # To pin a release, replace the tag with its commit SHA:".to_owned(),
        format!("      # gh api repos/{ACTION}/commits/v{major} --jq .sha"),
        format!("      - uses: {ACTION}@v{major} # zizmor: ignore[unpinned-uses]"),
        "        with:".to_owned(),
    ]);
    if has_key {
        lines.push("          api-key: ${{ secrets.HEYGEN_API_KEY }}".to_owned());
    }
    let renders = [("schedule", "schedule"), ("workflow_dispatch", "workflow_dispatch")];
    let renders = renders.iter().filter(|(event, _)| events.has(event));
    let conditions =
        renders.map(|(_, name)| format!("github.event_name == '{name}'")).collect::<Vec<_>>().join(" || ");
    if !conditions.is_empty() {
        lines.push(format!("          mode: ${{{{ ({conditions}) && 'render' || 'auto' }}}}"));
    }
    lines.extend([
        format!("          renderer: {renderer}"),
        format!("          max-renders: {} # new renders per run", limits.renders),
        format!("          max-seconds: {} # seconds of video per run", limits.seconds),
        String::new(),
    ]);
    lines.join("\n")
}

/// Returns the lines below `on`.
fn triggers(repository: &Repository, events: &Events) -> Vec<String> {
    let mut lines = Vec::new();
    for event in &events.0 {
        lines.push(format!("  {event}:"));
        match event.as_str() {
            "pull_request" => lines.push("    types: [opened, synchronize, reopened, closed]".to_owned()),
            "release" => lines.push("    types: [published]".to_owned()),
            "push" => lines.push(format!("    branches: [{}]", repository.default_branch())),
            "schedule" => lines.push("    - cron: \"17 5 * * 1\"".to_owned()),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_pinned_as_in_the_workflows_of_this_project() {
        assert!(include_str!("../../../.github/workflows/ci.yml").contains(CHECKOUT));
    }
}
