//! Project tasks: `cargo xtask test [SUITE…]`, `cargo xtask wasm`.

mod bench;
mod boundary;
mod hooks;
mod npm;
mod provision;
mod release;
mod suite;
mod suites;
mod wasm;
mod workflows;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [SUITE…]   run all suites, or the named ones
cargo xtask test --list     name the suites
cargo xtask bench [NAME…]   compare with references, as ratios
cargo xtask wasm            build and pack the npm package into target/wasm/package
cargo xtask site            build the page into target/site";

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let result = match arguments.as_slice() {
        ["test", "--list"] => {
            say(&suites::names().join("\n"));
            return ExitCode::SUCCESS;
        }
        ["test", names @ ..] => suite::run(names),
        ["bench", names @ ..] => bench::run(names),
        ["site"] => npm::site().map(|folder| {
            say(&folder.display().to_string());
            true
        }),
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

/// The one place that prints: tasks talk to whoever started them.
#[expect(clippy::print_stdout, reason = "this is a program for people")]
fn say(text: &str) {
    println!("{text}");
}
