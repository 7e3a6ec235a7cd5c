//! `render --diagnose`: a render that fails in the cloud, repeated on this machine.

use serde_json::json;

use crate::support::{Emulator, html, names, project, write};

const FLAGS: [&str; 10] =
    ["render", "--renderer", "cloud", "--diagnose", "--fps", "5", "--json", "-o", "v.mp4", "--quality=draft"];

/// An emulator whose renders fail without a reason, and a short composition with this inside.
fn failing(inside: &str) -> (Emulator, tempfile::TempDir) {
    let emulator = Emulator::placeholder(&[]);
    emulator.script(r#"{"rules": [{"on": "render", "times": 9, "do": {"fail": ""}}]}"#);
    let folder = project();
    write(folder.path(), "index.html", &html(160, 90, inside).replace("duration=\"1\"", "duration=\"0.4\""));
    (emulator, folder)
}

#[test]
fn a_project_that_renders_here_is_not_the_cause() {
    let (emulator, folder) = failing("");
    let ran = emulator.run(folder.path(), &FLAGS);
    let error = ran.error();
    assert_eq!((ran.code, error["code"].as_str()), (1, Some("render_failed")), "{ran:?}");
    assert_eq!(error["diagnosis"], json!({ "renders_locally": true, "message": null }));
    assert!(
        error["message"].as_str().unwrap().ends_with("the same project renders on this machine"),
        "{error}"
    );
    assert!(
        error["render_id"].as_str().unwrap().starts_with("hfr_"),
        "the render in the cloud is still named"
    );
    assert_eq!(emulator.created(), (1, 1), "one asset and one render");
    assert_eq!(names(folder.path()), [".git", "index.html"], "no video is kept");
}

#[test]
fn how_a_project_fails_here_is_a_part_of_the_error() {
    let (emulator, folder) = failing("");
    write(folder.path(), "index.html", "<html><p>no composition</p></html>");
    let ran = emulator.run(folder.path(), &[&FLAGS[..], &["--allow", "root-missing"]].concat());
    let error = ran.error();
    assert_eq!((ran.code, &error["diagnosis"]["renders_locally"]), (1, &json!(false)), "{ran:?}");
    let message = error["diagnosis"]["message"].as_str().unwrap();
    assert!(message.contains("the engine failed to render the composition"), "{message}");
    assert!(error["message"].as_str().unwrap().contains("it also fails on this machine"), "{error}");
}
