//! A directed graph of files or folders, and its shortest cycles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// An item that one node uses of another, and where it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dependency {
    /// The name of the item.
    pub(super) name: String,
    /// The file that uses it.
    pub(super) path: String,
    /// The line, from 1.
    pub(super) line: usize,
}

/// Nodes, and the dependencies from one to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    edges: BTreeMap<String, BTreeMap<String, Vec<Dependency>>>,
}

/// A cycle: every node uses the next one, and the last the first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cycle {
    pub(super) nodes: Vec<String>,
    /// The edge that is easiest to cut.
    pub(super) cut: (String, String),
}

impl Graph {
    /// Adds a node.
    pub(super) fn node(&mut self, name: &str) {
        self.edges.entry(name.to_owned()).or_default();
    }

    /// Adds a dependency between two nodes. A second use of the same item by the same file does not count.
    pub(super) fn add(&mut self, from: &str, to: &str, dependency: Dependency) {
        self.node(to);
        let dependencies = self.edges.entry(from.to_owned()).or_default().entry(to.to_owned()).or_default();
        if !dependencies.iter().any(|other| other.name == dependency.name && other.path == dependency.path) {
            dependencies.push(dependency);
        }
    }

    /// The names of the nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.edges.keys().map(String::as_str)
    }

    /// What `from` uses of `to`.
    pub(super) fn dependencies(&self, from: &str, to: &str) -> &[Dependency] {
        self.edges.get(from).and_then(|targets| targets.get(to)).map_or(&[], Vec::as_slice)
    }

    /// The nodes that `from` uses, with the dependencies.
    pub(super) fn targets(&self, from: &str) -> impl Iterator<Item = (&str, &[Dependency])> {
        self.edges
            .get(from)
            .into_iter()
            .flatten()
            .map(|(to, dependencies)| (to.as_str(), dependencies.as_slice()))
    }

    /// All edges.
    pub(super) fn edges(&self) -> impl Iterator<Item = (&str, &str, &[Dependency])> {
        self.edges.iter().flat_map(|(from, targets)| {
            targets
                .iter()
                .map(move |(to, dependencies)| (from.as_str(), to.as_str(), dependencies.as_slice()))
        })
    }

    /// Every node that `from` uses, directly or through others; `from` itself if it is in a cycle.
    pub(super) fn reachable<'a>(&'a self, from: &str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut open = self.targets(from).map(|(to, _)| to).collect::<Vec<_>>();
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                open.extend(self.targets(node).map(|(to, _)| to));
            }
        }
        seen
    }

    /// The groups of nodes that all use each other, directly or through others (strongly connected components of more than
    /// one node); the largest first.
    pub(super) fn components(&self) -> Vec<Vec<&str>> {
        let reachable = self.nodes().map(|node| (node, self.reachable(node))).collect::<BTreeMap<_, _>>();
        let mut seen = BTreeSet::new();
        let mut components = Vec::new();
        for (node, targets) in &reachable {
            if targets.contains(node) && !seen.contains(node) {
                let mutual = targets.iter().copied().filter(|other| reachable[other].contains(node));
                let component = mutual.collect::<Vec<_>>();
                seen.extend(component.iter().copied());
                components.push(component);
            }
        }
        components.sort_by_key(|component| std::cmp::Reverse(component.len()));
        components
    }

    /// Cycles that cover every component: the shortest one, then the shortest that is left after cutting it, and so on until
    /// none is left. The edge to cut is one that is not allowed, otherwise the one with the fewest dependencies.
    pub(super) fn cycles(&self, is_allowed: impl Fn(&str, &str) -> bool) -> Vec<Cycle> {
        let mut left = self.clone();
        let mut cycles = Vec::new();
        while let Some(nodes) = left.shortest_cycle() {
            let rank = |(from, to): &(&str, &str)| (is_allowed(from, to), left.dependencies(from, to).len());
            let Some((from, to)) = steps(&nodes).min_by_key(rank) else { break };
            let cut = (from.to_owned(), to.to_owned());
            left.edges.get_mut(&cut.0).and_then(|targets| targets.remove(&cut.1));
            cycles.push(Cycle { nodes, cut });
        }
        cycles
    }

    /// The nodes of the cycle with the fewest nodes, and among them of the one with the fewest dependencies.
    fn shortest_cycle(&self) -> Option<Vec<String>> {
        let weight = |cycle: &[String]| {
            steps(cycle).map(|(from, to)| self.dependencies(from, to).len()).sum::<usize>()
        };
        self.nodes()
            .filter_map(|node| self.cycle_through(node))
            .min_by_key(|cycle| (cycle.len(), weight(cycle)))
    }

    /// A shortest cycle through a node.
    fn cycle_through(&self, start: &str) -> Option<Vec<String>> {
        let mut before = BTreeMap::<&str, &str>::new();
        let mut open = VecDeque::from([start]);
        while let Some(node) = open.pop_front() {
            for (to, _) in self.targets(node) {
                if to == start {
                    let mut cycle = vec![node.to_owned()];
                    let mut at = node;
                    while let Some(previous) = before.get(at) {
                        cycle.push((*previous).to_owned());
                        at = previous;
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if !before.contains_key(to) {
                    before.insert(to, node);
                    open.push_back(to);
                }
            }
        }
        None
    }
}

/// The edges of a cycle.
pub(super) fn steps(cycle: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let next = cycle.iter().cycle().skip(1);
    cycle.iter().zip(next).map(|(from, to)| (from.as_str(), to.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in edges {
            graph.add(from, to, Dependency { name: "x".to_owned(), path: (*from).to_owned(), line: 1 });
        }
        graph
    }

    fn cycles(graph: &Graph, forbidden: &[(&str, &str)]) -> Vec<(String, String)> {
        let cycles = graph.cycles(|from, to| !forbidden.contains(&(from, to)));
        cycles.into_iter().map(|cycle| (cycle.nodes.concat(), cycle.cut.0 + &cycle.cut.1)).collect()
    }

    #[test]
    fn a_chain_has_no_cycle() {
        let graph = graph(&[("a", "b"), ("b", "c"), ("a", "c")]);
        assert!(graph.components().is_empty());
        assert!(cycles(&graph, &[]).is_empty());
    }

    #[test]
    fn the_shortest_cycles_come_first_and_cover_every_component() {
        let graph = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "e"), ("e", "d"), ("c", "d")]);
        assert_eq!(graph.components(), [vec!["a", "b", "c"], vec!["d", "e"]]);
        let shown = cycles(&graph, &[]).into_iter().map(|(nodes, _)| nodes).collect::<Vec<_>>();
        assert_eq!(shown, ["de", "abc"]);
    }

    #[test]
    fn a_cycle_is_cut_where_it_is_forbidden_and_otherwise_where_it_has_the_fewest_names() {
        let mut graph = graph(&[("a", "b"), ("b", "a")]);
        graph.add("a", "b", Dependency { name: "y".to_owned(), path: "a".to_owned(), line: 2 });
        assert_eq!(cycles(&graph, &[]), [("ab".to_owned(), "ba".to_owned())]);
        assert_eq!(cycles(&graph, &[("a", "b")]), [("ab".to_owned(), "ab".to_owned())]);
    }
}
