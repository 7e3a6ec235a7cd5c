//! Tests of child processes.

use super::*;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn frames_of_spinners_and_progress_bars_are_not_kept() {
    let output = "⠙ resolving\n◒  Uploading\n  ████░░ 40%\n░░░ 0%\n▌ 1\n│  Error: no such bucket\n- a detail";
    assert_eq!(OutputTail::of(output).into_lines(), ["│  Error: no such bucket", "- a detail"]);
}

#[test]
fn lines_of_both_outputs_are_read_without_colors() {
    let mut lines = Vec::new();
    let exited = run(
        shell("printf 'a\\rb\\n'; printf '\\033[31mred\\033[0m\\n' >&2; exit 3"),
        Deadline::NEVER,
        &mut |line| {
            lines.push(line.to_owned());
            line != "a"
        },
    )
    .expect("started");
    lines.sort();
    assert_eq!(lines, ["a", "b", "red"]);
    assert_eq!(exited.status.code(), Some(3));
    assert_eq!(exited.output.len(), 2);
}

#[test]
fn lines_have_a_limit() {
    let lengths = std::cell::RefCell::new(Vec::new());
    let mut tail = OutputTail::default();
    let endless = std::io::repeat(b'x').take(2 * MAX_LINE as u64 + 5);
    let lines = std::cell::RefCell::new(&mut tail);
    read_lines(endless, &|line| {
        lengths.borrow_mut().push(line.len());
        lines.borrow_mut().push(&line);
        true
    });
    assert_eq!(lengths.into_inner(), [MAX_LINE, MAX_LINE, 5]);
    let kept = tail.into_lines().iter().map(String::len).collect::<Vec<_>>();
    assert_eq!(kept, [MAX_TAIL_LINE, MAX_TAIL_LINE, 5]);
}

#[test]
fn a_command_is_ended_at_its_deadline() {
    // One that is silent, and one that never stops talking.
    for script in ["sleep 60", "while :; do echo on; done"] {
        let (began, limit) = (std::time::Instant::now(), Duration::from_millis(300));
        let error = run(shell(script), Deadline::after(limit), &mut |_| false).err().expect("ended");
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(5), "{script}: {:?}", began.elapsed());
    }
}

#[test]
fn grandchildren_end_with_the_child() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    // The grandchild keeps the output open, as a browser does, and would live for a minute.
    // It leaves the process group and its parent, as browsers and their helpers do.
    let script = format!("(setsid sleep 60 & echo $! > {})", file.display());
    run(shell(&script), Deadline::NEVER, &mut |_| true).expect("started");
    let pid = std::fs::read_to_string(file).expect("a pid").trim().to_owned();
    let gone = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => true,
        Ok(stat) => stat.contains(") Z "),
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !gone() && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(gone(), "process {pid} still runs");
}

#[test]
fn standard_output_and_standard_error_are_kept_apart() {
    let (exited, output) =
        capture(shell("echo one; echo why >&2; echo two; exit 4"), Deadline::NEVER).expect("started");
    assert_eq!((exited.status.code(), output.as_str()), (Some(4), "one\ntwo\n"));
    assert_eq!(exited.output, ["why"]);
}

#[test]
fn variables_with_a_prefix_are_inherited() {
    let wanted = |name: &str| std::env::vars().any(|(known, _)| known == name);
    assert!(wanted("CARGO_PKG_NAME"), "cargo sets it");
    let names = |command: Command| capture(command, Deadline::NEVER).expect("started").1;
    let seen = names(with_variables(shell("env"), &["CARGO_PKG_"]));
    assert!(seen.contains("CARGO_PKG_NAME=") && !seen.contains("CARGO_MANIFEST_DIR="), "{seen}");
    assert!(!names(without_secrets(shell("env"))).contains("CARGO_PKG_NAME="));
}

/// Returns the Rust files in `folder`.
fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("listed").flatten().map(|entry| entry.path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn every_child_of_the_program_gets_an_allowed_environment() {
    // The processes of the engine limit the environment of these; the launcher becomes the program, with what it was given.
    let elsewhere = ["sandbox/bubblewrap.rs", "sandbox/contained.rs", "sandbox/launcher.rs"];
    let of_tests = ["tests.rs", "trust_tests.rs", "differential.rs"];
    let mut count = 0;
    for path in sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let program = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
        let program = program.split("\n#[cfg(all(test").next().unwrap_or_default();
        let started = program.matches("Command::new(").count();
        if started == 0 || elsewhere.iter().chain(&of_tests).any(|file| path.ends_with(file)) {
            continue;
        }
        count += started;
        let limits = ["without_secrets(", "with_variables(", ".env_clear()"];
        let limited = limits.iter().map(|limit| program.matches(limit).count()).sum::<usize>();
        assert!(started <= limited, "{}: {started} commands, {limited} limits", path.display());
    }
    assert!(count >= 8, "{count} commands found");
}

#[test]
fn only_allowed_variables_are_inherited() {
    for (name, allowed) in [
        ("PATH", true),
        ("lc_all", true),
        ("https_proxy", true),
        ("HEYGEN_API_KEY", false),
        ("GITHUB_TOKEN", false),
        ("ACTIONS_RUNTIME_TOKEN", false),
        ("AWS_SECRET_ACCESS_KEY", false),
        ("MY_PW", false),
    ] {
        assert_eq!(is_allowed(name), allowed, "{name}");
    }
    let mut command = without_secrets(shell("env"));
    command.env("MARK", "1");
    let mut seen = Vec::new();
    run(command, Deadline::NEVER, &mut |line| {
        seen.extend(line.split('=').next().map(str::to_owned));
        true
    })
    .expect("started");
    // The shell adds PWD, SHLVL and _ by itself.
    assert!(seen.contains(&"MARK".to_owned()));
    assert!(
        seen.iter().all(|name| is_allowed(name)
            || ["MARK", "HYPERFRAMES_CI_PROCESS_TREE", "PWD", "OLDPWD", "SHLVL", "_"]
                .contains(&name.as_str())),
        "{seen:?}"
    );
}
