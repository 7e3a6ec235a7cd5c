//! Races and kinds of files. `tests/integration/paths.rs` has every input with every kind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::system::output::OutputFile;

const SECRET: &str = "secret";

/// A workspace with a file, and a secret outside of it.
fn world() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = folder.path().join("workspace");
    fs::create_dir_all(workspace.join("folder")).expect("folders");
    fs::create_dir_all(folder.path().join("outside/folder")).expect("folders");
    fs::write(workspace.join("file"), "text").expect("written");
    fs::write(folder.path().join("outside/file"), SECRET).expect("written");
    (folder, workspace)
}

#[test]
fn links_are_followed_inside_of_the_reach_only() {
    let (folder, workspace) = world();
    symlink("file", workspace.join("relative")).expect("linked");
    symlink(workspace.join("file"), workspace.join("absolute")).expect("linked");
    symlink("relative", workspace.join("chain")).expect("linked");
    symlink("../outside/file", workspace.join("out")).expect("linked");
    symlink("out", workspace.join("chain-out")).expect("linked");
    symlink("../outside", workspace.join("folder-out")).expect("linked");
    symlink("nowhere", workspace.join("dangling")).expect("linked");
    let inside = Reach::inside(&workspace, "the workspace");
    let in_ci = Reach::of_user(Some(&workspace));
    let outside = folder.path().join("outside/file");
    for reach in [&inside, &in_ci] {
        let read =
            |name: &str| read_text(&workspace.join(name), reach, 100).map_err(|error| error.to_string());
        for name in ["file", "relative", "absolute", "chain", "folder/../file"] {
            assert_eq!(read(name).as_deref(), Ok("text"), "{name}");
        }
        for name in ["out", "chain-out", "folder-out/file"] {
            let error = read(name).expect_err(name);
            assert_eq!(error, "leads outside the workspace through a symbolic link", "{name}");
        }
        assert!(read("dangling").is_err() && read("folder").is_err());
    }
    // Named outside: by whoever runs the command in the temporary directory, where this test runs, and nowhere else.
    assert!(read_text(&outside, &inside, 100).is_err());
    assert_eq!(read_text(&outside, &in_ci, 100).expect("read"), SECRET);
    assert_eq!(read_text(&workspace.join("out"), &Reach::anywhere(), 100).expect("read"), SECRET);
}

#[test]
fn a_job_names_files_in_its_own_directories_only() {
    let (_folder, workspace) = world();
    let in_ci = Reach::of_user(Some(&workspace));
    let error = |path: &str| read_text(Path::new(path), &in_ci, 1 << 20).expect_err(path).to_string();
    for path in ["/etc/hostname", "/etc/../etc/passwd", "/proc/self/environ", "/dev/zero", "/nowhere/x"] {
        assert!(error(path).starts_with("is outside the workspace and the temporary directory"), "{path}");
    }
    assert!(OutputFile::prepare(Some(Path::new("/nowhere/v.mp4")), &in_ci).is_err());
    // Open files of the process are named by its shell.
    assert!(in_ci.is_anywhere(Path::new("/dev/fd/0")).expect("allowed"));
    assert!(in_ci.is_anywhere(Path::new("/dev/stdin")).expect("allowed"));
    assert!(in_ci.is_anywhere(Path::new("/dev/fd/../../etc/passwd")).is_err());
    assert!(Reach::inside(&workspace, "the workspace").is_anywhere(Path::new("/dev/fd/0")).is_err());
}

/// The author of a job or of a machine sets variables; what a checkout brings does not become trusted by it.
#[test]
fn a_variable_names_files_anywhere_but_through_links_of_the_workspace() {
    let (folder, workspace) = world();
    symlink("../outside/file", workspace.join("out")).expect("linked");
    let read = |path: &Path| read_text(path, &Reach::of_variable(Some(&workspace), path), 1 << 20);
    assert!(read(Path::new("/etc/passwd")).is_ok_and(|text| !text.is_empty()));
    assert!(read(&workspace.join("file")).is_ok());
    assert!(read(&workspace.join("out")).is_err());
    assert!(read(&workspace.join("folder/../out")).is_err());
    assert!(read(&workspace.join("../../../etc/passwd")).is_err());
    assert!(read(&folder.path().join("outside/file")).is_ok());
}

#[test]
fn what_is_no_regular_file_or_too_large_is_not_read() {
    let (_folder, workspace) = world();
    let inside = Reach::inside(&workspace, "the workspace");
    let fifo = workspace.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("started");
    assert!(made.success());
    let error = |path: &Path, reach: &Reach| read(path, reach, 3).expect_err("refused").to_string();
    assert_eq!(error(&fifo, &inside), "is a FIFO, not a regular file");
    assert_eq!(error(&fifo, &Reach::anywhere()), "is a FIFO, not a regular file");
    assert_eq!(error(Path::new("/dev/zero"), &Reach::anywhere()), "is a device, not a regular file");
    assert_eq!(error(&workspace.join("folder"), &inside), "is a directory");
    assert_eq!(error(&workspace.join("file"), &inside), "is larger than 3 bytes");
    let pipe = read_text_or_pipe(Path::new("/dev/zero"), &Reach::anywhere(), 1024).expect_err("endless");
    assert_eq!(pipe.to_string(), "is larger than 1 KiB");
}

/// Exchanges `path` for a link to `target` and back, while `work` runs many times.
fn exchange(path: &Path, target: &Path, mut work: impl FnMut()) {
    let is_over = AtomicBool::new(false);
    let (aside, link) = (path.with_extension("aside"), path.with_extension("link"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                symlink(target, &link).expect("linked");
                let _ = fs::rename(path, &aside);
                let _ = fs::rename(&link, path);
                let _ = fs::remove_file(path);
                let _ = fs::rename(&aside, path);
                let _ = fs::remove_file(&link);
            }
        });
        for _ in 0..2000 {
            work();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_file_that_becomes_a_link_is_not_read_through_it() {
    let (folder, workspace) = world();
    let inside = Reach::inside(&workspace, "the workspace");
    let path = workspace.join("file");
    exchange(&path, &folder.path().join("outside/file"), || {
        if let Ok(text) = read_text(&path, &inside, 100) {
            assert_eq!(text, "text");
        }
    });
}

#[test]
fn a_folder_that_becomes_a_link_is_not_written_through_it() {
    let (folder, workspace) = world();
    let inside = Reach::inside(&workspace, "the workspace");
    let outside = folder.path().join("outside/folder");
    let path = workspace.join("folder");
    exchange(&path, &outside, || {
        if let Ok(output) = OutputFile::prepare(Some(&path.join("v.mp4")), &inside) {
            let _ = output.keep("");
        }
    });
    assert_eq!(fs::read_dir(outside).expect("a folder").count(), 0);
}

#[test]
fn an_output_takes_the_place_of_a_link() {
    let (folder, workspace) = world();
    let outside = folder.path().join("outside/file");
    symlink(&outside, workspace.join("report.json")).expect("linked");
    let path = crate::system::output::write(&workspace, "report.json", b"{}").expect("written");
    assert_eq!(fs::read_to_string(&outside).expect("text"), SECRET);
    assert!(path.symlink_metadata().expect("a file").is_file());
    let mut file = create(&path).expect("created");
    std::io::Write::write_all(&mut file, b"x").expect("written");
    let error = OutputFile::prepare(Some(&workspace.join(".git/hooks/v.mp4")), &Reach::anywhere());
    assert!(error.expect_err("refused").to_string().ends_with("is hidden: .git starts with a dot"));
}
