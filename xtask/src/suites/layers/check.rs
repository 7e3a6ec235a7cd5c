//! Checks the graphs of a crate against the rules.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::crate_graph::CrateGraph;
use super::graph::{Cycle, Dependency, Graph, steps};
use super::order::Order;
use super::rules::LONGEST;
use super::source::SourceFile;

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The file, and the line if there is one.
    place: String,
    message: String,
    /// How to solve it.
    help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    help: {}", self.place, self.message, self.help)
    }
}

impl Problem {
    pub(super) fn new(place: impl Into<String>, message: String, help: String) -> Self {
        Self { place: place.into(), message, help }
    }
}

/// Finds edges between layers that the order does not allow: one problem for each dependency.
pub(super) fn edges(graph: &CrateGraph, order: &Order, reserved: &[(&str, &[&str])]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for layer in graph.layers.nodes().filter(|layer| !order.knows(layer)) {
        problems.push(Problem::new(
            format!("{}/{layer}", graph.folder),
            format!("{layer} is not in the order of modules"),
            "add it to the chains in xtask/src/suites/layers/rules.rs, or to the table in core/src/lib.rs"
                .to_owned(),
        ));
    }
    for (from, to, dependencies) in
        graph.layers.edges().filter(|(from, to, _)| order.knows(from) && order.knows(to))
    {
        let reserved = reserved.iter().find(|(layer, users)| *layer == to && !users.contains(&from));
        let (reason, help) = if order.allows(to, from) {
            (
                format!("{from} is below {to}"),
                format!("move it into {from} or a module below it, or let {to} pass it as an argument"),
            )
        } else if !order.allows(from, to) {
            (
                "neither may use the other".to_owned(),
                "move it into a module below both, or combine the two in a module above".to_owned(),
            )
        } else if let Some((_, users)) = reserved {
            let users = users.join(", ");
            (format!("only {users} may use {to}"), format!("call it from {users}"))
        } else {
            continue;
        };
        problems.extend(dependencies.iter().map(|dependency| {
            Problem::new(
                format!("{}:{}", dependency.path, dependency.line),
                format!("{from} -> {to}: uses {}, but {reason}", dependency.name),
                help.clone(),
            )
        }));
    }
    problems
}

/// Finds cycles between the layers of a crate.
pub(super) fn layer_cycles(graph: &CrateGraph, order: &Order) -> Vec<Problem> {
    let cycles = graph.layers.cycles(|from, to| order.allows(from, to));
    cycles.iter().map(|cycle| cycle_problem("module", cycle, &graph.layers, &graph.folder)).collect()
}

/// Finds cycles between the files of one layer. A parent module that only declares and re-exports its children is in none.
pub(super) fn file_cycles(graph: &CrateGraph) -> Vec<Problem> {
    let mut problems = Vec::new();
    for files in graph.inside.values() {
        let cycles = files.cycles(|_, _| true);
        problems.extend(cycles.iter().map(|cycle| cycle_problem("file", cycle, files, &graph.folder)));
    }
    problems
}

/// A cycle with a line for each edge, at the place of the edge to cut.
fn cycle_problem(of: &str, cycle: &Cycle, graph: &Graph, folder: &str) -> Problem {
    let short = |node: &str| node.strip_prefix(folder).unwrap_or(node).trim_start_matches('/').to_owned();
    let nodes = cycle.nodes.iter().chain(cycle.nodes.first()).map(|node| short(node)).collect::<Vec<_>>();
    let mut message = format!("cycle of {of}s: {}", nodes.join(" -> "));
    for (from, to) in steps(&cycle.nodes) {
        let _ = write!(
            message,
            "\n    {} -> {}: {}",
            short(from),
            short(to),
            names(graph.dependencies(from, to))
        );
    }
    let (from, to) = &cycle.cut;
    let place = graph.dependencies(from, to).first();
    let place = place
        .map_or_else(|| folder.to_owned(), |dependency| format!("{}:{}", dependency.path, dependency.line));
    let help = format!("cut {0} -> {1}: move what {0} uses into a {of} below both", short(from), short(to));
    Problem::new(place, message, help)
}

/// The names of up to six dependencies, with the place of the first.
fn names(dependencies: &[Dependency]) -> String {
    const SHOWN: usize = 6;
    let names = dependencies.iter().map(|dependency| dependency.name.as_str()).collect::<BTreeSet<_>>();
    let more = names.len().saturating_sub(SHOWN);
    let mut text = names.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    dependencies
        .first()
        .map_or_else(String::new, |dependency| format!("{text} ({}:{})", dependency.path, dependency.line))
}

/// Finds uses of crates outside of the layer that they are confined to.
pub(super) fn confined(graph: &CrateGraph, confined: &[(&str, &str)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, layer) in confined {
        for dependency in graph.external.iter().filter(|dependency| dependency.name == *name) {
            if graph.layer_of(&dependency.path) != Some(*layer) {
                problems.push(Problem::new(
                    format!("{}:{}", dependency.path, dependency.line),
                    format!("uses {name} outside of {}/{layer}", graph.folder),
                    format!("use a plain type here and convert it in {}/{layer}", graph.folder),
                ));
            }
        }
    }
    problems
}

/// Finds files that are too long, and entries of `tables` (path and reason) that are not needed.
pub(super) fn lengths(sources: &[SourceFile], tables: &[(&str, &str)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources {
        let is_table = tables.iter().any(|(path, _)| *path == source.path);
        let lines = source.lines();
        if lines > LONGEST && !is_table {
            problems.push(Problem::new(
                source.path.clone(),
                format!("{lines} lines exceed the limit of {LONGEST}"),
                "split it by subject; a table of data may be listed with its reason in TABLES in \
                 xtask/src/suites/layers/rules.rs"
                    .to_owned(),
            ));
        }
    }
    for (path, _) in tables {
        if !sources.iter().any(|source| source.path == *path && source.lines() > LONGEST) {
            problems.push(Problem::new(
                (*path).to_owned(),
                "listed as a long file, but not long".to_owned(),
                "remove it from TABLES in xtask/src/suites/layers/rules.rs".to_owned(),
            ));
        }
    }
    problems
}
