//! The graph of a crate as text.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::crate_graph::CrateGraph;
use super::graph::Graph;
use super::order::Order;
use super::source::SourceFile;

/// The width of the text, in columns.
const WIDTH: usize = 118;

/// Renders the layers of a crate from the top down with what each uses, its cycles and the lengths of its files.
///
/// Edges that `order` does not allow are marked; without an order, layers that use the most others come first.
pub(super) fn render(graph: &CrateGraph, sources: &[SourceFile], order: Option<&Order>) -> String {
    let layers = &graph.layers;
    let mut sorted = layers.nodes().collect::<Vec<_>>();
    sorted.sort_by_key(|layer| {
        let users = layers.edges().filter(|(_, to, _)| to == layer).count();
        let height = order.map_or(0, |order| order.height(layer));
        (Reverse(height), Reverse(layers.reachable(layer).len()), users)
    });
    let width = sorted.iter().map(|layer| layer.len()).max().unwrap_or_default().max(6);
    let mut text = format!(
        "{}: {} top-level modules, {} files, {} edges between modules\n\n  {:<width$} files  lines  uses (number of names)\n",
        graph.folder,
        sorted.len(),
        graph.files.len(),
        layers.edges().count(),
        "module"
    );
    for layer in &sorted {
        let files = graph.files.iter().filter(|file| file.layer == *layer);
        let lines = files.clone().map(|file| file.lines).sum::<usize>();
        let mut uses = Vec::new();
        for other in sorted.iter().filter(|other| !layers.dependencies(layer, other).is_empty()) {
            let mark = if order.is_some_and(|order| !order.allows(layer, other)) { "^" } else { "" };
            uses.push(format!("{mark}{other} {}", names(layers, layer, other)));
        }
        let core = graph.core.targets(layer);
        uses.extend(core.map(|(to, _)| format!("core::{to} {}", names(&graph.core, layer, to))));
        if uses.is_empty() {
            uses.push("-".to_owned());
        }
        wrap(&mut text, &format!("  {layer:<width$} {:>5} {lines:>6}  ", files.count()), &uses);
    }
    if text.contains('^') {
        text.push_str("  (^ marks an edge that the order of modules does not allow)\n");
    }
    let components = layers.components();
    let _ = writeln!(text, "\n  cycles between modules: {}", sizes(&components, "modules"));
    for component in &components {
        wrap(&mut text, "    ", component);
    }
    let components = graph.whole.components();
    let _ = writeln!(text, "  cycles between files of the crate: {}", sizes(&components, "files"));
    for component in &components {
        let names =
            component.iter().map(|path| path.trim_start_matches(&graph.folder).trim_start_matches('/'));
        wrap(&mut text, "    ", &names.collect::<Vec<_>>());
    }
    let _ = writeln!(text, "  lines per file: {}", lengths(sources));
    text
}

/// Writes words separated by commas, wrapped at [`WIDTH`] and indented by the length of `head`.
fn wrap(text: &mut String, head: &str, words: &[impl AsRef<str>]) {
    let mut line = head.to_owned();
    for (index, word) in words.iter().map(AsRef::as_ref).enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        if line.len() + word.len() + comma.len() > WIDTH && line.len() > head.len() {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(head.len());
        }
        let _ = write!(line, "{word}{comma} ");
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// The number of different names that `from` uses of `to`.
fn names(graph: &Graph, from: &str, to: &str) -> usize {
    let mut names =
        graph.dependencies(from, to).iter().map(|dependency| dependency.name.as_str()).collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// How many components there are, and how many nodes are in each.
fn sizes(components: &[Vec<&str>], nodes: &str) -> String {
    if components.is_empty() {
        return "none".to_owned();
    }
    let sizes = components.iter().map(|component| component.len().to_string()).collect::<Vec<_>>();
    format!("{} (of {} {nodes})", components.len(), sizes.join(", "))
}

/// Median, 90th percentile and maximum of the lines of files.
pub(super) fn lengths(sources: &[SourceFile]) -> String {
    let mut lengths = sources.iter().map(|source| (source.lines(), source.path.as_str())).collect::<Vec<_>>();
    lengths.sort_unstable();
    let Some((longest, path)) = lengths.last() else { return "no files".to_owned() };
    let at = |percent: usize| lengths[(lengths.len() - 1) * percent / 100].0;
    let total = lengths.iter().map(|(lines, _)| lines).sum::<usize>();
    let (median, p90) = (at(50), at(90));
    format!("median {median}, p90 {p90}, max {longest} ({path}); {total} in {} files", lengths.len())
}
