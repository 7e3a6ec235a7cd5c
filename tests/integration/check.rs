//! `check`: a fixture for every rule, the documentation of the rules, and the flags.
//!
//! A fixture in `tests/checks` is named after the rule that it triggers. It contains options of the npm package, project
//! files, and the expected findings. `BLESS=1` updates the findings; review the difference before you commit it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{Group, Rule};
use serde_json::Value;

use crate::support::{command, html, root, run_in, write};

/// A fixture, read.
pub(crate) struct Fixture {
    path: PathBuf,
    source: String,
    options: Value,
    files: Vec<(String, String)>,
    findings: String,
}

impl Fixture {
    fn read(path: PathBuf) -> Self {
        let source = std::fs::read_to_string(&path).unwrap();
        let mut files = Vec::<(String, String)>::new();
        let mut options = String::new();
        for line in source.split_inclusive('\n') {
            let header = line.trim_end().strip_prefix("-- ").and_then(|line| line.strip_suffix(" --"));
            match (header, files.last_mut()) {
                (Some(name), _) => files.push((name.to_owned(), String::new())),
                (None, Some((_, text))) => text.push_str(line),
                (None, None) => options.push_str(line),
            }
        }
        let (name, findings) = files.pop().unwrap();
        assert_eq!(name, "findings", "{}", path.display());
        let options = if options.is_empty() { Value::Null } else { serde_json::from_str(&options).unwrap() };
        Self { path, source, options, files, findings }
    }

    pub(crate) fn code(&self) -> &str {
        self.path.file_stem().unwrap().to_str().unwrap()
    }

    /// Writes the files below `folder`, which becomes a repository.
    pub(crate) fn unpack(&self, folder: &Path) {
        std::fs::create_dir(folder.join(".git")).unwrap();
        // Not a flag of `check`.
        if let Some(format) = self.options["videoFormat"].as_str() {
            let entry = format!("[[render]]\nname = \"video\"\nproject = \".\"\nformat = {format:?}\n");
            write(folder, "hyperframes-ci.toml", &entry);
        }
        for (name, text) in &self.files {
            let Some((path, how)) = name.split_once(" (") else {
                write(folder, name, text);
                continue;
            };
            match how.trim_end_matches(')').split_once(' ') {
                // Its first bytes are given, and the rest is a hole.
                Some((size, "bytes")) => {
                    write(folder, path, text.trim_end());
                    let file = std::fs::File::options().write(true).open(folder.join(path)).unwrap();
                    file.set_len(size.parse().unwrap()).unwrap();
                }
                _ => {
                    let digits =
                        text.trim().as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
                    let bytes =
                        digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect::<Vec<_>>();
                    std::fs::write(folder.join(path), bytes).unwrap();
                }
            }
        }
    }

    /// The directory of the project, if it is not the root.
    pub(crate) fn project(&self) -> Option<&str> {
        self.options["project"].as_str()
    }

    /// The options as flags.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["check".to_owned()];
        let options = self.options.as_object().into_iter().flatten();
        for (name, value) in options {
            match name.as_str() {
                "project" => arguments.push(value.as_str().unwrap().to_owned()),
                "composition" => arguments.push(format!("--composition={}", value.as_str().unwrap())),
                "aspectRatio" => arguments.push(format!("--aspect-ratio={}", value.as_str().unwrap())),
                "videoFormat" => {}
                "variables" => arguments.push(format!("--variables={value}")),
                "values" => arguments.extend(value.as_array().unwrap().iter().map(|file| {
                    let flag = if file["rows"] == true { "rows" } else { "variables-file" };
                    format!("--{flag}={}", file["path"].as_str().unwrap())
                })),
                other => panic!("no flag for {other}"),
            }
        }
        arguments
    }
}

pub(crate) fn fixtures() -> Vec<Fixture> {
    let entries = std::fs::read_dir(root().join("tests/checks")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    paths.sort();
    paths.into_iter().map(Fixture::read).collect()
}

/// Rules about what only a file system has; the test below triggers them.
const OF_FILE_SYSTEMS: [Rule; 4] = [Rule::LinkCycle, Rule::DanglingLink, Rule::EscapingLink, Rule::NotAFile];

/// The rule for findings of the official linter; a test in `lint.rs` triggers it.
const OF_THE_ENGINE: Rule = Rule::Official;

/// Rules about generated media, which only the program judges; tests in `generated.rs` trigger them.
const OF_MEDIA: [Rule; 5] =
    [Rule::MediaMissing, Rule::MediaOutdated, Rule::MediaUnlocked, Rule::MediaChanged, Rule::MediaInvalid];

/// The rule for renders on Lambda; the test below triggers it.
const OF_LAMBDA: Rule = Rule::FontSubstituted;

#[test]
fn fonts_of_systems_are_found_for_lambda() {
    let folder = tempfile::tempdir().unwrap();
    let style =
        "<style>h1 { font-family: Inter, Arial } h2 { font-family: \"Open Sans\", Georgia, Arial }</style>";
    write(folder.path(), "index.html", &html(1280, 720, style));
    let dry = |renderer: &str| {
        let arguments = ["render", "--dry-run", "--json", "--renderer", renderer];
        run_in(folder.path(), &arguments).ok().json()["diagnostics"].to_string()
    };
    assert!(
        dry("lambda").contains("Lambda and Cloud Run do not have \\\"Arial\\\", \\\"Georgia\\\""),
        "{}",
        dry("lambda")
    );
    assert!(!dry("cloud").contains("font-substituted"));
    write(
        folder.path(),
        "hyperframes-ci.toml",
        "[[render]]\nname = \"a\"\nproject = \".\"\nrenderer = \"lambda\"\n",
    );
    let found = run_in(folder.path(), &["check", "--all", "--json"]).ok().json();
    assert!(found.to_string().contains("font-substituted"), "{found:#}");
    assert!(!run_in(folder.path(), &["check", "--json"]).ok().stdout.contains("font-substituted"));
}

#[test]
fn a_render_with_transparency_tells_of_an_opaque_root() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "index.html",
        &html(1280, 720, "<style>[data-composition-id=\"main\"] { background: #111 }</style>"),
    );
    let dry = |format: &str| {
        let arguments = ["render", "--dry-run", "--json", "--format", format];
        run_in(folder.path(), &arguments).ok().json()["diagnostics"].to_string().contains("opaque-root")
    };
    assert_eq!(["mp4", "webm", "mov"].map(dry), [false, true, true]);
}

fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

#[test]
fn every_rule_has_a_fixture_that_triggers_it() {
    let others = OF_FILE_SYSTEMS.into_iter().chain(OF_MEDIA).chain([OF_THE_ENGINE, OF_LAMBDA]);
    let mut triggered = others.map(|rule| rule.code().to_owned()).collect::<BTreeSet<_>>();
    for fixture in fixtures() {
        let code = fixture.code().to_owned();
        assert!(triggered.insert(code.clone()), "{code}");
        // A backslash separates folders there.
        if cfg!(windows) && code == Rule::UnportableName.code() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        fixture.unpack(folder.path());
        let arguments = fixture.arguments();
        let ran = run_in(folder.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ran.stdout.contains(&format!("[{code}]: ")), "{code}: {ran:?}");
        assert_eq!(ran.code, if ran.stdout.contains("error[") { 5 } else { 0 }, "{code}: {ran:?}");
        if is_blessing() {
            let files = fixture.source.split("-- findings --\n").next().unwrap();
            std::fs::write(&fixture.path, format!("{files}-- findings --\n{}", ran.stdout)).unwrap();
        } else {
            assert_eq!(ran.stdout, fixture.findings, "{code}; run with BLESS=1 to update the fixture");
        }
    }
    let all = Rule::ALL.iter().map(|rule| rule.code().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(triggered, all);
}

#[cfg(unix)]
#[test]
fn links_and_sockets_are_found() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("repo/video");
    write(folder.path(), "outside/a.png", "x");
    write(&project, "index.html", &html(1280, 720, ""));
    std::fs::create_dir(folder.path().join("repo/.git")).unwrap();
    symlink("../../outside/a.png", project.join("out.png")).unwrap();
    symlink("nowhere", project.join("dangling.png")).unwrap();
    symlink("..", project.join("loop")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(project.join("socket")).unwrap();
    std::fs::create_dir(project.join("inner")).unwrap();
    symlink("..", project.join("inner/loop")).unwrap();
    let found = run_in(&project, &["check", "--json"]).json();
    let codes = found["diagnostics"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap());
    let codes = codes.collect::<BTreeSet<_>>();
    assert_eq!(codes, OF_FILE_SYSTEMS.map(Rule::code).into_iter().collect(), "{found:#}");
}

/// Returns the expected text of `docs/checks.md`.
fn documentation() -> String {
    let mut text = String::from(
        "# Checks\n\n\
         Every finding of `hyperframes-ci check`, `render` and `pack`, and of the npm package `hyperframes-preflight`, has\n\
         one of these codes. `hyperframes-ci check --explain CODE` prints the explanation in the terminal.\n\n\
         To change severities, use `--deny CODE`, `--warn CODE`, `--allow CODE` and `--strict` (treat warnings as errors),\n\
         or `hyperframes-ci.toml` at the root of the repository. Flags override the file:\n\n\
         ```toml\n[check]\ndeny = [\"unused-variable\"]\nwarn = [\"missing-asset\"]\nallow = [\"insecure-reference\"]\n\
         strict = false\n```\n\n\
         `check --fix` applies automatic fixes and prints the changes; with `--dry-run`, it only prints them. JSON\n\
         and SARIF have the corrections of each finding as edits.\n\n\
         Notes never fail a check. Like the official command line, `render` reports findings about declarations and values\n\
         as warnings unless `--strict-variables` is set.\n",
    );
    for group in Group::ALL {
        let _ = write!(text, "\n## {}\n", group.title());
        for rule in Rule::ALL.iter().filter(|rule| rule.group() == *group) {
            let _ = write!(text, "\n### {rule}\n\n*{}.* {}\n", rule.severity().as_str(), rule.summary());
            let explanation = rule.explanation();
            if !explanation.is_empty() {
                let _ = write!(text, "\n{explanation}\n");
            }
            if rule.is_fixable() {
                text.push_str("\n`check --fix` can correct it.\n");
            }
        }
    }
    text.push_str(&crate::proof::table());
    text
}

#[test]
fn the_documentation_lists_every_rule() {
    let path = root().join("docs/checks.md");
    if is_blessing() {
        std::fs::write(&path, documentation()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        documentation(),
        "run with BLESS=1 to update the file"
    );
}

#[test]
fn a_rule_can_be_explained() {
    let ran = run_in(root(), &["check", "--explain", "missing-asset"]).ok();
    assert!(
        ran.stdout.starts_with("missing-asset (error)\n\nA referenced file was not found.\n\n"),
        "{ran:?}"
    );
    let ran = run_in(root(), &["check", "--explain", "missing-aset"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean missing-asset?"), "{ran:?}");
}

/// A repository with two projects, one of them broken, and a configuration.
fn monorepo() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments);
        assert!(command.current_dir(folder.path()).output().unwrap().status.success(), "{arguments:?}");
    };
    write(folder.path(), "videos/good/index.html", &html(1280, 720, "<img src='../../shared/logo.svg'>"));
    write(folder.path(), "videos/bad/index.html", &html(1280, 720, "\n<img src='gone.png'>"));
    write(folder.path(), "shared/logo.svg", "<svg/>");
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "first"]);
    folder
}

#[test]
fn a_whole_repository_is_checked_in_one_run() {
    let folder = monorepo();
    let ran = run_in(folder.path(), &["check"]);
    assert_eq!(ran.code, 5);
    assert!(ran.stdout.contains(" --> videos/bad/index.html:2:11\n"), "{ran:?}");
    assert!(ran.stderr.contains("error: the checks found 1 error\n"), "{ran:?}");
    // Paths for people start where they are, paths for programs at the repository.
    let inside = folder.path().join("videos");
    let ran = run_in(&inside, &["check", "bad", "good"]);
    assert!(ran.stdout.contains(" --> bad/index.html:2:11\n"), "{ran:?}");
    let ran = run_in(&inside, &["check", "b*", "--format", "github"]);
    assert!(ran.stdout.starts_with("::error file=videos/bad/index.html,line=2,endLine=2,col=11,"), "{ran:?}");
    let ran = run_in(&inside, &["check", "bad", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "missing-asset");
    let ran = run_in(&inside, &["check", "good"]).ok();
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.trim()),
        ("", "✓ 1 composition in 1 project: no errors or warnings")
    );
}

#[test]
fn severities_come_from_flags_over_the_file() {
    let folder = monorepo();
    let code = |arguments: &[&str]| run_in(folder.path(), &[&["check"], arguments].concat()).code;
    assert_eq!(code(&["--warn", "missing-asset"]), 0);
    assert_eq!(code(&["--warn", "missing-asset", "--strict"]), 5);
    assert_eq!(code(&["--allow", "missing-asset,unused-variable", "--strict"]), 0);
    assert_eq!(code(&["--allow", "missing-asset", "--deny", "missing-asset"]), 2);
    write(folder.path(), "hyperframes-ci.toml", "[check]\nallow = [\"missing-asset\"]\n");
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--deny", "missing-asset"]), 5);
    // The same for what comes before a render.
    let pack =
        |arguments: &[&str]| run_in(folder.path(), &[&["pack", "videos/bad"], arguments].concat()).code;
    assert_eq!((pack(&[]), pack(&["--deny", "missing-asset"])), (0, 5));
    write(folder.path(), "hyperframes-ci.toml", "[check]\nallow = [\"mising-asset\"]\n");
    let ran = run_in(folder.path(), &["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean missing-asset?"), "{ran:?}");
}

#[test]
fn only_what_a_change_touches_is_told() {
    let folder = monorepo();
    let code = |arguments: &[&str]| run_in(folder.path(), &[&["check"], arguments].concat()).code;
    let since = ["--changed-since", "main"];
    assert_eq!(code(&since), 0, "nothing changed");
    write(folder.path(), "videos/good/notes.txt", "not a part of any composition");
    assert_eq!(code(&since), 0);
    // A file that is not there is a part of what refers to it; so is one far away.
    write(folder.path(), "videos/bad/index.html", &html(1280, 720, "\n\n<img src='gone.png'>"));
    assert_eq!(code(&since), 5);
    write(folder.path(), "videos/bad/index.html", &html(1280, 720, "\n<img src='gone.png'>"));
    assert_eq!(code(&since), 0, "as it was");
    std::fs::remove_file(folder.path().join("shared/logo.svg")).unwrap();
    let ran = run_in(folder.path(), &["check", "--json", "--changed-since", "main"]);
    let found = ran.json();
    assert_eq!(found["diagnostics"].as_array().unwrap().len(), 1);
    assert_eq!(found["diagnostics"][0]["path"], "videos/good/index.html");
    let ran = run_in(folder.path(), &["check", "--changed-since", "--output=x"]);
    assert_eq!(ran.code, 2);
    let ran = run_in(folder.path(), &["check", "--changed-since=nosuch"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("revision \"nosuch\" not found"), "{ran:?}");
}

#[test]
fn before_the_first_commit_every_file_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        assert!(
            std::process::Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(arguments)
                .status()
                .unwrap()
                .success()
        );
    };
    git(&["init", "--quiet"]);
    write(folder.path(), "a/index.html", &html(1280, 720, "<img src='gone.png'>"));
    let check = || run_in(folder.path(), &["check", "--changed-since", "HEAD"]);
    assert_eq!(check().code, 5, "{:?}", check());
    git(&["add", "--all"]);
    assert_eq!(check().code, 5, "{:?}", check());
    let ran = run_in(folder.path(), &["check", "--changed-since", "main~1"]);
    assert!(ran.code == 2 && ran.stderr.contains("not found"), "{ran:?}");
}

#[test]
fn what_cannot_be_checked_is_refused() {
    let folder = monorepo();
    let stderr = |arguments: &[&str]| {
        let ran = run_in(folder.path(), &[&["check"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        ran.stderr
    };
    assert!(stderr(&["nowhere"]).contains("no such file or directory: nowhere"));
    assert!(stderr(&["shared"]).contains("no HyperFrames project found in shared"));
    assert!(stderr(&["--variables", "{}"]).contains("require a single project, but 2 were found"));
    assert!(stderr(&["videos/good", "--rows", "gone.json"]).contains("--rows: cannot read gone.json"));
    assert!(stderr(&["--json", "--format", "sarif"]).contains("cannot be used with"));
    assert_eq!(run_in(folder.path(), &["check", "shared/logo.svg"]).code, 0, "hooks name any file");
}

#[test]
fn findings_are_colored_for_terminals_only() {
    let folder = monorepo();
    let output =
        command().arg("check").env("CLICOLOR_FORCE", "1").current_dir(folder.path()).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("\u{1b}[1;31merror[missing-asset]\u{1b}[0m"));
    assert!(!run_in(folder.path(), &["check"]).stdout.contains('\u{1b}'));
}

#[test]
fn errors_that_a_render_does_not_reach_are_warnings() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "index.html", &html(1280, 720, "<h1>Hi</h1>"));
    write(folder.path(), "old/index.html", &html(1280, 720, "<img src='gone.png'>"));
    assert_eq!(run_in(folder.path(), &["check"]).code, 5, "a check reports every page");
    let ran = run_in(folder.path(), &["pack"]).ok();
    let told = "warning[missing-asset]: file not found: old/gone.png (referenced as \"gone.png\"); \
                the rendered composition does not use this file";
    assert!(ran.stderr.contains(told), "{ran:?}");
    assert_eq!(run_in(folder.path(), &["pack", "--deny", "missing-asset"]).code, 5, "the user decides");
    write(folder.path(), "index.html", &html(1280, 720, "<img src='gone.png'>"));
    assert_eq!(run_in(folder.path(), &["pack"]).code, 5);
}

#[test]
fn files_and_blocks_without_a_project_are_checked_on_their_own() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "blocks/card.html", &html(1280, 720, "<h1>Hi</h1>"));
    write(folder.path(), "blocks/deep/broken.html", &html(1280, 720, "<img src='gone.png'>"));
    write(folder.path(), "blocks/style.css", "b {}");
    let ran = run_in(folder.path(), &["check", "blocks/card.html"]).ok();
    assert_eq!(ran.stderr.trim(), "✓ 1 composition in 1 project: no errors or warnings");
    let ran = run_in(folder.path(), &["check", "blocks"]);
    assert_eq!(ran.code, 5);
    assert!(ran.stdout.contains("blocks/deep/broken.html"), "{ran:?}");
    assert!(!ran.stdout.contains("composition-missing"), "{ran:?}");
    // An entry of its own: its root must have a size.
    write(folder.path(), "blocks/card.html", "<div data-composition-id=a data-duration=2></div>");
    let ran = run_in(folder.path(), &["check", "blocks/card.html", "--strict"]);
    assert!(ran.stdout.contains("error[dimensions-missing]"), "{ran:?}");
    let ran = run_in(folder.path(), &["check", "blocks/style.css"]).ok();
    assert_eq!(ran.stderr.trim(), "✓ no HyperFrames project found: nothing to check");
}

#[test]
fn hidden_directories_can_be_packed_but_credentials_cannot() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "index.html", &html(1280, 720, "<img src='.media/a.png'>"));
    write(folder.path(), ".media/a.png", "x");
    write(folder.path(), ".media/.env", "KEY=1");
    write(folder.path(), ".npmrc", "token");
    let ran = run_in(folder.path(), &["pack", "--list"]);
    assert_eq!(ran.code, 5);
    assert!(ran.stderr.contains("add the line !.media/ to .hyperframesignore"), "{ran:?}");
    write(folder.path(), ".hyperframesignore", "!.media/\n!.env\n!.npmrc\n");
    let ran = run_in(folder.path(), &["pack", "--list"]).ok();
    assert!(ran.stdout.contains(".media/a.png") && !ran.stdout.contains(".env"), "{ran:?}");
    assert!(!ran.stdout.contains(".npmrc"), "{ran:?}");
}
