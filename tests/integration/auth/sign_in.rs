//! Signing in with the browser, and on another device.

use std::fs;
use std::io::Read;
use std::process::Child;

use serde_json::json;

use super::home::{Home, finished, press, server, terminal};
use crate::support::{KEY, Ran, command, project};

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
        ran.stdout.contains("Signed in as emulator@localhost.invalid (previously before@example.com)"),
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
    let official = Ran::of(home.official().arg("status"));
    assert!(official.code == 0 && official.stdout.contains("emulator@localhost.invalid"), "{official:?}");
    let official = Ran::of(home.official().arg("refresh"));
    assert_eq!(official.code, 0, "{official:?}");
    assert_ne!(home.stored()["oauth"]["access_token"], token.as_str(), "the server gives every token once");
    home.auth(&["status"]).ok();
    home.auth(&["refresh"]).ok();
    let official = Ran::of(home.official().arg("status"));
    assert_eq!(official.code, 0, "{official:?}");
    assert_eq!(home.stored()["theirs"], json!({ "a": [1] }));
    // A render takes it.
    let folder = project();
    let mut render = command();
    home.equip(&mut render).current_dir(folder.path()).args(["render", "-o", "v.mp4", "--json"]);
    let rendered = Ran::of(&mut render).ok().json();
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
    assert!(ran.code == 3 && ran.stdout.contains("denied in the browser"), "{ran:?}");
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
        (&[], &|state| format!("error=access_denied&state={state}"), 3, "denied in the browser"),
        (&[], &|state| format!("error=server%0aerror&state={state}"), 3, "the server rejected the sign-in"),
        (&[], &|state| format!("state={state}"), 3, "no authorization code"),
        (&[], &good, 3, "invalid_grant"),
        (&[(token, &html)], &good, 1, "unexpected response"),
        (&[(token, &hostile)], &good, 3, "returned an invalid token"),
        (&[(token, &expired)], &good, 3, "invalid_grant"),
        (&[(token, "http://127.0.0.1:1/token")], &good, 1, "cannot reach the authorization server"),
        (
            &[(token, "http://tokens.example/")],
            &good,
            3,
            "must be an https:// URL or a URL of a loopback address",
        ),
        (
            &[(token, &stranger), ("HYPERFRAMES_OAUTH_REVOKE_URL", &stranger)],
            &good,
            3,
            "HeyGen rejected the credential",
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
    assert!(code == 3 && shown.contains("access was denied"), "{shown}");
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
    let official = Ran::of(home.official().arg("status"));
    assert_ne!(official.code, 0, "signed out of both: {official:?}");
}
