//! The software bills of materials of a release: valid by the official schema, complete, and the same twice.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::suite::Outcome;
use crate::command::{root, say, succeed, target};
use crate::dist::sbom;
use crate::provision::{Tool, python_tool};

/// Brings the official validator with the schemas.
const CYCLONEDX: Tool = Tool { package: "cyclonedx-bom", version: "7.5.0", program: "cyclonedx-py" };

/// Prints what is invalid in the files that it is called with.
const VALIDATE: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
errors = [(path, validator.validate_str(open(path).read())) for path in sys.argv[1:]]
sys.exit('\\n'.join(f'{path}: {error}' for path, error in errors if error) or 0)";

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    let python = python_tool(&CYCLONEDX)?.with_file_name("python");
    let folder = target().join("sbom");
    let _ = fs::remove_dir_all(&folder);
    let written = sbom::write(&folder)?;
    succeed(Command::new(&python).args(["-c", VALIDATE]).args(&written))?;
    // A validator that accepts everything is none.
    let broken = folder.join("broken.json");
    fs::write(&broken, fs::read_to_string(&written[0])?.replace("\"SHA-256\"", "\"CRC-32\""))?;
    let refused = Command::new(&python).args(["-c", VALIDATE]).arg(&broken).output()?;
    ensure!(!refused.status.success(), "the validator accepts an invalid bill");
    let mut counts = Vec::new();
    for ((name, bill), path) in sbom::bills()?.into_iter().zip(&written) {
        ensure!(fs::read_to_string(path)? == format!("{bill:#}\n"), "{name} is different the second time");
        counts.push(format!("{name}: {} components", check(&bill).with_context(|| name.clone())?));
    }
    let engine = sbom::bills()?.pop().context("the bill of the engine")?.1;
    let locked = locked("src/engine/lock")? + locked("src/system/programs/node_lock")?;
    let listed = engine["components"].as_array().map_or(0, Vec::len);
    ensure!(listed == locked, "the engine has {listed} components, its lock files {locked}");
    say(&counts.join("\n"));
    Ok(Outcome::Passed)
}

/// Checks that every edge leads to a component, and that every component of a registry has a hash; returns their number.
fn check(bill: &Value) -> Result<usize> {
    let components = bill["components"].as_array().context("components")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let known =
        components.iter().filter_map(|component| text(&component["bom-ref"])).collect::<BTreeSet<_>>();
    ensure!(known.len() == components.len(), "components are listed twice");
    let edges = bill["dependencies"].as_array().context("dependencies")?;
    let used =
        edges.iter().flat_map(|edge| edge["dependsOn"].as_array().into_iter().flatten().filter_map(text));
    let used = used.collect::<BTreeSet<_>>();
    ensure!(used.is_subset(&known), "edges lead to unknown components");
    ensure!(used == known, "nothing uses {:?}", known.difference(&used).collect::<Vec<_>>());
    for component in components.iter().filter(|component| component.get("version").is_some()) {
        let is_ours = component["name"].as_str().is_some_and(|name| name.starts_with("hyperframes-ci"));
        ensure!(is_ours || component.get("hashes").is_some(), "{} has no hash", component["name"]);
        ensure!(component.get("licenses").is_some(), "{} has no licence", component["name"]);
    }
    Ok(components.len())
}

/// The number of packages of a lock file, each version once.
fn locked(folder: &str) -> Result<usize> {
    let text = fs::read_to_string(root().join(folder).join("package-lock.json"))?;
    let lock = serde_json::from_str::<Value>(&text)?;
    let packages =
        lock["packages"].as_object().context("packages")?.iter().filter(|(place, _)| !place.is_empty());
    let name = |place: &str| place.rsplit("node_modules/").next().unwrap_or_default().to_owned();
    Ok(packages
        .map(|(place, package)| (name(place), package["version"].to_string()))
        .collect::<BTreeSet<_>>()
        .len())
}
