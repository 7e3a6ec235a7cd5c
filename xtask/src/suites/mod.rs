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
    Suite::new("fmt", cargo::fmt),
    Suite::new("layers", layers::test),
    Suite::new("words", words::test),
    Suite::new("clippy", cargo::clippy),
    Suite::new("boundary", boundary::test),
    Suite::new("rustdoc", cargo::rustdoc),
    Suite::new("core", cargo::core),
    Suite::new("integration", cargo::integration).idle(),
    Suite::new("snapshots", cargo::snapshots),
    Suite::new("chaos", chaos::test),
    Suite::new("fuzz", fuzz::test),
    Suite::new("hostile", hostile::test),
    Suite::new("proof", cargo::proof),
    Suite::new("visual", cargo::visual),
    Suite::new("report", npm::test_report),
    Suite::new("lambda", cargo::lambda),
    Suite::new("release", release::test).after(|| crate::release::program().map(drop)),
    Suite::new("sbom", sbom::test),
    Suite::new("wasm", npm::test).after(|| crate::npm::pack().map(drop)),
    Suite::new("site", npm::test_site),
    Suite::new("bundlers", bundlers::test),
    Suite::new("hooks", hooks::test),
    Suite::new("workflows", workflows::test),
    Suite::new("init", init::test),
    Suite::new("docs", docs).after(crate::docs::prepare),
    Suite::new("upstream", upstream),
    Suite::new("deny", cargo::deny).after(|| cargo::cargo_deny().map(drop)),
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
