//! Signing in and out, with a real browser, a pseudo-terminal, and the official CLI beside it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::real::provisioned;
use crate::support::{Emulator, KEY, Ran, clean, command, listener, project};

/// A home with credentials in it, and an emulator that they are for.
struct Home {
    emulator: Emulator,
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(flags: &[&str]) -> Self {
        Self { emulator: Emulator::placeholder(flags), folder: tempfile::tempdir().unwrap() }
    }

    fn credentials(&self) -> PathBuf {
        self.folder.path().join(".heygen/credentials")
    }

    fn store(&self, contents: &Value) {
        fs::create_dir_all(self.credentials().parent().unwrap()).unwrap();
        fs::write(self.credentials(), contents.to_string()).unwrap();
    }

    fn stored(&self) -> Value {
        serde_json::from_slice(&fs::read(self.credentials()).unwrap()).unwrap()
    }

    /// Where everything is, for any of the tools; the browser only writes down where it is sent.
    fn equip<'a>(&self, command: &'a mut Command) -> &'a mut Command {
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

    fn address(&self) -> PathBuf {
        self.folder.path().join("address")
    }

    fn auth(&self, arguments: &[&str]) -> Ran {
        let mut command = command();
        self.equip(&mut command).arg("auth").args(arguments).output().unwrap().into()
    }

    /// Signs in with a key on standard input.
    fn pipe(&self, key: &str, variables: &[(&str, &str)]) -> Ran {
        let mut login = command();
        self.equip(&mut login).args(["auth", "login", "--api-key"]).envs(variables.iter().copied());
        login.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = login.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(key.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// At a terminal; what it shows is on standard output.
    fn at_terminal(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Child {
        terminal(self.equip(&mut command()).arg("auth").args(arguments).envs(variables.iter().copied()))
    }

    /// The official CLI.
    fn official(&self) -> Command {
        let (node, script) = provisioned();
        let mut command = Command::new(node);
        clean(&mut command);
        self.equip(&mut command).arg(script).arg("auth");
        command.env("HYPERFRAMES_NO_UPDATE_CHECK", "1").env("DO_NOT_TRACK", "1").env("NO_COLOR", "1");
        command
    }

    /// Where the browser was sent, once it was.
    fn sent(&self) -> String {
        for _ in 0..400 {
            if let Ok(address) = fs::read_to_string(self.address()) {
                return address;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("no browser was opened");
    }

    /// Begins to sign in with the browser, which comes back with this instead of the server's answer.
    fn come_back(&self, variables: &[(&str, &str)], answer: impl Fn(&str) -> String) -> Ran {
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

    fn tokens_asked(&self) -> usize {
        self.emulator.requests().iter().filter(|(_, path, _)| path == "/v1/oauth/token").count()
    }
}

/// Runs `command` in a pseudo-terminal.
fn terminal(command: &Command) -> Child {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let words = [quoted(command.get_program())].into_iter().chain(command.get_args().map(quoted));
    let mut script = Command::new("script");
    script.args(["-qec", &words.collect::<Vec<_>>().join(" "), "/dev/null"]);
    script.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.current_dir(command.get_current_dir().unwrap());
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finished(mut child: Child) -> Ran {
    let input = child.stdin.take();
    let ran = child.wait_with_output().unwrap().into();
    drop(input);
    ran
}

/// A plain request, as a browser makes it.
fn get(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut page = String::new();
    let _ = stream.read_to_string(&mut page);
    page
}

/// Presses a button in Chromium; gives back what the last page says.
fn press(url: &str, button: &str, screenshot: &str) -> Value {
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
fn server(answer: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    listener(move |_, _| answer.to_owned())
}

#[test]
fn who_signs_in_with_the_browser_is_signed_in_everywhere() {
    let home = Home::with(&[]);
    home.store(&json!({ "theirs": { "a": [1] }, "oauth": { "access_token": "old", "also": true },
        "user": { "email": "before@example.com", "more": 2 } }));
    let child = home.at_terminal(&["login"], &[]);
    let address = home.sent();
    assert!(!address.contains("verifier"));
    let seen = press(&address, "allow", "sign-in.png");
    assert_eq!(seen["asked"], "Sign in to the emulator");
    assert!(seen["text"].as_str().unwrap().contains("signed in as emulator@localhost.invalid"), "{seen}");
    let ran = finished(child);
    assert!(
        ran.stdout.contains("Signed in as emulator@localhost.invalid, no longer as before@example.com"),
        "{ran:?}"
    );
    let stored = home.stored();
    let token = stored["oauth"]["access_token"].as_str().unwrap().to_owned();
    let refresh_token = stored["oauth"]["refresh_token"].as_str().unwrap().to_owned();
    for secret in [&token, &refresh_token] {
        assert!(!ran.stdout.contains(secret.as_str()), "{ran:?}");
    }
    assert_eq!(
        (&stored["theirs"]["a"][0], &stored["oauth"]["also"], &stored["user"]["more"]),
        (&json!(1), &json!(true), &json!(2))
    );
    let mode = fs::metadata(home.credentials()).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    let status = home.auth(&["status", "--json"]).ok();
    assert!(!status.stdout.contains(&token), "{status:?}");
    let status = status.json();
    assert_eq!(
        (&status["kind"], &status["valid"], &status["left"]),
        (&json!("oauth"), &json!(true), &json!(100.0))
    );
    let shown = home.auth(&["status"]).ok();
    assert!(
        shown.stdout.contains("emulator@localhost.invalid") && shown.stdout.contains("100 left"),
        "{shown:?}"
    );
    // The official CLI uses it, and leaves what is not its own.
    let official = Ran::from(home.official().arg("status").output().unwrap());
    assert!(official.code == 0 && official.stdout.contains("emulator@localhost.invalid"), "{official:?}");
    let official = Ran::from(home.official().arg("refresh").output().unwrap());
    assert_eq!(official.code, 0, "{official:?}");
    assert_ne!(home.stored()["oauth"]["access_token"], token.as_str(), "the server gives every token once");
    home.auth(&["status"]).ok();
    home.auth(&["refresh"]).ok();
    let official = Ran::from(home.official().arg("status").output().unwrap());
    assert_eq!(official.code, 0, "{official:?}");
    assert_eq!(home.stored()["theirs"], json!({ "a": [1] }));
    // A render takes it.
    let folder = project();
    let mut render = command();
    home.equip(&mut render).current_dir(folder.path()).args(["render", "-o", "v.mp4", "--json"]);
    let rendered = Ran::from(render.output().unwrap()).ok().json();
    assert_eq!(rendered["render"]["status"], "completed");
    // Out: asked first, given back, and what others stored is kept.
    assert_eq!(home.auth(&["logout"]).code, 2, "nobody can be asked");
    let last = home.stored()["oauth"]["refresh_token"].as_str().unwrap().to_owned();
    home.auth(&["logout", "--yes"]).ok();
    assert_eq!(
        home.stored(),
        json!({ "theirs": { "a": [1] }, "oauth": { "also": true }, "user": { "more": 2 } })
    );
    let again = format!("grant_type=refresh_token&refresh_token={last}&client_id=x");
    let refused = ureq::post(format!("{}/v1/oauth/token", home.emulator.url)).send(again);
    assert!(refused.is_err(), "the server has taken it back");
    let ran = home.auth(&["status", "--json"]);
    assert_eq!((ran.code, ran.json()), (3, json!({ "configured": false, "valid": false })));
}

#[test]
fn whoever_does_not_allow_it_changes_nothing() {
    let home = Home::new();
    home.store(&json!({ "api_key": KEY }));
    let before = fs::read(home.credentials()).unwrap();
    let child = home.at_terminal(&["login"], &[]);
    let seen = press(&home.sent(), "deny", "sign-in-denied.png");
    assert!(seen["text"].as_str().unwrap().contains("Not signed in"), "{seen}");
    let ran = finished(child);
    assert!(ran.code == 3 && ran.stdout.contains("not allowed in the browser"), "{ran:?}");
    assert_eq!(fs::read(home.credentials()).unwrap(), before);
    home.auth(&["status"]).ok();
}

#[test]
fn answers_that_are_none_leave_what_was_stored() {
    let (html, _) =
        server("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>sign in</html>");
    let (hostile, _) =
        server("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"access_token\":\"a\\r\\nx-evil: 1\"}");
    let (expired, _) = server(
        "HTTP/1.1 400 Bad\r\nconnection: close\r\n\r\n{\"error\":\"invalid_grant\",\"error_description\":\"code topsecret\"}",
    );
    let (stranger, heard) = server(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"access_token\":\"stranger\",\"refresh_token\":\"r\",\"expires_in\":60}",
    );
    let good = |state: &str| format!("code=c&state={state}");
    let token = "HYPERFRAMES_OAUTH_TOKEN_URL";
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a dyn Fn(&str) -> String, i32, &'a str);
    let cases: &[Case<'_>] = &[
        (&[], &|_| "code=c&state=guessed".to_owned(), 3, "not the answer to this sign-in"),
        (&[], &|state| format!("error=access_denied&state={state}"), 3, "not allowed in the browser"),
        (&[], &|state| format!("error=server%0aerror&state={state}"), 3, "the server refuses the sign-in"),
        (&[], &|state| format!("state={state}"), 3, "without a code"),
        (&[], &good, 3, "invalid_grant"),
        (&[(token, &html)], &good, 1, "not what OAuth documents"),
        (&[(token, &hostile)], &good, 3, "token is not usable"),
        (&[(token, &expired)], &good, 3, "invalid_grant"),
        (&[(token, "http://127.0.0.1:1/token")], &good, 1, "no usable answer"),
        (&[(token, "http://tokens.example/")], &good, 3, "neither https nor on this machine"),
        (
            &[(token, &stranger), ("HYPERFRAMES_OAUTH_REVOKE_URL", &stranger)],
            &good,
            3,
            "HeyGen does not accept",
        ),
    ];
    for (variables, answer, code, message) in cases {
        let home = Home::new();
        home.store(&json!({ "api_key": KEY, "oauth": { "access_token": "before" } }));
        let before = fs::read(home.credentials()).unwrap();
        let ran = home.come_back(variables, answer);
        assert!(ran.code == *code && ran.stdout.contains(message), "{message}: {ran:?}");
        assert!(!ran.stdout.contains("topsecret"), "{ran:?}");
        assert_eq!(fs::read(home.credentials()).unwrap(), before, "{message}");
    }
    let heard = heard.lock().unwrap();
    let given_back = heard.iter().filter(|request| request.contains("token_type_hint")).count();
    assert_eq!(given_back, 2, "what is not stored is given back: {heard:?}");
}

#[test]
fn another_device_signs_in_by_a_code() {
    let home = Home::new();
    let sign_in = |child: Child, decision: &str| {
        let devices = format!("{}/oauth/device", home.emulator.url);
        let mut child = child;
        let mut shown = String::new();
        let mut output = child.stdout.take().unwrap();
        let mut part = [0; 256];
        let code = loop {
            let count = output.read(&mut part).unwrap();
            shown.push_str(&String::from_utf8_lossy(&part[..count]));
            let code = shown.split("user_code=").nth(1).and_then(|rest| rest.get(..8));
            if let Some(code) = code {
                break code.to_owned();
            }
            assert!(count > 0, "{shown}");
        };
        ureq::post(&devices).send(format!("user_code={code}&decision={decision}")).unwrap();
        let _ = output.read_to_string(&mut shown);
        let status = child.wait().unwrap();
        (status.code().unwrap(), shown)
    };
    let (code, shown) = sign_in(home.at_terminal(&["login", "--device"], &[]), "deny");
    assert!(code == 3 && shown.contains("it was not allowed"), "{shown}");
    assert!(!home.credentials().exists());
    let (code, shown) = sign_in(home.at_terminal(&["login", "--device"], &[]), "allow");
    assert!(code == 0 && shown.contains("Signed in as emulator@localhost.invalid"), "{shown}");
    assert_eq!(home.auth(&["status", "--json"]).ok().json()["kind"], "oauth");
    // The official CLI signs in, and this one uses it.
    home.auth(&["logout", "--yes"]).ok();
    assert!(!home.credentials().exists(), "nothing is left of it");
    let mut official = home.official();
    official.args(["login", "--device"]).env_remove("BROWSER");
    let (code, shown) = sign_in(terminal(&official), "allow");
    assert_eq!(code, 0, "{shown}");
    let status = home.auth(&["status", "--json"]).ok().json();
    assert_eq!(status["user"]["email"], "emulator@localhost.invalid");
    home.auth(&["logout", "--yes"]).ok();
    let official = Ran::from(home.official().arg("status").output().unwrap());
    assert_ne!(official.code, 0, "signed out of both: {official:?}");
}

#[test]
fn a_key_is_stored_once_it_is_known_to_be_good() {
    let home = Home::new();
    let pipe = |key: &str| home.pipe(key, &[("CI", "true")]);
    // A legacy file, which a wrong key does not touch.
    fs::create_dir_all(home.credentials().parent().unwrap()).unwrap();
    fs::write(home.credentials(), format!("{KEY}\n")).unwrap();
    let ran = pipe("sk_wrong_key\n");
    assert!(ran.code == 3 && ran.stderr.contains("does not accept the credential"), "{ran:?}");
    assert!(!ran.stderr.contains("sk_wrong_key"), "{ran:?}");
    assert_eq!(fs::read_to_string(home.credentials()).unwrap(), format!("{KEY}\n"));
    assert_eq!(pipe("").code, 2);
    assert_eq!(pipe("a\u{1b}b\n").code, 3, "what cannot stand in a header");
    assert_eq!(pipe(&format!("{KEY}\r\n")).code, 0);
    assert_eq!(home.stored()["api_key"], KEY);
    assert_eq!(home.stored()["user"]["email"], "emulator@localhost.invalid");
    let official = Ran::from(home.official().arg("status").output().unwrap());
    assert_eq!(official.code, 0, "{official:?}");
    // Typed, and not shown.
    fs::remove_file(home.credentials()).unwrap();
    let mut child = home.at_terminal(&["login", "--api-key"], &[]);
    let mut input = child.stdin.take().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    input.write_all(format!("{KEY}\r").as_bytes()).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(ran.code == 0 && ran.stdout.contains("not shown"), "{ran:?}");
    assert!(!ran.stdout.contains(KEY), "{ran:?}");
    assert_eq!(home.stored()["api_key"], KEY);
    // A key stays where only the sign-in is to go.
    let mut stored = home.stored();
    stored["oauth"] = json!({ "access_token": "t" });
    home.store(&stored);
    home.auth(&["logout", "--yes", "--keep-api-key"]).ok();
    assert_eq!((&home.stored()["api_key"], home.stored().get("oauth")), (&json!(KEY), None));
}

#[test]
fn whoever_interrupts_the_question_gets_the_terminal_back() {
    let home = Home::new();
    let mut login = command();
    home.equip(&mut login);
    let mut shell = Command::new("sh");
    let line = format!("trap : INT; {} auth login --api-key; stty -a", login.get_program().to_str().unwrap());
    shell.args(["-c", &line]).env_clear().current_dir(home.folder.path());
    shell.envs(login.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = terminal(&shell);
    let mut input = child.stdin.take().unwrap();
    std::thread::sleep(Duration::from_millis(900));
    input.write_all(b"\x03").unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(ran.stdout.contains("interrupted"), "{ran:?}");
    assert!(ran.stdout.contains(" echo ") && !ran.stdout.contains(" -echo "), "{ran:?}");
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let home = Home::new();
    for (arguments, variables) in [(&["login"][..], &[][..]), (&["login", "--device"], &[])] {
        let ran = home.auth(arguments);
        assert!(ran.code == 2 && ran.stderr.contains("secrets.HEYGEN_API_KEY"), "{ran:?}");
        let ran = finished(home.at_terminal(arguments, &[&[("CI", "true")][..], variables].concat()));
        assert!(ran.code == 2 && ran.stdout.contains("HEYGEN_API_KEY"), "{ran:?}");
    }
    let ran = finished(home.at_terminal(&["login", "--api-key"], &[("CI", "true")]));
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = finished(home.at_terminal(&["login"], &[("SSH_CONNECTION", "1 2 3 4"), ("BROWSER", "")]));
    assert!(ran.code == 2 && ran.stdout.contains("--device"), "{ran:?}");
    assert!(!home.address().exists(), "no browser was opened");
    assert!(home.emulator.requests().is_empty());
    // Nowhere to store it: said before anybody is asked.
    let ran = finished(home.at_terminal(&["login"], &[("HEYGEN_CONFIG_DIR", "/dev/null/heygen")]));
    assert!(ran.code == 3 && ran.stdout.contains("cannot write the credentials file"), "{ran:?}");
    fs::create_dir_all(home.credentials().parent().unwrap()).unwrap();
    fs::write(home.credentials(), "{broken").unwrap();
    let ran = finished(home.at_terminal(&["login"], &[]));
    assert!(ran.code == 3 && ran.stdout.contains("is not usable"), "{ran:?}");
    assert_eq!(fs::read_to_string(home.credentials()).unwrap(), "{broken");
    assert!(!home.address().exists());
}

#[test]
fn processes_share_a_refresh() {
    let home = Home::new();
    let child = home.at_terminal(&["login"], &[]);
    press(&home.sent(), "allow", "sign-in.png");
    assert_eq!(finished(child).code, 0);
    let mut stored = home.stored();
    stored["oauth"]["expires_at"] = "2001-01-01T00:00:00Z".into();
    home.store(&stored);
    let before = home.tokens_asked();
    let ran = std::thread::scope(|scope| {
        let runs = (0..4).map(|_| scope.spawn(|| home.auth(&["status", "--json"])));
        runs.collect::<Vec<_>>().into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    for ran in ran {
        assert_eq!(ran.code, 0, "a refresh token is good once, and who uses it twice is signed out: {ran:?}");
    }
    assert_eq!(home.tokens_asked() - before, 1);
}

#[test]
fn clocks_may_differ() {
    // Long enough for a sign-in on a machine that has much to do.
    let home = Home::with(&["--token-lifetime", "8"]);
    let child = home.at_terminal(&["login"], &[]);
    press(&home.sent(), "allow", "sign-in.png");
    assert_eq!(finished(child).code, 0);
    std::thread::sleep(Duration::from_millis(8100));
    // A clock that is behind takes an old token for a fresh one, until the server says no; a time that is none is old.
    for expires_at in ["2999-01-01T00:00:00Z", "2001-01-01T00:00:00+02:00", "soon"] {
        let mut stored = home.stored();
        stored["oauth"]["expires_at"] = expires_at.into();
        let before = stored["oauth"]["access_token"].clone();
        home.store(&stored);
        assert_eq!(home.auth(&["status", "--json"]).ok().json()["valid"], true, "{expires_at}");
        assert_ne!(home.stored()["oauth"]["access_token"], before, "{expires_at}");
    }
}

#[test]
fn without_a_network_what_is_known_is_told() {
    let home = Home::new();
    home.store(&json!({ "api_key": KEY, "user": { "email": "known@example.com" } }));
    let mut status = command();
    home.equip(&mut status).args(["auth", "status", "--json"]).env("HEYGEN_API_URL", "http://127.0.0.1:1");
    let ran = Ran::from(status.output().unwrap());
    assert_eq!((ran.code, &ran.error()["code"]), (1, &json!("network_error")));
    let known = ran.json();
    assert_eq!((&known["valid"], &known["user"]["email"]), (&json!(false), &json!("known@example.com")));
    // Nobody is signed in by a server that cannot be asked.
    let before = fs::read(home.credentials()).unwrap();
    let ran = home.pipe("sk_another_key\n", &[("HEYGEN_API_URL", "http://127.0.0.1:1")]);
    assert!(ran.code == 1 && ran.stderr.contains("did not say whether"), "{ran:?}");
    assert_eq!(fs::read(home.credentials()).unwrap(), before);
}

#[test]
fn the_emulator_keeps_the_rules_of_oauth() {
    let emulator = Emulator::placeholder(&[]);
    let url = |path: &str| format!("{}{path}", emulator.url);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let authorize = |redirect: &str| {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        url(&format!(
            "/oauth/authorize?response_type=code&client_id=c&redirect_uri={redirect}&state=s&code_challenge_method=S256&code_challenge={challenge}"
        ))
    };
    // Nobody is sent anywhere but to this machine.
    for elsewhere in ["https://example.com/", "http://127.0.0.1.example.com/", "http://127.0.0.1:x/", ""] {
        assert_eq!(agent.get(authorize(elsewhere)).call().unwrap().status(), 400, "{elsewhere}");
        assert_eq!(
            agent.post(authorize(elsewhere)).send("decision=allow").unwrap().status(),
            400,
            "{elsewhere}"
        );
    }
    let code = || {
        let answer = agent.post(authorize("http://127.0.0.1:1/back")).send("decision=allow").unwrap();
        let place = answer.headers().get("location").unwrap().to_str().unwrap().to_owned();
        assert!(place.starts_with("http://127.0.0.1:1/back?code=") && place.ends_with("&state=s"), "{place}");
        place.split(['=', '&']).nth(1).unwrap().to_owned()
    };
    let token = |form: &str| {
        let mut answer = agent.post(url("/v1/oauth/token")).send(form).unwrap();
        let body: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        (answer.status().as_u16(), body)
    };
    let form = |code: &str, verifier: &str, redirect: &str| {
        format!(
            "grant_type=authorization_code&code={code}&code_verifier={verifier}&redirect_uri={redirect}&client_id=c"
        )
    };
    // Source of the verifier: RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let back = "http%3A%2F%2F127.0.0.1%3A1%2Fback";
    assert_eq!(token(&form(&code(), "guessed", back)).1, json!({ "error": "invalid_grant" }));
    assert_eq!(token(&form(&code(), verifier, "http%3A%2F%2F127.0.0.1%3A2%2F")).0, 400);
    let code = code();
    let (status, first) = token(&form(&code, verifier, back));
    assert_eq!((status, &first["token_type"]), (200, &json!("Bearer")));
    assert_eq!(token(&form(&code, verifier, back)).0, 400, "a code is good once");
    let refresh = |tokens: &Value| {
        let old = tokens["refresh_token"].as_str().unwrap();
        token(&format!("grant_type=refresh_token&refresh_token={old}&client_id=c"))
    };
    let (status, second) = refresh(&first);
    assert_eq!(status, 200);
    assert_eq!(refresh(&first).0, 400, "a refresh token is good once");
    assert_eq!(refresh(&second).0, 400, "and who uses it twice ends the sign-in");
    let me = |key: &str| {
        agent.get(url("/v3/users/me")).header("authorization", format!("Bearer {key}")).call().unwrap()
    };
    let access = first["access_token"].as_str().unwrap();
    assert_eq!(me(access).status(), 200);
    agent.post(url("/v1/oauth/revoke")).send(format!("token={access}")).unwrap();
    assert_eq!(
        (me(access).status(), me("other").status()),
        (ureq::http::StatusCode::UNAUTHORIZED, ureq::http::StatusCode::UNAUTHORIZED)
    );
}
