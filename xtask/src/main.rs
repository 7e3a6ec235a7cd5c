//! Project tasks: `cargo xtask test [SUITE…]`, `cargo xtask wasm`.

mod bench;
mod command;
mod docs;
mod npm;
mod provision;
mod release;
mod suites;
mod wasm;

use std::process::ExitCode;

use command::say;
use suites::layers;

const USAGE: &str = "\
cargo xtask test [SUITE…]   run all suites, or the named ones
cargo xtask test --list     name the suites
cargo xtask test chaos [--seeds N] [--seed S [--only N,…]]
                            play so many random stories, or one of them
cargo xtask layers          print which module uses which, and what breaks the rules
cargo xtask layers --at REV print which module used which at a git revision
cargo xtask bench [NAME…]   compare with references, as ratios
cargo xtask wasm            build and pack the npm package into target/wasm/package
cargo xtask site            build the page into target/site
cargo xtask docs            build the documentation site into target/docs-site
cargo xtask docs --update   rewrite the generated parts of docs/
cargo xtask docs --update-output
                            the same, but only pins of actions and the output of commands";

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
        ["test", names @ ..] => suites::run(names),
        ["layers"] => layers::print(),
        ["layers", "--at", revision] => layers::print_at(revision).map(|()| true),
        ["bench", names @ ..] => bench::run(names),
        ["site"] => npm::site().map(|folder| {
            say(&folder.display().to_string());
            true
        }),
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
