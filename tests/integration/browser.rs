//! Which browser renders on this machine.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

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

/// A module in the place of the engine, which takes its time: each render fails with the configuration that it was asked for.
const PRODUCER: &str = "await new Promise((resolve) => setTimeout(resolve, 50));
export const loadProducer = () => ({
  createConsoleLogger: () => ({}),
  resolveConfig: (config) => config,
  createRenderRequest: (request) => request,
  renderConfigFromRequest: (request) => request,
  createRenderJob: (request) => request,
  executeRenderJob: async ({ engineConfig }) => { throw engineConfig; },
  normalizeErrorMessage: JSON.stringify,
});";

/// Returns how the script of the engine configures a render.
fn configuration(variables: &[(&str, &str)], is_shell: bool, has_devices: bool, options: Value) -> Value {
    let folder = project();
    write(folder.path(), "producer.mjs", PRODUCER);
    let mut options = options;
    options["fps"] = "30".into();
    let task = json!({
        "mark": "@", "output": "video.mp4", "isHeadlessShell": is_shell, "hasDevices": has_devices, "options": options,
    });
    let mut node = Command::new("node");
    node.args([
        "src/engine/render.mjs".as_ref(),
        folder.path().join("producer.mjs").as_path(),
        folder.path(),
    ]);
    node.env_remove("PRODUCER_BROWSER_GPU_MODE").env_remove("PRODUCER_FORCE_SCREENSHOT");
    let mut node =
        node.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = node.stdin.take().unwrap();
    writeln!(input, "{task}").unwrap();
    let output = BufReader::new(node.stdout.take().unwrap());
    let (found, answer) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = output.lines().map_while(Result::ok);
        found.send(lines.find_map(|line| line.strip_prefix("@ failed ").map(str::to_owned)))
    });
    // A request that the script has lost is never answered.
    let answer = answer.recv_timeout(Duration::from_secs(60));
    let _ = node.kill();
    node.wait().unwrap();
    let answer = answer.expect("an answer in time").expect("an answer");
    serde_json::from_str(&serde_json::from_str::<String>(&answer).unwrap()).unwrap()
}

#[test]
fn no_browser_is_started_to_ask_for_a_graphics_device_that_is_hidden() {
    crate::real::provisioned();
    let on_command = |mode: &str| json!({ "browserGpuMode": mode, "forceScreenshot": false });
    let other = |mode: &str| json!({ "browserGpuMode": mode });
    let large = || json!({ "outputResolution": "landscape-4k" });
    for (variables, is_shell, has_devices, options, expected) in [
        (&[][..], true, false, json!({}), on_command("software")),
        (&[], true, true, json!({}), on_command("auto")),
        (&[], true, false, large(), other("auto")),
        (&[], false, false, json!({}), other("software")),
        (&[], false, true, json!({}), other("software")),
        (&[("PRODUCER_FORCE_SCREENSHOT", "true")], true, false, json!({}), other("auto")),
        (&[("PRODUCER_BROWSER_GPU_MODE", "hardware")], true, false, json!({}), other("hardware")),
        (&[("PRODUCER_BROWSER_GPU_MODE", "software")], true, false, json!({}), other("software")),
        (&[("PRODUCER_BROWSER_GPU_MODE", "other")], true, false, json!({}), on_command("software")),
    ] {
        let found = configuration(variables, is_shell, has_devices, options.clone());
        assert_eq!(found, expected, "{variables:?} {is_shell} {has_devices} {options}");
    }
}
