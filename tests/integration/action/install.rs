//! action/install.sh with other tools: action/test-install.sh, which CI runs on every system.

use std::path::Path;
use std::process::Command;

use crate::support::{clean, root};

fn test_install(path: &str) {
    let mut command = Command::new("bash");
    clean(&mut command);
    command.arg(root().join("action/test-install.sh")).env("PATH", path);
    let ran = command.output().unwrap();
    let log = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{log}");
    assert_eq!(log.lines().filter(|line| line.starts_with("ok: ")).count(), 7, "{log}");
}

#[test]
fn the_install_script_works_with_old_and_few_tools() {
    test_install(&std::env::var("PATH").unwrap());
}

/// As in an Alpine container, where it is installed.
#[cfg(unix)]
#[test]
fn the_install_script_works_with_busybox() {
    let paths = std::env::var("PATH").unwrap();
    let find = |name: &str| {
        std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
    };
    let Some(busybox) = find("busybox") else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "busybox is missing");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let listed = Command::new(&busybox).arg("--list").output().unwrap();
    let link = |from: &Path, name: &str| {
        std::os::unix::fs::symlink(from, folder.path().join(name)).unwrap();
    };
    let others = ["bash", "curl"];
    for name in String::from_utf8(listed.stdout).unwrap().lines().filter(|name| !others.contains(name)) {
        link(&busybox, name);
    }
    for name in others {
        link(&find(name).unwrap(), name);
    }
    // What PATH has may be a script that needs more than BusyBox.
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    link(Path::new(String::from_utf8(python.stdout).unwrap().trim()), "python3");
    test_install(&folder.path().display().to_string());
}
