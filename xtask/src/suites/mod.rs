//! What `cargo xtask test` checks.

mod boundary;
mod bundlers;
pub(crate) mod cargo;
pub(crate) mod channels;
pub(crate) mod chaos;
pub(crate) mod fuzz;
mod hooks;
mod hostile;
mod init;
pub(crate) mod layers;
mod npm;
mod release;
mod sbom;
mod suite;
pub(crate) mod words;
mod workflows;

use anyhow::Result;

use crate::command::say;
use suite::{Outcome, Suite};

/// All suites, quick ones first.
const ALL: &[Suite] = &[
    Suite { name: "fmt", run: cargo::fmt },
    Suite { name: "layers", run: layers::test },
    Suite { name: "words", run: words::test },
    Suite { name: "clippy", run: cargo::clippy },
    Suite { name: "boundary", run: boundary::test },
    Suite { name: "rustdoc", run: cargo::rustdoc },
    Suite { name: "core", run: cargo::core },
    Suite { name: "integration", run: cargo::integration },
    Suite { name: "snapshots", run: cargo::snapshots },
    Suite { name: "chaos", run: chaos::test },
    Suite { name: "fuzz", run: fuzz::test },
    Suite { name: "hostile", run: hostile::test },
    Suite { name: "proof", run: cargo::proof },
    Suite { name: "visual", run: cargo::visual },
    Suite { name: "report", run: npm::test_report },
    Suite { name: "lambda", run: cargo::lambda },
    Suite { name: "release", run: release::test },
    Suite { name: "sbom", run: sbom::test },
    Suite { name: "wasm", run: npm::test },
    Suite { name: "site", run: npm::test_site },
    Suite { name: "bundlers", run: bundlers::test },
    Suite { name: "hooks", run: hooks::test },
    Suite { name: "workflows", run: workflows::test },
    Suite { name: "init", run: init::test },
    Suite { name: "docs", run: docs },
    Suite { name: "upstream", run: upstream },
    Suite { name: "deny", run: cargo::deny },
];

/// The documentation: code blocks, links, pins and generated parts.
fn docs() -> Result<Outcome> {
    say(&crate::docs::test()?);
    Ok(Outcome::Passed)
}

/// The comparison of releases of the official package.
fn upstream() -> Result<Outcome> {
    crate::provision::packages(&["npm"])?;
    crate::upstream::test()?;
    Ok(Outcome::Passed)
}

/// The names of all suites.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|suite| suite.name).collect()
}

/// Runs the suites called `names`, or all; returns whether none failed.
///
/// # Errors
/// Returns an error if a name is not that of a suite.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    suite::run(ALL, names)
}
