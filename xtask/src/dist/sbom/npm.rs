//! npm packages, from lock files and manifests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value};

use super::parts::{Component, Parts};

/// Adds the packages of a lock file; returns those that it is for.
pub(super) fn lock(path: &Path, parts: &mut Parts) -> Result<BTreeSet<String>> {
    let lock = serde_json::from_str::<Value>(&fs::read_to_string(path)?)?;
    let packages =
        lock["packages"].as_object().with_context(|| format!("no packages in {}", path.display()))?;
    locked(packages, parts).with_context(|| path.display().to_string())
}

fn locked(packages: &Map<String, Value>, parts: &mut Parts) -> Result<BTreeSet<String>> {
    let mut urls = Map::new();
    for (place, package) in packages.iter().filter(|(place, _)| !place.is_empty()) {
        urls.insert(place.clone(), Value::from(parts.add(component(place, package)?)));
    }
    let mut direct = BTreeSet::new();
    for (place, package) in packages {
        for name in ["dependencies", "optionalDependencies"]
            .iter()
            .filter_map(|kind| package[*kind].as_object())
            .flat_map(Map::keys)
        {
            // Optional dependencies of other systems may not be in the lock file.
            let Some(used) = resolve(&urls, place, name) else { continue };
            match urls.get(place).and_then(Value::as_str) {
                None => _ = direct.insert(used),
                Some(user) => parts.uses(user, used),
            }
        }
    }
    Ok(direct)
}

/// Finds a package as Node does: in the folders above the one that asks for it.
fn resolve(urls: &Map<String, Value>, place: &str, name: &str) -> Option<String> {
    let mut folder = place;
    loop {
        let candidate = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        if let Some(url) = urls.get(&format!("{candidate}node_modules/{name}")) {
            return url.as_str().map(str::to_owned);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once("node_modules/").map_or("", |(above, _)| above.trim_end_matches('/'));
    }
}

fn component(place: &str, package: &Value) -> Result<Component> {
    let name = place.rsplit("node_modules/").next().unwrap_or(place);
    let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let integrity = text("integrity");
    let hash = integrity.strip_prefix("sha512-").with_context(|| format!("{name} has no SHA-512"))?;
    let hash = BASE64_STANDARD.decode(hash)?.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    ensure!(!text("version").is_empty(), "{name} has no version");
    Ok(Component {
        name: name.to_owned(),
        version: text("version"),
        registry: "npm",
        license: text("license"),
        hash: Some(("SHA-512", hash)),
        scope: if package["optional"] == true { "optional" } else { "required" },
        repository: String::new(),
    })
}

/// Adds the dependencies of a published package; npm resolves their versions when it is installed.
pub(super) fn manifest(path: &Path, parts: &mut Parts) -> Result<BTreeSet<String>> {
    let manifest = serde_json::from_str::<Value>(&fs::read_to_string(path)?)?;
    let names = manifest["dependencies"].as_object().into_iter().flat_map(Map::keys);
    let component = |name: &String| Component {
        name: name.clone(),
        registry: "npm",
        scope: "required",
        ..Component::default()
    };
    Ok(names.map(|name| parts.add(component(name))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packages_are_found_where_node_finds_them() {
        let package = |version: &str, dependencies: Value| json!({ "version": version, "license": "MIT", "integrity": "sha512-AAE=", "dependencies": dependencies });
        let packages = json!({
            "": { "dependencies": { "a": "1" } },
            "node_modules/a": package("1.0.0", json!({ "@x/b": "1", "gone": "1" })),
            "node_modules/a/node_modules/@x/b": package("1.0.0", json!({ "c": "1" })),
            "node_modules/@x/b": package("2.0.0", json!({})),
            "node_modules/c": package("3.0.0", json!({ "@x/b": "2" })),
        });
        let mut parts = Parts::default();
        let direct = locked(packages.as_object().unwrap(), &mut parts).unwrap();
        assert_eq!(direct, BTreeSet::from(["pkg:npm/a@1.0.0".to_owned()]));
        let uses = |url: &str| parts.uses[url].iter().cloned().collect::<Vec<_>>();
        assert_eq!(uses("pkg:npm/a@1.0.0"), ["pkg:npm/%40x/b@1.0.0"]);
        assert_eq!(uses("pkg:npm/%40x/b@1.0.0"), ["pkg:npm/c@3.0.0"]);
        assert_eq!(uses("pkg:npm/c@3.0.0"), ["pkg:npm/%40x/b@2.0.0"]);
        let b = parts.components["pkg:npm/%40x/b@2.0.0"].to_json();
        assert_eq!((b["group"].as_str(), b["name"].as_str()), (Some("@x"), Some("b")));
        assert_eq!(b["hashes"][0]["content"], "0001");
    }

    #[test]
    fn a_package_without_a_hash_is_an_error() {
        let packages = json!({ "node_modules/a": { "version": "1.0.0" } });
        assert!(locked(packages.as_object().unwrap(), &mut Parts::default()).is_err());
    }
}
