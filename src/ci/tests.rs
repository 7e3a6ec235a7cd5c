//! The registry, with the services that are supported and with the example.

use std::fs;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Findings;

use super::error::ProviderError;
use super::event::Subject;
use super::provider::{CiProvider, Publication, Section, Settings};
use super::registry::{default_output, detect, provider_names, workspace};

fn environment<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn connect(variables: &[(&str, &str)], output: &Path) -> Result<Option<Box<dyn CiProvider>>, ProviderError> {
    let settings = Settings {
        token: None,
        preview_branch: "previews".to_owned(),
        output_dir: output.to_owned(),
        has_secrets: false,
    };
    detect(&environment(variables), &settings)
}

const EXAMPLE: [(&str, &str); 5] = [
    ("EXAMPLE_CI", "1"),
    ("EXAMPLE_CHECKOUT", "/checkout"),
    ("EXAMPLE_COMMIT", "c1"),
    ("EXAMPLE_REPOSITORY", "o/r"),
    ("EXAMPLE_TRIGGER", "button"),
];

#[test]
fn another_service_is_detected_and_configured() {
    let variables = environment(&EXAMPLE);
    assert_eq!(workspace(&variables), Some(PathBuf::from("/checkout")));
    assert_eq!(default_output(&variables, Path::new("/checkout")), Path::new("/checkout/example-output"));
    let provider = connect(&EXAMPLE, Path::new("")).expect("an event").expect("a service");
    let event = provider.event();
    assert_eq!((event.name.as_str(), event.kind.as_str()), ("button", "workflow_dispatch"));
    assert_eq!((event.repository.as_str(), &event.subject), ("o/r", &Subject::Other));
    assert!(provider_names().ends_with(" or Example CI"));
}

#[test]
fn another_service_has_its_own_log_outputs_and_summary() {
    let folder = tempfile::tempdir().expect("a folder");
    let provider = connect(&EXAMPLE, folder.path()).expect("an event").expect("a service");
    let log = provider.log();
    assert_eq!(log.group_start("check"), "--- check");
    assert_eq!(log.group_end().as_deref(), Some("---"));
    assert_eq!(log.error("a", "b"), "!!! a: b");
    assert!(log.mask("secret").is_empty() && log.debug("text").is_none());
    provider.begin_group("check");
    provider.mask("secret");
    provider.end_group();
    provider.output("video-path", "v.mp4").expect("written");
    provider.summary("# Videos").expect("written");
    let written = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
    assert_eq!((written("video-path"), written("summary.md")), ("v.mp4".to_owned(), "# Videos".to_owned()));
}

#[test]
fn features_that_another_service_lacks_have_defaults() {
    let variables = [&EXAMPLE[..], &[("EXAMPLE_PULL_REQUEST", "7")]].concat();
    let provider = connect(&variables, Path::new("")).expect("an event").expect("a service");
    assert_eq!(provider.event().kind, "pull_request");
    let Subject::PullRequest(request) = &provider.event().subject else { panic!("a pull request") };
    let section = Section { key: "a".to_owned(), commit: "c1".to_owned(), texts: Vec::new() };
    let publication = Publication { key: "a", commit: "c1", media: &[], ..Publication::default() };
    for refused in [
        provider.comment(request, &section).err(),
        provider.publish(Some(request), publication, None).err(),
        provider.attach("v1", &[]).err(),
        provider.changed_files(request).err(),
        provider.file_at("c1", "a").err(),
    ] {
        assert!(matches!(refused, Some(ProviderError::Unsupported(_))), "{refused:?}");
    }
    assert!(!provider.mark_out_of_date(request).expect("nothing to mark"));
    provider.clean_up(Some(request)).expect("nothing to delete");
    assert_eq!(provider.annotate(&Findings::default()), 0);
}

#[test]
fn an_incomplete_environment_is_an_error() {
    let error = connect(&EXAMPLE[..2], Path::new("")).err().expect("no commit");
    assert_eq!(error.to_string(), "cannot read the event: EXAMPLE_COMMIT is not set");
    assert!(connect(&[], Path::new("")).expect("no error").is_none());
}

#[test]
fn workspaces_and_output_folders_are_those_of_the_service() {
    let place = |variables: &[(&str, &str)]| {
        let variables = environment(variables);
        (workspace(&variables), default_output(&variables, Path::new("/w")))
    };
    assert_eq!(
        place(&[("GITHUB_WORKSPACE", "/g"), ("RUNNER_TEMP", "/t")]),
        (Some(PathBuf::from("/g")), PathBuf::from("/t/hyperframes-ci"))
    );
    assert_eq!(
        place(&[("GITLAB_CI", "true"), ("CI_PROJECT_DIR", "/l")]),
        (Some(PathBuf::from("/l")), PathBuf::from("/w/hyperframes"))
    );
    // A self-hosted runner may set the variables of both.
    assert_eq!(
        place(&[("GITLAB_CI", "true"), ("RUNNER_TEMP", "/t")]),
        (None, PathBuf::from("/t/hyperframes-ci"))
    );
    let nowhere = std::env::temp_dir().join("hyperframes-ci");
    assert_eq!(place(&[("GITHUB_WORKSPACE", ""), ("GITLAB_CI", "")]), (None, nowhere));
}

#[test]
fn a_pipeline_that_a_user_started_is_called_workflow_dispatch() {
    let common = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_PATH", "g/r"),
        ("CI_PROJECT_ID", "1"),
        ("CI_PROJECT_DIR", "/l"),
        ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
        ("CI_COMMIT_SHA", "c1"),
    ];
    for (source, kind) in
        [("web", "workflow_dispatch"), ("schedule", "schedule"), ("push", "push"), ("", "pipeline")]
    {
        let variables = [&common[..], &[("CI_PIPELINE_SOURCE", source)]].concat();
        let provider = connect(&variables, Path::new("")).expect("an event").expect("a service");
        assert_eq!(provider.event().kind, kind);
    }
    let tag = [&common[..], &[("CI_COMMIT_TAG", "v1"), ("CI_PIPELINE_SOURCE", "web")]].concat();
    let provider = connect(&tag, Path::new("")).expect("an event").expect("a service");
    assert_eq!(provider.event().kind, "release");
}
