//! What every command prints with `--json` is what `schema output` says, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::contract::{mistake, names, outputs};
use crate::support::{Emulator, Ran, command, listener, project, write};

/// Members whose contents are not ours: the API's, or whatever the user has written.
const FOREIGN: [&str; 4] = ["request", "user", "billing", "expires_at"];

/// Places of entries that are passed on as the API describes them.
const CATALOGUES: [&str; 4] = ["/voices/", "/avatars/", "/groups/", "/sounds/"];

/// The outputs of the commands that it has run.
#[derive(Default)]
struct Outputs(BTreeMap<String, Vec<Value>>);

impl Outputs {
    fn run(&mut self, command: &mut Command, folder: &Path, arguments: &[&str]) -> Ran {
        let ran = Ran::of(command.args(arguments).arg("--json").current_dir(folder));
        for (name, output) in outputs(arguments, &ran) {
            self.0.entry(name).or_default().push(output);
        }
        ran
    }
}

/// Runs every command, well and badly; the outputs have been held against their schemas.
fn all() -> Outputs {
    let mut all = Outputs::default();
    let emulator = Emulator::placeholder(&["--render-seconds", "0.2"]);
    all.0
        .entry("emulator".to_owned())
        .or_default()
        .push(json!({ "url": emulator.url, "api_key": null, "placeholder": true }));
    let folder = project();
    let folder = folder.path();
    write(folder, "rows.csv", "title\nAda\nGrace\n");
    write(folder, "wrong.csv", "title,size\nAda,1\nGrace,\n");
    write(
        folder,
        "hyperframes-ci.toml",
        "[[render]]\nname = \"teaser\"\nproject = \".\"\nfps = 24\non = [\"push\"]\n\n\
         [[render]]\nname = \"rows\"\nproject = \".\"\nrows = \"rows.csv\"\noutput = \"out/{title}.{ext}\"\n",
    );
    let mut ran = |code: i32, arguments: &[&str]| {
        let ran = all.run(&mut emulator.command(), folder, arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        ran.stdout
    };
    let submitted: Value = serde_json::from_str(&ran(0, &["render", "--no-wait"])).unwrap();
    let id = submitted["render"]["render_id"].as_str().unwrap();
    ran(0, &["get", id]);
    ran(0, &["collect"]);
    ran(1, &["collect", "hfr_none"]);
    ran(0, &["get", id, "-o", "renders/got.mp4"]);
    ran(0, &["render", "-o", "renders/a.mp4"]);
    let asset = submitted["asset_id"].as_str().unwrap();
    ran(0, &["render", "--asset-id", asset, "-o", "renders/b.mp4"]);
    ran(0, &["render", "--emulator", "--dry-run"]);
    let batch = ["render", "--batch", "rows.csv", "-o", "renders/{title}.{ext}"];
    ran(0, &[&batch[..], &["--dry-run"]].concat());
    ran(0, &batch);
    ran(0, &[&batch[..], &["--dry-run"]].concat());
    ran(5, &["render", "--batch", "wrong.csv", "--strict-variables", "--dry-run"]);
    ran(5, &["render", "--batch", "wrong.csv", "--strict-variables"]);
    ran(0, &["render", "--all", "--dry-run"]);
    ran(0, &["render", "--all"]);
    ran(6, &["render", "--all", "--no-reuse", "--max-renders", "0"]);
    ran(0, &["check"]);
    ran(0, &["check", "--explain", "missing-asset"]);
    ran(0, &["pack", "--list"]);
    ran(0, &["pack", "-o", "renders/project.zip"]);
    ran(0, &["list", "--limit", "1"]);
    ran(0, &["list", "--all"]);
    ran(0, &["doctor"]);
    ran(0, &["diff", "renders/a.mp4", "renders/b.mp4"]);
    ran(0, &["config", "show"]);
    ran(0, &["config", "show", "--entry", "rows"]);
    let media = "[[media]]\nfile = \"voice.wav\"\ntext = \"Hi\"\nvoice = \"emulator-old\"\n";
    write(folder, "media.toml", media);
    let media = |command| ["media", command, "--config", "media.toml"];
    ran(5, &media("check"));
    ran(2, &media("adopt"));
    ran(1, &media("generate"));
    let header =
        "RIFF\x2d\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x08\0\0\0";
    write(folder, "voice.wav", &format!("{header}--------"));
    ran(5, &media("generate"));
    for command in ["plan", "adopt", "check", "generate", "fetch", "push"] {
        ran(0, &media(command));
    }
    let kept =
        "[[media]]\nfile = \"voice.wav\"\ntext = \"Hi\"\nvoice = \"emulator-old\"\nstore = \"branch\"\n";
    write(folder, "media.toml", kept);
    ran(0, &media("fetch"));
    ran(2, &media("push"));
    for list in [&["voices"][..], &["avatars"], &["avatars", "--groups"], &["languages"], &["sounds", "calm"]]
    {
        ran(0, &[&["media", "list"], list].concat());
    }
    ran(0, &["quota"]);
    ran(0, &["init", "--dry-run"]);
    ran(0, &["init", "--ci", "gitlab", "--hooks", "lefthook"]);
    ran(0, &["delete", id, "--force"]);
    ran(1, &["get", id]);
    ran(2, &["delete", id]);
    ran(2, &["render", "--fps", "0"]);
    ran(4, &["render", "--no-reuse", "-o", "renders/d.mp4", "--max-wait", "0.0001"]);
    emulator.script(r#"{"rules": [{"on": "render", "times": 9, "do": {"fail": "no fonts"}}]}"#);
    ran(1, &["render", "--title", "lost", "-o", "renders/e.mp4", "--fps", "50"]);
    ran(1, &["render", "--no-reuse", "--batch", "rows.csv", "-o", "renders/f-{title}.{ext}"]);
    emulator.script(r#"{"rules": [{"on": "submit", "times": 9, "do": {"status": 400}}]}"#);
    ran(1, &["render", "--fps", "51", "-o", "renders/g.mp4"]);
    write(folder, "index.html", "<html><img src=\"gone.png\"></html>");
    ran(5, &["check"]);
    ran(5, &["render"]);
    publish(&mut all, &emulator);
    sign_in(&mut all, &emulator, folder);
    webhooks(&mut all, folder);
    all
}

/// The command that needs a sign-in.
fn publish(all: &mut Outputs, emulator: &Emulator) {
    let (folder, home) = (project(), tempfile::tempdir().unwrap());
    let session = json!({ "oauth": { "access_token": crate::support::KEY } });
    write(home.path(), "credentials", &session.to_string());
    for code in [0, 0] {
        let mut command = command();
        command.env("HEYGEN_API_URL", &emulator.url).env("HEYGEN_CONFIG_DIR", home.path());
        assert_eq!(all.run(&mut command, folder.path(), &["publish"]).code, code);
    }
}

/// The commands that sign in and out.
fn sign_in(all: &mut Outputs, emulator: &Emulator, folder: &Path) {
    let answer = json!({ "access_token": "new", "refresh_token": "next", "expires_in": 60 }).to_string();
    let (tokens, _) = listener(move |_, _| format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{answer}"));
    let home = tempfile::tempdir().unwrap();
    let mut run = |arguments: &[&str], key: Option<&str>| {
        let mut command = command();
        command.env("HEYGEN_API_URL", &emulator.url).env("HEYGEN_CONFIG_DIR", home.path());
        command.env("HYPERFRAMES_OAUTH_TOKEN_URL", &tokens).env("HYPERFRAMES_OAUTH_REVOKE_URL", &tokens);
        if let Some(key) = key {
            write(home.path(), "key", key);
            command.stdin(std::fs::File::open(home.path().join("key")).unwrap());
        }
        all.run(&mut command, folder, &[&["auth"], arguments].concat()).code
    };
    assert_eq!(run(&["status"], None), 3);
    assert_eq!(run(&["login", "--api-key"], Some("wrong")), 3);
    assert_eq!(run(&["login", "--api-key"], Some(crate::support::KEY)), 0);
    assert_eq!(run(&["status"], None), 0);
    assert_eq!(run(&["refresh"], None), 3);
    assert_eq!(run(&["logout"], None), 2);
    assert_eq!(run(&["logout", "--yes"], None), 0);
    assert_eq!(run(&["logout", "--yes"], None), 0);
    let session = json!({ "oauth": { "access_token": "old", "refresh_token": "last" } });
    write(home.path(), "credentials", &session.to_string());
    assert_eq!(run(&["refresh"], None), 0);
    assert_eq!(run(&["status"], None), 3);
    assert_eq!(run(&["logout", "--yes"], None), 0);
}

/// The commands that verify and receive webhooks.
fn webhooks(all: &mut Outputs, folder: &Path) {
    let id = "evt_1";
    let body = json!({
        "event_id": id,
        "event_type": "hyperframes_video.fail",
        "event_data": { "render_id": "r", "callback_id": "c", "url": "https://x/a?s=1", "msg": "no" },
    });
    write(folder, "body.json", &body.to_string());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let signature = crate::webhook::signature("whsec_test", body.to_string().as_bytes());
    let mut verify = |code: i32, signature: &str, flags: &[&str]| {
        let mut command = command();
        command.env("HEYGEN_WEBHOOK_SECRET", "whsec_test").env("HEYGEN_TIMESTAMP", now.to_string());
        command.stdin(std::fs::File::open(folder.join("body.json")).unwrap());
        let arguments = [&["webhook", "verify", "--signature", signature], flags].concat();
        let ran = all.run(&mut command, folder, &arguments);
        assert_eq!(ran.code, code, "{ran:?}");
    };
    verify(0, &signature, &[]);
    verify(0, &signature, &["--seen", "seen.jsonl"]);
    verify(8, &signature, &["--seen", "seen.jsonl"]);
    verify(3, "00", &[]);
    let lines = crate::webhook::lines_of_listen(folder, &[("whsec_test", &body), ("whsec_other", &body)]);
    all.0.entry("webhook-listen".to_owned()).or_default().extend(lines);
}

#[test]
fn every_command_prints_what_its_schema_says_and_nothing_else_passes() {
    let all = all();
    let seen = all.0.keys().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(seen, names().collect(), "every schema has outputs, and every output a schema");
    let mut refused = 0;
    for (name, outputs) in &all.0 {
        for output in outputs {
            assert_eq!(mistake(name, output), None);
            // A setting has the type of its key, which other tests hold.
            let is_setting =
                |place: &str| place.strip_prefix("/settings/").is_some_and(|rest| rest.contains("/value"));
            for (place, changed) in changes(output).into_iter().filter(|(place, _)| !is_setting(place)) {
                assert!(mistake(name, &changed).is_some(), "{name}: a change of {place} passes: {changed:#}");
                refused += 1;
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn what_must_be_there_cannot_be_left_out() {
    let whole =
        json!({ "render": { "render_id": "r", "status": "queued" }, "asset_id": null, "reused": false });
    assert_eq!(mistake("render", &whole), None);
    for place in ["/asset_id", "/render/status"] {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let mut less = whole.clone();
        less.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(key).unwrap();
        assert!(mistake("render", &less).is_some(), "{less}");
    }
    for (name, output) in [
        ("error", json!({ "error": { "code": "usage" } })),
        ("error", json!({ "error": { "code": "usage", "message": "m", "more": 1 } })),
        ("check", json!({ "diagnostics": [], "errors": 0, "warnings": 0 })),
        ("list", json!({ "renders": [{ "status": "queued" }], "has_more": false })),
        ("render-row", json!({ "row": 0, "state": "nonsense", "error": null })),
        ("render-row", json!({ "row": 0, "state": "completed", "identity": "k", "generation": 0 })),
    ] {
        assert!(mistake(name, &output).is_some(), "{name}: {output}");
    }
}

/// The same output with one member renamed, or with a value of another type, for each of its members that are ours.
fn changes(output: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    collect(output, "", &mut places);
    let mut changes = Vec::new();
    for (parent, key) in places {
        let with = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut changed = output.clone();
            change(changed.pointer_mut(&parent).and_then(Value::as_object_mut).unwrap());
            (format!("{parent}/{key}"), changed)
        };
        changes.push(with(&|members| {
            let value = members.shift_remove(&key).unwrap();
            members.insert(format!("{key}_"), value);
        }));
        if !FOREIGN.contains(&key.as_str()) {
            changes.push(with(&|members| {
                let value = members.get_mut(&key).unwrap();
                *value = another(value);
            }));
        }
    }
    changes
}

/// The objects of an output that are ours, each with its keys.
fn collect(value: &Value, place: &str, places: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                // A render is the API's, unless it was made without it, and so are catalogues; values of a configuration have
                // any name.
                let is_open = place.ends_with("/settings")
                    || (place.ends_with("/render") || place.contains("/renders/"))
                        && members.contains_key("render_id")
                    || CATALOGUES.iter().any(|list| place.starts_with(list));
                if !is_open {
                    places.push((place.to_owned(), key.clone()));
                }
                if !FOREIGN.contains(&key.as_str()) {
                    collect(member, &format!("{place}/{key}"), places);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{place}/{index}"), places);
            }
        }
        _ => {}
    }
}

/// A value of another type.
fn another(value: &Value) -> Value {
    match value {
        Value::Null => json!([true]),
        Value::Bool(_) => json!("true"),
        Value::Number(number) => json!(number.to_string()),
        Value::String(_) => json!(1),
        Value::Array(_) => json!({}),
        Value::Object(_) => json!([]),
    }
}
