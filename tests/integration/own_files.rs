//! The manifest and the ledger are appended to, so they must not be files of another kind or of another folder.
//! Outputs that cannot be written are found before anything is paid.

use std::fs;
use std::path::Path;

use crate::support::{Emulator, names, project, write};

/// Runs a batch of two rows with these flags, and checks that it ends with exit code 2 and this message, with nothing paid.
fn refused(emulator: &Emulator, folder: &Path, flags: &[&str], reason: &str) {
    let before = names(folder);
    for more in [&["--json"][..], &["--json", "--dry-run"]] {
        let ran = emulator.run(folder, &[&["render", "--batch", "rows.jsonl"], flags, more].concat());
        // A dry run does not open the ledger, and so follows no link to it.
        if ran.code == 0 && more.len() > 1 && flags.contains(&"renders/rows.manifest.jsonl") {
            continue;
        }
        assert_eq!(ran.code, 2, "{flags:?}: {ran:?}");
        assert!(ran.error()["message"].as_str().unwrap().contains(reason), "{reason}: {ran:?}");
    }
    assert_eq!(emulator.created(), (0, 0), "{flags:?}");
    assert_eq!(names(folder), before, "nothing is written");
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_folder_are_not_appended_to() {
    use std::os::unix::fs::symlink;
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "rows.jsonl", "{\"title\": \"a\"}\n{\"title\": \"b\"}\n");
    let victim = elsewhere.path().join("victim");
    fs::write(&victim, "text\n").unwrap();
    write(folder, "renders/kept", "");
    let link = folder.join("renders/rows.manifest.jsonl");
    for (target, reason) in
        [(victim.clone(), "is outside renders"), (elsewhere.path().join("new"), "a broken symbolic link")]
    {
        symlink(&target, &link).unwrap();
        refused(&emulator, folder, &[], reason);
        let flags = ["--manifest", "renders/list.jsonl", "--ledger", "renders/rows.manifest.jsonl"];
        refused(&emulator, folder, &flags, reason);
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(names(elsewhere.path()), ["victim"]);
    assert_eq!(fs::read(&victim).unwrap(), b"text\n");
    // Links inside of the folder are followed.
    write(folder, "renders/real.jsonl", "");
    symlink("real.jsonl", &link).unwrap();
    emulator.run(folder, &["render", "--batch", "rows.jsonl"]).ok();
    assert!(link.is_symlink() && fs::metadata(folder.join("renders/real.jsonl")).unwrap().len() > 100);
}

#[test]
fn the_manifest_and_the_ledger_are_no_other_file_of_the_run() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    write(folder, "rows.jsonl", "{\"title\": \"a\"}\n{\"title\": \"b\"}\n");
    write(folder, "values.json", "{}");
    write(folder, "notes.txt", "notes\n");
    write(folder, "conf.toml", "");
    write(folder, "list.jsonl", "");
    let files = ["rows.jsonl", "values.json", "notes.txt", "conf.toml", "index.html"];
    let contents = || files.map(|file| fs::read_to_string(folder.join(file)).unwrap());
    let before = contents();
    let common = ["--variables-file", "values.json", "--config", "conf.toml"];
    let mut cases = vec![
        (["--manifest", "paid.jsonl", "--ledger", "paid.jsonl"], "paid.jsonl is the ledger"),
        (["--manifest", "list.jsonl", "--ledger", "./list.jsonl"], "list.jsonl is the ledger"),
    ];
    for (file, reason) in [
        ("rows.jsonl", "rows.jsonl is the rows file"),
        ("values.json", "values.json is the variables file"),
        ("conf.toml", "conf.toml is the configuration"),
        ("notes.txt", "notes.txt: the file has another format"),
        ("index.html", "index.html: the file has another format"),
    ] {
        cases.push((["--manifest", file, "--ledger", "paid.jsonl"], reason));
        cases.push((["--manifest", "list.jsonl", "--ledger", file], reason));
    }
    for (flags, reason) in cases {
        refused(&emulator, folder, &[&common[..], &flags].concat(), reason);
    }
    assert_eq!(contents(), before);
    // Garbled files keep their use.
    write(folder, "list.jsonl", "garbled\n");
    write(folder, "paid.jsonl", "garbled");
    let flags = ["render", "--batch", "rows.jsonl", "--manifest", "list.jsonl", "--ledger", "paid.jsonl"];
    emulator.run(folder, &flags).ok();
    assert_eq!(emulator.created(), (1, 2));
}

#[test]
fn outputs_that_no_file_can_have_are_refused_before_anything_is_paid() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    let long = format!("{}.mp4", "x".repeat(300));
    for output in ["o.mp4/", "o.mp4/.", &long] {
        let ran = emulator.run(folder, &["render", "-o", output, "--json"]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("output_not_writable")), "{ran:?}");
    }
    for output in ["o.mp4/", "a\0b.mp4", &long] {
        let row = serde_json::json!({ "variables": { "title": "a" }, "output": output });
        write(folder, "rows.jsonl", &format!("{row}\n"));
        let ran = emulator.run(folder, &["render", "--batch", "rows.jsonl", "--json"]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (5, Some("invalid_rows")), "{ran:?}");
    }
    assert_eq!(emulator.created(), (0, 0));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_found_before_anything_is_paid() {
    use std::os::unix::fs::PermissionsExt;
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    write(folder, "rows.jsonl", "{\"title\": \"a\"}\n");
    fs::create_dir(folder.join("out")).unwrap();
    fs::set_permissions(folder.join("out"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("out/probe"), "").is_ok() {
        // Skipped: this user, such as root, may write to every folder.
        return;
    }
    let ran = emulator.run(folder, &["render", "--batch", "rows.jsonl", "-o", "out/{title}.mp4", "--json"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (5, Some("invalid_rows")), "{ran:?}");
    assert!(ran.error()["message"].as_str().unwrap().contains("cannot be written"), "{ran:?}");
    assert_eq!(emulator.created(), (0, 0));
}

#[test]
fn videos_of_earlier_runs_under_other_names_are_no_part_of_the_project() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    write(folder, "rows.jsonl", "{\"title\": \"a\"}\n{\"title\": \"b\"}\n");
    emulator.run(folder, &["render", "--batch", "rows.jsonl", "-o", "{title}.mp4"]).ok();
    assert!(folder.join("a.mp4").exists());
    // Another pattern, a row that was removed, and outputs that rows name: still one upload, and two renders.
    emulator.run(folder, &["render", "--batch", "rows.jsonl", "-o", "video-{title}.mp4"]).ok();
    write(folder, "rows.jsonl", "{\"variables\": {\"title\": \"b\"}, \"output\": \"c.mp4\"}\n");
    emulator.run(folder, &["render", "--batch", "rows.jsonl"]).ok();
    assert_eq!(emulator.created(), (1, 2));
    // A manifest takes nothing but videos out of the project.
    let manifest = folder.join("renders/rows.manifest.jsonl");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("video-a.mp4", "index.html")).unwrap();
    emulator.run(folder, &["render", "--batch", "rows.jsonl", "--dry-run"]).ok();
}

/// `render >log` in the project: the log grows while it is packed, and would make every run another project.
#[cfg(unix)]
#[test]
fn the_log_of_the_command_itself_is_not_packed() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let folder = folder.path();
    for streams in [">log", ">log 2>&1", "2>log", ">>log 2>&1"] {
        let script = format!("\"$0\" render -o v.mp4 {streams}");
        let mut shell = emulator.command_of("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_hyperframes-ci")]).current_dir(folder);
        crate::support::Ran::of(&mut shell).ok();
        assert!(folder.join("log").exists());
        assert_eq!(emulator.created(), (1, 1), "{streams}");
        fs::remove_file(folder.join("v.mp4")).unwrap();
        fs::remove_file(folder.join("log")).unwrap();
    }
}
