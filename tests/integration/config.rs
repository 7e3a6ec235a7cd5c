//! `hyperframes-ci.toml`: severities, defaults, entries, and where each value comes from.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Emulator, Ran, html, names, project, root, run_in, write};

const FILE: &str = "hyperframes-ci.toml";

/// A repository with two projects, rows for one of them, and this configuration.
fn repository(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    write(folder.path(), "videos/a/index.html", &html(1280, 720, ""));
    write(folder.path(), "videos/b/index.html", &html(720, 720, ""));
    write(folder.path(), "rows.csv", "title\nAda\nGrace\n");
    write(folder.path(), FILE, config);
    folder
}

const ENTRIES: &str = r#"
[defaults]
quality = "high"

[[render]]
project = "videos/a"
variables = { title = "One" }
fps = 24

[[render]]
name = "customers"
project = "videos/a"
rows = "rows.csv"
output = "out/{title}.{ext}"
on = ["release"]

[[render]]
project = "videos/b"
format = "webm"
"#;

#[test]
fn every_entry_is_rendered_once() {
    let emulator = Emulator::placeholder(&[]);
    let folder = repository(ENTRIES);
    // From anywhere in the repository.
    let below = folder.path().join("videos");
    let ran = emulator.run(&below, &["render", "--all", "--json"]).ok().json();
    let of = |name: &str| {
        ran["renders"].as_array().unwrap().iter().find(|one| one["entry"] == name).unwrap().clone()
    };
    assert_eq!(of("videos-a")["request"]["fps"], 24);
    assert_eq!(of("videos-a")["request"]["variables"], json!({ "title": "One" }));
    assert_eq!((&of("customers")["rows"], &of("customers")["completed"]), (&json!(2), &json!(2)));
    assert_eq!(of("videos-b")["request"]["quality"], "high");
    assert_eq!(
        names(&folder.path().join("out")),
        ["Ada.webm", "Grace.webm"].map(|name| name.replace("webm", "mp4"))
    );
    let renders = names(&folder.path().join("renders"));
    assert_eq!(renders, ["customers.manifest.jsonl", "videos-a.mp4", "videos-b.webm"]);
    assert_eq!(emulator.created(), (2, 4), "entries of one project share its upload");
    let again = emulator.run(folder.path(), &["render", "--all"]).ok();
    assert_eq!(emulator.created(), (2, 4));
    let table =
        again.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect::<Vec<_>>();
    assert_eq!(table.len(), 3);
    assert!(
        table[0].starts_with(&["videos-a", "reused"]) && table[1][1..] == ["2", "of", "2", "rows"],
        "{table:?}"
    );
    assert!(again.stderr.lines().any(|line| line.starts_with("videos-b | ")), "{}", again.stderr);
}

#[test]
fn videos_of_entries_are_no_part_of_the_project_that_they_show() {
    let emulator = Emulator::placeholder(&[]);
    let folder = repository(
        "[[render]]\nname = \"a\"\nproject = \"videos/a\"\noutput = \"videos/a/a.mp4\"\n\n[[render]]\nname = \"b\"\n\
         project = \"videos/a\"\noutput = \"videos/a/b.mp4\"\nvariables = { title = \"Two\" }\n\n[[render]]\nname = \"rows\"\n\
         project = \"videos/a\"\nrows = \"rows.csv\"\noutput = \"videos/a/{title}.mp4\"\n",
    );
    for run in [&["--all"][..], &["--all"], &["--entry", "b"], &["--entry", "rows"]] {
        emulator.run(folder.path(), &[&["render"], run].concat()).ok();
        assert_eq!(emulator.created(), (1, 4), "{run:?}");
    }
}

#[test]
fn entries_are_chosen_by_name_and_by_event() {
    let emulator = Emulator::placeholder(&[]);
    let folder = repository(ENTRIES);
    let entries = |flags: &[&str]| {
        let ran = emulator.run(folder.path(), &[&["render", "--dry-run", "--json"], flags].concat()).ok();
        let renders =
            serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>().last().unwrap().unwrap();
        renders["renders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["entry"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&["--entry", "videos-b", "--entry", "customers"]), ["customers", "videos-b"]);
    assert_eq!(entries(&["--all", "--on", "pull_request"]), ["videos-a", "videos-b"]);
    assert_eq!(entries(&["--all", "--on", "release"]).len(), 3);
    let unknown = emulator.run(folder.path(), &["render", "--entry", "customer", "--json"]);
    assert_eq!(unknown.code, 2);
    let error = unknown.error();
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("no entry named \"customer\" in "), "{message}");
    assert!(message.ends_with("hyperframes-ci.toml; did you mean customers?"), "{message}");
    for flags in [
        &["--all", "videos/a"][..],
        &["--all", "--composition", "x"],
        &["--all", "--batch", "x"],
        &["--on", "push"],
    ] {
        assert_eq!(emulator.run(folder.path(), &[&["render"], flags].concat()).code, 2, "{flags:?}");
    }
    assert_eq!(emulator.requests(), []);
    let none = project();
    let ran = emulator.run(none.path(), &["render", "--all", "--json"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("no_entries")));
}

#[test]
fn flags_are_above_the_environment_the_entry_the_defaults() {
    let folder = repository(
        "[defaults]\nfps = 10\nquality = \"draft\"\ntitle = \"of the file\"\nvariables-file = \"v.json\"\nverify = true\n\n\
         [[render]]\nproject = \"videos/a\"\nfps = 20\nverify = false\n",
    );
    write(folder.path(), "v.json", "{\"title\": \"of the file\"}");
    let dry = |flags: &[&str], environment: &[(&str, &str)]| {
        let mut command = crate::support::command();
        command.args(["render", "--dry-run", "--json"]).args(flags).current_dir(folder.path());
        command.envs(environment.iter().copied());
        let ran = Ran::of(&mut command).ok().json();
        let of = if ran["renders"].is_array() { ran["renders"][0].clone() } else { ran };
        let request = &of["request"];
        (request["fps"].clone(), request["title"].clone(), request["variables"]["title"].clone())
    };
    let told = |fps: i64, title: &str, variable: &str| (json!(fps), json!(title), json!(variable));
    assert_eq!(dry(&["videos/a"], &[]), told(10, "of the file", "of the file"));
    assert_eq!(dry(&["--all"], &[]), told(20, "of the file", "of the file"));
    let environment =
        [("HYPERFRAMES_CI_FPS", "30"), ("HYPERFRAMES_CI_TITLE", "env"), ("HYPERFRAMES_CI_QUALITY", "")];
    assert_eq!(dry(&["--all"], &environment), told(30, "env", "of the file"));
    assert_eq!(dry(&["--all", "--fps", "40"], &environment), told(40, "env", "of the file"));
    // What excludes a key of the file takes its place.
    let variables = ["--all", "--variables", "{\"title\": \"flag\"}"];
    assert_eq!(dry(&variables, &[]), told(20, "of the file", "flag"));
    // A mistake is told where it was made.
    let mut command = crate::support::command();
    command.args(["render", "videos/a", "--dry-run", "--json"]).current_dir(folder.path());
    let ran = Ran::of(command.env("HYPERFRAMES_CI_FPS", "many"));
    assert_eq!(ran.code, 2);
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("HYPERFRAMES_CI_FPS must be a whole number"), "{message}");
}

#[test]
fn config_show_says_where_each_value_comes_from() {
    let folder = repository(ENTRIES);
    let show = |flags: &[&str]| {
        let mut command = crate::support::command();
        command.args(["config", "show", "--json"]).args(flags).current_dir(folder.path().join("videos"));
        command.env("HYPERFRAMES_CI_MAX_WAIT", "5").env("HEYGEN_API_KEY", crate::support::KEY);
        let ran = Ran::of(&mut command).ok();
        assert!(!ran.stdout.contains(crate::support::KEY), "the key is shown");
        ran.json()
    };
    let file = folder.path().canonicalize().unwrap().join(FILE);
    let of_file = |line: u32| format!("{}:{line}", file.display());
    let shown = show(&[]);
    let of = |shown: &Value, name: &str| {
        (shown["settings"][name]["value"].clone(), shown["settings"][name]["origin"].clone())
    };
    assert_eq!(of(&shown, "quality"), (json!("high"), json!(of_file(3))));
    assert_eq!(of(&shown, "fps"), (json!(30), json!("default")));
    assert_eq!(of(&shown, "max-wait"), (json!(5), json!("HYPERFRAMES_CI_MAX_WAIT")));
    assert_eq!(of(&shown, "credential"), (json!("set"), json!("HEYGEN_API_KEY")));
    assert_eq!(shown["entries"].as_array().unwrap().len(), 3);
    let shown = show(&["--entry", "customers"]);
    assert_eq!(of(&shown, "on"), (json!("release"), json!(of_file(10))));
    assert_eq!(of(&shown, "rows").1, of_file(13));
    let human = run_in(folder.path(), &["config", "show"]).ok().stdout;
    assert!(
        human.lines().any(|line| line.split_whitespace().eq(["quality", "high", "hyperframes-ci.toml:3"])),
        "{human}"
    );
}

#[test]
fn nothing_is_rendered_while_one_entry_is_wrong() {
    let emulator = Emulator::placeholder(&[]);
    let folder = repository(&format!("{ENTRIES}\n[[render]]\nname = \"gone\"\nproject = \"videos/c\"\n"));
    write(folder.path(), "videos/b/index.html", &html(720, 720, "<img src=\"missing.png\">"));
    let ran = emulator.run(folder.path(), &["render", "--all"]);
    assert_eq!(ran.code, 1, "two kinds of failure: {ran:?}");
    for part in
        ["videos-b | ", "missing.png", "gone | ", "2 of 4 entries failed", "nothing was uploaded or billed"]
    {
        assert!(ran.stderr.contains(part), "{part} in {}", ran.stderr);
    }
    let line = ENTRIES.lines().count() + 2;
    let place = format!("hyperframes-ci.toml:{line}: entry \"gone\": directory not found: ");
    assert!(ran.stderr.contains(&place), "{place} in {}", ran.stderr);
    let checked = run_in(folder.path(), &["check", "--all"]);
    assert!(checked.code == 2 && checked.stderr.contains(&place), "{checked:?}");
    assert_eq!(emulator.requests(), []);
    // Two entries that write one file.
    let folder = repository(
        "[defaults]\noutput = \"out.mp4\"\n[[render]]\nproject = \"videos/a\"\n[[render]]\nproject = \"videos/b\"\n",
    );
    let ran = emulator.run(folder.path(), &["render", "--all"]);
    assert!(ran.code == 2 && ran.stderr.contains("out.mp4 is already used by another entry"), "{ran:?}");
}

#[test]
fn limits_of_a_run_hold_for_all_entries_and_those_of_the_file_for_each() {
    let emulator = Emulator::placeholder(&[]);
    let folder = repository(
        "[defaults]\nmax-renders = 1\n[[render]]\nproject = \"videos/a\"\n[[render]]\nproject = \"videos/b\"\n[[render]]\nname = \"c\"\nproject = \"videos/a\"\nfps = 24\n",
    );
    let ran = emulator.run(folder.path(), &["render", "--all", "--max-renders", "2"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(emulator.created().1, 2);
    emulator.run(folder.path(), &["render", "--all"]).ok();
    assert_eq!(emulator.created().1, 3, "each may be rendered once");
}

#[test]
fn check_looks_at_every_entry_with_its_values() {
    let folder = repository(ENTRIES);
    run_in(folder.path(), &["check", "--all"]).ok();
    write(folder.path(), "rows.csv", "title,size\nAda,1\n\"Gra\nce\",2\n");
    let ran = run_in(folder.path(), &["check", "--all", "--json"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let found = ran.json()["diagnostics"].as_array().unwrap().clone();
    let places = found
        .iter()
        .map(|found| (found["path"].as_str().unwrap(), found["position"]["line"].as_u64().unwrap()));
    assert_eq!(places.collect::<Vec<_>>(), [("rows.csv", 2), ("rows.csv", 3)], "{found:#?}");
    // Severities of an entry are its own; those of flags are above.
    let of_entry = ENTRIES.replace("on = [\"release\"]", "check = { warn = [\"undeclared-variable\"] }");
    write(folder.path(), FILE, &of_entry);
    run_in(folder.path(), &["check", "--all"]).ok();
    assert_eq!(run_in(folder.path(), &["check", "--all", "--strict"]).code, 5);
    assert_eq!(run_in(folder.path(), &["check", "--all", "--deny", "undeclared-variable"]).code, 5);
    run_in(folder.path(), &["check", "--entry", "videos-b"]).ok();
}

#[test]
fn a_configuration_cannot_lead_out_of_the_repository() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.json", "{\"title\": \"a secret\"}");
    let folder = repository("[[render]]\nproject = \"videos/a\"\nvariables-file = \"values.json\"\n");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outside.path().join("secret.json"), folder.path().join("values.json"))
            .unwrap();
        let ran = run_in(folder.path(), &["render", "--all", "--dry-run"]);
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr.contains("hyperframes-ci.toml:3:")
                && ran.stderr.contains("points outside the repository"),
            "{ran:?}"
        );
        assert!(!ran.stderr.contains("a secret"));
        let entry = |number| {
            format!(
                "[[render]]\nname = \"{number}\"\nproject = \"videos/a\"\nvariables-file = \"values.json\"\n"
            )
        };
        write(folder.path(), FILE, &(0..60).map(entry).collect::<String>());
        let ran = run_in(folder.path(), &["render", "--all", "--dry-run"]);
        assert!(ran.stderr.contains("and 10 more mistakes"), "{ran:?}");
        assert_eq!(ran.stderr.matches("points outside the repository").count(), 50, "{ran:?}");
    }
    for (key, value) in
        [("output", "../x.mp4"), ("output", "/tmp/x.mp4"), ("rows", "../rows.csv"), ("manifest", "/tmp/m")]
    {
        write(folder.path(), FILE, &format!("[[render]]\nproject = \"videos/a\"\n{key} = \"{value}\"\n"));
        let ran = run_in(folder.path(), &["check", "--all", "--json"]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("invalid_config")), "{key}");
    }
}

/// The same files are held against the published schema by `cargo xtask test workflows`.
#[test]
fn the_examples_are_read_or_refused() {
    let folder = repository("");
    for name in names(&root().join("tests/config")) {
        let path = root().join("tests/config").join(&name);
        let ran = run_in(folder.path(), &["config", "show", "--json", "--config", path.to_str().unwrap()]);
        let expected = if name.starts_with("good") { 0 } else { 2 };
        assert_eq!(ran.code, expected, "{name}: {ran:?}");
        if expected == 2 {
            let error = ran.error();
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&format!("{name}:")) && message.contains(" | "), "{message}");
        }
    }
}

/// `BLESS=1` writes it.
#[test]
fn the_published_schema_is_that_of_the_program() {
    let path = root().join("docs/hyperframes-ci.schema.json");
    let schema = run_in(Path::new("."), &["schema", "config"]).ok().stdout;
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), schema, "run with BLESS=1");
    let parsed: Value = serde_json::from_str(&schema).unwrap();
    let described = parsed["properties"]["defaults"]["properties"].as_object().unwrap();
    assert!(described.values().all(|property| !property["description"].as_str().unwrap().is_empty()));
    let variables = run_in(&root().join("examples/launch-card"), &["schema", "variables"]).ok().json();
    assert_eq!(variables["properties"]["title"]["type"], "string", "{variables}");
}

#[test]
fn files_that_an_entry_names_are_reported_with_its_line() {
    let emulator = Emulator::placeholder(&[]);
    for (setting, message) in [
        ("rows = \"gone.csv\"", "hyperframes-ci.toml:3: rows: cannot read "),
        ("variables-file = \"gone.json\"", "hyperframes-ci.toml:3: variables-file: cannot read "),
        ("rows = \"rows.csv\"\nmanifest = \"rows.csv\"", "hyperframes-ci.toml:4: manifest: "),
    ] {
        let folder = repository(&format!("[[render]]\nproject = \"videos/a\"\n{setting}\n"));
        let ran = emulator.run(folder.path(), &["render", "--all"]);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{message}: {ran:?}");
        assert!(!ran.stderr.contains("--batch") && !ran.stderr.contains("standard input"), "{ran:?}");
    }
    let folder = repository("");
    let ran = emulator.run(folder.path(), &["render", "videos/a", "--batch", "gone.csv"]);
    assert!(ran.code == 2 && ran.stderr.contains("--batch: cannot read gone.csv"), "{ran:?}");
}

#[test]
fn the_engine_is_shown_with_a_note_if_a_project_requires_another() {
    let folder = repository(ENTRIES);
    let show = |flags: &[&str]| run_in(folder.path(), &[&["config", "show"], flags].concat()).ok();
    let engine = show(&["--json"]).json()["settings"]["engine"]["value"].clone();
    let version = engine.as_str().unwrap().strip_prefix("hyperframes ").unwrap().to_owned();
    write(folder.path(), "package.json", &json!({ "dependencies": { "hyperframes": version } }).to_string());
    assert!(!show(&[]).stderr.contains("note"));
    write(folder.path(), "videos/a/package.json", r#"{"devDependencies":{"hyperframes":"^0.1.0"}}"#);
    assert!(!show(&[]).stderr.contains("note"));
    let note = format!("note: package.json requires hyperframes ^0.1.0; local renders use {version}");
    assert!(show(&["--entry", "customers"]).stderr.contains(&note));
}

#[test]
fn an_event_without_an_entry_is_reported() {
    let folder = repository("[[render]]\nproject = \"videos/a\"\non = [\"release\"]\n");
    for command in ["check", "render"] {
        let ran = run_in(folder.path(), &[command, "--all", "--on", "push"]).ok();
        let notice = "nothing to do: no [[render]] entry of ";
        assert!(ran.stderr.contains(notice) && ran.stderr.contains("is for the event push"), "{ran:?}");
        assert!(!ran.stderr.contains("0 compositions"), "{ran:?}");
    }
}

#[test]
fn config_show_has_numbers_and_booleans_in_json() {
    let folder = repository(
        "[defaults]\nfps = 24\nverify = true\ntitle = \"24\"\n\n[[render]]\nproject = \"videos/a\"\nfps = 60\n",
    );
    let shown = run_in(folder.path(), &["config", "show", "--json"]).ok().json();
    let value = |name: &str| shown["settings"][name]["value"].clone();
    assert_eq!((value("fps"), value("verify"), value("title")), (24.into(), true.into(), "24".into()));
    assert_eq!(shown["entries"][0]["settings"]["fps"], 60);
}
