//! The Cloudflare Worker of the recipe, in Node and in the runtime of Cloudflare.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::oracle;
use super::server;
use crate::support::{Emulator, clean, listener, project, root, write};

/// The Worker of the recipe.
fn worker() -> String {
    let page = std::fs::read_to_string(root().join("docs/recipes/webhooks.md")).unwrap();
    let block = page.split("```js\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a block of JavaScript").to_owned()
}

const DRIVER: &str = r#"
import { readFileSync } from "node:fs";
import worker from "./worker.mjs";
const { env, headers } = JSON.parse(readFileSync("case.json", "utf8"));
const body = readFileSync("body.json");
const request = new Request("https://hook.example/", { method: "POST", headers, body });
console.log((await worker.fetch(request, env)).status);
"#;

/// A runtime that answers one request: environment, body and headers; returns the status.
type Runtime = dyn Fn(&Path, &Value, &str, &Value) -> u16;

/// Node, whose standard library has the same interfaces.
fn in_node(folder: &Path, env: &Value, body: &str, headers: &Value) -> u16 {
    write(folder, "driver.mjs", DRIVER);
    write(folder, "case.json", &json!({ "env": env, "headers": headers }).to_string());
    write(folder, "body.json", body);
    let mut command = Command::new("node");
    clean(&mut command);
    let output = command.arg("driver.mjs").current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse::<u16>().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Cloudflare's runtime, as npm has it; `None` if it is not installed, which is a failure in CI.
fn workerd() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("hyperframes-ci")))
        .or_else(|| Some(set("HOME")?.join(".cache/hyperframes-ci")))?;
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "64" };
    let modules = cache.join(format!("tools/workerd-{WORKERD}/node_modules"));
    let program = modules.join(format!("@cloudflare/workerd-{system}-{machine}/bin/workerd"));
    if program.is_file() {
        return Some(program);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{} is missing: cargo xtask test integration installs it",
        program.display()
    );
    crate::support::show("workerd.txt", "not run: workerd is missing\n");
    None
}

/// The version that xtask installs.
const WORKERD: &str = "1.20261117.1";

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn in_workerd(program: &Path, folder: &Path, env: &Value, body: &str, headers: &Value) -> u16 {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bindings =
        env.as_object().unwrap().iter().map(|(name, value)| format!("(name = {name:?}, text = {value})"));
    let bindings = bindings.collect::<Vec<_>>().join(", ");
    let config = format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = "2026-01-01", bindings = [{bindings}], globalOutbound = "net")),
    (name = "net", network = (allow = ["private", "local", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
"#
    );
    write(folder, "config.capnp", &config);
    let mut command = Command::new(program);
    clean(&mut command);
    command.args(["serve", "config.capnp"]).current_dir(folder);
    let _running = Killed(command.spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "workerd does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut request = agent.post(format!("http://127.0.0.1:{port}/"));
    for (name, value) in headers.as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.send(body).unwrap().status().as_u16()
}

#[test]
fn the_worker_of_the_recipe_accepts_what_the_emulator_signs_and_nothing_else() {
    check(&in_node);
}

#[test]
fn the_worker_of_the_recipe_does_the_same_in_the_runtime_of_cloudflare() {
    let Some(program) = workerd() else { return };
    check(&move |folder, env, body, headers| in_workerd(&program, folder, env, body, headers));
}

/// Plays authentic and other webhooks.
fn check(runtime: &Runtime) {
    let emulator = Emulator::placeholder(&[]);
    let (hook, received) = listener(|_, _| "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned());
    let secret = crate::webhook::register(&emulator, &hook, &Value::Null);
    let folder = project();
    emulator.run(folder.path(), &["render", "-o", "a.mp4", "--callback-id", "job"]).ok();
    let deadline = Instant::now() + Duration::from_secs(20);
    while received.lock().unwrap().is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let event = received.lock().unwrap()[0].clone();
    let (head, body) = event.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1.to_owned()
    };
    let (signature, time) = (header("heygen-signature"), header("heygen-timestamp"));

    let github = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", github.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&requests);
    server::serve(github, move |request| {
        assert_eq!(request.header("authorization"), Some("Bearer ghs_1"));
        log.lock().unwrap().push((request.method.clone(), request.target.clone(), request.json()));
        if request.target.contains("/o/broken/") {
            server::refuse(500, "no")
        } else {
            server::plain(204, Value::Null)
        }
    });
    write(folder.path(), "worker.mjs", &worker());
    let status = |secret: &str, repository: &str, body: &str, headers: Value| {
        let env = json!({
            "HEYGEN_WEBHOOK_SECRET": secret, "GITHUB_TOKEN": "ghs_1", "GITHUB_API_URL": api, "REPOSITORY": repository,
        });
        runtime(folder.path(), &env, body, &headers)
    };
    let signed = |signature: &str| json!({ "heygen-signature": signature, "heygen-timestamp": time });
    let good = signed(&signature);
    let late = json!({ "heygen-signature": signature, "heygen-timestamp": "1" });
    let none = json!({ "heygen-signature": signature });
    for (case, secret, body, headers) in [
        ("another secret", "whsec_other", body, &good),
        ("another body", &secret, &body.replace("job", "jab"), &good),
        ("no signature", &secret, body, &json!({ "heygen-timestamp": time })),
        ("half a signature", &secret, body, &signed(&signature[..32])),
        ("an old time", &secret, body, &late),
        ("no time", &secret, body, &none),
    ] {
        assert_eq!(status(secret, "o/r", body, headers.clone()), 403, "{case}");
    }
    assert!(requests.lock().unwrap().is_empty(), "nothing is started before an event is verified");
    assert_eq!(status(&secret, "o/r", body, good.clone()), 200);
    assert_eq!(status(&secret, "o/broken", body, good), 502, "so that the event is delivered again");
    let other = r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v"}}"#;
    let headers = signed(&crate::webhook::signature(&secret, other.as_bytes()));
    assert_eq!(status(&secret, "o/r", other, headers), 200);
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2, "{requests:?}");
    let event: Value = serde_json::from_str(body).unwrap();
    let payload = json!({ "render_id": event["event_data"]["render_id"], "callback_id": "job" });
    let expected = json!({ "event_type": "hyperframes-video", "client_payload": payload });
    assert_eq!(requests[0], ("POST".to_owned(), "/repos/o/r/dispatches".to_owned(), expected));
    oracle::check(&requests);
}
