//! Runs the binary with a clean environment, and emulators as processes of their own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// The key that tests use; it must turn up nowhere but in headers to the API.
pub(crate) const KEY: &str = "sk_test_topsecret_0123456789";

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An example project.
pub(crate) fn example(name: &str) -> PathBuf {
    root().join("examples").join(name)
}

/// The binary with nothing inherited but what finds programs and the installed engine.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hyperframes-ci"));
    clean(&mut command);
    command
}

/// Takes the environment of the test away from `command`.
pub(crate) fn clean(command: &mut Command) {
    let kept = [
        "PATH",
        "TMPDIR",
        "HYPERFRAMES_BROWSER_PATH",
        "XDG_CACHE_HOME",
        "HYPERFRAMES_CI_CACHE",
        "LOCALAPPDATA",
    ];
    // What an installation may need to reach the package registry: proxies, certificates, npm's own settings.
    let network = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.ends_with("_proxy") || name.contains("cert") || name.starts_with("npm_config_")
    };
    let inherited = std::env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(|name| kept.contains(&name) || network(name)))
        .collect::<Vec<_>>();
    command.env_clear().envs(inherited).stdin(Stdio::null());
    // The home is empty, so that no credential of the machine counts; the engine's cache and the way to the package
    // registry are the machine's.
    command.env("HOME", empty_home()).env("HYPERFRAMES_CI_LEDGER", empty_home().join("ledger.jsonl"));
    let settings = std::env::var_os("HOME").map(|home| Path::new(&home).join(".npmrc"));
    if let Some(settings) = settings.filter(|path| path.is_file()) {
        command.env("npm_config_userconfig", settings);
    }
    if let Some(home) =
        std::env::var_os("HOME").filter(|_| std::env::var_os("HYPERFRAMES_CI_CACHE").is_none())
    {
        command.env("HYPERFRAMES_CI_CACHE", Path::new(&home).join(".cache/hyperframes-ci"));
    }
}

fn empty_home() -> &'static Path {
    static HOME: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    HOME.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Runs `command` to its end, and holds what it prints against the published schemas.
    pub(crate) fn of(command: &mut Command) -> Self {
        let ran = Self::from(command.output().unwrap());
        crate::contract::check(command, &ran);
        ran
    }

    /// The result on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The envelope on standard error.
    pub(crate) fn error(&self) -> Value {
        let envelope: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error} in {self:?}"));
        envelope["error"].clone()
    }

    /// Checks that it went well.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Runs the binary in `folder` with `arguments`.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::of(command().args(arguments).current_dir(folder))
}

/// An emulator that ends with the test.
pub(crate) struct Emulator {
    child: Child,
    pub(crate) url: String,
    /// Where its clients keep their ledger: not in the cache of the machine.
    home: tempfile::TempDir,
}

impl Emulator {
    /// With placeholder clips and these flags.
    pub(crate) fn placeholder(flags: &[&str]) -> Self {
        Self::start(&[&["--placeholder"], flags].concat())
    }

    /// With these flags.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut child = command()
            .args(["emulator", "--json", "--api-key", KEY])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let started = serde_json::Deserializer::from_reader(child.stdout.as_mut().unwrap())
            .into_iter::<Value>()
            .next()
            .expect("the emulator says where it is")
            .unwrap();
        assert_eq!(crate::contract::mistake("emulator", &started), None);
        let url = started["url"].as_str().unwrap().to_owned();
        Self { child, url, home: tempfile::tempdir().unwrap() }
    }

    /// Replaces the script of faults.
    pub(crate) fn script(&self, script: &str) {
        let request = ureq::post(&format!("{}/_emulator/script", self.url)).header("x-api-key", KEY);
        request.send(script).unwrap();
    }

    /// What has happened so far.
    pub(crate) fn stats(&self) -> Value {
        let call = || ureq::get(&format!("{}/_emulator/stats", self.url)).header("x-api-key", KEY).call();
        // A script may have it refuse connections for a moment.
        let ask = || {
            std::thread::sleep(std::time::Duration::from_millis(100));
            call()
        };
        let first = call();
        let mut answer = (0..20).fold(first, |answer, _| answer.or_else(|_| ask())).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Assets created and renders submitted so far.
    pub(crate) fn created(&self) -> (u64, u64) {
        let stats = self.stats();
        (stats["assets_created"].as_u64().unwrap(), stats["renders_submitted"].as_u64().unwrap())
    }

    /// Runs the binary in `folder` against this emulator.
    pub(crate) fn run(&self, folder: &Path, arguments: &[&str]) -> Ran {
        Ran::of(self.command().args(arguments).current_dir(folder))
    }

    /// The binary with this emulator as its API.
    pub(crate) fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_hyperframes-ci"))
    }

    /// Another program, with this emulator as the API of whatever it starts.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        clean(&mut command);
        command.env("HEYGEN_API_URL", &self.url).env("HEYGEN_API_KEY", KEY);
        command.env("HYPERFRAMES_CI_LEDGER", self.ledger()).env("HYPERFRAMES_CI_GONE_GRACE", "1");
        command
    }

    /// The ledger of its clients.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.home.path().join("ledger.jsonl")
    }

    /// The requests so far: method, path, status (0 without an answer).
    pub(crate) fn requests(&self) -> Vec<(String, String, u64)> {
        let stats = self.stats();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let requests = stats["requests"].as_array().unwrap().iter();
        requests.map(|request| (text(&request[0]), text(&request[1]), request[2].as_u64().unwrap())).collect()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that keeps what it is sent and answers with `answer` of the head, which may name the server's own address.
pub(crate) fn listener(
    answer: impl Fn(&str, &str) -> String + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, own) = (Arc::clone(&seen), url.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let length = head
                .to_ascii_lowercase()
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<u64>().unwrap());
            let mut body = Vec::new();
            (&stream).take(length).read_to_end(&mut body).unwrap();
            log.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
            let _ = stream.write_all(answer(&head, &own).as_bytes());
        }
    });
    (url, seen)
}

/// A small valid project in a folder that is its own repository.
pub(crate) fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    write(folder.path(), "index.html", &html(1280, 720, ""));
    folder
}

/// A composition of this size, with this inside.
pub(crate) fn html(width: u32, height: u32, inside: &str) -> String {
    format!(
        "<html data-composition-variables='[{{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\"default\":\"x\"}}]'>\
         <div data-composition-id=\"main\" data-width=\"{width}\" data-height=\"{height}\" data-start=\"0\" \
         data-duration=\"1\" data-no-timeline><b data-var-text=\"title\"></b>{inside}</div></html>"
    )
}

/// Writes a file below `folder`.
pub(crate) fn write(folder: &Path, path: &str, contents: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, contents).unwrap();
}

/// The files directly in `folder`, hidden ones too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names = std::fs::read_dir(folder)
        .map(|entries| {
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        })
        .unwrap_or_default();
    names.sort();
    names
}

/// Leaves a table for `cargo xtask test` to print: the output of tests that pass is not shown.
pub(crate) fn show(name: &str, table: &str) {
    let folder = root().join("target/tables");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), table).unwrap();
}
