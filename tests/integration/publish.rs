//! `publish`, with the official command as the oracle of the emulator.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::real::provisioned;
use crate::support::{Emulator, KEY, Ran, clean, project, write};

/// An emulator, and a home with a sign-in for it.
struct Account {
    emulator: Emulator,
    home: tempfile::TempDir,
}

impl Account {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let session = json!({ "oauth": { "access_token": KEY, "expires_at": "2999-01-01T00:00:00Z" } });
        write(home.path(), ".heygen/credentials", &session.to_string());
        Self { emulator: Emulator::placeholder(&[]), home }
    }

    fn equip(&self, command: &mut Command) {
        let url = &self.emulator.url;
        command.env("HYPERFRAMES_PUBLISHED_PROJECTS_API_URL", url).env("HOME", self.home.path());
        command.env("HEYGEN_CONFIG_DIR", self.home.path().join(".heygen")).env("HEYGEN_MAX_RETRIES", "2");
    }

    fn command(&self, folder: &Path, flags: &[&str]) -> Command {
        // With an API key in the environment as well.
        let mut command = self.emulator.command();
        self.equip(&mut command);
        command.arg("publish").args(flags).arg("--json").current_dir(folder);
        command
    }

    fn publish(&self, folder: &Path, flags: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(folder, flags));
        assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY), "{ran:?}");
        assert!(!format!("{ran:?}").contains("claim"), "{ran:?}");
        ran
    }

    fn official(&self, folder: &Path, flags: &[&str]) -> Ran {
        let (node, script) = provisioned();
        let mut command = Command::new(node);
        clean(&mut command);
        self.equip(&mut command);
        command.arg(script).args(["publish", "--yes", "--no-proxy"]).args(flags).current_dir(folder);
        command.env("HYPERFRAMES_NO_UPDATE_CHECK", "1").env("DO_NOT_TRACK", "1").env("NO_COLOR", "1");
        Ran::from(command.output().unwrap())
    }

    /// The published projects.
    fn projects(&self) -> Vec<Value> {
        self.emulator.stats()["projects"].as_array().unwrap().clone()
    }

    fn script(&self, step: &str, action: &str) {
        self.emulator.script(&format!(r#"{{"rules": [{{"on": "{step}", "do": {action}}}]}}"#));
    }

    fn publications(&self) -> usize {
        let requests = self.emulator.requests();
        requests.iter().filter(|(_, path, _)| path.ends_with("/publish/complete")).count()
    }
}

/// What the file in the project says.
fn team_file(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join(".hyperframes/project.json")).unwrap()).unwrap()
}

#[test]
fn the_official_command_and_ours_update_the_same_project() {
    let account = Account::new();
    let folder = project();
    write(folder.path(), ".env", "SECRET=1");
    write(folder.path(), ".hyperframesignore", "!.env\n");
    account.official(folder.path(), &["--space", "space-1"]).ok();
    let first = account.projects();
    assert_eq!(first.len(), 1);
    let id = first[0]["project_id"].as_str().unwrap().to_owned();
    assert_eq!((&first[0]["claimed"], &first[0]["is_public"]), (&json!(true), &json!(false)));
    assert_eq!(team_file(folder.path()), json!({ "projectId": id, "spaceId": "space-1" }));
    let ours = account.publish(folder.path(), &["--title", "Launch"]).ok().json();
    assert_eq!((&ours["project_id"], &ours["updated"]), (&json!(id), &json!(true)));
    assert_eq!(ours["url"], format!("{}/p/{id}", account.emulator.url));
    let second = account.projects();
    assert_eq!(second.len(), 1);
    assert_eq!((&second[0]["versions"], &second[0]["title"]), (&json!(2), &json!("Launch")));
    assert_eq!((&second[0]["space"], &second[0]["file_count"]), (&json!("space-1"), &json!(1)), "no .env");
    account.official(folder.path(), &["--update", ours["url"].as_str().unwrap(), "--public"]).ok();
    let third = account.projects();
    assert_eq!((third.len(), &third[0]["versions"], &third[0]["is_public"]), (1, &json!(3), &json!(true)));
    // The other way round: what ours has published is updated by the official command.
    let other = project();
    let ours = account.publish(other.path(), &[]).ok().json();
    assert_eq!(ours["updated"], false);
    assert_eq!(team_file(other.path()), json!({ "projectId": ours["project_id"] }));
    account.official(other.path(), &[]).ok();
    assert_eq!((account.projects().len(), &account.projects()[1]["versions"]), (2, &json!(2)));
}

#[test]
fn the_official_command_without_a_sign_in_gets_a_claim_link_and_ours_refuses() {
    let account = Account::new();
    let folder = project();
    write(account.home.path(), ".heygen/credentials", KEY);
    let theirs = account.official(folder.path(), &[]).ok();
    assert!(theirs.stdout.contains("claim_token="), "{theirs:?}");
    assert_eq!(account.projects()[0]["claimed"], false);
    let before = account.emulator.requests().len();
    let ran = account.publish(folder.path(), &[]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (3, Some("sign_in_required")), "{ran:?}");
    assert_eq!(account.emulator.requests().len(), before, "nothing was sent");
    write(account.home.path(), ".heygen/credentials", r#"{"oauth": {"access_token": "wrong"}}"#);
    let (theirs, ours) = (account.official(folder.path(), &[]), account.publish(folder.path(), &[]));
    assert_eq!((theirs.code, ours.code), (1, 3), "{ours:?}");
}

#[test]
fn a_project_that_the_account_does_not_have_is_published_anew_with_a_warning() {
    let account = Account::new();
    let folder = project();
    let mut command = account.emulator.command();
    account.equip(&mut command);
    let ran =
        Ran::of(command.args(["publish", "--update", "https://x.example/p/gone"]).current_dir(folder.path()));
    assert!(ran.code == 0 && ran.stderr.contains("the project gone was not found"), "{ran:?}");
    assert!(!folder.path().join(".hyperframes").exists());
    for bad in [&["--update", "a b"][..], &["--space", "a\nb"]] {
        assert_eq!(account.publish(folder.path(), bad).code, 2, "{bad:?}");
    }
    write(folder.path(), ".hyperframes/project.json", "{}");
    let ran = account.publish(folder.path(), &[]);
    assert_eq!(ran.error()["code"], "invalid_project_file", "{ran:?}");
    write(folder.path(), "index.html", "<html><img src=\"gone.png\"></html>");
    assert_eq!(account.publish(folder.path(), &["--update", "x"]).code, 5);
    assert_eq!(account.projects().len(), 1);
}

#[test]
fn the_configuration_has_defaults_of_the_flags() {
    let account = Account::new();
    let folder = project();
    write(folder.path(), "hyperframes-ci.toml", "[publish]\nspace = \"s1\"\npublic = true\n");
    account.publish(folder.path(), &[]).ok();
    account.publish(folder.path(), &["--space", "s2"]).ok();
    let projects = account.projects();
    assert_eq!((&projects[0]["is_public"], &projects[0]["space"]), (&json!(true), &json!("s2")));
    let mut command = account.emulator.command();
    let shown = Ran::of(command.args(["config", "show", "--json"]).current_dir(folder.path())).ok().json();
    let shown = &shown["settings"]["publish"];
    assert_eq!(shown["value"], json!({ "space": "s1", "public": true }));
    assert!(shown["origin"].as_str().unwrap().ends_with("hyperframes-ci.toml:1"), "{shown}");
}

#[test]
fn faults_lead_to_one_project() {
    for (step, fault) in [
        ("publish_upload", r#"{"status": 503}"#),
        ("publish_upload", r#""drop_before""#),
        ("publish_upload", r#""drop_after""#),
        ("put", r#"{"status": 500}"#),
        ("put", r#""drop_before""#),
        ("put", r#""drop_after""#),
        ("put", r#""expire""#),
        ("publish", r#"{"status": 429, "retry_after": "0"}"#),
    ] {
        let account = Account::new();
        let folder = project();
        account.script(step, fault);
        account.publish(folder.path(), &[]).ok();
        assert_eq!(account.projects().len(), 1, "{step} {fault}");
    }
}

#[test]
fn a_new_project_is_not_requested_twice_if_the_answer_is_lost_and_a_known_one_is() {
    for (fault, published) in [
        (r#""drop_before""#, 0),
        (r#""drop_after""#, 1),
        (r#"{"status": 500}"#, 0),
        (r#"{"truncate": 10}"#, 1),
        (r#""html""#, 0),
    ] {
        let account = Account::new();
        let folder = project();
        account.script("publish", fault);
        let ran = account.publish(folder.path(), &[]);
        assert_eq!(
            (ran.code, ran.error()["code"].as_str()),
            (1, Some("publication_unconfirmed")),
            "{fault}: {ran:?}"
        );
        assert_eq!((account.projects().len(), account.publications()), (published, 1), "{fault}");
        // The next run sends the same ID.
        let pending = team_file(folder.path());
        assert_eq!(pending["pending"], true);
        let id = account.publish(folder.path(), &[]).ok().json()["project_id"].clone();
        assert_eq!(team_file(folder.path()), json!({ "projectId": id }));
        account.script("publish", fault);
        let updated = account.publish(folder.path(), &[]).ok().json();
        assert_eq!((&updated["project_id"], &updated["updated"]), (&id, &json!(true)), "{fault}");
        assert_eq!(account.projects().len(), published + 1, "{fault}");
    }
}

fn wait_for(account: &Account, path: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !account.emulator.requests().iter().any(|(_, known, status)| known.contains(path) && *status == 0) {
        assert!(Instant::now() < deadline, "{path} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn killed_at_every_step_the_next_run_publishes_one_project() {
    for (step, path) in
        [("publish_upload", "/publish/upload"), ("put", "/pub_"), ("publish", "/publish/complete")]
    {
        for fault in ["stall_before", "stall_after"] {
            let account = Account::new();
            let folder = project();
            account.script(step, &format!("\"{fault}\""));
            let mut command = account.command(folder.path(), &[]);
            let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_for(&account, path);
            child.kill().unwrap();
            child.wait().unwrap();
            account.publish(folder.path(), &[]).ok();
            // A project of which nobody was told the ID cannot be found again.
            let expected = if (step, fault) == ("publish", "stall_after") { 2 } else { 1 };
            assert_eq!(account.projects().len(), expected, "{step} {fault}");
        }
    }
}
