//! Software bills of materials of a release, in CycloneDX 1.6: of the program, of the npm package of the checks, and of the
//! engine that the program installs.
//!
//! They are made of the lock files and of what cargo resolves, so that equal sources have equal files.

mod cargo;
mod npm;
mod parts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::project::{DESCRIPTION, REPOSITORY, VERSION};
use super::target::TARGETS;
use crate::command::root;
use parts::{Component, Parts};

/// Returns the bill of a product.
fn bill(name: &str, description: &str, direct: &BTreeSet<String>, parts: &Parts) -> Value {
    let product = format!("{name}@{VERSION}");
    let edges = parts.uses.iter().map(|(user, used)| json!({ "ref": user, "dependsOn": used }));
    let edges = std::iter::once(json!({ "ref": product, "dependsOn": direct })).chain(edges);
    let mut bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": product, "name": name, "version": VERSION, "description": description,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                "externalReferences": [{ "type": "vcs", "url": REPOSITORY }],
            },
        },
        "components": parts.components.values().map(Component::to_json).collect::<Vec<_>>(),
        "dependencies": edges.collect::<Vec<_>>(),
    });
    bill["serialNumber"] = json!(format!("urn:uuid:{}", uuid(bill.to_string().as_bytes())));
    bill
}

/// An identifier that depends on the contents only: version 8 of RFC 9562.
fn uuid(contents: &[u8]) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(contents)[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// Returns the names of the files, and their bills.
///
/// # Errors
/// Returns an error if cargo fails, or a lock file cannot be read or lacks a hash.
pub(crate) fn bills() -> Result<Vec<(String, Value)>> {
    let mut program = Parts::default();
    let mut direct = BTreeSet::new();
    for target in TARGETS {
        direct.extend(cargo::read("hyperframes-ci", target.triple, &mut program)?);
    }
    let mut checks = Parts::default();
    let mut of_checks = cargo::read("hyperframes-ci-wasm", "wasm32-unknown-unknown", &mut checks)?;
    of_checks.extend(npm::manifest(&root().join("wasm/npm/package.json"), &mut checks)?);
    let mut engine = Parts::default();
    let mut of_engine = BTreeSet::new();
    for lock in ["src/engine/lock", "src/system/programs/node_lock"] {
        let mut parts = Parts::default();
        of_engine.extend(npm::lock(&root().join(lock).join("package-lock.json"), &mut parts)?);
        engine.append(parts);
    }
    let file = |name: &str| format!("{name}.cdx.json");
    Ok(vec![
        (file("hyperframes-ci"), bill("hyperframes-ci", DESCRIPTION, &direct, &program)),
        (
            file("hyperframes-preflight"),
            bill("hyperframes-preflight", "The checks for Node.js and browsers", &of_checks, &checks),
        ),
        (
            file("hyperframes-ci-engine"),
            bill(
                "hyperframes-ci-engine",
                "The engine and Node, as hyperframes-ci installs them for renders on the machine",
                &of_engine,
                &engine,
            ),
        ),
    ])
}

/// Writes the bills to a folder and returns their paths.
///
/// # Errors
/// As [`bills`], and if a file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut written = Vec::new();
    for (name, bill) in bills()? {
        let path = folder.join(&name);
        fs::write(&path, format!("{bill:#}\n")).with_context(|| format!("cannot write {name}"))?;
        written.push(path);
    }
    Ok(written)
}
