//! Crates, as cargo resolves them for a platform.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};

use super::parts::{Component, Parts};
use crate::command::{cargo, root};

/// Adds the crates that `package` is built from for `triple`; returns those that it uses itself.
pub(super) fn read(package: &str, triple: &str, parts: &mut Parts) -> Result<BTreeSet<String>> {
    let arguments = ["tree", "--locked", "--edges=normal", "--prefix=depth", "--format=|{p}|{l}|{r}"];
    let output = cargo(&arguments).args(["--package", package, "--target", triple]).output()?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let direct = tree(&String::from_utf8(output.stdout)?, &checksums()?, parts)?;
    ensure!(!direct.is_empty(), "cargo tree prints no dependencies of {package}");
    Ok(direct)
}

/// Reads what `cargo tree` prints: the depth, the package, its licence and its repository.
fn tree(text: &str, checksums: &BTreeMap<String, String>, parts: &mut Parts) -> Result<BTreeSet<String>> {
    let mut direct = BTreeSet::new();
    // The package URL at each depth, with the root package as an empty one.
    let mut path = vec![String::new()];
    // What build-only crates use is for the build only, too.
    let mut excluded_from = usize::MAX;
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        let fields = line.split('|').collect::<Vec<_>>();
        let [depth, package, license, repository] = fields[..] else {
            anyhow::bail!("cargo tree prints {line:?}")
        };
        let depth = depth.parse::<usize>()?;
        let mut words = package.split(' ');
        let (name, version) = words.next().zip(words.next()).context("a package")?;
        let version = version.trim_start_matches('v').to_owned();
        if depth <= excluded_from {
            excluded_from = if package.contains("(proc-macro)") { depth } else { usize::MAX };
        }
        let checksum = checksums.get(&format!("{name} {version}"));
        let used = parts.add(Component {
            name: name.to_owned(),
            version,
            registry: "cargo",
            license: license.trim_end_matches(" (*)").to_owned(),
            hash: checksum.map(|checksum| ("SHA-256", checksum.clone())),
            scope: if excluded_from == usize::MAX { "required" } else { "excluded" },
            repository: repository.trim_end_matches(" (*)").to_owned(),
        });
        path.truncate(depth);
        match depth {
            1 => _ = direct.insert(used.clone()),
            _ => parts.uses(path.last().context("a parent")?, used.clone()),
        }
        path.push(used);
    }
    Ok(direct)
}

/// The checksums in Cargo.lock by name and version; crates of the workspace have none.
fn checksums() -> Result<BTreeMap<String, String>> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?.parse::<toml::Table>()?;
    let packages = lock["package"].as_array().context("packages in Cargo.lock")?;
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let checksum = |package: &toml::Value| {
        let name = format!("{} {}", text(package, "name")?, text(package, "version")?);
        Some((name, text(package, "checksum")?))
    };
    Ok(packages.iter().filter_map(checksum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_edges_and_scopes() {
        let text = "0|top v1.0.0 (/x)|MIT|\n1|a v1.0.0|MIT/Apache-2.0|https://a.example\n\
            2|m v2.0.0 (proc-macro)|MIT|\n3|syn v3.0.0|MIT|\n2|b v0.1.0|Zlib|\n1|m v2.0.0 (proc-macro)|MIT| (*)\n1|b v0.1.0|Zlib|\n";
        let mut parts = Parts::default();
        let checksums = BTreeMap::from([("b 0.1.0".to_owned(), "00".to_owned())]);
        let direct = tree(text, &checksums, &mut parts).unwrap();
        let urls =
            |names: &[&str]| names.iter().map(|name| format!("pkg:cargo/{name}")).collect::<BTreeSet<_>>();
        assert_eq!(direct, urls(&["a@1.0.0", "m@2.0.0", "b@0.1.0"]));
        assert_eq!(parts.uses["pkg:cargo/a@1.0.0"], urls(&["m@2.0.0", "b@0.1.0"]));
        assert_eq!(parts.uses["pkg:cargo/m@2.0.0"], urls(&["syn@3.0.0"]));
        let scopes =
            parts.components.values().map(|part| (part.name.as_str(), part.scope)).collect::<Vec<_>>();
        assert_eq!(scopes, [("a", "required"), ("b", "required"), ("m", "excluded"), ("syn", "excluded")]);
        let b = parts.components["pkg:cargo/b@0.1.0"].to_json();
        assert_eq!(b["hashes"][0]["content"], "00");
        assert_eq!(b["licenses"][0]["expression"], "Zlib");
        let a = parts.components["pkg:cargo/a@1.0.0"].to_json();
        assert_eq!(a["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }
}
