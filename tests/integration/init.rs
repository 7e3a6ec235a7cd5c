//! `init`: the files that it writes for repositories of several kinds, and the files that it leaves alone.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;
use tempfile::TempDir;

use crate::support::{html, names, run_in, write};

const WORKFLOW: &str = ".github/workflows/hyperframes.yml";
const CONFIG: &str = "hyperframes-ci.toml";

/// A repository with these projects.
fn repository(projects: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for project in projects {
        write(folder.path(), &format!("{project}/index.html"), &html(1280, 720, ""));
    }
    folder
}

fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(folder: &Path, path: &str) -> Yaml {
    serde_yaml_ng::from_str(&read(folder, path)).unwrap()
}

/// Runs `init --json` with these flags and returns its outcome.
fn init(folder: &Path, flags: &[&str]) -> Value {
    run_in(folder, &[&["init", "--json"], flags].concat()).ok().json()
}

/// The action on a file; `Null` if it is not in the outcome.
fn action(outcome: &Value, path: &str) -> Value {
    let files = outcome["files"].as_array().unwrap();
    files.iter().find(|file| file["path"] == path).map_or(Value::Null, |file| file["action"].clone())
}

/// The projects of the entries that the program reads from the configuration.
fn entries(folder: &Path) -> Vec<String> {
    let shown = run_in(folder, &["config", "show", "--json"]).ok().json();
    let entries = shown["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["project"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_repository_with_one_project_gets_a_complete_workflow() {
    let folder = repository(&["videos/launch"]);
    let ran = run_in(folder.path(), &["init"]).ok();
    assert!(ran.stdout.contains("created  .github/workflows/hyperframes.yml"), "{ran:?}");
    assert!(ran.stdout.contains("app.heygen.com/settings/api"), "{ran:?}");
    assert!(ran.stdout.contains("gh secret set HEYGEN_API_KEY"), "{ran:?}");
    let workflow = yaml(folder.path(), WORKFLOW);
    assert!(workflow["on"]["pull_request"]["types"].is_sequence());
    assert_eq!(workflow["permissions"], Yaml::Mapping(serde_yaml_ng::Mapping::new()));
    assert!(workflow["concurrency"]["group"].as_str().unwrap().contains("pull_request.number"));
    let job = &workflow["jobs"]["videos"];
    assert!(job["timeout-minutes"].is_u64());
    assert_eq!(job["permissions"]["pull-requests"], "write");
    assert_eq!(job["steps"][0]["with"]["persist-credentials"], false);
    let major = env!("CARGO_PKG_VERSION").split('.').next().unwrap();
    assert_eq!(job["steps"][1]["uses"], format!("hyperframes-ci/hyperframes-ci@v{major}").as_str());
    for limit in ["max-renders", "max-seconds"] {
        assert!(job["steps"][1]["with"][limit].is_u64(), "{limit}");
    }
    assert_eq!(entries(folder.path()), ["videos/launch"]);
    run_in(folder.path(), &["check", "--all"]).ok();
}

#[test]
fn every_input_of_the_workflow_is_one_of_the_action() {
    let action: Yaml =
        serde_yaml_ng::from_str(&fs::read_to_string(crate::support::root().join("action.yml")).unwrap())
            .unwrap();
    let folder = repository(&["a"]);
    init(folder.path(), &["--on", "pull_request,release,push,schedule,workflow_dispatch"]);
    let workflow = yaml(folder.path(), WORKFLOW);
    for (input, _) in workflow["jobs"]["videos"]["steps"][1]["with"].as_mapping().unwrap() {
        assert!(action["inputs"].get(input).is_some(), "{input:?}");
    }
    assert!(read(folder.path(), WORKFLOW).contains("branches: [main]"));
}

#[test]
fn an_empty_repository_is_told_how_to_create_a_project() {
    let folder = repository(&[]);
    let outcome = init(folder.path(), &[]);
    assert_eq!(outcome["projects"], serde_json::json!([]));
    let step = outcome["next_steps"][0].as_str().unwrap();
    assert!(step.contains("npx hyperframes init") && step.contains("examples/launch-card"), "{step}");
    assert_eq!(entries(folder.path()), [] as [&str; 0]);
    // The entry in the comments is valid.
    let commented = read(folder.path(), CONFIG).replace("# [[", "[[").replace("# project", "project");
    write(folder.path(), CONFIG, &commented.replace("# on", "on"));
    assert_eq!(entries(folder.path()), ["videos/launch"]);
}

#[test]
fn a_page_that_is_not_a_composition_is_not_a_project() {
    let folder = repository(&["videos/launch"]);
    write(folder.path(), "index.html", "<p>A website</p>");
    assert_eq!(init(folder.path(), &[])["projects"], serde_json::json!(["videos/launch"]));
}

#[test]
fn every_project_of_a_monorepo_is_an_entry() {
    let projects = (1..=13).map(|number| format!("teams/{}/video-{number}", number % 3)).collect::<Vec<_>>();
    let folder = repository(&projects.iter().map(String::as_str).collect::<Vec<_>>());
    // From a subdirectory as well.
    let outcome = init(&folder.path().join("teams/0"), &[]);
    assert_eq!(outcome["projects"].as_array().unwrap().len(), 13);
    let mut expected = projects.clone();
    expected.sort();
    assert_eq!(entries(folder.path()), expected);
    run_in(folder.path(), &["check", "--all"]).ok();
    // A project that is added later is an entry to add.
    write(folder.path(), "teams/new/index.html", &html(1280, 720, ""));
    let outcome = init(folder.path(), &[]);
    assert_eq!(action(&outcome, CONFIG), "skip");
    let additions = outcome["additions"].as_array().unwrap();
    assert_eq!(additions.len(), 1);
    let lines = additions[0]["lines"].as_str().unwrap();
    assert!(lines.contains("project = \"teams/new\"") && !lines.contains("video-1"), "{lines}");
}

#[test]
fn a_directory_without_git_works_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "videos/a/index.html", &html(1280, 720, ""));
    let ran = run_in(folder.path(), &["init"]).ok();
    assert!(ran.stderr.contains("is not in a Git repository"), "{ran:?}");
    assert!(ran.stdout.contains("git init"), "{ran:?}");
    assert!(folder.path().join(WORKFLOW).is_file());
}

#[test]
fn a_second_run_changes_nothing() {
    let folder = repository(&["a"]);
    init(folder.path(), &["--hooks", "husky"]);
    let before = (read(folder.path(), WORKFLOW), read(folder.path(), CONFIG));
    let outcome = init(folder.path(), &["--hooks", "husky"]);
    for path in [WORKFLOW, CONFIG, ".husky/pre-commit"] {
        assert_eq!(action(&outcome, path), "unchanged", "{path}");
    }
    assert_eq!(outcome["additions"], serde_json::json!([]));
    assert_eq!(before, (read(folder.path(), WORKFLOW), read(folder.path(), CONFIG)));
}

#[test]
fn existing_files_are_replaced_with_force_only() {
    let folder = repository(&["a"]);
    write(folder.path(), CONFIG, "# mine\n");
    let outcome = init(folder.path(), &[]);
    assert_eq!((action(&outcome, CONFIG), action(&outcome, WORKFLOW)), ("skip".into(), "create".into()));
    assert_eq!(read(folder.path(), CONFIG), "# mine\n");
    let outcome = init(folder.path(), &["--force"]);
    assert_eq!(action(&outcome, CONFIG), "replace");
    assert_eq!(entries(folder.path()), ["a"]);
}

#[test]
fn a_dry_run_prints_the_files_and_writes_none() {
    let folder = repository(&["a"]);
    let before = names(folder.path());
    let ran = run_in(folder.path(), &["init", "--dry-run", "--hooks", "pre-commit"]).ok();
    assert!(ran.stdout.contains("permissions: {}") && ran.stdout.contains("[[render]]"), "{ran:?}");
    let outcome = init(folder.path(), &["--dry-run"]);
    assert_eq!(names(folder.path()), before);
    let contents = outcome["files"][0]["contents"].as_str().unwrap().to_owned();
    init(folder.path(), &[]);
    assert_eq!(read(folder.path(), WORKFLOW), contents);
}

#[test]
fn a_workflow_that_already_uses_the_action_stays_the_only_one() {
    let folder = repository(&["a"]);
    write(
        folder.path(),
        ".github/workflows/videos.yaml",
        "jobs:\n  a:\n    steps:\n      - uses: hyperframes-ci/hyperframes-ci@abc\n",
    );
    let outcome = init(folder.path(), &["--force"]);
    assert_eq!(action(&outcome, WORKFLOW), "skip");
    let reason = outcome["files"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("videos.yaml already uses"), "{reason}");
    assert!(!folder.path().join(WORKFLOW).exists());
}

#[test]
fn configuration_files_of_hook_managers_are_never_edited() {
    for (hooks, path, text) in [
        ("pre-commit", ".pre-commit-config.yaml", "repos: []\n"),
        ("lefthook", "lefthook.yml", "pre-push:\n"),
        ("lefthook", ".lefthook.yaml", "pre-push:\n"),
        ("husky", ".husky/pre-commit", "npm test\n"),
    ] {
        let folder = repository(&["a"]);
        write(folder.path(), path, text);
        let ran = run_in(folder.path(), &["init"]).ok();
        assert!(ran.stderr.contains(&format!("--hooks {hooks}")), "{ran:?}");
        let outcome = init(folder.path(), &["--force", "--hooks", hooks]);
        assert_eq!(read(folder.path(), path), text);
        assert_eq!(action(&outcome, path), "skip", "{path}");
        let addition = &outcome["additions"][0];
        assert_eq!(addition["path"], path);
        // With the lines added, nothing is left to do.
        write(folder.path(), path, &format!("{text}{}", addition["lines"].as_str().unwrap()));
        let outcome = init(folder.path(), &["--hooks", hooks]);
        assert_eq!(action(&outcome, path), "unchanged", "{path}");
        let ran = run_in(folder.path(), &["init"]).ok();
        assert!(!ran.stderr.contains("--hooks"), "{ran:?}");
    }
}

#[test]
fn hooks_are_written_where_there_are_none() {
    for (hooks, path) in [
        ("pre-commit", ".pre-commit-config.yaml"),
        ("lefthook", "lefthook.yml"),
        ("husky", ".husky/pre-commit"),
    ] {
        let folder = repository(&["a"]);
        let outcome = init(folder.path(), &["--ci", "none", "--hooks", hooks]);
        assert_eq!(action(&outcome, path), "create");
        assert_eq!(action(&outcome, WORKFLOW), Value::Null);
        assert!(read(folder.path(), path).contains("hyperframes"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o111 != 0, hooks == "husky", "{mode:o}");
        }
    }
}

#[test]
fn gitlab_is_detected_and_its_pipeline_is_not_edited() {
    let folder = repository(&["a"]);
    write(folder.path(), ".git/config", "[remote \"origin\"]\n\turl = git@gitlab.com:a/b.git\n");
    let outcome = init(folder.path(), &[]);
    assert_eq!(outcome["ci"], "gitlab");
    let pipeline = yaml(folder.path(), ".gitlab-ci.yml");
    let job = pipeline["include"][0]["local"].as_str().unwrap();
    assert!(yaml(folder.path(), job)["hyperframes"]["rules"].is_sequence());

    let folder = repository(&["a"]);
    write(folder.path(), ".gitlab-ci.yml", "test:\n  script: [make]\n");
    let outcome = init(folder.path(), &["--force"]);
    assert_eq!((outcome["ci"].as_str(), action(&outcome, ".gitlab-ci.yml")), (Some("gitlab"), "skip".into()));
    assert!(outcome["additions"][0]["lines"].as_str().unwrap().contains(job));
    let steps = outcome["next_steps"].to_string();
    assert!(steps.contains("git add") && steps.contains(" .gitlab-ci.yml\\ngit commit"), "{steps}");
    assert_eq!(read(folder.path(), ".gitlab-ci.yml"), "test:\n  script: [make]\n");
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_repository_are_refused() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "config.toml", "# theirs\n");
    for (link, target) in [
        (".github", "."),
        (CONFIG, "config.toml"),
        (CONFIG, "absent.toml"),
        (".husky", "."),
        ("hyperframes-ci.toml", "."),
    ] {
        let folder = repository(&["a"]);
        symlink(outside.path().join(target), folder.path().join(link)).unwrap();
        let ran = run_in(folder.path(), &["init", "--json", "--force", "--hooks", "husky"]);
        assert_eq!(ran.code, 2, "{link} to {target}: {ran:?}");
        assert_eq!(ran.error()["code"], "output_not_writable");
        assert_eq!(names(outside.path()), ["config.toml"]);
        assert_eq!(read(outside.path(), "config.toml"), "# theirs\n");
        // The other files are not written either.
        assert!(!folder.path().join(WORKFLOW).exists());
    }
    // Projects behind links are not found, and lines are not read through them.
    let folder = repository(&[]);
    write(outside.path(), "project/index.html", &html(1280, 720, ""));
    write(outside.path(), "lefthook.yml", "hyperframes\n");
    symlink(outside.path().join("project"), folder.path().join("project")).unwrap();
    symlink(outside.path().join("lefthook.yml"), folder.path().join("lefthook.yml")).unwrap();
    let outcome = init(folder.path(), &["--hooks", "lefthook"]);
    assert_eq!(outcome["projects"], serde_json::json!([]));
    assert_eq!(action(&outcome, "lefthook.yml"), "skip");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_if_one_folder_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let folder = repository(&["a"]);
    // A file in the way of a folder: root may write to folders that are read-only.
    write(folder.path(), ".husky", "");
    let ran = run_in(folder.path(), &["init", "--hooks", "husky"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(names(folder.path()), [".git", ".husky", "a"]);
    fs::remove_file(folder.path().join(".husky")).unwrap();

    let locked = folder.path().join(".husky");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), "").is_ok() {
        return;
    }
    let ran = run_in(folder.path(), &["init", "--json", "--hooks", "husky"]);
    assert_eq!(ran.error()["code"], "output_not_writable");
    assert_eq!(names(folder.path()), [".git", ".husky", "a"]);
}

#[test]
fn a_directory_that_does_not_exist_is_a_usage_error() {
    let folder = repository(&[]);
    let ran = run_in(folder.path(), &["init", "--json", "gone"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("directory_not_found")));
}

#[test]
fn a_name_that_could_deceive_is_escaped() {
    let folder = repository(&["videos/a\u{202e}b"]);
    let ran = run_in(folder.path(), &["init"]).ok();
    assert!(!ran.stdout.contains('\u{202e}') && !ran.stderr.contains('\u{202e}'), "{ran:?}");
    let text = read(folder.path(), CONFIG);
    assert!(text.contains(r#"project = "videos/a\u202eb""#), "{text}");
    assert_eq!(entries(folder.path()), ["videos/a\u{202e}b"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_project_whose_name_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let folder = repository(&["good"]);
    let odd = folder.path().join(std::ffi::OsStr::from_bytes(b"od\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("index.html"), html(1280, 720, "")).unwrap();
    let ran = run_in(folder.path(), &["init"]).ok();
    assert!(ran.stderr.contains("skipped od\u{fffd}: its name is not valid UTF-8"), "{ran:?}");
    assert_eq!(entries(folder.path()), ["good"]);
}

#[test]
fn a_choice_between_services_is_shown() {
    let folder = repository(&["a"]);
    write(folder.path(), ".gitlab-ci.yml", "stages: []\n");
    fs::create_dir_all(folder.path().join(".github/workflows")).unwrap();
    let ran = run_in(folder.path(), &["init", "--dry-run"]).ok();
    assert!(ran.stderr.contains("chose GitHub Actions (--ci gitlab chooses the other)"), "{ran:?}");
    let ran = run_in(folder.path(), &["init", "--dry-run", "--ci", "github"]).ok();
    assert!(!ran.stderr.contains("chose"), "{ran:?}");
}
