//! The order of layers.

use std::collections::{BTreeMap, BTreeSet};

/// Which layer may use which: a partial order.
#[derive(Debug, Default)]
pub(super) struct Order {
    below: BTreeMap<String, BTreeSet<String>>,
}

impl Order {
    /// Reads chains such as `a > b, c > d`: `a` may use `b`, `c` and `d`; `b` and `c` may use `d`, not each other.
    pub(super) fn new(chains: &[impl AsRef<str>]) -> Self {
        let mut order = Self::default();
        for chain in chains {
            let levels = chain.as_ref().split('>').map(|level| {
                level
                    .split(',')
                    .map(|layer| layer.trim().to_owned())
                    .filter(|layer| !layer.is_empty())
                    .collect()
            });
            let levels = levels.collect::<Vec<Vec<String>>>();
            for (index, level) in levels.iter().enumerate() {
                for layer in level {
                    let below = order.below.entry(layer.clone()).or_default();
                    below.extend(levels[index + 1..].iter().flatten().cloned());
                }
            }
        }
        // Until nothing is added: whatever is below a layer below is below too.
        let mut grown = true;
        while grown {
            let before = order.below.clone();
            for layers in order.below.values_mut() {
                let deeper = layers.iter().filter_map(|layer| before.get(layer)).flatten().cloned();
                layers.extend(deeper.collect::<Vec<_>>());
            }
            grown = order.below != before;
        }
        order
    }

    /// Reads the table in the documentation of a crate's root: every linked module of its first column, from the top
    /// down. The root itself is above them.
    pub(super) fn documented(root: &str) -> Self {
        let rows = root.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split('|').next());
        let layers = rows.flat_map(|cell| {
            cell.split(',').filter_map(|link| link.trim().trim_start_matches("[`").split('`').next())
        });
        let layers = std::iter::once("lib").chain(layers).collect::<Vec<_>>();
        Self::new(&[layers.join(" > ")])
    }

    /// Whether the order contains this layer.
    pub(super) fn knows(&self, layer: &str) -> bool {
        self.below.contains_key(layer)
    }

    /// Whether a layer may use another.
    pub(super) fn allows(&self, from: &str, to: &str) -> bool {
        from == to || self.is_below(to, from)
    }

    /// Whether a layer is below another.
    pub(super) fn is_below(&self, layer: &str, other: &str) -> bool {
        self.below.get(other).is_some_and(|layers| layers.contains(layer))
    }

    /// How many layers are below this one.
    pub(super) fn height(&self, layer: &str) -> usize {
        self.below.get(layer).map_or(0, BTreeSet::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_may_use_everything_below_it_and_nothing_beside_or_above_it() {
        let order = Order::new(&["a > b, c > d", "d > e"]);
        assert!(order.allows("a", "e") && order.allows("b", "e") && order.allows("d", "d"));
        assert!(!order.allows("b", "c") && !order.allows("d", "a") && !order.allows("a", "unknown"));
        assert!(order.knows("e") && !order.knows("unknown"));
    }

    #[test]
    fn the_order_of_a_documented_crate_is_that_of_its_table() {
        let root = "//! | module | subject |\n//! |---|---|\n//! | [`job`] | uses [`lang`] |\n//! | [`lang`], [`text`] | x |\n";
        let order = Order::documented(root);
        assert!(order.allows("lib", "job") && order.allows("job", "text") && order.allows("lang", "text"));
        assert!(!order.allows("lang", "job"));
    }
}
