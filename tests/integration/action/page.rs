//! The preview page, in a browser.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::server::{Answer, Request, plain, serve};
use super::stage::{Stage, commit};
use crate::support::{html, write};

/// What would load something or run if anything let it.
const HOSTILE: &str = "</h2><img src=/pwned><script src=/pwned></script><b onclick=x>";

/// Serves a folder; returns its address and the paths that were asked for.
fn host(folder: &Path) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, folder) = (Arc::clone(&asked), folder.to_owned());
    serve(listener, move |request: &Request| -> Answer {
        log.lock().unwrap().push(request.target.clone());
        let kind = match request.target.rsplit_once('.') {
            Some((_, "html")) => "text/html",
            Some((_, "mp4")) => "video/mp4",
            Some((_, "gif")) => "image/gif",
            _ => "image/png",
        };
        match fs::read(folder.join(request.target.trim_start_matches('/'))) {
            Ok(bytes) => (200, json!({ "bytes": bytes }), format!("content-type: {kind}\r\n")),
            Err(_) => plain(404, json!({})),
        }
    });
    (address, asked)
}

/// Opens a page in a browser, and leaves a picture of it.
fn open(url: &str, picture: &Path, size: &str) {
    let profile = tempfile::tempdir().unwrap();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    let mut browser = Command::new(found.find(|path| path.is_file()).expect("a browser"));
    browser.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=3000",
    ]);
    browser.arg(format!("--user-data-dir={}", profile.path().display()));
    browser.arg(format!("--window-size={size}")).arg(format!("--screenshot={}", picture.display())).arg(url);
    let ran = browser.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn videos_play_on_a_page_that_loads_nothing_else() {
    let mut stage = Stage::new();
    let path = stage.repository.path().to_owned();
    // The base is published, so that the page shows it.
    let base = tempfile::tempdir().unwrap();
    super::stage::git(base.path(), &["clone", "--quiet", &path.display().to_string(), "."]);
    super::stage::git(base.path(), &["checkout", "--quiet", &stage.repository.base]);
    let mut runner = super::runner::Runner::new(&stage.github.url, base.path(), "push", &json!({}));
    runner.set("HEYGEN_API_URL", &stage.emulator.url);
    assert_eq!(stage.run(&runner, &[("projects", "videos"), ("mode", "preview")]).code, 0);
    let folder = format!("videos/x{}", HOSTILE.replace('/', "\u{2215}"));
    let broken = format!("<img src=\"{}.png\">", HOSTILE.replace('<', "&lt;").replace('>', "&gt;"));
    write(&path, &format!("{folder}/index.html"), &html(1280, 720, &broken));
    stage.repository.head = commit(&path, "hostile");
    stage.github.state().head.clone_from(&stage.repository.head);
    let served = [
        ("projects", "videos"),
        ("preview-url", "https://o.github.io/r/"),
        ("fail-on", "never"),
        ("output-dir", "out"),
        ("diff", "false"),
    ];
    let run = stage.run(&stage.pull_request(), &served);
    assert_eq!(run.code, 0, "{}", run.log);
    let body = stage.github.state().comments[0].body.clone();
    let files = stage.github.files("hyperframes-previews");
    let (page, text) = files.iter().find(|(name, _)| name.contains("/preview-")).expect("a page");
    assert!(body.contains(&format!("[Preview page](https://o.github.io/r/{page})")), "{page}: {body}");
    let text = String::from_utf8_lossy(text);
    for part in
        ["<figcaption>Before", "<figcaption>Now", "headline added", "missing-asset", "#7 · HyperFrames"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // As a static host serves the branch.
    let branch = tempfile::tempdir().unwrap();
    for (name, bytes) in &files {
        let place = branch.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
    let (address, asked) = host(branch.path());
    let tables = crate::support::root().join("target/tables");
    fs::create_dir_all(&tables).unwrap();
    // The address of the pull request leads to the page.
    for (name, page, size) in [("desktop", "pr/7/index.html", "1280,1000"), ("phone", page, "390,1400")] {
        open(&format!("{address}/{page}"), &tables.join(format!("preview-page-{name}.png")), size);
    }
    std::thread::sleep(Duration::from_millis(50));
    let asked = asked.lock().unwrap().clone();
    for extension in ["html", "mp4", "gif"] {
        assert!(asked.iter().any(|path| path.ends_with(extension)), "{extension}: {asked:?}");
    }
    let known = |path: &String| files.iter().any(|(name, _)| path.trim_start_matches('/') == name);
    assert!(asked.iter().all(|path| known(path) || path == "/favicon.ico"), "{asked:?}");
    // The same page is in the artifact, where it finds its files under other names.
    let output = fs::canonicalize(path.join("out")).unwrap();
    assert!(output.join("preview.html").is_file());
    let (address, asked) = host(&output);
    open(&format!("{address}/preview.html"), &tables.join("preview-page-artifact.png"), "1280,1000");
    let asked = asked.lock().unwrap().clone();
    assert!(asked.iter().any(|path| path.ends_with("videos-one.mp4")), "{asked:?}");
    assert!(!asked.iter().any(|path| path.contains("pwned")), "{asked:?}");
    // Without a host, the branch has no page.
    let compared = [("projects", "videos"), ("fail-on", "never"), ("output-dir", "out")];
    let run = stage.run(&stage.pull_request(), &compared);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(fs::read_to_string(output.join("preview.html")).unwrap().contains("<p>no visible change</p>"));
    let media = stage.github.media("hyperframes-previews");
    assert!(!media.iter().any(|name| name.ends_with(".html")), "{media:?}");
}

#[test]
fn the_page_and_the_check_run_show_what_differs() {
    let stage = Stage::new();
    super::review::publish_base(&stage);
    super::review::change_base(&stage);
    stage.github.state().may_check = true;
    let inputs = [("projects", "videos"), ("preview-url", "https://o.github.io/r"), ("output-dir", "out")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    let check = stage.github.state().checks[0].clone();
    assert_eq!(
        (&check["output"]["title"], &check["conclusion"]),
        (&json!("1 changed video"), &json!("success"))
    );
    let summary = check["output"]["summary"].as_str().unwrap();
    for part in [
        "**changed**, ",
        " frames, 0.30–1.00 s",
        "<img src=\"https://github.example/o/r/raw/hyperframes-previews/",
        "| Time | Change | Frames | Levels | Place |\n|---|---|---|---|---|\n| 0.30–1.00 s | changed | ",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    // On the branch, where a host serves it, and in the artifact.
    let branch = tempfile::tempdir().unwrap();
    let files = stage.github.files("hyperframes-previews");
    for (name, bytes) in &files {
        let place = branch.path().join(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
    let (page, _) = files.iter().find(|(name, _)| name.contains("/preview-")).expect("a page");
    let output = fs::canonicalize(stage.repository.path().join("out")).unwrap();
    let tables = crate::support::root().join("target/tables");
    fs::create_dir_all(&tables).unwrap();
    for (folder, page, name) in [(branch.path(), &**page, "branch"), (&*output, "preview.html", "artifact")] {
        let text = fs::read_to_string(folder.join(page)).unwrap();
        for part in ["<p>changed, ", "<th>Levels</th>", "<td>0.30–1.00 s</td><td>changed</td>"] {
            assert!(text.contains(part), "{name}: {part}: {text}");
        }
        let (address, asked) = host(folder);
        open(&format!("{address}/{page}"), &tables.join(format!("review-page-{name}.png")), "390,1200");
        let asked = asked.lock().unwrap().clone();
        assert!(asked.iter().any(|path| path.ends_with(".png")), "{name}: {asked:?}");
        let is_there = |path: &String| path == "/favicon.ico" || folder.join(&path[1..]).is_file();
        assert!(asked.iter().all(is_there), "{name}: {asked:?}");
        // The picture of the comparison is not that of the video.
        let poster = text.split(" poster=\"").nth(1).and_then(|rest| rest.split('"').next());
        let picture = text.split("<img src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_ne!(poster, Some(picture), "{name}");
        assert!(picture.starts_with(if name == "artifact" { "./diff/" } else { "./" }), "{picture}");
    }
    assert!(fs::read_to_string(output.join("preview.html")).unwrap().contains("href=\"./diff/index.html\""));
    assert!(output.join("diff/index.html").is_file());
}

#[test]
fn the_page_is_deployed_where_the_token_may_until_the_pull_request_is_closed() {
    let mut stage = Stage::new();
    let inputs = [("projects", "videos/one"), ("preview-url", "https://o.github.io/r")];
    let run = stage.run(&stage.pull_request(), &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert!(run.log.contains("no deployment, which needs `deployments: write`"), "{}", run.log);
    assert!(!run.log.contains("::warning"), "{}", run.log);
    stage.github.state().may_deploy = true;
    for text in ["1", "2"] {
        write(stage.repository.path(), "videos/one/index.html", &html(1280, 720, text));
        stage.repository.head = commit(stage.repository.path(), text);
        stage.github.state().head.clone_from(&stage.repository.head);
        let run = stage.run(&stage.pull_request(), &inputs);
        assert!(run.code == 0 && run.log.contains("deployed https://o.github.io/r/pr/7/"), "{}", run.log);
    }
    let states = |stage: &Stage| {
        let deployments = stage.github.state().deployments.clone();
        deployments.iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&stage), ["inactive", "success"]);
    let url = stage.github.state().deployments[1]["url"].as_str().unwrap().to_owned();
    assert_eq!(url, "https://o.github.io/r/pr/7/");
    assert!(stage.github.branch("hyperframes-previews").contains(&"pr/7/index.html".to_owned()));
    stage.github.state().is_closed = true;
    let closed = stage.runner("pull_request", &stage.repository.pull_request("closed", "o/r"));
    let run = stage.run(&closed, &inputs);
    assert_eq!(run.code, 0, "{}", run.log);
    assert_eq!(states(&stage), ["inactive", "inactive"]);
    assert_eq!(stage.github.count("POST", "/deployments"), 2 + 3 + 2);
}
