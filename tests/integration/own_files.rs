//! The manifest and the ledger are appended to, so they must not be files of another kind or of another folder.

use std::fs;
use std::path::Path;

use crate::support::{Emulator, names, project, write};

/// Runs a batch of two rows with these flags, and checks that it ends with exit code 2 and this message, with nothing paid.
fn refused(emulator: &Emulator, folder: &Path, flags: &[&str], reason: &str) {
    let before = names(folder);
    for more in [&["--json"][..], &["--json", "--dry-run"]] {
        let ran = emulator.run(folder, &[&["render", "--batch", "rows.jsonl"], flags, more].concat());
        // A dry run does not open the ledger.
        if ran.code == 0 && more.len() > 1 && flags.contains(&"--ledger") {
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
        [(victim.clone(), "is outside of renders"), (elsewhere.path().join("new"), "a link without a target")]
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
