//! Payloads of webhooks: whose code a run has checked out, and what the action does.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;

use crate::action::mode::Mode;
use crate::ci::{self, ConfigSource, Settings, Subject, Trust};

/// Events whose payload decides, and events that it must not decide.
const NAMES: &[&str] = &[
    "pull_request",
    "pull_request_target",
    "pull_request_review",
    "workflow_run",
    "issue_comment",
    "release",
    "push",
    "workflow_dispatch",
    "check_suite",
    "unheard_of",
];

/// The first byte selects the event and whether the run has credentials; the rest is the payload.
pub(super) fn run(input: &[u8]) {
    let Some((first, payload)) = input.split_first() else { return };
    let name = NAMES[usize::from(first & 0x7f) % NAMES.len()];
    let has_secrets = first & 0x80 != 0;
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(payload).expect("written");
    let path = file.path().to_string_lossy().into_owned();
    // Without a workspace, nothing but the event and its payload proves anything.
    let environment = |name_of_variable: &str| match name_of_variable {
        "GITHUB_EVENT_NAME" => Some(name.to_owned()),
        "GITHUB_EVENT_PATH" => Some(path.clone()),
        "GITHUB_REPOSITORY" => Some("o/r".to_owned()),
        "GITHUB_API_URL" => Some("http://127.0.0.1:9".to_owned()),
        _ => None,
    };
    let settings = Settings {
        token: None,
        preview_branch: "previews".to_owned(),
        output_dir: PathBuf::from("out"),
        has_secrets,
    };
    let Ok(Some(provider)) = ci::detect(&environment, &settings) else { return };
    let event = provider.event();
    let payload = serde_json::from_slice::<Value>(payload).expect("an event has a payload of JSON");
    let at = |pointer: &str| payload.pointer(pointer).cloned().unwrap_or_default();
    let expected = match name {
        "release" | "push" => Trust::Own,
        _ if name.starts_with("pull_request") && is_own(&at) => Trust::Own,
        "pull_request" if at("/repository/private") == Value::Bool(false) && !has_secrets => Trust::Fork,
        _ => Trust::Exposed,
    };
    assert_eq!(event.trust, expected, "{name}");
    if expected == Trust::Exposed {
        assert!(matches!(event.config, ConfigSource::Base(_)), "{name}: {:?}", event.config);
    }
    let mode = Mode::Auto.for_event(event, None);
    let is_hexadecimal = |sha: &str| sha.len() >= 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    match &event.subject {
        Subject::PullRequest(request) => {
            assert!(is_hexadecimal(&request.head) && is_hexadecimal(&request.base), "{request:?}");
            assert!(request.is_fork || is_own(&at), "{request:?}");
            assert!(name.starts_with("pull_request") && matches!(mode, Mode::Preview | Mode::Cleanup));
        }
        Subject::Run(run) => {
            assert!(is_hexadecimal(&run.head) && run.repository.split('/').count() == 2, "{run:?}");
            assert!(name == "workflow_run" && mode == Mode::WorkflowRun);
        }
        Subject::Release { tag } => assert!(!tag.is_empty() && name == "release" && mode == Mode::Release),
        Subject::MergeGroup { base } => {
            assert!(is_hexadecimal(base) && name == "merge_group" && mode == Mode::Check);
        }
        // Without a token, no author of a comment has a permission.
        Subject::Refused(_) => assert_eq!(name, "issue_comment"),
        Subject::Command(command) => panic!("not resolved: {command:?}"),
        Subject::Other => assert_eq!(mode, Mode::Check),
    }
}

/// Whether the head of the pull request is in the repository `o/r`: by its id, or by its name where an id is unknown.
fn is_own(at: &dyn Fn(&str) -> Value) -> bool {
    let sha = at("/pull_request/head/sha");
    let is_commit = sha.as_str().is_some_and(|sha| {
        (sha.len() == 40 || sha.len() == 64) && sha.chars().all(|digit| digit.is_ascii_hexdigit())
    });
    let has = |side: &str| at(&format!("/pull_request/{side}/repo")).get("id").is_some();
    let id = |side: &str| at(&format!("/pull_request/{side}/repo/id"));
    let is_same = match has("head") && has("base") {
        true => id("head").is_u64() && id("head") == id("base"),
        false => at("/pull_request/head/repo/full_name") == "o/r",
    };
    is_commit && is_same
}
