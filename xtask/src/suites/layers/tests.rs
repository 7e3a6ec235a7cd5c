//! Synthetic crates that break one rule each, and one that breaks none.

use super::rules::LONGEST;
use super::*;

/// Rules of a crate whose layers are `top`, `middle` and `low`, with `side` beside them.
const RULES: Rules = Rules {
    folder: "src",
    order: OrderSource::Chains(&["main > top > middle > low", "top > side > low"]),
    reserved: &[("side", &["top"])],
    confined: &[("clap", "top")],
};

fn source((path, text): &(&str, &str)) -> SourceFile {
    SourceFile { path: format!("src/{path}"), text: (*text).to_owned() }
}

/// The problems that the suite reports for these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let sources = files.iter().map(source).collect::<Vec<_>>();
    let tree = Crate::new("src", &sources).unwrap();
    let graph = CrateGraph::new("src", &tree, None);
    check_crate(&RULES, &graph, &sources).iter().map(ToString::to_string).collect()
}

/// Whether one of the problems contains all of these words.
fn says(found: &[String], words: &[&str]) -> bool {
    found.iter().any(|text| words.iter().all(|word| text.contains(word)))
}

const CLEAN: &[(&str, &str)] = &[
    ("main.rs", "mod top; mod middle; mod low; mod side; fn main() { top::run() }"),
    (
        "top/mod.rs",
        "mod flags;\nuse crate::middle::Thing;\nuse clap::Parser;\npub fn run() { let _ = (flags::Flags, Thing); }",
    ),
    ("top/flags.rs", "use crate::{low, side::help};\npub struct Flags;\nfn f() { help(); low::deep() }"),
    ("middle/mod.rs", "mod part;\nmod ground;\npub use part::Thing;"),
    ("middle/part.rs", "use super::ground::Base;\npub struct Thing(Base);"),
    ("middle/ground.rs", "pub struct Base;"),
    ("side.rs", "pub fn help() { crate::low::deep() }"),
    ("low.rs", "pub fn deep() {}\n#[cfg(test)]\nmod tests { use crate::top::run; use clap::Parser; }"),
];

/// The clean crate with a file replaced or added.
fn with(path: &str, text: &str) -> Vec<String> {
    let mut files: Vec<(&str, &str)> =
        CLEAN.iter().copied().filter(|(other, _)| *other != path).collect::<Vec<_>>();
    files.push((path, text));
    found(&files)
}

#[test]
fn a_crate_that_points_down_passes() {
    assert_eq!(found(CLEAN), Vec::<String>::new());
}

#[test]
fn an_upward_edge_is_found_with_its_place_and_its_remedy() {
    let text = "pub fn deep() {}\n\nuse crate::middle::Thing;";
    let found = with("low.rs", text);
    assert!(says(
        &found,
        &["src/low.rs:3: low -> middle: uses Thing, but low is below middle", "help: move it into low"]
    ));
}

#[test]
fn an_upward_edge_is_found_however_it_is_written() {
    for text in [
        "pub fn deep() { crate::middle::Thing; }",
        "pub fn deep() { super::middle::Thing; }",
        "use crate::middle;\npub fn deep() { middle::Thing; }",
        "use crate::{self as root};\npub fn deep() { root::middle::Thing; }",
        "use crate::middle::*;\npub fn deep() -> Thing { todo() }",
        "pub fn deep() { use crate::middle::Thing as Other; }",
        "pub use crate::middle::Thing;",
        "pub fn deep() { println!(\"{}\", crate::middle::Thing); }",
        "macro_rules! m { () => { $crate::middle::Thing } }",
        "mod inner { pub fn deep() { super::super::middle::Thing; } }",
        "#[derive(crate::middle::Thing)]\npub struct Deep;",
        "pub fn deep<T>() where T: Into<crate::middle::Thing> {}",
    ] {
        let found = with("low.rs", text);
        assert!(says(&found, &["low -> middle: uses Thing"]), "{text}: {found:?}");
    }
}

#[test]
fn code_for_tests_and_documentation_are_not_dependencies() {
    for text in [
        "#[cfg(test)]\nuse crate::middle::Thing;",
        "#[cfg(all(test, unix))]\nmod tests { use crate::middle::Thing; }",
        "#[test]\nfn f() { crate::middle::Thing; }",
        "/// [`crate::middle::Thing`]\npub fn deep() {}",
        "pub fn deep() { \"crate::middle::Thing\"; }",
    ] {
        let found = with("low.rs", &[text, "\npub fn deep() {}"].concat());
        assert!(!says(&found, &["middle"]), "{text}: {found:?}");
    }
    for condition in ["cfg(not(test))", "cfg(any(test, unix))"] {
        let text = format!("pub fn deep() {{}}\n#[{condition}]\nuse crate::middle::Thing;");
        assert!(says(&with("low.rs", &text), &["low -> middle"]), "{condition}");
    }
}

#[test]
fn a_file_for_tests_only_is_not_a_dependency() {
    let mut files = CLEAN.to_vec();
    files.retain(|(path, _)| *path != "low.rs");
    files.push(("low.rs", "pub fn deep() {}\n#[cfg(test)]\nmod checks;"));
    files.push(("low/checks.rs", "use crate::top::run;"));
    assert_eq!(found(&files), Vec::<String>::new());
}

#[test]
fn edges_without_an_order_and_to_reserved_layers_are_found() {
    let found = with("side.rs", "use crate::middle::Thing;\npub fn help() {}");
    assert!(says(&found, &["src/side.rs:1: side -> middle", "may use the other"]));
    let found = with("main.rs", "mod top; mod middle; mod low; mod side;\nuse side::help;");
    assert!(says(&found, &["src/main.rs:2: main -> side: uses help, but only top may use side"]));
}

#[test]
fn a_layer_that_is_not_in_the_order_is_found() {
    let found = with("attic.rs", "pub struct Box;");
    assert!(says(&found, &["src/attic: attic is not in the order of modules", "help: add it to"]));
}

#[test]
fn a_cycle_of_modules_is_found_with_the_names_it_consists_of() {
    let found = with("low.rs", "pub fn deep() { crate::side::help() }");
    assert!(says(
        &found,
        &[
            "cycle of modules: low -> side -> low",
            "low -> side: help (src/low.rs:1)",
            "side -> low: deep (src/side.rs:1)"
        ]
    ));
}

#[test]
fn a_cycle_of_files_is_found_with_the_names_it_consists_of() {
    let found = with("middle/ground.rs", "use super::part::Thing;\npub struct Base;");
    assert!(says(
        &found,
        &[
            "cycle of files: middle/ground.rs -> middle/part.rs -> middle/ground.rs",
            "middle/part.rs -> middle/ground.rs: Base (src/middle/part.rs:1)",
            "help: cut"
        ]
    ));
}

#[test]
fn a_parent_that_uses_a_child_and_defines_what_the_child_uses_is_a_cycle() {
    let parent = |more: &str| {
        let parent = format!("mod part;\nmod ground;\npub use part::Thing;\npub struct Base;\n{more}");
        let mut files = CLEAN.to_vec();
        files.retain(|(path, _)| *path != "middle/mod.rs" && *path != "middle/part.rs");
        files.extend([
            ("middle/mod.rs", parent.as_str()),
            ("middle/part.rs", "pub struct Thing(super::Base);"),
        ]);
        found(&files)
    };
    assert_eq!(parent(""), Vec::<String>::new(), "the parent only re-exports its child");
    let cycle = "cycle of files: middle/mod.rs -> middle/part.rs -> middle/mod.rs";
    for more in ["fn f(_: Thing) {}", "fn f() { part::Thing; }", "fn f() { g!(1, part::Thing) }"] {
        assert!(says(&parent(more), &[cycle]), "{more}");
    }
}

#[test]
fn a_confined_crate_used_elsewhere_is_found() {
    for text in [
        "use clap::ValueEnum;\npub fn deep() {}",
        "#[derive(clap::Args)]\npub struct A;",
        "fn f(_: &clap::Command) {}",
    ] {
        let found = with("low.rs", text);
        assert!(
            says(&found, &["src/low.rs:1: uses clap outside of src/top", "help: use a plain type here"]),
            "{text}"
        );
    }
}

#[test]
fn a_long_file_is_found_unless_it_is_listed_and_a_listed_file_must_be_long() {
    let sources = |lines: usize| [SourceFile { path: "src/a.rs".to_owned(), text: "\n".repeat(lines) }];
    let found = |lines, tables: &[(&str, &str)]| {
        check::lengths(&sources(lines), tables).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(says(
        &found(LONGEST + 1, &[]),
        &["src/a.rs: 501 lines exceed the limit of 500", "help: split it"]
    ));
    assert!(found(LONGEST, &[]).is_empty());
    assert!(found(LONGEST + 1, &[("src/a.rs", "entities")]).is_empty());
    assert!(says(&found(LONGEST, &[("src/a.rs", "entities")]), &["listed as a long file, but not long"]));
}

#[test]
fn uses_of_the_core_lead_to_the_module_that_defines_the_item() {
    let core = [
        SourceFile {
            path: "core/src/lib.rs".to_owned(),
            text: "pub mod job;\npub use job::Plan;".to_owned(),
        },
        SourceFile { path: "core/src/job.rs".to_owned(), text: "pub struct Plan;".to_owned() },
    ];
    let core = Crate::new("core/src", &core).unwrap();
    let sources = [source(&("main.rs", "use hyperframes_ci_core::Plan;"))];
    let graph = CrateGraph::new("src", &Crate::new("src", &sources).unwrap(), Some(&core));
    assert_eq!(graph.core.dependencies("main", "job").len(), 1);
}

#[test]
fn the_printed_graph_runs_from_the_top_down_and_marks_forbidden_edges() {
    let mut sources = CLEAN.iter().map(source).collect::<Vec<_>>();
    sources[7].text = "pub fn deep() { crate::middle::Thing; }".to_owned();
    let graph = CrateGraph::new("src", &Crate::new("src", &sources).unwrap(), None);
    let text = report::render(&graph, &sources, Some(&order(&RULES, &sources)));
    let layers = ["  main ", "  top ", "  low "].map(|layer| text.find(layer).unwrap());
    assert!(layers.is_sorted(), "{text}");
    assert!(text.contains("^middle 1"), "{text}");
    assert!(text.contains("cycles between modules: none"), "{text}");
}

#[test]
fn a_file_that_is_not_rust_is_named_with_the_line() {
    let error = Crate::new("src", &[source(&("main.rs", "\nfn ("))]).unwrap_err();
    assert!(error.to_string().starts_with("src/main.rs:2: "), "{error}");
}
