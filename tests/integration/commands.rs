//! `list`, `get`, `delete`, `emulator`, and what is printed for whom.

use crate::support::{Emulator, project, run_in};

#[test]
fn renders_are_listed_page_by_page_and_all_at_once() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ids = (0..5)
        .map(|index| {
            let title = format!("film {index}");
            let ran = emulator
                .run(folder.path(), &["render", "--no-reuse", "--json", "-o", "v.mp4", "--title", &title])
                .ok()
                .json();
            ran["render"]["render_id"].as_str().unwrap().to_owned()
        })
        .collect::<Vec<_>>();
    let listed = |arguments: &[&str]| {
        let page = emulator.run(folder.path(), &[&["list", "--json"], arguments].concat()).ok().json();
        let ids = page["renders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|render| render["render_id"].as_str().unwrap().to_owned());
        (
            ids.collect::<Vec<_>>(),
            page["has_more"].as_bool().unwrap(),
            page["next_token"].as_str().map(str::to_owned),
        )
    };
    let newest_first = ids.iter().rev().cloned().collect::<Vec<_>>();
    let (first, more, token) = listed(&["--limit", "2"]);
    assert_eq!((first.as_slice(), more), (&newest_first[..2], true));
    let (second, more, token) = listed(&["--limit", "2", "--token", &token.unwrap()]);
    assert_eq!((second.as_slice(), more), (&newest_first[2..4], true));
    let (third, more, token) = listed(&["--limit", "2", "--token", &token.unwrap()]);
    assert_eq!((third.as_slice(), more, token), (&newest_first[4..], false, None));
    assert_eq!(listed(&["--all", "--limit", "2"]).0, newest_first);
    let table = emulator.run(folder.path(), &["list"]).ok().stdout;
    assert!(table.starts_with("RENDER"), "{table}");
    assert!(table.contains("film 4") && table.lines().count() == 6, "{table}");
}

#[test]
fn a_render_is_shown_and_deleted() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "--json", "-o", "v.mp4"]).ok().json();
    let id = ran["render"]["render_id"].as_str().unwrap();
    let shown = emulator.run(folder.path(), &["get", id]).ok().stdout;
    assert!(
        shown.contains("completed") && shown.contains("[redacted]") && !shown.contains("Signature="),
        "{shown}"
    );
    let urls = emulator.run(folder.path(), &["get", id, "--show-urls", "--json"]).ok().json();
    let url = urls["render"]["video_url"].as_str().unwrap();
    assert!(url.contains("Signature="));
    assert_eq!(ureq::get(url).call().unwrap().status(), 200);
    let deleted = emulator.run(folder.path(), &["delete", id, "--no-confirm", "--json"]).ok().json();
    assert_eq!((&deleted["render"]["render_id"], &deleted["deleted"]), (&id.into(), &true.into()));
    assert_eq!(
        emulator.run(folder.path(), &["get", id, "--json"]).error()["code"],
        "hyperframes_render_not_found"
    );
    assert!(emulator.run(folder.path(), &["list"]).ok().stdout.contains("No renders"));
}

#[test]
fn the_environment_asks_for_json_as_well() {
    let folder = project();
    let mut command = crate::support::command();
    let output =
        command.args(["pack"]).env("HEYGEN_OUTPUT", "json").current_dir(folder.path()).output().unwrap();
    assert_eq!(crate::support::Ran::from(output).ok().json()["archive"]["file_count"], 1);
}

#[test]
fn help_names_every_command_and_exit_code() {
    let help = run_in(&std::env::temp_dir(), &["--help"]).ok().stdout;
    for word in
        ["render", "pack", "get", "list", "delete", "emulator", "completions", "5  The checks found errors"]
    {
        assert!(help.contains(word), "{word} in {help}");
    }
    let flags = run_in(&std::env::temp_dir(), &["render", "--help"]).ok().stdout;
    // Every flag of the official `cloud render`.
    for flag in [
        "--fps",
        "--quality",
        "--format",
        "--resolution",
        "--aspect-ratio",
        "--composition",
        "-c,",
        "--variables",
        "--variables-file",
        "--strict-variables",
        "--title",
        "--callback-url",
        "--callback-id",
        "--asset-id",
        "--url",
        "--no-wait",
        "--output",
        "-o,",
        "--poll-interval",
        "--max-wait",
        "--json",
        "--dry-run",
        "--idempotency-key",
    ] {
        assert!(flags.contains(flag), "{flag}");
    }
    assert!(run_in(&std::env::temp_dir(), &["completions", "bash"]).ok().stdout.contains("hyperframes-ci"));
}

#[test]
fn webhooks_are_called_when_a_render_ends() {
    use std::io::{Read, Write};
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let asset = emulator.run(folder.path(), &["render", "--json", "-o", "v.mp4"]).ok().json();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
    let body = serde_json::json!({
        "project": {"type": "asset_id", "asset_id": asset["asset_id"]}, "callback_url": hook, "callback_id": "mine",
    });
    let url = format!("{}/v3/hyperframes/renders", emulator.url);
    ureq::post(&url).header("x-api-key", crate::support::KEY).send(body.to_string()).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = String::new();
    while !request.contains("event_type") || !request.ends_with('}') {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "{request}");
        request.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert!(
        request.contains("hyperframes_video.success") && request.contains("\"callback_id\":\"mine\""),
        "{request}"
    );
}

/// The conventions of the `heygen` CLI that users bring along.
#[test]
fn the_output_of_the_heygen_cli_is_the_default_and_the_environment_overrides_it() {
    let (home, folder) = (tempfile::tempdir().unwrap(), project());
    let check = |setting: &str, variable: Option<&str>| {
        crate::support::write(home.path(), "config.toml", setting);
        let mut command = crate::support::command();
        command.args(["check"]).current_dir(folder.path()).env("HEYGEN_CONFIG_DIR", home.path());
        variable.map(|value| command.env("HEYGEN_OUTPUT", value));
        crate::support::Ran::of(&mut command).ok().stdout.starts_with('{')
    };
    assert!(check("output = \"json\"\nanalytics = true\n[other]\nx = 1\n", None));
    assert!(!check("output = \"json\"\n", Some("human")));
    assert!(check("output = \"human\"\n", Some("json")));
    for setting in ["output = \"human\"\n", "output = 1\n", "output = json", "", "other = 2\n"] {
        assert!(!check(setting, None), "{setting}");
    }
}

#[test]
fn schemas_of_requests_and_responses_need_no_credential_and_no_project() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, member) in [
        (&["render", "--request-schema"][..], "/properties/fps/maximum"),
        (&["render", "--response-schema"], "/$defs/RenderOutcome"),
        (&["media", "generate", "--request-schema"], "/$defs/speech/properties/voice_id"),
        (&["media", "generate", "--response-schema"], "/$defs/GeneratedMedia"),
    ] {
        let schema = run_in(folder.path(), arguments).ok().json();
        assert!(schema.pointer(member).is_some(), "{arguments:?}: {schema}");
    }
    let both = run_in(folder.path(), &["render", "--request-schema", "--response-schema"]);
    assert_eq!(both.code, 2, "{both:?}");
}

#[test]
fn a_timeout_has_a_unit_and_is_another_spelling_of_the_longest_wait() {
    let emulator = Emulator::placeholder(&["--render-seconds", "600"]);
    let folder = project();
    let ran = emulator.run(folder.path(), &["render", "--timeout", "300ms", "-o", "v.mp4"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    for arguments in [
        &["render", "--timeout", "10"][..],
        &["render", "--timeout", "10m", "--max-wait", "10"],
        &["get", "hfr_1", "--wait", "--timeout", "soon"],
        &["media", "generate", "--timeout", "5"],
        &["media", "generate", "--timeout", "5m", "--max-wait", "300"],
    ] {
        let ran = emulator.run(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
    }
}
