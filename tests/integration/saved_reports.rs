//! `--save-report`: what CI services read, and the configurations of services that the documentation has.

use std::path::Path;

use roxmltree::{Document, Node};
use serde_json::Value;

use crate::support::{Emulator, Ran, command, html, root, run_in, write};

/// Returns the tests of a report: their names and the types of their failures.
fn tests(path: &Path) -> Vec<(String, Option<String>)> {
    let text = std::fs::read_to_string(path).unwrap();
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let elements = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));
    // The counts are what some services show.
    let count = |node: Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<usize>().unwrap();
    for suite in elements("testsuites").chain(elements("testsuite")) {
        let of = |name: &'static str| suite.descendants().filter(|node| node.has_tag_name(name)).count();
        assert_eq!(
            (count(suite, "tests"), count(suite, "failures")),
            (of("testcase"), of("failure")),
            "{text}"
        );
    }
    let test = |case: Node<'_, '_>| {
        let failure = case.children().find(|node| node.has_tag_name("failure"));
        let kind = failure.and_then(|failure| failure.attribute("type")).map(str::to_owned);
        (case.attribute("name").unwrap().to_owned(), kind)
    };
    elements("testcase").map(test).collect()
}

fn failed(name: &str, kind: &str) -> (String, Option<String>) {
    (name.to_owned(), Some(kind.to_owned()))
}

#[test]
fn one_check_writes_every_report() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let hostile = "<img src=\"a&amp;<b>\u{1b}[31m'x'.png\"><img src='gone.png'>";
    write(folder.path(), "videos/o'ne/index.html", &html(320, 180, hostile));
    let ran = run_in(
        folder.path(),
        &[
            "check",
            "--save-report=junit=out/junit.xml",
            "--save-report=code-quality=out/quality.json",
            "--save-report=sarif=out/check.sarif",
            "--save-report=json=out/check.json",
        ],
    );
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stdout.contains("error[missing-asset]"), "{}", ran.stdout);
    let out = folder.path().join("out");
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(out.join(name)).unwrap()).unwrap()
    };
    let found = read("check.json");
    let found = found["diagnostics"].as_array().unwrap();
    let errors = found.iter().filter(|found| found["severity"] == "error").count();
    let junit = tests(&out.join("junit.xml"));
    assert_eq!(junit.len(), found.len());
    assert_eq!(junit.iter().filter(|(_, failure)| failure.is_some()).count(), errors);
    assert!(errors >= 2, "{found:#?}");
    let quality = read("quality.json");
    assert_eq!(quality.as_array().map(Vec::len), Some(found.len()));
    assert!(quality[0]["location"]["path"].as_str().unwrap().starts_with("videos/o'ne/"));
    assert_eq!(read("check.sarif")["runs"][0]["results"].as_array().map(Vec::len), Some(found.len()));
}

#[test]
fn a_report_of_renders_has_a_test_for_each_entry() {
    let emulator = Emulator::placeholder(&[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let entries = "[[render]]\nproject = \"good\"\n\n[[render]]\nproject = \"large\"\nmax-seconds = 1\n";
    write(folder.path(), "hyperframes-ci.toml", entries);
    write(folder.path(), "good/index.html", &html(320, 180, ""));
    write(folder.path(), "large/index.html", &html(320, 180, "<p>"));
    let report = "--save-report=junit=report.xml";
    emulator.run(folder.path(), &["render", "--all", report]);
    let found = tests(&folder.path().join("report.xml"));
    assert_eq!(found.len(), 2, "{found:?}");
    write(folder.path(), "large/index.html", "<div data-composition-id=a><img src=gone.png></div>");
    let ran = emulator.run(folder.path(), &["render", "--all", report]);
    let found = tests(&folder.path().join("report.xml"));
    assert_eq!((ran.code, &found[..]), (5, &[failed("large", "preflight_failed")][..]), "{}", ran.stderr);
}

#[test]
fn a_report_in_the_project_is_no_part_of_it() {
    let emulator = Emulator::placeholder(&[]);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "index.html", &html(320, 180, ""));
    for _ in 0..2 {
        emulator.run(folder.path(), &["render", "-o", "v.mp4", "--save-report", "junit=r.xml"]).ok();
        assert_eq!(tests(&folder.path().join("r.xml")), [(".".to_owned(), None)]);
    }
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn a_report_that_cannot_be_written_does_not_hide_the_render() {
    let emulator = Emulator::placeholder(&[]);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "index.html", &html(1280, 720, ""));
    // The directory of the report is a file by then.
    let arguments = ["render", "--json", "-o", "v.mp4", "--save-report", "junit=v.mp4/r.xml"];
    let ran = emulator.run(folder.path(), &arguments);
    assert!(ran.code != 0 && ran.stderr.contains("output_not_writable"), "{ran:?}");
    let outcome: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(outcome["output_path"].as_str().is_some_and(|path| path.ends_with("v.mp4")), "{outcome}");
}

#[test]
fn reports_that_cannot_be_written_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "index.html", &html(320, 180, ""));
    for (arguments, message) in [
        (&["check", "--save-report", "xml"][..], "must be FORMAT=FILE"),
        (&["check", "--save-report", "xunit=a"], "the formats are junit, code-quality, sarif or json"),
        (&["render", "--save-report", "sarif=a"], "renders have no report in the format sarif"),
        (&["check", "--save-report", "junit=."], "is a directory"),
        (&["render", "--save-report", "junit=."], "is a directory"),
    ] {
        let ran = run_in(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?} {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.stderr);
    }
    // In a CI job, paths stay in the workspace.
    let outside = tempfile::tempdir_in("/var/tmp").unwrap();
    let report = format!("junit={}", outside.path().join("r.xml").display());
    let ran = Ran::of(
        command().args(["check", "--save-report", &report]).env("CI", "true").current_dir(folder.path()),
    );
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    assert!(!outside.path().join("r.xml").exists());
}

/// The commands of the documentation run in the shell that services use, with an environment of their own.
#[test]
fn the_commands_of_the_recipes_for_other_services_run() {
    let page = std::fs::read_to_string(root().join("docs/recipes/other-ci.md")).unwrap();
    let mut services = Vec::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        if !["yaml", "groovy"].contains(&language) {
            continue;
        }
        // A command is the rest of its line, without quotes of Groovy.
        let commands = text.lines().filter_map(|line| line.split_once("hyperframes-ci "));
        let commands = commands.filter(|(before, _)| !before.contains("cargo install"));
        let commands = commands.map(|(_, rest)| format!("hyperframes-ci {}", rest.trim_end_matches('\'')));
        let commands = commands.collect::<Vec<_>>();
        assert_eq!(commands.len(), 2, "{text}");
        services.push((text.lines().next().unwrap().to_owned(), text.to_owned(), commands));
    }
    assert_eq!(services.len(), 5);
    let program = Path::new(env!("CARGO_BIN_EXE_hyperframes-ci")).parent().unwrap();
    for (name, text, commands) in services {
        let emulator = Emulator::placeholder(&[]);
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        write(folder.path(), "hyperframes-ci.toml", "[[render]]\nproject = \"video\"\n");
        write(folder.path(), "video/index.html", &html(320, 180, ""));
        let path = std::env::join_paths([program, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let mut shell = emulator.command_of("sh");
        shell.args(["-e", "-c", &commands.join("\n")]).env("CI", "true").env("PATH", path);
        Ran::of(shell.current_dir(folder.path())).ok();
        assert!(folder.path().join("renders/video.mp4").is_file(), "{name}");
        let reports = commands.iter().map(|command| command.split("junit=").nth(1).unwrap().trim());
        for report in reports {
            assert_eq!(tests(&folder.path().join(report)).len(), 1, "{name}: {report}");
            let folder = report.rsplit_once('/').unwrap().0;
            let shown = text.matches(folder.split('/').next().unwrap()).count();
            // Bitbucket finds the directory by its name.
            assert!(shown > 2 || folder == "test-results", "{name}: nothing shows {report}");
        }
    }
}
