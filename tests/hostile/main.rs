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
mod setup;

use std::fmt::Write as _;
use std::path::Path;

use collector::Collector;
use setup::Setup;

/// The layers that the program puts around the engine. A layer that is named here makes its probes assertions.
const LAYERS: &[Layer] = &[Layer::Files, Layer::Network];

/// The only probe that needs a layer of the kernel: the browser sends these packets past its proxy.
const WITHOUT_KERNEL: &str = "loopback by WebRTC, UDP";

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
    /// The setup, unless it is the usual one.
    setup: &'static str,
}

impl Row {
    /// A probe that this machine does not allow, for the reason in its name.
    fn untried(name: String) -> Self {
        Self {
            name,
            held_by: HeldBy::Layer(Layer::Network),
            arrived: String::new(),
            is_tried: false,
            setup: "",
        }
    }

    fn of_setup(self, setup: &'static str) -> Self {
        Self { setup, ..self }
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
    for row in rows.iter().filter(|row| row.setup.is_empty()) {
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
    let hosts = collector.test_hosts();
    let folder = tempfile::tempdir().unwrap();
    let secrets = program::Secrets::write(&folder.path().canonicalize().unwrap());
    let other = tempfile::tempdir().unwrap();
    for shared in [folder.path(), other.path()] {
        // Only the layers keep another user from what is in there.
        open_to_all(shared);
    }
    let mut rows = fixed::run(&collector, &secrets);
    let mut text = String::new();
    rows.extend(dynamic::run(&collector, &secrets, &Setup::usual("all layers", &hosts)));
    for (name, forbids_namespaces) in
        [("without privileges", false), ("without privileges and user namespaces", true)]
    {
        match Setup::unprivileged(name, &hosts, other.path(), forbids_namespaces) {
            Ok(setup) => {
                let found = dynamic::run(&collector, &secrets, &setup);
                text.push_str(&summary(&setup, &found));
                rows.extend(found.into_iter().map(|row| row.of_setup(name)));
            }
            Err(reason) => writeln!(text, "{name}: not tried: {reason}").unwrap(),
        }
    }
    // The layers of the kernel alone, above those that every system has; and none, to see that the probes arrive then.
    for (name, layers, is_off) in [
        ("node-permission, network-proxy", Some("none"), false),
        ("the same and bubblewrap", Some("bubblewrap"), false),
        ("the same, bubblewrap and network-namespace", Some("bubblewrap,network-namespace"), false),
        ("the same and landlock", Some("landlock"), false),
        ("no layer", None, true),
    ] {
        let setup = Setup { layers, is_off, ..Setup::usual(name, &hosts) };
        if let Some(reason) = setup.lacking() {
            writeln!(text, "{name}: not tried: {reason}").unwrap();
            continue;
        }
        let found = dynamic::run(&collector, &secrets, &setup);
        text.push_str(&summary(&setup, &found));
        if is_off {
            let arrived = found.iter().filter(|row| !row.arrived.is_empty()).count();
            assert!(arrived > 20, "only {arrived} probes arrive without a layer: {found:#?}");
        } else {
            let asserted =
                found.into_iter().filter(|row| layers != Some("none") || row.name != WITHOUT_KERNEL);
            rows.extend(asserted.map(|row| row.of_setup(name)));
        }
    }
    let main = rows.iter().filter(|row| row.setup.is_empty()).count();
    let table = format!("{}{main} probes\n{text}", table(&rows));
    // `cargo xtask test hostile` prints it.
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tables");
    std::fs::create_dir_all(&tables).unwrap();
    std::fs::write(tables.join("hostile.txt"), &table).unwrap();
    let leaks = rows.iter().filter(|row| row.is_asserted() && !row.arrived.is_empty()).collect::<Vec<_>>();
    assert!(leaks.is_empty(), "{leaks:#?}\n{table}");
    let documented = include_str!("../../docs/security.md");
    assert!(
        documented.contains(&format!("from one of {main} probes")),
        "docs/security.md has not {main} probes"
    );
}

/// A line about one setup.
fn summary(setup: &Setup, rows: &[Row]) -> String {
    let arrived = rows.iter().filter(|row| !row.arrived.is_empty()).map(|row| row.name.as_str());
    let arrived = arrived.collect::<Vec<_>>();
    let names = if setup.is_off { String::new() } else { format!(": {}", arrived.join(", ")) };
    let names = names.trim_end_matches(": ");
    format!(
        "{}: {} of {} probes of scripts and elements arrive{names}\n",
        setup.name,
        arrived.len(),
        rows.len()
    )
}

fn open_to_all(folder: &Path) {
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn an_example_is_rendered_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/launch-card");
    let (code, output) = program::render(&example, folder.path(), &Setup::default(), &[]);
    assert_eq!(code, 0, "{output}");
    assert!(folder.path().join("v.mp4").is_file());
}
