//! Which browser renders on this machine.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Ran, command, html, project, write};

/// Writes a program that becomes Chromium into a cache as Puppeteer has it.
fn install(cache: &Path, version: &str, script: &str) {
    let path =
        format!("chrome-headless-shell/linux-{version}/chrome-headless-shell-linux64/chrome-headless-shell");
    write(cache, &path, script);
    fs::set_permissions(cache.join(path), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_headless_shell_in_a_cache_is_found_and_renders() {
    crate::real::provisioned();
    let (cache, folder) = (tempfile::tempdir().unwrap(), project());
    write(folder.path(), "index.html", &html(160, 90, "").replace("duration=\"1\"", "duration=\"0.4\""));
    install(cache.path(), "130.0.1.2", "#!/bin/sh\nexec chromium \"$@\"\n");
    install(cache.path(), "131.0.1.2", "#!/bin/sh\nexit 1\n");
    let run = |arguments: &[&str]| {
        let mut command = command();
        command
            .env("PUPPETEER_CACHE_DIR", cache.path())
            .env("PLAYWRIGHT_BROWSERS_PATH", cache.path().join("none"));
        Ran::of(command.args(arguments).current_dir(folder.path())).ok().json()
    };
    let found = run(&["doctor", "--json"]);
    let source = found["rendering"]["browser_source"].as_str().unwrap();
    if source == "system" {
        // This machine has chrome-headless-shell on its PATH, which comes first.
        assert_eq!(found["rendering"]["capture"], "begin-frame", "{found}");
        return;
    }
    assert_eq!(
        (source, found["rendering"]["capture"].as_str()),
        ("Puppeteer cache", Some("begin-frame")),
        "{found}"
    );
    let browser = found["programs"][2]["path"].as_str().unwrap();
    assert!(browser.contains("linux-130.0.1.2"), "the newest version that starts: {found}");
    // The engine looks for processes with this name and ends them: not itself.
    let rendered =
        run(&["render", "--renderer", "local", "--quality", "draft", "--fps", "5", "-o", "v.mp4", "--json"]);
    assert_eq!(rendered["video"]["duration"], 0.4, "{rendered}");
}
