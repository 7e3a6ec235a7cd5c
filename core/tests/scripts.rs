//! The rules about scripts: each fires on a page, and is silent on the corrected page.

use hyperframes_ci_core::check::{CheckOptions, Report, check};
use hyperframes_ci_core::findings::Rule;
use hyperframes_ci_core::project::{Contents, MemoryTree, contained};

/// A rule, a page that breaks it, and the corrected page.
const PAGES: &[(Rule, &str, &str)] = &[
    (
        Rule::ScriptSyntaxError,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
<script>
  const items = [1, 2;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
<script>
  const items = [1, 2];
</script>
</html>
"##,
    ),
    (
        Rule::LibraryNotLoaded,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::TimelineNotRegistered,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1 });
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::TimelineIdMismatch,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["intro"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::TimelineMissing,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
</html>
"##,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
</html>
"##,
    ),
    (
        Rule::TimelineRegisteredEarly,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  window.__timelines = window.__timelines || {};
  const timeline = gsap.timeline({ paused: true });
  window.__timelines["main"] = timeline;
  document.fonts.ready.then(() => {
    timeline.to("#t", { x: 100 });
  });
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  window.__timelines = window.__timelines || {};
  const timeline = gsap.timeline({ paused: true });
  document.fonts.ready.then(() => {
    timeline.to("#t", { x: 100 });
    window.__timelines["main"] = timeline;
  });
</script>
</html>
"##,
    ),
    (
        Rule::InfiniteRepeat,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1, repeat: -1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1, repeat: -1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::RepeatOvershoot,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1, repeat: Math.ceil(2 / 1) - 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 100, duration: 1, repeat: Math.max(0, Math.floor(2 / 1) - 1) });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::NondeterministicScript,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: Math.random() * 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { x: 42, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::RealTimeAnimation,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  requestAnimationFrame(() => draw());
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.eventCallback("onUpdate", () => draw());
  timeline.to("#t", { x: 100, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::CssTransition,
        r##"<!doctype html>
<html>
<style>#t { transition: opacity 1s }</style>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
</html>
"##,
        r##"<!doctype html>
<html>
<style>#t { transition: none }</style>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
</html>
"##,
    ),
    (
        Rule::MediaControlledByScript,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <video id="v" src="https://example.org/v.mp4" muted data-start="0" data-duration="2"></video>
</div>
<script>
  document.getElementById("v").play();
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <video id="v" src="https://example.org/v.mp4" muted data-start="0" data-duration="2"></video>
</div>
<script>
  document.getElementById("v").dataset.seen = "yes";
</script>
</html>
"##,
    ),
    (
        Rule::MediaSourceSetByScript,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <video id="v" src="https://example.org/v.mp4" muted data-start="0" data-duration="2"></video>
</div>
<script>
  const video = document.querySelector("video");
  video.src = "https://example.org/w.mp4";
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <video id="v" src="https://example.org/v.mp4" muted data-start="0" data-duration="2"></video><h1></h1>
</div>
<script>
  const video = document.querySelector("h1");
  video.src = "https://example.org/w.mp4";
</script>
</html>
"##,
    ),
    (
        Rule::TemplateSelector,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
<script>
  const name = "t";
  document.querySelector(`#${name}`);
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
<script>
  document.querySelector(`#t`);
</script>
</html>
"##,
    ),
    (
        Rule::UnmatchableSelector,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
<script>
  document.querySelector("#t #t");
  document.querySelector('[data-start="0" data-duration="2"]');
  document.querySelector("#1st");
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2" data-no-timeline>
  <h1 id="t">Hi</h1>
</div>
<script>
  document.querySelector("#t");
  document.querySelector('[data-start="0"][data-duration="2"]');
  document.querySelector("#first");
</script>
</html>
"##,
    ),
    (
        Rule::ClipVisibilityTween,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t" class="clip" data-start="0" data-duration="2">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { autoAlpha: 0, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t" class="clip" data-start="0" data-duration="2">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { opacity: 0, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::InvisibleReveal,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<style>#t { opacity: 0 }</style>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.from("#t", { opacity: 0, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<style>#t { opacity: 0 }</style>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.to("#t", { opacity: 1, duration: 1 });
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
    (
        Rule::LateInitialState,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  timeline.set("#t", { opacity: 0 }, 0);
  timeline.to("#t", { opacity: 1, duration: 1 }, 0.5);
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
        r##"<!doctype html>
<html>
<script src="https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js"></script>
<div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
  <h1 id="t">Hi</h1>
</div>
<script>
  const timeline = gsap.timeline({ paused: true });
  gsap.set("#t", { opacity: 0 });
  timeline.to("#t", { opacity: 1, duration: 1 }, 0.5);
  window.__timelines = window.__timelines || {};
  window.__timelines["main"] = timeline;
</script>
</html>
"##,
    ),
];

fn tree(files: &[(&str, &str)], project: &str) -> MemoryTree {
    let contents = files.iter().map(|(path, text)| ((*path).to_owned(), Contents::Whole((*text).into())));
    MemoryTree::new(contents.collect(), project)
}

fn found(files: &[(&str, &str)]) -> Vec<&'static str> {
    let Report { findings, .. } = check(&tree(files, ""), &CheckOptions::default());
    findings.diagnostics.iter().map(|found| found.rule.code()).collect()
}

#[test]
fn every_rule_fires_and_its_correction_is_silent() {
    for (rule, broken, corrected) in PAGES {
        let codes = found(&[("index.html", broken)]);
        assert!(codes.contains(&rule.code()), "{rule}: {codes:?}");
        let codes = found(&[("index.html", corrected)]);
        assert!(codes.is_empty(), "{rule}: {codes:?}");
    }
}

const ENTRY: &str = r#"<html><div data-composition-id="main" data-width="1920" data-height="1080" data-duration="2">
    <div data-composition-id="part" data-composition-src="part.html"></div></div>"#;

#[test]
fn libraries_and_timelines_come_from_any_file_of_the_video() {
    let gsap = "<script src='https://cdn.jsdelivr.net/npm/gsap@3/dist/gsap.min.js'></script>";
    let make = "gsap.timeline().to('#t', { x: 1 })";
    let entry = format!("{ENTRY}{gsap}<script>window.__timelines = {{ main: {make} }}</script>");
    let part =
        format!("<div data-composition-id='part'></div><script>window.__timelines['part'] = {make}</script>");
    assert_eq!(found(&[("index.html", &entry), ("part.html", &part)]), Vec::<&str>::new());
    // The part alone loads nothing, and neither does the entry.
    let bare = entry.replace(gsap, "");
    assert_eq!(found(&[("index.html", &bare), ("part.html", &part)]), ["library-not-loaded"]);
    // A copy in the project, also under a name that says nothing.
    let copy = entry.replace(gsap, "<script src='a.js'></script>");
    let library = "!function (e) { e.gsap = {} }(window)";
    assert_eq!(found(&[("index.html", &copy), ("part.html", &part), ("a.js", library)]), Vec::<&str>::new());
    // A bundle may contain everything.
    let bundle = entry.replace(gsap, "<script src='https://x.example/bundle.js'></script>");
    assert_eq!(found(&[("index.html", &bundle), ("part.html", &part)]), Vec::<&str>::new());
}

#[test]
fn files_that_modules_import_are_references() {
    let page = "<html><div data-composition-id='main' data-width='1920' data-height='1080' data-duration='2' data-no-timeline>\
        </div><script type='importmap'>{\"imports\": {\"lib\": \"./gone.js\"}}</script>\
        <script type='module'>import './main.js'; new Worker('gone-worker.js')</script>";
    let main = "import { x } from './part.js';\nconst url = new URL('./gone.png', import.meta.url);\nimport('./later.js');";
    let files = [
        ("index.html", page),
        ("main.js", main),
        ("part.js", "export const x = 1;\nconst y = [;"),
        ("later.js", ""),
    ];
    let report = check(&tree(&files, ""), &CheckOptions::default());
    let missing = report.missing.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(missing, ["gone-worker.js", "gone.js", "gone.png"]);
    assert!(report.used().contains("later.js"));
}

#[test]
fn modules_outside_the_project_are_packed_and_rewritten() {
    let page = "<script type='module'>import a from \"../shared/it's.js\"; import('./b.js')</script>";
    let files = [
        ("video/index.html", page),
        ("video/b.js", "export * from '../shared/c.js';"),
        ("shared/it's.js", "import './c.js'; new Worker('../video/b.js')"),
        ("shared/c.js", "export default 1"),
    ];
    let packed = contained(&tree(&files, "video")).expect("readable files");
    let text = |path: &str| {
        let rewritten = packed.get(path).expect("packed").rewritten.clone();
        rewritten.map(|bytes| String::from_utf8(bytes).expect("text"))
    };
    let paths = packed.keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(paths, ["_ext/shared/c.js", "_ext/shared/it's.js", "b.js", "index.html"]);
    let script = text("index.html").expect("rewritten");
    assert!(script.contains("import a from \"./_ext/shared/it%27s.js\""), "{script}");
    assert_eq!(text("b.js").as_deref(), Some("export * from './_ext/shared/c.js';"));
    assert_eq!(text("_ext/shared/it's.js").as_deref(), Some("import './c.js'; new Worker('../../b.js')"));
    assert_eq!(text("_ext/shared/c.js"), None);
}
