//! `render --repeat`: renders of the same project, compared.

use crate::support::{Emulator, names, run_in, write};

const FLAGS: [&str; 11] =
    ["render", "--renderer", "local", "--quality", "draft", "--fps", "5", "--repeat", "2", "-o", "v.mp4"];

/// A card of 0.4 s with a script.
fn card(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let page = format!(
        "<html><body style=\"margin:0\"><div data-composition-id=\"main\" data-width=\"160\" data-height=\"90\" \
         data-start=\"0\" data-duration=\"0.4\" data-no-timeline><div id=\"box\" \
         style=\"width:160px;height:90px;background:rgb(10,20,30)\"></div></div>\n<script>{script}</script></body></html>"
    );
    write(folder.path(), "index.html", &page);
    folder
}

#[test]
fn renders_of_a_deterministic_page_are_identical() {
    let folder = card("document.getElementById('box').style.color='red'");
    let ran = run_in(folder.path(), &[&FLAGS[..], &["--json"]].concat()).ok().json();
    assert_eq!(ran["output_path"], "v.mp4");
    assert_eq!(ran["repeat"]["renders"], 2);
    let comparison = &ran["repeat"]["comparisons"][0];
    assert_eq!((&comparison["identical"], &comparison["visible"]), (&true.into(), &false.into()), "{ran}");
    assert_eq!(ran["repeat"]["causes"].as_array().unwrap().len(), 0);
    assert_eq!(names(folder.path()), [".git", "index.html", "v.mp4"]);
}

#[test]
fn differences_and_their_likely_cause_are_reported() {
    let random = "var b=crypto.getRandomValues(new Uint8Array(3));if(Math.random()<2)document.getElementById('box').style.\
                  background='rgb('+b[0]+','+b[1]+','+b[2]+')'";
    let folder = card(random);
    let ran = run_in(folder.path(), &[&FLAGS[..], &["--json"]].concat());
    assert_eq!((ran.code, ran.error()["code"].as_str()), (7, Some("render_not_repeatable")), "{ran:?}");
    let outcome = ran.json();
    let comparison = &outcome["repeat"]["comparisons"][0];
    assert_eq!(
        (&comparison["visible"], &comparison["frames_changed"]),
        (&true.into(), &2.into()),
        "{outcome}"
    );
    let cause = &outcome["repeat"]["causes"][0];
    assert_eq!((&cause["code"], &cause["path"]), (&"nondeterministic-script".into(), &"index.html".into()));
    assert_eq!(cause["position"]["line"], 2, "{cause}");
    assert!(folder.path().join("v.mp4").exists(), "the first video is kept");
}

#[test]
fn only_single_renders_on_this_machine_are_repeated() {
    let emulator = Emulator::placeholder(&[]);
    let folder = card("");
    let ran = emulator.run(folder.path(), &["render", "--repeat", "2", "--json"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.error()["message"], "the cloud renderer does not support repeat");
    assert_eq!(emulator.created(), (0, 0));
    for flags in [["--format", "hls"], ["--format", "png-sequence"]] {
        let ran = run_in(
            folder.path(),
            &[&["render", "--renderer", "local", "--repeat", "2"], &flags[..]].concat(),
        );
        assert!(ran.code == 2 && ran.stderr.contains("--repeat does not support --format"), "{ran:?}");
    }
    let ran = run_in(folder.path(), &["render", "--repeat", "2", "--dry-run"]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot be used with"), "{ran:?}");
}
