//! Keys, and sign-ins that are stored.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::home::{Home, finished, press, terminal};
use crate::support::{Emulator, KEY, Ran, command};

#[test]
fn a_key_is_stored_once_it_is_known_to_be_good() {
    let home = Home::new();
    let pipe = |key: &str| home.pipe(key, &[("CI", "true")]);
    // A legacy file, which a wrong key does not touch.
    fs::create_dir_all(home.credentials().parent().unwrap()).unwrap();
    fs::write(home.credentials(), format!("{KEY}\n")).unwrap();
    let ran = pipe("sk_wrong_key\n");
    assert!(ran.code == 3 && ran.stderr.contains("HeyGen rejected the credential"), "{ran:?}");
    assert!(!ran.stderr.contains("sk_wrong_key"), "{ran:?}");
    assert_eq!(fs::read_to_string(home.credentials()).unwrap(), format!("{KEY}\n"));
    assert_eq!(pipe("").code, 2);
    assert_eq!(pipe("a\u{1b}b\n").code, 3, "what cannot stand in a header");
    assert_eq!(pipe(&format!("{KEY}\r\n")).code, 0);
    assert_eq!(home.stored()["api_key"], KEY);
    assert_eq!(home.stored()["user"]["email"], "emulator@localhost.invalid");
    let official = Ran::of(home.official().arg("status"));
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
    assert!(ran.code == 3 && ran.stdout.contains("invalid credentials file"), "{ran:?}");
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
    let ran = Ran::of(&mut status);
    assert_eq!((ran.code, &ran.error()["code"]), (1, &json!("network_error")));
    let known = ran.json();
    assert_eq!((&known["valid"], &known["user"]["email"]), (&json!(false), &json!("known@example.com")));
    // Nobody is signed in by a server that cannot be asked.
    let before = fs::read(home.credentials()).unwrap();
    let ran = home.pipe("sk_another_key\n", &[("HEYGEN_API_URL", "http://127.0.0.1:1")]);
    assert!(ran.code == 1 && ran.stderr.contains("cannot verify the credential"), "{ran:?}");
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
