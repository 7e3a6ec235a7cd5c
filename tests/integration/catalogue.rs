//! `media list` and `quota` against the emulator.

use serde_json::{Value, json};

use crate::support::{Emulator, KEY, Ran, run_in, write};

fn run(emulator: &Emulator, arguments: &[&str]) -> Ran {
    let mut command = emulator.command();
    command.args(arguments).env("HYPERFRAMES_CI_TIME_SCALE", "1000");
    Ran::of(&mut command)
}

fn list(emulator: &Emulator, arguments: &[&str]) -> Value {
    run(emulator, &[&["media", "list", "--json"], arguments].concat()).ok().json()
}

fn ids(list: &Value, name: &str, id: &str) -> Vec<String> {
    list[name].as_array().unwrap().iter().map(|entry| entry[id].as_str().unwrap().to_owned()).collect()
}

#[test]
fn catalogues_are_filtered_and_paged() {
    let emulator = Emulator::placeholder(&[]);
    let voices =
        |arguments: &[&str]| ids(&list(&emulator, &[&["voices"], arguments].concat()), "voices", "voice_id");
    assert!(!voices(&["--limit", "100"]).contains(&"emulator-old".to_owned()), "it cannot speak");
    assert!(voices(&["--engine", "any"]).contains(&"emulator-old".to_owned()));
    assert_eq!(voices(&["--language", "spanish"]), ["emulator-carmen"]);
    assert_eq!(voices(&["--gender", "male", "--type", "public"]), ["emulator-bruno", "emulator-dieter"]);
    let first = list(&emulator, &["voices", "--limit", "3"]);
    assert_eq!((first["voices"].as_array().unwrap().len(), &first["has_more"]), (3, &json!(true)));
    let token = first["next_token"].as_str().unwrap();
    let rest = list(&emulator, &["voices", "--token", token, "--limit", "100"]);
    assert!(rest.get("next_token").is_none(), "{rest}");
    let all = list(&emulator, &["voices", "--limit", "2", "--all"]);
    let joined = [ids(&first, "voices", "voice_id"), ids(&rest, "voices", "voice_id")].concat();
    assert_eq!(ids(&all, "voices", "voice_id"), joined);

    let looks = list(&emulator, &["avatars", "--group", "emulator-max"]);
    assert_eq!(looks["avatars"][0]["supported_api_engines"], json!([]), "{looks}");
    let groups = list(&emulator, &["avatars", "--groups"]);
    assert_eq!(
        (&groups["groups"][0]["id"], &groups["groups"][0]["looks_count"]),
        (&json!("emulator-iris"), &json!(2))
    );
    assert!(
        list(&emulator, &["languages"])["languages"].as_array().unwrap().contains(&json!("Spanish (Spain)"))
    );

    let sounds = list(&emulator, &["sounds", "calm piano"]);
    assert_eq!(ids(&sounds, "sounds", "id"), ["emulator-calm-piano"]);
    let url = sounds["sounds"][0]["audio_url"].as_str().unwrap();
    assert!(url.ends_with("?[redacted]"), "{url}");
    let sounds = list(&emulator, &["sounds", "fast", "--type", "sound_effects", "--show-urls"]);
    let url = sounds["sounds"][0]["audio_url"].as_str().unwrap();
    assert!(ureq::get(url).call().unwrap().body_mut().read_to_vec().unwrap().starts_with(b"RIFF"));
    assert_eq!(
        ids(&list(&emulator, &["sounds", "fast piano", "--min-score", "0.9"]), "sounds", "id"),
        [""; 0]
    );
}

#[test]
fn tables_name_what_an_entry_needs() {
    let emulator = Emulator::placeholder(&[]);
    let table = |arguments: &[&str]| run(&emulator, &[&["media", "list"], arguments].concat()).ok();
    let voices = table(&["voices", "--language", "German"]);
    assert_eq!(
        voices.stdout,
        "VOICE            NAME    LANGUAGE  GENDER  TYPE\nemulator-dieter  Dieter  German    male    public\n"
    );
    let avatars = table(&["avatars", "--limit", "2"]);
    assert!(
        avatars.stdout.contains("avatar_iv,avatar_v") && avatars.stderr.contains("--token 2"),
        "{avatars:?}"
    );
    assert!(table(&["avatars"]).stdout.lines().last().unwrap().contains("  none  "));
    assert_eq!(table(&["sounds", "nothing of the kind"]).stdout, "No entries\n");
    assert!(table(&["sounds"]).stdout.contains("Slow chords"));
    assert_eq!(table(&["languages"]).stdout.lines().next(), Some("English"));
}

#[test]
fn the_balance_buys_seconds_until_it_is_spent() {
    let emulator = Emulator::placeholder(&[]);
    let quota = run(&emulator, &["quota", "--json"]).ok().json();
    assert_eq!((&quota["balance"], &quota["currency"]), (&json!(100.0), &json!("usd")), "{quota}");
    assert_eq!(
        (&quota["buys"][1]["media"], &quota["buys"][1]["seconds"]),
        (&json!("presenter"), &json!(1000.0))
    );
    let text = run(&emulator, &["quota"]).ok().stdout;
    assert!(text.starts_with("Balance: 100.00 USD (billing: wallet)\n"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "hyperframes-ci.toml",
        "[[media]]\nfile = \"a.wav\"\ntext = \"Hello\"\nvoice = \"emulator-ada\"\n",
    );
    emulator.run(folder.path(), &["media", "generate"]).ok();
    let left = run(&emulator, &["quota", "--json"]).ok().json()["balance"].as_f64().unwrap();
    assert!((left - (100.0 - emulator.stats()["cost_usd"].as_f64().unwrap())).abs() < 1e-9 && left < 100.0);
}

#[test]
fn errors_of_the_api_are_told_and_outages_are_outlasted() {
    let emulator = Emulator::placeholder(&[]);
    for (on, arguments) in [
        ("voices", &["media", "list", "voices"][..]),
        ("avatars", &["media", "list", "avatars", "--groups"]),
        ("sounds", &["media", "list", "sounds"]),
        ("languages", &["media", "list", "languages"]),
        ("me", &["quota"]),
    ] {
        let with = |fault: &str, times: u32| {
            emulator.script(&format!(r#"{{"rules": [{{"on": "{on}", "times": {times}, "do": {fault}}}]}}"#));
            run(&emulator, &[arguments, &["--json"]].concat())
        };
        with(r#"{"status": 503}"#, 2).ok();
        with(r#"{"truncate": 10}"#, 1);
        let ran = with("\"html\"", 9);
        assert_eq!(
            (ran.code, ran.error()["code"].as_str()),
            (1, Some("malformed_response")),
            "{arguments:?}"
        );
        let ran = with(r#"{"status": 403, "code": "forbidden"}"#, 1);
        assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{ran:?}");
        emulator.script(r#"{"rules": []}"#);
    }
    // Without a credential, nothing is requested.
    let before = emulator.requests().len();
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["media", "list", "voices"][..], &["quota"]] {
        assert_eq!(run_in(folder.path(), arguments).code, 3);
    }
    assert_eq!(emulator.requests().len(), before);
    for wrong in [
        &["media", "list", "sounds", "--min-score", "2"][..],
        &["media", "list", "voices", "--type", "mine"],
        &["media", "list", "voices", "--limit", "0"],
        &["media", "list", "avatars", "--groups", "--group", "x"],
    ] {
        assert_eq!(run(&emulator, wrong).code, 2, "{wrong:?}");
    }
    let ran = run(&emulator, &["media", "list", "voices", "--token", "moon", "--json"]);
    assert_eq!((ran.code, ran.error()["param"].as_str()), (1, Some("token")), "{ran:?}");
    assert!(!ran.stderr.contains(KEY));
}

#[test]
fn a_list_that_never_ends_is_an_error() {
    let (url, _) = crate::support::listener(|_, _| {
        let body = r#"{"data":[{"voice_id":"v"}],"has_more":true,"next_token":"same"}"#;
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    });
    let mut command = crate::support::command();
    command.env("HEYGEN_API_URL", url).env("HEYGEN_API_KEY", KEY);
    let ran = Ran::of(command.args(["media", "list", "voices", "--all", "--json"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains("too many pages of voices"), "{ran:?}");
}
