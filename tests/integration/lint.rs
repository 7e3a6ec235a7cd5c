//! The checks against the official linter: what it finds, ours find at the same element.
//!
//! Compared are the fixtures, the examples, and generated projects: valid compositions with one or two mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use hyperframes_ci_core::findings::{Group, Rule};
use serde_json::Value;

use crate::check::fixtures;
use crate::mistakes::{Project, Random};
use crate::real::provisioned;
use crate::support::{Ran, clean, html, root, run_in, write};

/// Number of generated projects.
const GENERATED: u64 = 3000;

/// Codes of the official linter, and our rules for the same mistake.
fn pairs() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut pairs = BTreeMap::<_, Vec<_>>::new();
    for rule in Rule::ALL {
        rule.official().iter().for_each(|code| pairs.entry(*code).or_default().push(rule.code()));
    }
    pairs
}

/// Codes that ours do not have, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "duplicate_media_id",
        "works unless the sources of videos or sounds differ, which duplicate-media-id finds",
    ),
    ("id_override_reduced_specificity", "works: which of two rules wins is the author's choice"),
    ("media_missing_id", "stale: rendered, the sound is there"),
    (
        "subcomposition_root_styled_by_class",
        "stale: rendered, the class matches the root, as the message admits",
    ),
];

/// Codes that the linter has for distributed renders only, which its command cannot name.
const UNNAMED: &[&str] = &["system_font_will_alias"];

/// Codes that name another place: the mounting file instead of the mounted one, the first of two ids instead of the
/// second, the first style instead of the broken one.
const ELSEWHERE: &[&str] = &[
    "duplicate_audio_track",
    "duplicate_composition_id",
    "missing_or_empty_sub_composition",
    "unbalanced_style_tags",
];

/// Codes that name the element, while ours are at the statement or the selector that concerns it.
const AT_STATEMENT: &[&str] = &[
    "gsap_animates_clip_element",
    "id_requires_css_escape",
    "imperative_media_control",
    "media_runtime_src_mutation",
    "root_dimensions_mismatch",
];

/// Findings that the official linter is wrong about: the code, a part of the message or the snippet, and the reason.
const WRONG: &[(&str, &str, &str)] = &[
    ("duplicate_audio_track", "unknown at", "an element without a source makes no sound"),
    ("css_transition_used", "transition-property", "without a duration, it takes no time"),
    ("gsap_infinite_repeat", "declares a finite", "data-duration bounds the video, as the message says"),
    ("gsap_fullscreen_overlay_starts_visible", ".from(", "rendered: from() hides the element at once"),
    ("gsap_fullscreen_overlay_starts_visible", ".fromTo(", "rendered: fromTo() hides the element at once"),
    ("root_dimensions_mismatch", "has no effect on capture", "as the message says"),
    ("id_requires_css_escape", "so the common selector", "no selector names the id"),
];

/// Returns the lines at which the official linter may mean an element: those with its id, or with its snippet.
fn lines(source: &str, found: &Value) -> BTreeSet<usize> {
    let snippet = found["snippet"].as_str().unwrap_or_default();
    let start = snippet.split(['\n', '…']).next().unwrap_or_default().trim_end_matches("...");
    let id = found["elementId"].as_str();
    let is_meant = |line: &str| match id {
        Some(id) => {
            [format!("id=\"{id}\""), format!("id='{id}'")].iter().any(|attribute| line.contains(attribute))
        }
        None => !start.is_empty() && line.contains(start),
    };
    source.lines().enumerate().filter(|(_, line)| is_meant(line)).map(|(index, _)| index + 1).collect()
}

/// Returns the findings of the official linter about projects; `folder` is for its input.
pub(crate) fn official(directories: &[String], folder: &Path) -> Vec<Value> {
    let (node, script) = provisioned();
    let list = folder.join("directories.txt");
    std::fs::write(&list, directories.join("\n")).unwrap();
    let mut command = Command::new(node);
    clean(&mut command);
    command.arg(root().join("tests/integration/lint.mjs")).arg(script).arg(list);
    let ran = Ran::of(&mut command);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_official_linter_adds_what_only_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let video = "<video src=\"v.mp4\" muted data-start=\"0\" data-duration=\"1\"></video>\
        <audio id=\"a\" src=\"a.mp3\" data-start=\"0\" data-duration=\"1\" />";
    write(folder.path(), "index.html", &html(1280, 720, video));
    write(folder.path(), "v.mp4", "x");
    write(folder.path(), "a.mp3", "x");
    provisioned();
    let ours = run_in(folder.path(), &["check", "--json"]).json();
    let both = run_in(folder.path(), &["check", "--official", "--json"]).json();
    let of = |found: &Value, code: &str| {
        let found = found["diagnostics"].as_array().unwrap().iter();
        found.filter(|found| found["code"] == code).cloned().collect::<Vec<_>>()
    };
    let added = of(&both, "official");
    assert!(
        added.iter().any(|found| {
            found["source"] == "hyperframes/media_missing_id"
                && found["severity"] == "note"
                && found["path"] == "index.html"
                && found["position"]["line"].is_u64()
        }),
        "{added:#?}"
    );
    assert!(added.iter().all(|found| found["source"] != "hyperframes/self_closing_media_tag"), "{added:#?}");
    assert_eq!(of(&both, "self-closing-media"), of(&ours, "self-closing-media"));
    assert_eq!(of(&ours, "official"), Vec::<Value>::new());
    let allowed = run_in(folder.path(), &["check", "--official", "--allow", "official", "--json"]).json();
    assert_eq!(of(&allowed, "official"), Vec::<Value>::new());
}

#[test]
fn what_the_official_linter_finds_is_found_at_the_same_element() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let mut names = Vec::new();
    for seed in 0..GENERATED {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed + 1).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let mut project = Project::valid(&mut random);
        // Some projects stay valid: ours must not find errors in them.
        if !seed.is_multiple_of(10) {
            project.break_it(&mut random);
            if random.chance(4) {
                project.break_it(&mut random);
            }
        }
        let name = format!("generated/{seed:04}");
        project.write(&mut random, &folder.path().join(&name));
        names.push(name);
    }
    for fixture in fixtures() {
        let name = format!("fixtures/{}", fixture.code());
        let directory = folder.path().join(&name);
        std::fs::create_dir_all(&directory).unwrap();
        fixture.unpack(&directory);
        std::fs::remove_dir(directory.join(".git")).unwrap();
        let inside = fixture.project().map_or(name.clone(), |inside| format!("{name}/{inside}"));
        if folder.path().join(&inside).join("index.html").is_file() {
            names.push(inside);
        }
    }
    let directories = names.iter().map(|name| folder.path().join(name).to_string_lossy().into_owned());
    let theirs = official(&directories.collect::<Vec<_>>(), folder.path());
    // The directories of broken pages are named: a search finds only those with a root.
    let mut ours = BTreeMap::<(String, String), Vec<(String, usize)>>::new();
    for part in names.chunks(1000) {
        let arguments =
            ["check", "--json"].into_iter().chain(part.iter().map(String::as_str)).collect::<Vec<_>>();
        let found = run_in(folder.path(), &arguments).json();
        for found in found["diagnostics"].as_array().unwrap() {
            let path = found["path"].as_str().unwrap();
            let Some(name) = part.iter().find(|name| path.starts_with(&format!("{name}/"))) else { continue };
            let line = usize::try_from(found["position"]["line"].as_u64().unwrap_or(0)).unwrap();
            let end = usize::try_from(found["end"]["line"].as_u64().unwrap_or(0)).unwrap();
            let code = found["code"].as_str().unwrap().to_owned();
            let key = (name.clone(), path[name.len() + 1..].to_owned());
            let places = ours.entry(key).or_default();
            (line..=end.max(line)).for_each(|line| places.push((code.clone(), line)));
        }
    }
    let mut misses = BTreeMap::<String, Vec<String>>::new();
    let mut compared = BTreeMap::<String, usize>::new();
    let pairs = pairs();
    let known = EXCEPTIONS.iter().map(|(code, _)| *code).collect::<BTreeSet<_>>();
    for found in &theirs {
        let code = found["code"].as_str().unwrap();
        let Some(codes) = pairs.get(code) else { continue };
        assert!(!known.contains(code), "{code} is both compared and an exception");
        let directory = Path::new(found["directory"].as_str().unwrap());
        let name = directory.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/");
        let message = found["message"].as_str().unwrap_or_default();
        let snippet = found["snippet"].as_str().unwrap_or_default();
        let has_part = |part: &str| message.contains(part) || snippet.contains(part);
        if WRONG.iter().any(|(wrong, part, _)| *wrong == code && has_part(part)) {
            continue;
        }
        *compared.entry(code.to_owned()).or_default() += 1;
        let file = found["file"].as_str().unwrap();
        // Browsers run no part of a script with a syntax error, so it has no other finding of ours.
        let key = (name.clone(), file.to_owned());
        let has = |rule: &str| ours.get(&key).is_some_and(|found| found.iter().any(|(ours, _)| ours == rule));
        let has_syntax_error = has("script-syntax-error");
        // Inside of a template, a page is judged as a part, whose host sets the duration.
        if code == "gsap_infinite_repeat" && has("root-in-template") {
            continue;
        }
        let is_of_script = |code: &&str| code.parse::<Rule>().unwrap().group() == Group::Scripts;
        if has_syntax_error && codes.iter().any(is_of_script) {
            continue;
        }
        let source = std::fs::read_to_string(directory.join(file)).unwrap();
        let lines = lines(&source, found);
        let is_elsewhere = ELSEWHERE.contains(&code);
        let is_anywhere = is_elsewhere || AT_STATEMENT.contains(&code);
        let places =
            ours.iter().filter(|((project, path), _)| *project == name && (is_elsewhere || path == file));
        let mut places = places.flat_map(|(_, places)| places);
        let is_found = places.any(|(ours, line)| {
            codes.contains(&ours.as_str()) && (lines.is_empty() || is_anywhere || lines.contains(line))
        });
        if !is_found {
            misses.entry(code.to_owned()).or_default().push(format!("{name}/{file}: {found}"));
        }
    }
    if let Some(kept) = std::env::var_os("KEEP").filter(|_| !misses.is_empty()) {
        let _ = std::fs::rename(folder.keep(), kept);
    }
    let told = misses.iter().map(|(code, places)| {
        format!("{code}: {} missed, such as\n  {}", places.len(), places[..places.len().min(3)].join("\n  "))
    });
    assert!(misses.is_empty(), "{}", told.collect::<Vec<_>>().join("\n"));
    let is_untested = |code: &&&str| !compared.contains_key(**code) && !UNNAMED.contains(*code);
    let untested = pairs.keys().filter(is_untested).collect::<Vec<_>>();
    assert!(untested.is_empty(), "no project triggers {untested:?}");
}

/// Projects with what the official linter calls an error, and which render as their authors mean: a name, files, and
/// whether the first frame is green.
const HARMLESS: &[(&str, &[(&str, &str)])] = &[
    (
        "subcomposition_root_styled_by_class",
        &[
            (
                "index.html",
                "<div id=\"m\" data-composition-id=\"part\" data-no-timeline data-composition-src=\"compositions/part.html\" \
                 data-start=\"0\" data-duration=\"0.4\"></div>",
            ),
            (
                "compositions/part.html",
                "<template><style>.frame { background: #0f0; width: 640px; height: 360px }</style>\
                 <div class=\"frame\" data-composition-id=\"part\" data-width=\"640\" data-height=\"360\" \
                 data-duration=\"0.4\" data-no-timeline></div></template>",
            ),
        ],
    ),
    // A whole document whose id is not that of the element that mounts it.
    (
        "subcomposition_root_styled_by_class",
        &[
            (
                "index.html",
                "<div id=\"m\" data-composition-id=\"host\" data-no-timeline data-composition-src=\"compositions/part.html\" \
                 data-start=\"0\" data-duration=\"0.4\"></div>",
            ),
            (
                "compositions/part.html",
                "<!doctype html><html><head><style>div.frame.on { width: 640px; height: 360px } \
                 .frame > .inside { position: absolute; inset: 0; background: #0f0 }</style></head><body>\
                 <div class=\"frame on\" data-composition-id=\"part\" data-width=\"640\" data-height=\"360\" \
                 data-duration=\"0.4\" data-no-timeline><p class=\"inside\" style=\"margin: 0\"></p></div></body></html>",
            ),
        ],
    ),
    (
        "id_override_reduced_specificity",
        &[(
            "index.html",
            "<style>.box { position: absolute; left: 900px; top: 0; width: 640px; height: 360px; background: #0f0 } \
             [id=\"box\"] { left: 0 }</style><div id=\"box\" class=\"box\"></div>",
        )],
    ),
];

#[test]
fn what_is_an_exception_renders() {
    let codes = EXCEPTIONS.iter().map(|(code, _)| *code).collect::<Vec<_>>();
    for (code, files) in HARMLESS {
        assert!(codes.contains(code), "{code}");
        let folder = tempfile::tempdir().unwrap();
        for (path, body) in *files {
            let page = format!(
                "<!doctype html><html><head><style>body {{ margin: 0; background: #fff }}</style></head><body>\
                 <div id=\"root\" data-composition-id=\"main\" data-width=\"640\" data-height=\"360\" \
                 data-duration=\"0.4\" data-no-timeline>{body}</div></body></html>"
            );
            let is_part = path.starts_with("compositions/");
            write(folder.path(), path, if is_part { body } else { &page });
        }
        let arguments = ["render", "--renderer", "local", "--quality", "draft", "--fps", "5", "-o", "v.mp4"];
        run_in(folder.path(), &arguments).ok();
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(folder.path().join("v.mp4"))
            .args(["-vf", "scale=1:1,format=rgb24", "-frames:v", "1", "-f", "rawvideo", "-"])
            .output()
            .unwrap();
        let [red, green, blue] = output.stdout[..] else { panic!("{code}: {:?}", output.stdout) };
        assert!(red < 40 && green > 200 && blue < 40, "{code}: {red} {green} {blue}");
    }
}
