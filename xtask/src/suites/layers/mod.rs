//! Checks that dependencies point down: between the layers of each crate, and between the files of each layer.
//!
//! Imports, re-exports and paths in the code are followed to the file that defines the item. Code that is compiled for
//! tests only is left out. A method call alone is not a dependency: finding its definition would take type inference.
//! Also checks that paths which somebody names are opened by the gate only.

mod check;
mod crate_graph;
mod file_access;
mod graph;
mod order;
mod paths;
mod report;
mod rules;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::suite::Outcome;
use crate::command::{root, say, succeed, target};
use check::Problem;
use crate_graph::CrateGraph;
use order::Order;
pub(super) use paths::is_for_tests;
use rules::{CRATES, LIMITED, OrderSource, Rules, TABLES};
use source::SourceFile;
use tree::Crate;

/// Fails if anything breaks a rule.
pub(super) fn test() -> Result<Outcome> {
    let problems = problems(root())?;
    for problem in &problems {
        say(&problem.to_string());
    }
    ensure!(problems.is_empty(), "{} problems; `cargo xtask layers` prints the graph", problems.len());
    Ok(Outcome::Passed)
}

/// Prints the graph of each crate, and the problems; returns whether there are none.
///
/// # Errors
/// Returns an error if a file cannot be read or is not Rust.
pub(crate) fn print() -> Result<bool> {
    print_graphs(root(), true)?;
    let problems = problems(root())?;
    for problem in &problems {
        say(&problem.to_string());
    }
    say(&format!("{} problems", problems.len()));
    Ok(problems.is_empty())
}

/// Prints the graphs of a git revision. The order of layers is not applied: it is that of the current tree.
///
/// # Errors
/// Returns an error if git cannot archive the revision, or if a file is not Rust.
pub(crate) fn print_at(revision: &str) -> Result<()> {
    let folder = target().join("layers");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let archive = folder.join("sources.tar");
    let mut git = Command::new("git");
    git.args(["archive", "--format=tar", "-o"]).arg(&archive).arg(revision).current_dir(root());
    succeed(&mut git)?;
    succeed(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder))?;
    print_graphs(&folder, false)?;
    Ok(fs::remove_dir_all(&folder)?)
}

/// Prints the graph of each crate of a workspace.
fn print_graphs(workspace: &Path, is_ordered: bool) -> Result<()> {
    for (rules, graph, sources) in crate_graphs(workspace)? {
        let order = is_ordered.then(|| order(rules, &sources));
        say(&report::render(&graph, &sources, order.as_ref()));
    }
    let lengths = report::lengths(&limited(workspace)?);
    say(&format!("all of {}: lines per file: {lengths}\n", LIMITED.join(", ")));
    Ok(())
}

/// Everything that breaks a rule in a workspace.
fn problems(workspace: &Path) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (rules, graph, sources) in crate_graphs(workspace)? {
        problems.extend(check_crate(rules, &graph, &sources));
        if rules.folder == "src" {
            problems.extend(file_access::problems(&sources)?);
        }
    }
    problems.extend(check::lengths(&limited(workspace)?, TABLES));
    Ok(problems)
}

/// The files whose length is limited.
fn limited(workspace: &Path) -> Result<Vec<SourceFile>> {
    let files = LIMITED.iter().map(|folder| source::read(workspace, folder)).collect::<Result<Vec<_>>>()?;
    Ok(files.into_iter().flatten().collect())
}

/// Everything that breaks a rule between the layers and files of one crate.
fn check_crate(rules: &Rules, graph: &CrateGraph, sources: &[SourceFile]) -> Vec<Problem> {
    let order = order(rules, sources);
    let mut problems = check::edges(graph, &order, rules.reserved);
    problems.extend(check::layer_cycles(graph, &order));
    problems.extend(check::file_cycles(graph));
    problems.extend(check::confined(graph, rules.confined));
    problems
}

/// The order of the layers of a crate.
fn order(rules: &Rules, sources: &[SourceFile]) -> Order {
    match rules.order {
        OrderSource::Chains(chains) => Order::new(chains),
        OrderSource::Documented => {
            let path = format!("{}/lib.rs", rules.folder);
            let root = sources.iter().find(|source| source.path == path);
            Order::documented(root.map_or("", |source| &source.text))
        }
    }
}

/// The crates of a workspace, with their files.
fn crate_graphs(workspace: &Path) -> Result<Vec<(&'static Rules, CrateGraph, Vec<SourceFile>)>> {
    let crates = |rules: &'static Rules| {
        let sources = source::read(workspace, rules.folder)?;
        let tree = Crate::new(rules.folder, &sources)?;
        anyhow::Ok((rules, tree, sources))
    };
    let crates = CRATES.iter().map(crates).collect::<Result<Vec<_>>>()?;
    let core = CRATES.iter().position(|rules| rules.folder == "core/src").context("the rules of the core")?;
    let core = &crates[core].1;
    let graph =
        |(rules, tree, _): &(&'static Rules, Crate, _)| CrateGraph::new(rules.folder, tree, Some(core));
    let graphs = crates.iter().map(graph).collect::<Vec<_>>();
    Ok(crates.into_iter().zip(graphs).map(|((rules, _, sources), graph)| (rules, graph, sources)).collect())
}
