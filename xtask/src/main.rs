//! Project tasks: `cargo xtask test [SUITE…]`, `cargo xtask wasm`.

mod bench;
mod command;
mod demo;
mod dist;
mod docs;
mod engine_lock;
mod files;
mod npm;
mod preflight_page;
mod provision;
mod release;
mod suites;
mod upstream;
mod wasm;
mod wasm_order;

use std::process::ExitCode;

use command::say;
use suites::{cargo, layers, words};

const USAGE: &str = "\
cargo xtask test [SUITE…]   run all suites, or the named ones
cargo xtask test --list     list the suites
cargo xtask test chaos [--seeds N] [--seed S [--only N,…]]
                            run random fault scenarios, or selected ones
cargo xtask test fuzz [--time SECONDS] [--target NAME] [--seed S [--seeds N]] [--file PATH]
                            run random inputs, or selected ones
cargo xtask bless           write the snapshots of help, errors and output; review them with git diff
cargo xtask words           print phrases that texts for users should not have
cargo xtask layers          print the module dependencies and violations of the rules
cargo xtask layers --at REV print the module dependencies at a Git revision
cargo xtask bench [NAME…]   compare with references, as ratios
cargo xtask wasm            build and pack the npm package into target/wasm/package
cargo xtask demo [comment]  make the pictures of the README: terminal session and comment, or only the comment
cargo xtask engine-lock [FOLDER]  update the lock files of the engine, of Node and of the tooling for Lambda and Cloud Run
cargo xtask upstream [[OLD] NEW]
                            print what a release of the official package changes [default: the newest]
cargo xtask site            build the page into target/site
cargo xtask dist archive TARGET
                            pack the release archives of a target, built before, into dist
cargo xtask dist channels   make install scripts, npm packages, formula and manifests of all archives in dist
cargo xtask dist sbom       write the bills of materials of the program, the npm package and the engine into dist
cargo xtask dist test       install the files in dist on this machine, through every channel
cargo xtask dist changelog VERSION DATE
                            release the unreleased changes of CHANGELOG.md
cargo xtask dist notes VERSION
                            print the release notes
cargo xtask docs            build the documentation site into target/docs-site
cargo xtask docs --update   rewrite the generated parts of docs/
cargo xtask docs --update-output
                            the same, but only pins of actions, messages and the output of commands";

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let result = match arguments.as_slice() {
        ["test", "--list"] => {
            say(&suites::names().join("\n"));
            return ExitCode::SUCCESS;
        }
        ["test", "chaos", flags @ ..] if flags.first().is_some_and(|flag| flag.starts_with("--")) => {
            suites::chaos::play(flags).map(|()| true)
        }
        ["test", "fuzz", flags @ ..] if flags.first().is_some_and(|flag| flag.starts_with("--")) => {
            suites::fuzz::run(flags).map(|()| true)
        }
        ["test", names @ ..] => suites::run(names),
        ["words"] => words::print(),
        ["bless"] => cargo::bless().map(|()| true),
        ["layers"] => layers::print(),
        ["layers", "--at", revision] => layers::print_at(revision).map(|()| true),
        ["bench", names @ ..] => bench::run(names),
        ["demo"] => demo::record().map(|()| true),
        ["demo", "comment"] => demo::take_comment().map(|()| true),
        ["dist", "test"] => suites::channels::test(&command::root().join("dist")).map(|()| true),
        ["dist", arguments @ ..] => dist::run(arguments).map(|()| true),
        ["site"] => preflight_page::build().map(|folder| {
            say(&folder.display().to_string());
            true
        }),
        ["engine-lock"] => engine_lock::update(None).map(|()| true),
        ["engine-lock", folder] => engine_lock::update(Some(folder)).map(|()| true),
        ["upstream", versions @ ..] if versions.len() <= 2 => upstream::compare(versions).map(|()| true),
        ["docs"] => docs::build().map(|folder| {
            say(&folder.display().to_string());
            true
        }),
        ["docs", "--update"] => docs::update().map(|()| true),
        ["docs", "--update-output"] => docs::update_output().map(|()| true),
        ["wasm"] => npm::pack().map(|archive| {
            say(&archive.display().to_string());
            true
        }),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
