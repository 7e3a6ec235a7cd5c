//! A home with credentials in it, a terminal, and a browser.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::real::provisioned;
use crate::support::{Emulator, Ran, clean, command, listener};

/// A home with credentials in it, and an emulator that they are for.
pub(super) struct Home {
    pub(super) emulator: Emulator,
    pub(super) folder: tempfile::TempDir,
}

impl Home {
    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    pub(super) fn with(flags: &[&str]) -> Self {
        Self { emulator: Emulator::placeholder(flags), folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn credentials(&self) -> PathBuf {
        self.folder.path().join(".heygen/credentials")
    }

    pub(super) fn store(&self, contents: &Value) {
        fs::create_dir_all(self.credentials().parent().unwrap()).unwrap();
        fs::write(self.credentials(), contents.to_string()).unwrap();
    }

    pub(super) fn stored(&self) -> Value {
        serde_json::from_slice(&fs::read(self.credentials()).unwrap()).unwrap()
    }

    /// Where everything is, for any of the tools; the browser only writes down where it is sent.
    pub(super) fn equip<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let url = &self.emulator.url;
        let browser = self.folder.path().join("browser");
        let script = format!(
            "#!/bin/sh\nprintf %s \"$1\" > '{0}.part' && mv '{0}.part' '{0}'\n",
            self.address().display()
        );
        fs::write(&browser, script).unwrap();
        fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        command
            .env("HEYGEN_API_URL", url)
            .env("HEYGEN_CONFIG_DIR", self.credentials().parent().unwrap())
            .env("HYPERFRAMES_OAUTH_AUTHORIZE_URL", format!("{url}/oauth/authorize"))
            .env("HYPERFRAMES_OAUTH_TOKEN_URL", format!("{url}/v1/oauth/token"))
            .env("HYPERFRAMES_OAUTH_REVOKE_URL", format!("{url}/v1/oauth/revoke"))
            .env("HYPERFRAMES_OAUTH_DEVICE_URL", format!("{url}/v1/oauth/device_authorization"))
            .env("BROWSER", browser)
            .env("HEYGEN_MAX_RETRIES", "0")
            .env("TERM", "dumb")
            .current_dir(self.folder.path())
    }

    pub(super) fn address(&self) -> PathBuf {
        self.folder.path().join("address")
    }

    pub(super) fn auth(&self, arguments: &[&str]) -> Ran {
        let mut command = command();
        Ran::of(self.equip(&mut command).arg("auth").args(arguments))
    }

    /// Signs in with a key on standard input.
    pub(super) fn pipe(&self, key: &str, variables: &[(&str, &str)]) -> Ran {
        let mut login = command();
        self.equip(&mut login).args(["auth", "login", "--api-key"]).envs(variables.iter().copied());
        login.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = login.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(key.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// At a terminal; what it shows is on standard output.
    pub(super) fn at_terminal(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Child {
        terminal(self.equip(&mut command()).arg("auth").args(arguments).envs(variables.iter().copied()))
    }

    /// The official CLI.
    pub(super) fn official(&self) -> Command {
        let (node, script) = provisioned();
        let mut command = Command::new(node);
        clean(&mut command);
        self.equip(&mut command).arg(script).arg("auth");
        command.env("HYPERFRAMES_NO_UPDATE_CHECK", "1").env("DO_NOT_TRACK", "1").env("NO_COLOR", "1");
        command
    }

    /// Where the browser was sent, once it was.
    pub(super) fn sent(&self) -> String {
        for _ in 0..400 {
            if let Ok(address) = fs::read_to_string(self.address()) {
                return address;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("no browser was opened");
    }

    /// Begins to sign in with the browser, which comes back with this instead of the server's answer.
    pub(super) fn come_back(&self, variables: &[(&str, &str)], answer: impl Fn(&str) -> String) -> Ran {
        let child = self.at_terminal(&["login"], variables);
        let address = self.sent();
        let parameter = |name: &str| {
            let pair =
                address.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap();
            pair.replace("%3A", ":").replace("%2F", "/")
        };
        let redirect = parameter("redirect_uri");
        let page = get(&format!("{redirect}?{}", answer(&parameter("state"))));
        let ran = finished(child);
        assert!(page.contains("Not signed in"), "{page}");
        ran
    }

    pub(super) fn tokens_asked(&self) -> usize {
        self.emulator.requests().iter().filter(|(_, path, _)| path == "/v1/oauth/token").count()
    }
}

/// Runs `command` in a pseudo-terminal.
pub(super) fn terminal(command: &Command) -> Child {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let words = [quoted(command.get_program())].into_iter().chain(command.get_args().map(quoted));
    let mut script = Command::new("script");
    script.args(["-qec", &words.collect::<Vec<_>>().join(" "), "/dev/null"]);
    script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.current_dir(command.get_current_dir().unwrap());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(super) fn finished(mut child: Child) -> Ran {
    let input = child.stdin.take();
    let ran = child.wait_with_output().unwrap().into();
    drop(input);
    ran
}

/// A plain request, as a browser makes it.
pub(super) fn get(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut page = String::new();
    let _ = stream.read_to_string(&mut page);
    page
}

/// Presses a button in Chromium; gives back what the last page says.
pub(super) fn press(url: &str, button: &str, screenshot: &str) -> Value {
    let (node, script) = provisioned();
    let modules = script.ancestors().find(|folder| folder.ends_with("node_modules")).unwrap();
    let names =
        ["chromium", "chrome-headless-shell", "google-chrome", "chromium-browser", "google-chrome-stable"];
    let path = std::env::var_os("PATH").unwrap();
    let found = names.iter().find_map(|name| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    });
    let chosen = std::env::var_os("HYPERFRAMES_BROWSER_PATH").map(PathBuf::from);
    let pictures = crate::support::root().join("target/screenshots");
    fs::create_dir_all(&pictures).unwrap();
    let output = Command::new(node)
        .args(["--input-type=module", "--eval", include_str!("consent.mjs"), "--", url, button])
        .env("BROWSER", chosen.or(found).expect("a browser"))
        .env("SCREENSHOT", pictures.join(screenshot))
        .current_dir(modules.parent().unwrap())
        .output()
        .unwrap();
    let ran = Ran::from(output);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()
}

/// An authorization server with one answer for everything; gives back what it hears.
pub(super) fn server(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    listener(move |_, _| answer.to_owned())
}
