//! The rules, as data: which layer may use which, where clap may be used, and how long a file may be.
//!
//! A layer is a top-level module of a crate: a folder or a file directly below its root.

/// The longest file that is allowed without a reason, in lines.
pub(super) const LONGEST: usize = 500;

/// Files that may be longer because they are tables of data, with the reason.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("core/src/findings/rule.rs", "the table of rules"),
    ("core/tests/scripts.rs", "a table of pages"),
    ("src/app/options/table.rs", "one row for each option"),
];

/// Folders in which the length of files is limited.
pub(super) const LIMITED: &[&str] = &["src", "core", "wasm", "xtask"];

/// The name by which other crates use the core.
pub(super) const CORE: &str = "hyperframes_ci_core";

/// The rules of a crate.
pub(super) struct Rules {
    /// Its root, from the workspace.
    pub(super) folder: &'static str,
    pub(super) order: OrderSource,
    /// Layers that only the named layers may use, although others are above them too.
    pub(super) reserved: &'static [(&'static str, &'static [&'static str])],
    /// External crates that only one layer may use, each with that layer.
    pub(super) confined: &'static [(&'static str, &'static str)],
}

/// Where the order of a crate's layers is written.
pub(super) enum OrderSource {
    /// Here, as chains such as `a > b, c > d`: each layer may use every layer to its right, and all that those may use.
    Chains(&'static [&'static str]),
    /// In the table in the documentation of the crate's root, from the top down.
    Documented,
}

/// The crates, and the order of their layers.
pub(super) const CRATES: &[Rules] = &[
    Rules {
        folder: "src",
        order: OrderSource::Chains(&[
            "main > cli > action > app > renderers > emulator > engine > system > fault",
            "renderers > heygen, project, ui > system",
            "action > ci > system",
        ]),
        // The command line asks it for the workspace only.
        reserved: &[("ci", &["action", "cli"])],
        confined: &[("clap", "cli"), ("clap_complete", "cli")],
    },
    Rules { folder: "core/src", order: OrderSource::Documented, reserved: &[], confined: &[] },
    Rules {
        folder: "wasm/src",
        order: OrderSource::Chains(&["lib > severities > problem", "lib > normal_form"]),
        reserved: &[],
        confined: &[],
    },
    Rules {
        folder: "xtask/src",
        order: OrderSource::Chains(&[
            "main > bench, suites > docs > preflight_page > npm > wasm > release > provision > command",
            "suites, npm > dist > command",
            "main > demo > provision",
            "main > engine_lock > command",
            "suites > upstream > command",
            "demo, docs > files",
            "wasm > wasm_order",
        ]),
        reserved: &[],
        confined: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::super::order::Order;
    use super::*;

    #[test]
    fn the_chains_of_the_crates_contain_no_cycle() {
        for rules in CRATES {
            if let OrderSource::Chains(chains) = rules.order {
                let layers = chains.iter().flat_map(|chain| chain.split(['>', ',']).map(str::trim));
                let order = Order::new(chains);
                for layer in layers {
                    assert!(!order.is_below(layer, layer), "{layer} is below itself in {}", rules.folder);
                }
            }
        }
    }
}
