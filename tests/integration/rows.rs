//! Rows as people have them, and the files that they write: what is refused is refused before anything is paid.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Emulator, Ran, html, names, project, write};

/// The first bytes of a video.
const VIDEO: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0";

/// A project with a text, a number and a boolean, in a folder that is its own repository.
fn typed_project() -> tempfile::TempDir {
    let folder = project();
    let declared = r#"[{"id":"name","label":"N","type":"string","default":"a"},
        {"id":"age","label":"A","type":"number","default":1},{"id":"ok","label":"O","type":"boolean","default":true}]"#;
    let bound = "<i data-var-text=\"age\"></i><i data-var-text=\"ok\"></i>";
    let page = html(1280, 720, bound).replacen(
        r#"[{"id":"title","label":"Title","type":"string","default":"x"}]"#,
        declared,
        1,
    );
    write(folder.path(), "index.html", &page.replace("data-var-text=\"title\"", "data-var-text=\"name\""));
    folder
}

/// Runs a batch of `rows.jsonl` and checks that it is refused because of rows, with nothing paid or uploaded.
fn refused(emulator: &Emulator, folder: &Path, rows: &str, flags: &[&str]) -> String {
    write(folder, "rows.jsonl", rows);
    let before = names(folder);
    let mut message = String::new();
    // The same with --keep-going and in a dry run, which is the last one.
    for more in [&["--json"][..], &["--json", "--dry-run"]] {
        let ran = emulator.run(folder, &[&["render", "--batch", "rows.jsonl"], flags, more].concat());
        assert_eq!((ran.code, ran.error()["code"].as_str()), (5, Some("invalid_rows")), "{rows}: {ran:?}");
        message = ran.error()["message"].as_str().unwrap().to_owned();
    }
    assert_eq!(emulator.created(), (0, 0), "{rows}");
    assert_eq!(emulator.stats()["bytes_uploaded"], 0);
    assert_eq!(names(folder), before, "nothing is written");
    message
}

fn named(outputs: &[&str]) -> String {
    let row = |(number, output): (usize, &&str)| {
        format!("{}\n", json!({ "variables": { "title": format!("film {number}") }, "output": output }))
    };
    (1..).zip(outputs).map(row).collect()
}

#[test]
fn spellings_of_one_file_are_refused_before_anything_is_paid() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    let absolute = folder.join("out/a.mp4").display().to_string();
    for spelling in ["out/a.mp4", "./out/a.mp4", "out//a.mp4", "out//x/../a.mp4", "out/./a.mp4", &absolute] {
        let rows = named(&["out/a.mp4", "out/b.mp4", spelling]);
        for flags in [&[][..], &["--keep-going"]] {
            let message = refused(&emulator, folder, &rows, flags);
            let expected = format!("rows.jsonl:3: output {spelling} is also the output of row 1 (line 1)");
            assert!(message.contains(&expected), "{message}");
        }
    }
    for (outputs, expected) in [
        (["out/a", "out/a/b.mp4"], "2: output out/a/b.mp4 is below the output of row 1 (line 1)"),
        (
            ["out/a/b/c.mp4", "./out/a"],
            "2: output ./out/a is a parent directory of the output of row 1 (line 1)",
        ),
    ] {
        let message = refused(&emulator, folder, &named(&outputs), &["--keep-going"]);
        assert!(message.contains(expected), "{message}");
    }
    #[cfg(unix)]
    {
        fs::create_dir(folder.join("out")).unwrap();
        std::os::unix::fs::symlink("out", folder.join("link")).unwrap();
        fs::write(folder.join("out/a.mp4"), VIDEO).unwrap();
        std::os::unix::fs::symlink("a.mp4", folder.join("out/c.mp4")).unwrap();
        for spelling in ["link/a.mp4", "out/c.mp4", "link/c.mp4"] {
            let message = refused(&emulator, folder, &named(&["out/a.mp4", spelling]), &["--keep-going"]);
            assert!(
                message.contains(&format!("rows.jsonl:2: output {spelling} is also the output of row 1")),
                "{message}"
            );
        }
    }
}

#[test]
fn one_output_for_all_rows_is_refused() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let rows = "{\"title\": \"a\"}\n\n{\"title\": \"b\"}\n{\"title\": \"c\"}\n";
    for output in ["same.mp4", "out/{index}/../same.mp4"] {
        for flags in [&["-o", output][..], &["-o", output, "--keep-going"]] {
            let message = refused(&emulator, folder.path(), rows, flags);
            let expected = format!(
                "rows.jsonl:3: output {} is also the output of row 1 (line 1); add {{index}}",
                output.replace("{index}", "2")
            );
            assert!(message.starts_with("2 invalid rows") && message.contains(&expected), "{message}");
        }
    }
    // Equal rows share a render, and what it is written to.
    write(folder.path(), "rows.jsonl", "{\"title\": \"a\"}\n{\"title\": \"a\"}\n");
    emulator.run(folder.path(), &["render", "--batch", "rows.jsonl", "-o", "same.mp4"]).ok();
    assert_eq!(emulator.created(), (1, 1));
}

#[test]
fn names_that_differ_in_case_only_are_not_both_rendered() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let message = refused(&emulator, folder.path(), &named(&["out/a.mp4", "out/A.mp4"]), &[]);
    assert!(message.contains("rows.jsonl:2: output out/A.mp4 is also the output of row 1"), "{message}");
    let flags = ["render", "--batch", "rows.jsonl", "--keep-going", "--json"];
    let ran = emulator.run(folder.path(), &flags);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (1, Some("batch_failed")), "{ran:?}");
    assert_eq!(emulator.created(), (1, 1), "the second row is left out");
    assert_eq!(names(&folder.path().join("out")), ["a.mp4"]);
}

#[test]
fn rows_replace_nothing_but_videos() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    write(folder, "index.html", &html(1280, 720, "<video src=\"clip.mp4\"></video>"));
    fs::write(folder.join("clip.mp4"), VIDEO).unwrap();
    write(folder, "values.json", "{}");
    write(folder, "notes.mp4", "notes");
    write(folder, "page.mp4", "<html>");
    fs::create_dir(folder.join("folder.mp4")).unwrap();
    let flags = ["--manifest", "list.jsonl", "--ledger", "paid.jsonl", "--variables-file", "values.json"];
    for (output, reason) in [
        ("rows.jsonl", "is the rows file; choose another file"),
        ("./x/../rows.jsonl", "is the rows file"),
        ("list.jsonl", "is the manifest of this batch"),
        ("list.jsonl/a.mp4", "is the manifest of this batch"),
        ("paid.jsonl", "is the ledger"),
        ("values.json", "is the variables file"),
        ("index.html", "is a source file of the project"),
        ("clip.mp4", "is a source file of the project"),
        (".git/hooks/a.mp4", "is hidden: .git starts with a dot"),
        ("out/.a.mp4", "is hidden"),
        ("../a.mp4", "is outside the current directory; choose a file inside that directory"),
        ("/etc/passwd", "is outside the current directory"),
        ("notes.mp4", "exists and is not a video (an unknown format); move the existing file"),
        ("page.mp4", "exists and is not a video (an HTML page"),
        ("folder.mp4", "is a directory"),
        ("notes.mp4/a.mp4", "which is not a directory"),
    ] {
        let rows = format!("\n{}", named(&["out/b.mp4", output]));
        let message = refused(&emulator, folder, &rows, &flags);
        let expected = format!("rows.jsonl:3: row 2: output {output} ");
        assert!(message.contains(&expected) && message.contains(reason), "{reason}: {message}");
    }
    assert!(!folder.join("list.jsonl").exists());
    // With --keep-going the others are rendered, and an empty file or a video is replaced.
    fs::write(folder.join("empty.mp4"), "").unwrap();
    fs::write(folder.join("old.mp4"), VIDEO).unwrap();
    write(folder, "rows.jsonl", &named(&["notes.mp4", "empty.mp4", "old.mp4"]));
    let ran = emulator.run(folder, &["render", "--batch", "rows.jsonl", "--keep-going"]);
    assert_eq!((ran.code, emulator.created().1), (1, 2), "{ran:?}");
    assert!(ran.stderr.contains("rows.jsonl:1: row 1: output notes.mp4"), "{ran:?}");
    assert_eq!(fs::read(folder.join("notes.mp4")).unwrap(), b"notes");
    assert!(fs::metadata(folder.join("empty.mp4")).unwrap().len() > 100);
    assert!(fs::metadata(folder.join("old.mp4")).unwrap().len() > 100);
}

#[cfg(unix)]
#[test]
fn links_out_of_the_place_and_special_files_are_refused() {
    use std::os::unix::fs::symlink;
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("out")).unwrap();
    symlink(elsewhere.path(), folder.join("out/outer")).unwrap();
    fs::write(elsewhere.path().join("a.mp4"), VIDEO).unwrap();
    symlink(elsewhere.path().join("a.mp4"), folder.join("out/file.mp4")).unwrap();
    symlink("nowhere", folder.join("out/dangling.mp4")).unwrap();
    write(folder, ".hyperframesignore", "out\nplace\n");
    assert!(
        std::process::Command::new("mkfifo").arg(folder.join("out/fifo.mp4")).status().unwrap().success()
    );
    for (output, reason) in [
        ("out/outer/b.mp4", "is outside the current directory"),
        ("out/outer/a.mp4", "is outside the current directory"),
        ("out/file.mp4", "is outside the current directory"),
        ("out/dangling.mp4", "a broken symbolic link; remove the link"),
        ("out/fifo.mp4", "is a FIFO"),
    ] {
        let message = refused(&emulator, folder, &named(&[output]), &[]);
        assert!(message.contains(reason), "{message}");
        // The same from a pattern, whose place is the folder that the user has typed.
        let name = output.strip_prefix("out/").unwrap().split('/').next().unwrap();
        let pattern = if output.starts_with("out/outer") { "out/{title}/b.mp4" } else { "out/{title}" };
        let rows = format!("{}\n", json!({ "title": name }));
        let message = refused(&emulator, folder, &rows, &["-o", pattern]);
        assert!(message.contains(&reason.replace("the current directory", "out")), "{message}");
    }
    assert_eq!(names(elsewhere.path()), ["a.mp4"]);
    // A link that the user names as the place is the place.
    symlink(elsewhere.path(), folder.join("place")).unwrap();
    write(folder, "rows.jsonl", "{\"title\": \"b\"}\n");
    emulator.run(folder, &["render", "--batch", "rows.jsonl", "-o", "place/{title}.mp4"]).ok();
    assert_eq!(names(elsewhere.path()), ["a.mp4", "b.mp4"]);
}

#[test]
fn a_single_render_replaces_nothing_but_videos() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    write(folder, "notes.txt", "notes");
    fs::create_dir(folder.join("folder")).unwrap();
    for (output, reason) in [
        ("notes.txt", "exists and is not a video"),
        ("folder", "is a directory"),
        ("paid.jsonl", "is the ledger"),
        #[cfg(unix)]
        ("/dev/null", "is a device"),
    ] {
        for flags in [&[][..], &["--dry-run"]] {
            let render = ["render", "-o", output, "--ledger", "paid.jsonl", "--json"];
            let ran = emulator.run(folder, &[&render, flags].concat());
            assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("output_not_writable")), "{ran:?}");
            assert!(ran.error()["message"].as_str().unwrap().contains(reason), "{ran:?}");
        }
    }
    assert_eq!(emulator.created(), (0, 0));
    let id =
        emulator.run(folder, &["render", "--json", "-o", "v.mp4"]).ok().json()["render"]["render_id"].clone();
    emulator.run(folder, &["render", "--fps", "24", "-o", "v.mp4"]).ok();
    let ran = emulator.run(folder, &["get", id.as_str().unwrap(), "-o", "notes.txt", "--json"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("output_not_writable")), "{ran:?}");
    assert_eq!(fs::read(folder.join("notes.txt")).unwrap(), b"notes");
}

#[test]
fn outputs_of_entries_are_compared_as_files() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let entry = |name: &str, output: &str| {
        format!("[[render]]\nname = \"{name}\"\nproject = \".\"\ntitle = \"{name}\"\noutput = \"{output}\"\n")
    };
    let config = entry("a", "out/v.mp4") + &entry("b", "out/./x/v.mp4").replace("./x", ".");
    write(folder.path(), "hyperframes-ci.toml", &config);
    let ran = emulator.run(folder.path(), &["render", "--all", "--json"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("is already used by another entry"), "{ran:?}");
    assert_eq!(emulator.created(), (0, 0));
}

/// Runs a dry run of rows in `file`.
fn dry_run(emulator: &Emulator, folder: &Path, file: &str, text: &[u8], more: &[&str]) -> Ran {
    fs::write(folder.join(file), text).unwrap();
    let flags = ["render", "--batch", file, "--dry-run", "-o", "o/{index}.mp4"];
    emulator.run(folder, &[&flags[..], more].concat())
}

#[test]
fn tables_of_spreadsheets_are_read() {
    let emulator = Emulator::placeholder(&[]);
    let folder = typed_project();
    let folder = folder.path();
    for (file, text) in [
        ("bom.csv", "\u{feff}name,age\r\nAnna,3\r\nBo,4\r\n"),
        ("semicolon.csv", "name;age\nAnna;3\nBo;4\n"),
        ("tab.csv", "name\tage\nAnna\t3\nBo\t4\n"),
        ("sep.csv", "\u{feff}sep=;\r\nname;age\r\nAnna;3\r\nBo;4\r\n"),
        ("rows.tsv", "\u{feff}name\tage\r\nAnna\t3\r\nBo\t4\r\n"),
        ("return.csv", "name,age\rAnna,3\rBo,4\r"),
        ("bool.csv", "name,ok\nAnna,TRUE\nBo,False\n"),
        ("rows.jsonl", "\u{feff}{\"name\":\"Anna\"}\r{\"name\":\"Bo\"}\r"),
        ("rows.json", "\u{feff}[{\"name\":\"Anna\"},\r{\"name\":\"Bo\"}]\r"),
    ] {
        let ran = dry_run(&emulator, folder, file, text.as_bytes(), &["--strict-variables"]).ok();
        assert!(ran.stderr.contains("dry run: 2 rows; 2 to render"), "{file}: {ran:?}");
        assert!(!ran.stderr.contains("warning"), "{file}: {ran:?}");
        let checked = emulator.run(folder, &["check", "--rows", file, "--strict"]);
        assert_eq!(checked.code, 0, "{file}: {checked:?}");
    }
    let ran = dry_run(&emulator, folder, "a.csv", b"name;age\nAnna;3\n", &[]).ok();
    assert!(ran.stderr.contains("note: a.csv: detected semicolon as column separator"), "{ran:?}");
    assert!(ran.stderr.contains("dry run: 1 row; 1 to render"), "{ran:?}");
    let ran = dry_run(&emulator, folder, "b.csv", b"name,age\nAnna,3\n\n,\nBo,4\n\n", &[]).ok();
    assert!(ran.stderr.contains("note: b.csv: 2 blank rows skipped"), "{ran:?}");
    assert!(ran.stderr.contains("dry run: 2 rows; 2 to render"), "{ran:?}");
    // Blank rows are not numbered, so that other rows keep their numbers.
    write(folder, "b.csv", "name\nAnna\n\nBo\n");
    emulator.run(folder, &["render", "--batch", "b.csv", "-o", "o/{index}.mp4"]).ok();
    assert_eq!(names(&folder.join("o")), ["1.mp4", "2.mp4"]);
}

#[test]
fn headers_that_mislead_are_named() {
    let emulator = Emulator::placeholder(&[]);
    let folder = typed_project();
    let folder = folder.path();
    for (file, text, message) in [
        (
            "a.csv",
            &b"\nname,age,name\nAnna,3,Bo\n"[..],
            "a.csv:2: the file has duplicate column names: \"name\" (columns 1 and 3)",
        ),
        (
            "b.csv",
            b"name,age;ok\nAnna,3;true\n",
            "b.csv:1: the file has an ambiguous delimiter: comma or semicolon",
        ),
        ("c.csv", b"\xff\xfen\0", "c.csv:1: the file is UTF-16; save it as UTF-8"),
        (
            "t.xlsx",
            b"PK\x03\x04\x14",
            "t.xlsx:1: the file is a spreadsheet or an archive; export the rows as CSV",
        ),
    ] {
        let ran = dry_run(&emulator, folder, file, text, &["--json"]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("usage")), "{ran:?}");
        assert!(ran.error()["message"].as_str().unwrap().contains(message), "{ran:?}");
    }
    for (file, text, hint) in [
        (
            "d.csv",
            "name|age\nAnna|3\n",
            "the header has a single column, \"name|age\"; if the delimiter is a '|'",
        ),
        ("e.tsv", "name,age\nAnna,3\n", "if the delimiter is a comma, add a first line sep=,"),
        ("f.csv", "sep=,\nname;age\nAnna;3\n", "if the delimiter is a semicolon, add a first line sep=;"),
    ] {
        let ran = dry_run(&emulator, folder, file, text.as_bytes(), &[]).ok();
        assert!(ran.stderr.contains(&format!("warning: {file}: ")) && ran.stderr.contains(hint), "{ran:?}");
    }
    // A column may have any name where quotes or the rows tell what separates it.
    for text in ["\"name;x\",age\nAnna,3\n", "name,age,a;b\nAnna,3,x\nBo,4,y\n"] {
        let ran = dry_run(&emulator, folder, "g.csv", text.as_bytes(), &["--strict-variables"]);
        assert_eq!(ran.code, 5, "{ran:?}");
        assert!(!ran.stderr.contains("separated"), "{ran:?}");
        assert!(
            ran.stderr.contains("the variable \"name;x\"") || ran.stderr.contains("the variable \"a;b\"")
        );
    }
}

#[test]
fn findings_of_rows_are_told_once_for_each_kind() {
    let emulator = Emulator::placeholder(&[]);
    let folder = typed_project();
    let folder = folder.path();
    let ran = dry_run(
        &emulator,
        folder,
        "a.jsonl",
        b"{\"nam\":\"Anna\"}\n{\"age\":\"x\"}\n{\"ok\":\"yes\"}\n",
        &[],
    )
    .ok();
    for part in [
        "warning[undeclared-variable]: the variable \"nam\" is not declared: row 1 (line 1)",
        "--> a.jsonl:1:1",
        "did you mean \"name\"?",
        "the variable \"age\" must be a number, not a string: row 2 (line 2)",
        "the variable \"ok\" must be a boolean, not a string: row 3 (line 3)",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    let many = format!("name,age\n{}", "Anna,x\n".repeat(10_000));
    let ran = dry_run(&emulator, folder, "many.csv", many.as_bytes(), &[]).ok();
    let five = "row 1 (line 2), row 2 (line 3), row 3 (line 4), row 4 (line 5), row 5 (line 6) and 9995 more";
    assert!(ran.stderr.contains(five), "{ran:?}");
    assert!(ran.stderr.lines().count() < 20, "{ran:?}");
    // For programs, and as the user wants them.
    let summary = |more: &[&str]| {
        let ran =
            dry_run(&emulator, folder, "a.jsonl", b"{\"nam\":\"Anna\"}\n", &[&["--json"], more].concat())
                .ok();
        serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>().last().unwrap().unwrap()
    };
    let found = summary(&[])["diagnostics"][0].clone();
    assert_eq!((&found["code"], &found["severity"]), (&json!("undeclared-variable"), &json!("warning")));
    assert_eq!((&found["path"], &found["position"]["line"]), (&json!("a.jsonl"), &json!(1)));
    assert_eq!(summary(&["--allow", "undeclared-variable"])["diagnostics"], json!(null));
    let denied =
        dry_run(&emulator, folder, "a.jsonl", b"{\"nam\":\"A\"}\n", &["--deny", "undeclared-variable"]);
    assert_eq!(denied.code, 5, "{denied:?}");
    // A render tells the same.
    let flags = ["render", "--batch", "a.jsonl", "-o", "o/{index}.mp4"];
    let ran = emulator.run(folder, &flags).ok();
    assert!(ran.stderr.contains("the variable \"nam\" is not declared: row 1 (line 1)"), "{ran:?}");
}

#[test]
fn a_dry_run_ends_as_the_preflight_of_a_run_does() {
    let emulator = Emulator::placeholder(&[]);
    let folder = typed_project();
    let folder = folder.path();
    let rows: &[u8] = b"{\"age\":\"x\"}\n{\"age\":1}\n";
    let ran = dry_run(&emulator, folder, "a.jsonl", rows, &["--strict-variables", "--json"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (5, Some("invalid_rows")), "{ran:?}");
    let states =
        ran.stdout.lines().take(2).map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].clone());
    assert_eq!(states.collect::<Vec<_>>(), ["invalid", "would-render"], "every row is told");
    let run = |more: &[&str]| {
        let flags = ["render", "--batch", "a.jsonl", "--strict-variables", "-o", "o/{index}.mp4"];
        emulator.run(folder, &[&flags[..], more].concat()).code
    };
    assert_eq!(run(&[]), 5);
    dry_run(&emulator, folder, "a.jsonl", rows, &["--strict-variables", "--keep-going"]).ok();
    assert_eq!((run(&["--keep-going"]), emulator.created()), (1, (1, 1)));
}

#[test]
#[cfg(unix)]
fn rows_come_from_pipes_too_and_are_paid_for_once() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let table = "title\nOne\nTwo\nThree\n";
    let lines =
        table.lines().skip(1).map(|title| format!("{}\n", json!({ "title": title }))).collect::<String>();
    write(folder.path(), "table", table);
    write(folder.path(), "lines", &lines);
    let run = |shell: &str| -> Ran {
        let program = emulator.command();
        let mut command = std::process::Command::new("bash");
        command.args(["-c", shell, "bash"]).arg(program.get_program()).current_dir(folder.path());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().unwrap().into()
    };
    let render = "\"$1\" render --json -o 'renders/{title}.{ext}' --batch";
    for shell in [
        format!("cat lines | {render} -"),
        format!("{render} - < table"),
        format!("cat table | {render} /dev/stdin"),
        format!("{render} /dev/stdin < lines"),
        format!("{render} <(cat lines)"),
    ] {
        let ran = run(&shell).ok();
        let summary = ran.stdout.split_once("\n{\n").map_or(ran.stdout.as_str(), |(_, summary)| summary);
        let summary: Value = serde_json::from_str(&format!("{{{}", summary.trim_start_matches('{'))).unwrap();
        let figures = (summary["rows"].as_u64(), summary["failed"].as_u64());
        assert_eq!(figures, (Some(3), Some(0)), "{shell}: {ran:?}");
        assert_eq!(emulator.created(), (1, 3), "{shell}");
    }
    assert!(folder.path().join("renders/rows.manifest.jsonl").is_file());
    let empty = run(&format!("{render} - < /dev/null"));
    assert_eq!((empty.code, empty.error()["message"].as_str()), (2, Some("standard input contains no rows")));
}

#[test]
#[cfg(unix)]
fn a_pipe_that_does_not_end_ends_the_run_in_time() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("silent")).status().unwrap();
    assert!(made.success());
    for rows in ["-", "silent"] {
        let began = std::time::Instant::now();
        let mut command = emulator.command();
        command.args(["render", "--json", "--max-wait", "0.02", "--batch", rows]);
        let mut child = command
            .current_dir(folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let _silent = child.stdin.take();
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!((ran.code, ran.error()["code"].as_str()), (4, Some("timeout")), "{rows}: {ran:?}");
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{rows}: {:?}", began.elapsed());
    }
    assert_eq!(emulator.created(), (0, 0));
}
