//! The checks against the official linter: what it finds, ours find at the same element.
//!
//! Compared are the fixtures, the examples, and generated projects: valid compositions with one or two mistakes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::check::fixtures;
use crate::mistakes::{Project, Random};
use crate::real::provisioned;
use crate::support::{Ran, clean, root, run_in};

/// Number of generated projects.
const GENERATED: u64 = 2000;

/// Codes of the official linter, and ours for the same mistake.
const PAIRS: &[(&str, &[&str])] = &[
    ("base64_media_prohibited", &["inline-media"]),
    ("blank_root_with_standalone_composition", &["blank-root"]),
    ("clip_ends_past_root_duration", &["clip-past-end"]),
    ("duplicate_audio_track", &["track-overlap"]),
    ("duplicate_composition_id", &["duplicate-composition-id"]),
    ("duplicate_media_id", &["duplicate-media-id"]),
    ("font_family_without_font_face", &["font-unavailable"]),
    ("host_missing_composition_id", &["mount-without-id"]),
    ("media_missing_data_start", &["media-without-start"]),
    ("media_missing_src", &["media-without-src"]),
    ("media_src_kind_mismatch", &["media-kind-mismatch"]),
    ("media_variable_src_no_fallback", &["media-without-fallback"]),
    (
        "missing_or_empty_sub_composition",
        &["mount-unusable", "mount-missing", "mount-relative", "mount-ignored"],
    ),
    ("negative_z_index", &["negative-z-index"]),
    ("nested_clip_never_visible", &["clip-never-visible"]),
    ("placeholder_media_url", &["placeholder-media"]),
    ("root_composition_missing_html_wrapper", &["not-a-document"]),
    ("root_composition_missing_duration_source", &["duration-missing"]),
    ("scoped_css_missing_wrapper", &["selector-without-composition"]),
    ("self_closing_media_tag", &["self-closing-media"]),
    ("standalone_composition_wrapped_in_template", &["root-in-template"]),
    ("subcomposition_blanks_before_host", &["mount-ends-early"]),
    ("unbalanced_style_tags", &["unbalanced-style"]),
    ("unclosed_tag_swallowed_element", &["unclosed-tag"]),
    ("video_audio_double_source", &["sound-twice"]),
    ("video_missing_muted", &["video-sound-undeclared"]),
    ("video_muted_with_declared_audio", &["video-sound-contradiction"]),
    ("video_nested_in_timed_element", &["video-in-timed-element"]),
    ("visible_markup_comment", &["visible-comment"]),
];

/// Codes that the checks of scripts bring.
const PENDING: &[&str] = &[
    "css_transition_used",
    "gsap_animates_clip_element",
    "gsap_cold_seek_hidden_fromto_missing_reveal",
    "gsap_from_opacity_noop",
    "gsap_fullscreen_overlay_starts_visible",
    "gsap_infinite_repeat",
    "gsap_repeat_ceil_overshoot",
    "gsap_repeat_floor_unclamped",
    "gsap_timeline_not_registered",
    "gsap_timeline_registered_before_async_build",
    "gsap_timeline_set_initial_hide",
    "id_requires_css_escape",
    "imperative_media_control",
    "invalid_inline_script_syntax",
    "media_runtime_src_mutation",
    "missing_data_no_timeline",
    "missing_gsap_plugin",
    "missing_gsap_script",
    "missing_lottie_script",
    "missing_three_script",
    "missing_timeline_registry",
    "non_deterministic_code",
    "requestanimationframe_in_composition",
    "template_literal_selector",
    "timeline_id_mismatch",
];

/// Codes that ours do not have, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("composition_heavy_overlay_count_high", "not yet"),
    ("css_parse_error", "not yet"),
    ("id_override_reduced_specificity", "not yet"),
    ("media_missing_id", "stale: rendered, the sound is there"),
    ("repeated_id_descendant_selector", "not yet"),
    ("root_dimensions_mismatch", "not yet"),
    ("root_zoom_rescales_a_fixed_canvas", "not yet"),
    ("runtime_hidden_style_opacity", "not yet"),
    ("split_data_attribute_selector", "not yet"),
    ("subcomposition_root_styled_by_class", "not yet"),
    (
        "system_font_will_alias",
        "reported for distributed renders only, which the linter's command cannot name",
    ),
    ("video_media_start_at_or_past_eof", "not yet"),
];

/// Codes that name another place: the mounting file instead of the mounted one, the first of two ids instead of the
/// second, the first style instead of the broken one.
const ELSEWHERE: &[&str] = &[
    "duplicate_audio_track",
    "duplicate_composition_id",
    "missing_or_empty_sub_composition",
    "unbalanced_style_tags",
];

/// Findings that the official linter is wrong about: the code, a part of the message, and the reason.
const WRONG: &[(&str, &str, &str)] =
    &[("duplicate_audio_track", "unknown at", "an element without a source makes no sound")];

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

fn official(directories: &[String], folder: &Path) -> Vec<Value> {
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
    let known =
        PENDING.iter().copied().chain(EXCEPTIONS.iter().map(|(code, _)| *code)).collect::<BTreeSet<_>>();
    for found in &theirs {
        let code = found["code"].as_str().unwrap();
        let Some((_, codes)) = PAIRS.iter().find(|(official, _)| *official == code) else { continue };
        assert!(!known.contains(code), "{code} is both compared and an exception");
        let directory = Path::new(found["directory"].as_str().unwrap());
        let name = directory.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/");
        let message = found["message"].as_str().unwrap_or_default();
        if WRONG.iter().any(|(wrong, part, _)| *wrong == code && message.contains(part)) {
            continue;
        }
        *compared.entry(code.to_owned()).or_default() += 1;
        let file = found["file"].as_str().unwrap();
        let source = std::fs::read_to_string(directory.join(file)).unwrap();
        let lines = lines(&source, found);
        let is_elsewhere = ELSEWHERE.contains(&code);
        let places =
            ours.iter().filter(|((project, path), _)| *project == name && (is_elsewhere || path == file));
        let mut places = places.flat_map(|(_, places)| places);
        let is_found = places.any(|(ours, line)| {
            codes.contains(&ours.as_str()) && (lines.is_empty() || is_elsewhere || lines.contains(line))
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
    for (code, _) in PAIRS {
        assert!(compared.contains_key(*code), "no project triggers {code}");
    }
}
