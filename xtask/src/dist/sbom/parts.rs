//! The parts of a product.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// A part of a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Component {
    pub(super) name: String,
    /// The version; empty if the product allows several.
    pub(super) version: String,
    /// The registry in package URLs: `cargo` or `npm`.
    pub(super) registry: &'static str,
    /// The licence, as an SPDX expression; empty if unknown.
    pub(super) license: String,
    /// The algorithm and the hash, in hexadecimal, of the package in the registry; `None` for our own.
    pub(super) hash: Option<(&'static str, String)>,
    /// `required`, `optional`, or `excluded` if it is used for the build only.
    pub(super) scope: &'static str,
    pub(super) repository: String,
}

impl Component {
    /// The package URL, which identifies the component; source: the specification of package URLs.
    pub(super) fn url(&self) -> String {
        let name = self.name.replace('@', "%40");
        let version = if self.version.is_empty() { String::new() } else { format!("@{}", self.version) };
        format!("pkg:{}/{name}{version}", self.registry)
    }

    pub(super) fn to_json(&self) -> Value {
        let (group, name) = match self.name.split_once('/') {
            Some((group, name)) => (Some(group), name),
            None => (None, self.name.as_str()),
        };
        let mut json = json!({ "type": "library", "bom-ref": self.url(), "name": name, "scope": self.scope,
            "purl": self.url() });
        if let Some(group) = group {
            json["group"] = json!(group);
        }
        if !self.version.is_empty() {
            json["version"] = json!(self.version);
        }
        if !self.license.is_empty() {
            json["licenses"] = json!([{ "expression": self.license.replace('/', " OR ") }]);
        }
        if let Some((algorithm, hash)) = &self.hash {
            json["hashes"] = json!([{ "alg": algorithm, "content": hash }]);
        }
        if self.repository.starts_with("https://") {
            json["externalReferences"] = json!([{ "type": "vcs", "url": self.repository }]);
        }
        json
    }
}

/// The parts of a product, and which of them uses which, by package URLs.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) components: BTreeMap<String, Component>,
    pub(super) uses: BTreeMap<String, BTreeSet<String>>,
}

impl Parts {
    /// Adds a component and returns its package URL. What one platform requires, the product requires.
    pub(super) fn add(&mut self, component: Component) -> String {
        let url = component.url();
        let is_required = component.scope == "required";
        let known = self.components.entry(url.clone()).or_insert(component);
        if is_required {
            known.scope = "required";
        }
        self.uses.entry(url.clone()).or_default();
        url
    }

    pub(super) fn uses(&mut self, user: &str, used: String) {
        self.uses.entry(user.to_owned()).or_default().insert(used);
    }

    pub(super) fn append(&mut self, other: Self) {
        for component in other.components.into_values() {
            self.add(component);
        }
        for (user, used) in other.uses {
            self.uses.entry(user).or_default().extend(used);
        }
    }
}
