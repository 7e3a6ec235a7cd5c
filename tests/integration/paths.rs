//! Every path that somebody names, with every kind of thing that may be there. In a CI job and in a configuration, nothing
//! outside of the repository is read, shown or changed, and nothing is waited for. Races are in
//! `src/system/gate/tests.rs`.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Ran, command, html, show, write};

/// Content of files in the repository, and of files outside of it.
const INSIDE: &str = "inside-the-repository";
const OUTSIDE: &str = "outside-the-repository";

/// What is at the path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Regular,
    LinkInside,
    LinkOutside,
    LinkToFolderOutside,
    Chain,
    Dangling,
    HardLink,
    Fifo,
    Socket,
    Directory,
    Device,
    Endless,
    Huge,
}

const KINDS: [Kind; 13] = [
    Kind::Regular,
    Kind::LinkInside,
    Kind::LinkOutside,
    Kind::LinkToFolderOutside,
    Kind::Chain,
    Kind::Dangling,
    Kind::HardLink,
    Kind::Fifo,
    Kind::Socket,
    Kind::Directory,
    Kind::Device,
    Kind::Endless,
    Kind::Huge,
];

/// What a path is for.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// A file that is read and must exist.
    Read,
    /// A file that is read if it exists.
    ReadIfThere,
    /// A file that is written and replaces what was there.
    Written,
    /// A file of lines that is appended to.
    Appended,
}

/// A path that somebody names.
struct Input {
    name: &'static str,
    purpose: Use,
    /// The file name.
    file: &'static str,
    /// The content of a file, with `MARK` for the mark of its place.
    content: &'static str,
    /// The configuration, with `PATH`.
    config: &'static str,
    /// The arguments, with `PATH`.
    arguments: &'static [&'static str],
}

const VALUES: &str = "{\"title\": \"MARK\"}";
const ROWS: &str = "{\"title\": \"MARK\"}\n";
const NONE: &str = "";
/// A dry run prints the values that would be sent.
const DRY: &[&str] = &["render", "project", "--dry-run", "--json"];
const ALL: &[&str] = &["render", "--all", "--dry-run", "--json"];

const INPUTS: &[Input] = &[
    input("variables-file", Use::Read, "v.json", VALUES, NONE, &["--variables-file", "PATH"]),
    input("rows", Use::Read, "r.jsonl", ROWS, NONE, &["--batch", "PATH"]),
    input("data", Use::Read, "d.json", "{\"title\": \"MARK\"}", NONE, &["--data", "PATH"]),
    input("config", Use::Read, "c.toml", "# MARK\n", NONE, &["--config", "PATH"]),
    input("toml variables-file", Use::Read, "v.json", VALUES, "variables-file = \"PATH\"\n", &["--all"]),
    input("toml rows", Use::Read, "r.jsonl", ROWS, "rows = \"PATH\"\n", &["--all"]),
    input("toml", Use::ReadIfThere, "hyperframes-ci.toml", "# MARK\n", NONE, &[]),
    input("ignore file", Use::ReadIfThere, "project/.hyperframesignore", "# MARK\n", NONE, &[]),
    input("page", Use::Read, "project/index.html", "PAGE", NONE, &[]),
    input("asset", Use::Read, "project/a.png", "MARK", NONE, &[]),
    input("pack -o", Use::Written, "o.zip", "MARK", NONE, &["pack", "project", "-o", "PATH"]),
    input("manifest", Use::Appended, "m.jsonl", NONE, NONE, &["--batch", "rows.jsonl", "--manifest", "PATH"]),
    input(
        "toml manifest",
        Use::Appended,
        "m.jsonl",
        NONE,
        "rows = \"rows.jsonl\"\nmanifest = \"PATH\"\n",
        &["--all"],
    ),
    input("ledger", Use::Appended, "l.jsonl", NONE, NONE, &["--ledger", "PATH"]),
];

const fn input(
    name: &'static str,
    purpose: Use,
    file: &'static str,
    content: &'static str,
    config: &'static str,
    arguments: &'static [&'static str],
) -> Input {
    Input { name, purpose, file, content, config, arguments }
}

impl Input {
    fn content(&self, mark: &str) -> String {
        let page = html(
            1280,
            720,
            &format!("<p>MARK{}", if self.file == "project/a.png" { "<img src=a.png>" } else { "" }),
        );
        self.content.replace("PAGE", &page).replace("MARK", mark)
    }

    /// The name of the file, which is not hidden.
    fn base(&self) -> &'static str {
        self.file.rsplit('/').next().unwrap().trim_start_matches('.')
    }

    /// What is expected of the kind: whether the command succeeds.
    fn is_accepted(&self, kind: Kind) -> bool {
        match (self.purpose, kind) {
            (_, Kind::Regular | Kind::LinkInside | Kind::HardLink) => true,
            // It is not packed, and a warning says so.
            (_, Kind::Fifo | Kind::Socket | Kind::Directory) if self.name == "asset" => true,
            // It is replaced, or not read by a dry run.
            (Use::Written, Kind::Huge) => true,
            (_, Kind::Huge) => self.name == "ledger",
            // It counts as missing.
            (Use::ReadIfThere, Kind::Dangling) => true,
            // The new file takes the place of the link; a link to something that is no file is a mistake.
            (Use::Written, Kind::LinkOutside | Kind::Chain | Kind::Dangling) => true,
            _ => false,
        }
    }
}

/// A repository, and what is outside of it.
struct World {
    folder: tempfile::TempDir,
    _socket: Option<std::os::unix::net::UnixListener>,
}

impl World {
    fn new(input: &Input, kind: Kind) -> (Self, String) {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("repo"), folder.path().join("outside"));
        fs::create_dir_all(inside.join(".git")).unwrap();
        let asset = if input.file == "project/a.png" { "<img src=a.png>" } else { "" };
        write(&inside, "project/index.html", &html(1280, 720, asset));
        write(&inside, "rows.jsonl", "{\"title\": \"x\"}\n");
        write(&inside, &format!("shared/{}", input.base()), &input.content(INSIDE));
        write(&outside, "file", &input.content(OUTSIDE));
        write(&outside, &format!("folder/{}", input.base()), &input.content(OUTSIDE));
        let path = inside.join(input.file);
        let _ = fs::remove_file(&path);
        let mut named = input.file.to_owned();
        let mut socket = None;
        match kind {
            Kind::Regular => fs::write(&path, input.content(INSIDE)).unwrap(),
            Kind::LinkInside => {
                let up = if input.file.contains('/') { "../" } else { "" };
                symlink(format!("{up}shared/{}", input.base()), &path).unwrap();
            }
            Kind::LinkOutside => symlink(outside.join("file"), &path).unwrap(),
            Kind::LinkToFolderOutside if input.is_fixed() => symlink(outside.join("folder"), &path).unwrap(),
            Kind::LinkToFolderOutside => {
                symlink("../outside/folder", inside.join("linked")).unwrap();
                named = format!("linked/{}", input.base());
            }
            Kind::Chain => {
                symlink(folder.path().join("outside/file"), inside.join("second")).unwrap();
                symlink(inside.join("second"), &path).unwrap();
            }
            Kind::Dangling => symlink("nowhere", &path).unwrap(),
            Kind::HardLink => {
                let shared = inside.join("shared").join(input.base());
                fs::hard_link(shared, &path).unwrap();
            }
            Kind::Fifo => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
            Kind::Socket => socket = Some(std::os::unix::net::UnixListener::bind(&path).unwrap()),
            Kind::Directory => fs::create_dir(&path).unwrap(),
            Kind::Device => symlink("/dev/null", &path).unwrap(),
            Kind::Endless => symlink("/dev/zero", &path).unwrap(),
            // Holes take no space.
            Kind::Huge => fs::File::create(&path).unwrap().set_len(3 << 30).unwrap(),
        }
        if !input.config.is_empty() {
            let entry = format!(
                "[[render]]\nname = \"x\"\nproject = \"project\"\n{}",
                input.config.replace("PATH", &named)
            );
            write(&inside, "hyperframes-ci.toml", &entry);
        }
        (Self { folder, _socket: socket }, named)
    }

    /// The contents of everything outside.
    fn outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().join("outside")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => drop(files.insert(entry.path(), fs::read(entry.path()).unwrap())),
                }
            }
        }
        files
    }

    fn run(&self, input: &Input, named: &str) -> Ran {
        let start = match input.arguments.first() {
            Some(&"pack") => &[][..],
            Some(&"--all") => ALL,
            _ => DRY,
        };
        let own = input.arguments.iter().filter(|argument| **argument != "--all");
        let arguments = start.iter().chain(own).map(|argument| argument.replace("PATH", named));
        let mut command = command();
        command.args(arguments).current_dir(self.folder.path().join("repo")).env("CI", "true");
        Ran::of(&mut command)
    }
}

impl Input {
    /// Whether the name of the file is not chosen by anybody.
    fn is_fixed(&self) -> bool {
        self.arguments.iter().all(|argument| *argument != "PATH") && self.config.is_empty()
    }
}

#[test]
fn no_path_leads_out_of_the_repository_in_ci() {
    let mut table = String::from("| path |");
    KINDS.iter().for_each(|kind| table.push_str(&format!(" {kind:?} |")));
    table.push_str(&format!("\n|---|{}\n", "---|".repeat(KINDS.len())));
    let mut mistakes = Vec::new();
    for input in INPUTS {
        table.push_str(&format!("| {} |", input.name));
        // Three GiB of zeros are packed, which takes a minute in a debug build.
        for kind in KINDS.into_iter().filter(|kind| (input.name, *kind) != ("asset", Kind::Huge)) {
            let (world, named) = World::new(input, kind);
            let before = world.outside();
            let began = std::time::Instant::now();
            let ran = world.run(input, &named);
            let is_shown = ran.stdout.contains(OUTSIDE) || ran.stderr.contains(OUTSIDE);
            let is_changed = world.outside() != before;
            let is_accepted = ran.code == 0;
            table.push_str(if is_accepted { " accepted |" } else { " refused |" });
            if is_shown
                || is_changed
                || is_accepted != input.is_accepted(kind)
                || began.elapsed().as_secs() > 30
            {
                mistakes.push(format!("{} {kind:?}: {is_shown} {is_changed} {ran:?}", input.name));
            }
        }
        table.push('\n');
    }
    show("paths.md", &table);
    assert!(mistakes.is_empty(), "{} cells:\n{}", mistakes.len(), mistakes.join("\n"));
}

/// A person at a terminal may name any file.
#[test]
fn a_link_that_a_person_names_is_followed() {
    for input in INPUTS
        .iter()
        .filter(|input| input.purpose == Use::Read && input.config.is_empty() && !input.is_fixed())
    {
        let (world, named) = World::new(input, Kind::LinkOutside);
        let arguments = DRY.iter().chain(input.arguments).map(|argument| argument.replace("PATH", &named));
        let ran = Ran::of(command().args(arguments).current_dir(world.folder.path().join("repo")));
        assert_eq!(ran.code, 0, "{}: {ran:?}", input.name);
    }
}

/// Outputs that rows and configurations name: no folder outside, and never `.git`.
#[test]
fn videos_are_written_inside_of_the_repository_only() {
    let emulator = crate::support::Emulator::placeholder(&[]);
    for (place, own, is_accepted) in [
        ("out", true, true),
        ("out", false, true),
        ("linked", true, false),
        ("linked", false, false),
        (".git/hooks", true, false),
        (".git/hooks", false, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("repo"), folder.path().join("outside"));
        fs::create_dir_all(inside.join(".git/hooks")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        write(&inside, "project/index.html", &html(1280, 720, ""));
        symlink("../outside", inside.join("linked")).unwrap();
        let row = if own {
            format!("{{\"variables\":{{\"title\":\"x\"}},\"output\":\"{place}/v.mp4\"}}")
        } else {
            "{\"title\":\"x\"}".into()
        };
        write(&inside, "rows.jsonl", &row);
        let pattern = if own { String::new() } else { format!("output = \"{place}/{{index}}.mp4\"\n") };
        let entry =
            format!("[[render]]\nname = \"x\"\nproject = \"project\"\nrows = \"rows.jsonl\"\n{pattern}");
        write(&inside, "hyperframes-ci.toml", &entry);
        let ran = emulator.run(&inside, &["render", "--all", "--json"]);
        assert_eq!(ran.code == 0, is_accepted, "{place} {own}: {ran:?}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{place}");
        assert_eq!(fs::read_dir(inside.join(".git/hooks")).unwrap().count(), 0, "{place}");
    }
}

/// An argument of a job may be a part of what a stranger has chosen. Only directories that the job owns, or that its author
/// allows, can be named.
#[test]
fn the_command_line_of_a_job_stays_in_the_directories_of_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let inside = folder.path().join("repo");
    for name in ["repo/.git", "tmp", "runner"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    write(&inside, "project/index.html", &html(1280, 720, ""));
    write(&inside, "rows.jsonl", ROWS);
    for place in ["outside", "tmp", "runner"] {
        write(folder.path(), &format!("{place}/v.json"), VALUES);
        write(folder.path(), &format!("{place}/r.jsonl"), ROWS);
        write(folder.path(), &format!("{place}/c.toml"), "");
        write(folder.path(), &format!("{place}/project/index.html"), &html(1280, 720, ""));
    }
    let run = |place: &str, arguments: &[&str], job: &[(&str, &str)]| {
        let place = folder.path().join(place).display().to_string();
        let mut command = command();
        command.env("HYPERFRAMES_CI_LEDGER", path("ledger.jsonl"));
        command.args(arguments.iter().map(|argument| argument.replace("PLACE", &place)));
        command.current_dir(&inside).env("TMPDIR", path("tmp")).envs(job.iter().copied());
        Ran::of(&mut command)
    };
    let (repo, runner, outside) = (path("repo"), path("runner"), path("outside"));
    let ci = [("CI", "true")];
    let github = [("CI", "true"), ("GITHUB_WORKSPACE", &*repo), ("RUNNER_TEMP", &*runner)];
    let allowed = [("CI", "true"), ("HYPERFRAMES_CI_PATHS", &*outside)];
    for arguments in [
        &["render", "project", "--dry-run", "--json", "--variables-file", "PLACE/v.json"][..],
        &["render", "project", "--dry-run", "--json", "--variables-file", "../outside/v.json"],
        &["render", "project", "--dry-run", "--json", "--data", "PLACE/v.json"],
        &["render", "project", "--dry-run", "--json", "--batch", "PLACE/r.jsonl"],
        &["render", "project", "--dry-run", "--json", "--config", "PLACE/c.toml"],
        &["render", "project", "--dry-run", "--json", "--batch", "rows.jsonl", "--manifest", "PLACE/m.jsonl"],
        &["render", "PLACE/project", "--dry-run", "--json"],
        &["pack", "PLACE/project", "--json"],
        &["pack", "project", "--json", "-o", "PLACE/a.zip"],
        &["check", "PLACE/project", "--json"],
        &["check", "project", "--json", "--rows", "PLACE/r.jsonl"],
        &["schema", "variables", "PLACE/project"],
    ] {
        let refused = |ran: &Ran| ran.code != 0 && ran.stderr.contains("outside the workspace");
        let is_relative = arguments.iter().any(|argument| argument.contains("../"));
        assert!(
            refused(&run("outside", arguments, &ci)),
            "{arguments:?}: {:?}",
            run("outside", arguments, &ci)
        );
        assert!(refused(&run("outside", arguments, &github)), "{arguments:?}");
        for (place, job) in [("outside", &allowed[..]), ("outside", &[]), ("tmp", &ci), ("runner", &github)] {
            let job = if is_relative { &allowed[..] } else { job };
            let ran = run(place, arguments, job);
            assert_eq!(ran.code, 0, "{arguments:?} {place} {job:?}: {ran:?}");
        }
    }
}

#[test]
fn a_video_of_a_job_is_written_into_the_directories_of_the_job() {
    let emulator = crate::support::Emulator::placeholder(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("repo"), folder.path().join("outside"));
    for name in ["repo/.git", "tmp", "outside"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    write(&inside, "project/index.html", &html(1280, 720, ""));
    let video = outside.join("v.mp4").display().to_string();
    for (is_job, allowed, code) in [(true, "", 2), (true, outside.to_str().unwrap(), 0), (false, "", 0)] {
        let mut command = emulator.command();
        command.args(["render", "project", "--json", "--ledger", "l.jsonl", "-o", &video]);
        command.current_dir(&inside).env("TMPDIR", folder.path().join("tmp"));
        command.env("CI", if is_job { "true" } else { "" }).env("HYPERFRAMES_CI_PATHS", allowed);
        let ran = Ran::of(&mut command);
        assert_eq!(ran.code, code, "{is_job} {allowed}: {ran:?}");
        assert_eq!(outside.join("v.mp4").exists(), code == 0, "{ran:?}");
        assert!(code == 0 || emulator.created() == (0, 0), "nothing is billed");
        let _ = fs::remove_file(outside.join("v.mp4"));
    }
}

/// What a shell hands over by `<(…)` and by redirection is read in a job.
#[test]
fn open_files_of_the_shell_are_read_in_a_job() {
    let (world, _) = World::new(&INPUTS[0], Kind::Regular);
    let inside = world.folder.path().join("repo");
    let program = env!("CARGO_BIN_EXE_hyperframes-ci");
    for script in [
        "\"$0\" render project --dry-run --json --variables-file <(cat v.json)",
        "\"$0\" render project --dry-run --json --variables-file /dev/stdin <v.json",
    ] {
        let mut shell = Command::new("bash");
        crate::support::clean(&mut shell);
        shell.args(["-c", script, program]).current_dir(&inside).env("CI", "true");
        let ran = Ran::of(&mut shell);
        assert_eq!(ran.code, 0, "{script}: {ran:?}");
        assert!(ran.stdout.contains(INSIDE), "{ran:?}");
    }
}
