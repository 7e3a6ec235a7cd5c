//! The job for GitLab CI/CD.

use super::choices::Events;
use super::{DOCS, Limits, REPOSITORY};

/// Path of the job from the root of the repository.
pub(super) const JOB: &str = ".gitlab/hyperframes.gitlab-ci.yml";

/// Path of the pipeline from the root of the repository.
pub(super) const PIPELINE: &str = ".gitlab-ci.yml";

/// The lines of the pipeline that include the job.
pub(super) fn include() -> String {
    format!("include:\n  - local: {JOB}\n")
}

/// Returns the job.
pub(super) fn job(events: &Events, renderer: &str, limits: Limits) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let rules = rules(events);
    let Limits { renders, seconds } = limits;
    format!(
        r#"# Checks and renders HyperFrames projects. Documentation: {DOCS}/docs/action.md
hyperframes:
  stage: test
  image: node:24-bookworm
  timeout: 60 minutes
  interruptible: true
  rules:
{rules}
  variables:
    HYPERFRAMES_CI_RELEASE: {REPOSITORY}/releases/download/v{version}
    HYPERFRAMES_CI_FILE: hyperframes-ci-x86_64-unknown-linux-musl.tar.gz
    HYPERFRAMES_CI_LEDGER: $CI_PROJECT_DIR/.hyperframes-ci/ledger.jsonl
    INPUT_RENDERER: {renderer}
    INPUT_MAX_RENDERS: "{renders}" # new renders per run
    INPUT_MAX_SECONDS: "{seconds}" # seconds of video per run
  before_script:
    - mkdir -p /tmp/hyperframes-ci
    - cd /tmp/hyperframes-ci
    - curl -fsSL --retry 5 -O "$HYPERFRAMES_CI_RELEASE/$HYPERFRAMES_CI_FILE" -O "$HYPERFRAMES_CI_RELEASE/SHA256SUMS"
    - sha256sum --check --ignore-missing --strict SHA256SUMS
    - tar -xzf "$HYPERFRAMES_CI_FILE"
    - cd "$CI_PROJECT_DIR"
  script:
    - export INPUT_TOKEN="${{HYPERFRAMES_CI_TOKEN:-}}" # for notes: a project access token with the scope api
    - /tmp/hyperframes-ci/hyperframes-ci action
  cache:
    key: hyperframes-ci-ledger
    when: always
    paths: [.hyperframes-ci/]
  artifacts:
    when: always
    expire_in: 30 days
    paths: [hyperframes/]
    reports:
      codequality: hyperframes/gl-code-quality-report.json
      dotenv: hyperframes/hyperframes.env
"#
    )
}

/// Returns the rules of the job, one for each event.
fn rules(events: &Events) -> String {
    let mut lines = Vec::new();
    for event in &events.0 {
        match event.as_str() {
            "pull_request" => lines.push("    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\""),
            "release" => lines.push("    - if: $CI_COMMIT_TAG"),
            "push" => lines
                .push("    - if: $CI_PIPELINE_SOURCE == \"push\" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"),
            "schedule" => lines.extend([
                "    - if: $CI_PIPELINE_SOURCE == \"schedule\"",
                "      variables:",
                "        INPUT_MODE: render",
            ]),
            _ => lines.extend([
                "    - if: $CI_PIPELINE_SOURCE == \"web\"",
                "      variables:",
                "        INPUT_MODE: render",
            ]),
        }
    }
    lines.join("\n")
}
