//! What a hostile page reaches: probes through the binary with the real engine, against a collector on this machine.
//!
//! Probes that the refusal or the browser hold are asserted. Those that only a layer holds are asserted once [`LAYERS`]
//! names the layer; until then the table and the output list them as open.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has no better way to say so")]

mod collector;
mod dynamic;
mod fixed;
mod network;
mod program;

use std::fmt::Write as _;
use std::path::Path;

use collector::Collector;

/// The layers that the program puts around the engine. A layer that is named here makes its probes assertions.
const LAYERS: &[Layer] = &[Layer::Files, Layer::Network];

/// A layer around the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// The engine and the browser read the project, the engine and the system's programs only.
    Files,
    /// Loopback, private addresses and UDP are out of reach.
    Network,
}

/// What keeps a probe from arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeldBy {
    /// The project is not rendered at all.
    Refusal,
    /// The browser, or the engine's file server.
    Browser,
    /// A layer.
    Layer(Layer),
}

/// One line of the table.
#[derive(Debug)]
struct Row {
    name: String,
    held_by: HeldBy,
    /// What arrived; empty if nothing did.
    arrived: String,
    /// Whether this machine allows the probe.
    is_tried: bool,
}

impl Row {
    /// A probe that this machine does not allow, for the reason in its name.
    fn untried(name: String) -> Self {
        Self { name, held_by: HeldBy::Layer(Layer::Network), arrived: String::new(), is_tried: false }
    }

    fn is_asserted(&self) -> bool {
        match self.held_by {
            HeldBy::Refusal | HeldBy::Browser => true,
            HeldBy::Layer(layer) => LAYERS.contains(&layer),
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = format!("{:<44} {:<16} {}\n", "probe", "held by", "what arrived");
    for row in rows {
        let held_by = match row.held_by {
            HeldBy::Layer(layer) => format!("layer: {layer:?}").to_lowercase(),
            other => format!("{other:?}").to_lowercase(),
        };
        let arrived = match (row.arrived.as_str(), row.is_asserted()) {
            _ if !row.is_tried => "not tried".to_owned(),
            ("", true) => "nothing".to_owned(),
            ("", false) => "nothing (not asserted)".to_owned(),
            (arrived, true) => format!("LEAK: {arrived}"),
            (arrived, false) => format!("OPEN: {arrived}"),
        };
        writeln!(table, "{:<44} {held_by:<16} {arrived}", row.name).unwrap();
    }
    table
}

#[test]
fn nothing_of_the_machine_arrives() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let secrets = program::Secrets::write(&folder.path().canonicalize().unwrap());
    let mut rows = fixed::run(&collector, &secrets);
    rows.extend(dynamic::run(&collector, &secrets));
    let open = rows.iter().filter(|row| !row.is_asserted() && !row.arrived.is_empty()).count();
    let count =
        format!("{} probes, {open} open until a layer that holds them is part of the program", rows.len());
    let table = format!("{}{count}\n", table(&rows));
    // `cargo xtask test hostile` prints it.
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tables");
    std::fs::create_dir_all(&tables).unwrap();
    std::fs::write(tables.join("hostile.txt"), &table).unwrap();
    assert!(rows.len() >= 30, "{} probes", rows.len());
    let leaks = rows.iter().filter(|row| row.is_asserted() && !row.arrived.is_empty()).collect::<Vec<_>>();
    assert!(leaks.is_empty(), "{leaks:#?}\n{table}");
}

#[test]
fn an_example_is_rendered_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/launch-card");
    let (code, output) = program::render(&example, folder.path(), "", &[]);
    assert_eq!(code, 0, "{output}");
    assert!(folder.path().join("v.mp4").is_file());
}
