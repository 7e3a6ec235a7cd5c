//! The table of events, over every event of GitHub and every form of its payload, and in SECURITY.md.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::github::read_event;
use super::gitlab;
use super::trust::*;

/// Names of GitHub's webhooks and of the events of workflows; source: docs.github.com, "Webhook events and payloads" and
/// "Events that trigger workflows".
const NAMES: &[&str] = &[
    "branch_protection_configuration",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "code_scanning_alert",
    "commit_comment",
    "create",
    "custom_property",
    "custom_property_promoted_to_enterprise",
    "custom_property_values",
    "delete",
    "dependabot_alert",
    "deploy_key",
    "deployment",
    "deployment_protection_rule",
    "deployment_review",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "github_app_authorization",
    "gollum",
    "image_version",
    "installation",
    "installation_repositories",
    "installation_target",
    "issue_comment",
    "issue_dependencies",
    "issues",
    "label",
    "marketplace_purchase",
    "member",
    "membership",
    "merge_group",
    "meta",
    "milestone",
    "org_block",
    "organization",
    "package",
    "page_build",
    "personal_access_token_request",
    "ping",
    "project",
    "project_card",
    "project_column",
    "projects_v2",
    "projects_v2_item",
    "projects_v2_status_update",
    "public",
    "pull_request",
    "pull_request_comment",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "pull_request_target",
    "push",
    "registry_package",
    "release",
    "repository",
    "repository_advisory",
    "repository_dispatch",
    "repository_import",
    "repository_ruleset",
    "repository_vulnerability_alert",
    "schedule",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "secret_scanning_scan",
    "security_advisory",
    "security_and_analysis",
    "sponsorship",
    "star",
    "status",
    "sub_issues",
    "team",
    "team_add",
    "watch",
    "workflow_call",
    "workflow_dispatch",
    "workflow_job",
    "workflow_run",
    // Not events, or not yet.
    "dynamic",
    "PUSH",
    "pull_request ",
    "unheard_of",
];

const SHA: &str = "cccccccccccccccccccccccccccccccccccccccc";
const BASE: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Forms of a pull request's head, and whether it is in the repository `o/r` with the id 1.
fn heads() -> Vec<(&'static str, Value, bool)> {
    let head = |repo: Value| json!({ "sha": "a".repeat(40), "ref": "x", "repo": repo });
    vec![
        ("same repository", head(json!({ "full_name": "o/r", "id": 1 })), true),
        ("same repository by name", head(json!({ "full_name": "o/r" })), true),
        ("renamed repository", head(json!({ "full_name": "o/old", "id": 1 })), true),
        ("fork", head(json!({ "full_name": "stranger/r", "id": 2 })), false),
        ("fork by name", head(json!({ "full_name": "stranger/r" })), false),
        (
            "a fork that took the name of a renamed repository",
            head(json!({ "full_name": "o/r", "id": 2 })),
            false,
        ),
        ("deleted head repository", head(json!(null)), false),
        ("no name and no id", head(json!({})), false),
        ("a name that is not a string", head(json!({ "full_name": ["o/r"] })), false),
        ("an id that is not a number", head(json!({ "full_name": "x/r", "id": "1" })), false),
        ("no head repository", json!({ "sha": "a".repeat(40) }), false),
        ("no head commit", json!({ "repo": { "full_name": "stranger/r", "id": 2 } }), false),
        ("no head", json!(null), false),
    ]
}

/// Forms of the member `repository`, and whether it says that the repository is public.
fn repositories() -> [(Value, bool); 5] {
    let repository = |more: Value| {
        let mut value = json!({ "id": 1, "full_name": "o/r", "default_branch": "main" });
        if let (Some(value), Some(more)) = (value.as_object_mut(), more.as_object()) {
            value.extend(more.clone());
        }
        value
    };
    [
        (repository(json!({ "private": false })), true),
        (repository(json!({ "private": true })), false),
        (repository(json!({ "private": "false" })), false),
        (repository(json!({})), false),
        (json!(null), false),
    ]
}

/// Reads an event of `o/r` at [`SHA`] on the branch `main`.
fn read(name: &str, path: &str, has_secrets: bool, proven: &[Proof]) -> (Trust, ConfigSource) {
    let environment = move |variable: &str| {
        let value = match variable {
            "GITHUB_EVENT_NAME" => name,
            "GITHUB_EVENT_PATH" => path,
            "GITHUB_REPOSITORY" => "o/r",
            "GITHUB_SHA" => SHA,
            "GITHUB_REF" => "refs/heads/main",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let event = read_event(&environment, has_secrets, &|proof| proven.contains(&proof)).expect("an event");
    (event.trust, event.config)
}

/// A payload in a file.
struct Payload(tempfile::NamedTempFile);

impl Payload {
    fn new(payload: &Value) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), payload.to_string()).expect("written");
        Self(file)
    }

    fn path(&self) -> String {
        self.0.path().display().to_string()
    }
}

#[test]
fn nothing_is_trusted_without_a_proof() {
    let checkouts: [&[Proof]; 3] = [&[], &[Proof::Checkout], &[Proof::Checkout, Proof::CleanCheckout]];
    let mut count = 0;
    for name in NAMES {
        for (form, head, is_own_head) in heads() {
            for (repository, is_public) in repositories() {
                let pull = json!({ "number": 7, "head": head, "base": { "sha": BASE,
                            "repo": { "id": 1, "full_name": "o/r" } } });
                let payload = json!({ "action": "created", "repository": repository, "pull_request": pull,
                            "workflow_run": { "id": 5, "head_sha": "a".repeat(40),
                                "head_repository": head["repo"] } });
                let payload = Payload::new(&payload);
                for has_secrets in [false, true] {
                    for proven in checkouts {
                        let (trust, config) = read(name, &payload.path(), has_secrets, proven);
                        let expected = match *name {
                            "push" | "create" | "merge_group" | "release" => true,
                            "pull_request"
                            | "pull_request_target"
                            | "pull_request_review"
                            | "pull_request_review_comment" => is_own_head,
                            "schedule"
                            | "workflow_dispatch"
                            | "repository_dispatch"
                            | "deployment"
                            | "deployment_status"
                            | "delete"
                            | "branch_protection_rule"
                            | "label"
                            | "milestone"
                            | "page_build"
                            | "public"
                            | "registry_package"
                            | "image_version" => proven.contains(&Proof::Checkout),
                            _ => proven.contains(&Proof::CleanCheckout),
                        };
                        let expected = match (expected, *name) {
                            (true, _) => Trust::Own,
                            (false, "pull_request") if is_public && !has_secrets => Trust::Fork,
                            (false, _) => Trust::Exposed,
                        };
                        let case = format!("{name}, {form}, {repository}, secrets {has_secrets}, {proven:?}");
                        assert_eq!(trust, expected, "{case}");
                        let is_of_base = expected == Trust::Exposed
                            || name.starts_with("pull_request_") && rule_for(name).proof == Proof::Head;
                        let base = if rule_for(name).proof == Proof::Head { BASE } else { SHA };
                        let expected = match is_of_base {
                            true => ConfigSource::Base(Some(base.to_owned())),
                            false => ConfigSource::Checkout,
                        };
                        assert_eq!(config, expected, "{case}");
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, NAMES.len() * 13 * 5 * 2 * 3);
}

/// What `is_proven` of the install script decides, over every event: nothing of an unproven run is built or run next to secrets.
#[cfg(unix)]
#[test]
fn the_install_script_builds_for_nobody_who_is_exposed() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/install.sh");
    let script = fs::read_to_string(script).expect("a script");
    let (_, function) = script.split_once("\nis_proven() {\n").expect("a function");
    let (function, _) = function.split_once("\n}\n").expect("an end");
    let program = format!(
        "is_proven() {{\n{function}\n}}\n\
         while read -r event head base private key; do\n\
         GITHUB_EVENT_NAME=$event HEAD_REPOSITORY=${{head#-}} BASE_REPOSITORY=${{base#-}} IS_PRIVATE=${{private#-}} \
         HAS_API_KEY=$key\n\
         is_proven && echo yes || echo no\ndone"
    );
    let (mut cases, mut expected) = (String::new(), Vec::new());
    for name in NAMES.iter().filter(|name| !name.contains(' ')) {
        for (head, base, is_own_head) in
            [("1", "1", true), ("2", "1", false), ("-", "1", false), ("-", "-", false)]
        {
            for private in ["false", "true", "-"] {
                for has_secrets in [false, true] {
                    cases += &format!("{name} {head} {base} {private} {has_secrets}\n");
                    let evidence = Evidence {
                        is_own_head,
                        is_public: private == "false",
                        has_secrets,
                        // The script does not look at the checkout, which could make git run programs.
                        checkout: &|_| false,
                    };
                    let rule = rule_for(name);
                    // Events that always have secrets prove too little for a build.
                    let is_possible = rule.proof == Proof::Event || rule.protects_forks;
                    expected.push((name, is_possible && rule.trust(&evidence) != Trust::Exposed));
                }
            }
        }
    }
    let mut bash = std::process::Command::new("bash");
    bash.env_clear().args(["-u", "-c", &program]);
    let mut child =
        bash.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().expect("bash");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), cases.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("an end").stdout;
    let output = String::from_utf8(output).expect("text");
    let decided = output.lines().map(|line| line == "yes").collect::<Vec<_>>();
    assert_eq!(decided.len(), expected.len());
    for ((line, built), (name, expected)) in cases.lines().zip(decided).zip(expected) {
        assert_eq!(built, expected, "{name}: {line}");
    }
    // The same credentials count.
    for name in crate::action::inputs::SECRETS.iter().chain(&["HEYGEN_API_KEY", "HYPERFRAMES_API_KEY"]) {
        assert!(function.contains(name), "{name}");
    }
}

#[test]
fn payloads_without_anything_are_exposed() {
    for name in NAMES.iter().filter(|name| rule_for(name).proof != Proof::Event) {
        for payload in [json!({}), json!([]), json!(null), json!({ "pull_request": 7 })] {
            let (trust, config) = read(name, &Payload::new(&payload).path(), false, &[]);
            assert_eq!(trust, Trust::Exposed, "{name} {payload}");
            assert!(matches!(config, ConfigSource::Base(_)), "{name} {payload}");
        }
    }
}

#[test]
fn pipelines_of_gitlab_are_trusted_by_their_project() {
    let common = [
        ("CI_PROJECT_PATH", "g/r"),
        ("CI_PROJECT_ID", "1"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_DEFAULT_BRANCH", "main"),
    ];
    let request = [("CI_MERGE_REQUEST_IID", "7"), ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
    let of = |id: &'static str, path: &'static str| {
        [("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", id), ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", path)]
    };
    let read = |variables: &[&[(&str, &str)]]| {
        let all = [&common[..], &variables.concat()].concat();
        let event = gitlab::read_event(&|name| {
            all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let event = event.expect("an event");
        (event.trust, event.config)
    };
    let base = ConfigSource::Base(Some("main".to_owned()));
    let sources =
        ["push", "web", "schedule", "api", "trigger", "pipeline", "chat", "parent_pipeline", "unheard_of"];
    for source in sources {
        let source = [("CI_PIPELINE_SOURCE", source)];
        for place in [("CI_COMMIT_BRANCH", "x"), ("CI_COMMIT_TAG", "v1")] {
            assert_eq!(
                read(&[&source, &[place]]),
                (Trust::Own, ConfigSource::Checkout),
                "{source:?} {place:?}"
            );
        }
        // The child of a merge request's pipeline may not know the merge request.
        assert_eq!(read(&[&source]), (Trust::Exposed, base.clone()), "{source:?}");
        assert_eq!(read(&[&source, &request, &of("2", "f/r")]), (Trust::Exposed, base.clone()), "{source:?}");
    }
    let source = [("CI_PIPELINE_SOURCE", "merge_request_event")];
    assert_eq!(read(&[&source, &request, &of("1", "g/r")]).0, Trust::Own);
    assert_eq!(read(&[&source, &request, &of("1", "g/old")]).0, Trust::Own, "renamed");
    assert_eq!(read(&[&source, &request, &of("2", "g/r")]).0, Trust::Exposed, "renamed away");
    assert_eq!(read(&[&source, &request]).0, Trust::Exposed, "no source project");
    let outside = [("CI_PIPELINE_SOURCE", "external_pull_request_event"), ("CI_COMMIT_BRANCH", "x")];
    let repository = |source: &'static str| {
        [
            ("CI_EXTERNAL_PULL_REQUEST_IID", "7"),
            ("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY", source),
            ("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY", "o/r"),
        ]
    };
    assert_eq!(read(&[&outside, &repository("o/r")]).0, Trust::Own);
    assert_eq!(read(&[&outside, &repository("f/r")]).0, Trust::Exposed);
    assert_eq!(read(&[&outside, &[("CI_EXTERNAL_PULL_REQUEST_IID", "7")]]).0, Trust::Exposed);
}

/// The part of SECURITY.md that is made of the table; `cargo xtask docs --update` writes it.
mod reference {
    use super::*;

    const START: &str = "<!-- The table is generated: cargo xtask docs --update -->\n";
    const END: &str = "<!-- End of the table -->\n";

    fn row(rule: &EventRule) -> String {
        let name = if rule.name.contains(' ') { rule.name.to_owned() } else { format!("`{}`", rule.name) };
        let actor = match rule.actor {
            Actor::Writers => "users with write access",
            Actor::Anyone => "anyone",
            Actor::Service => "GitHub",
        };
        let proof = match rule.proof {
            Proof::Event => "always",
            Proof::Head => "the head is in this repository, by its id",
            Proof::Checkout => "the checkout is the commit of the run or the tip of a branch",
            Proof::CleanCheckout => "the same, and no file was added or changed",
        };
        let otherwise = match (rule.proof, rule.protects_forks) {
            (Proof::Event, _) => "–",
            (_, true) => "fork in a public repository, if the run has no credentials; else exposed",
            (_, false) => "exposed",
        };
        let config = match rule.config(Trust::Own, None) {
            ConfigSource::Checkout => "checkout",
            ConfigSource::Base(_) => "base",
        };
        format!("| {name} | {actor} | {proof} | {config} | {otherwise} |\n")
    }

    #[test]
    fn security_md_has_the_table_of_events() {
        let rows = EVENTS.iter().chain([&OTHER_EVENT]).map(row).collect::<String>();
        let table = format!(
            "| Event | Started by | Own code, if | Its configuration | Otherwise |\n|---|---|---|---|---|\n{rows}"
        );
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
        let text = fs::read_to_string(&file).expect("a page");
        let (before, rest) = text.split_once(START).expect("a start");
        let (_, after) = rest.split_once(END).expect("an end");
        let page = format!("{before}{START}\n{table}\n{END}{after}");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&file, &page).expect("written");
        }
        let present = fs::read_to_string(&file).expect("a page");
        assert!(present == page, "SECURITY.md is out of date: run `cargo xtask docs --update`");
    }
}
