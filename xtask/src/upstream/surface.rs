//! What this project depends on in the official package.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::script::{members, string, strings};

/// The kinds of names, and how a heading calls them.
const KINDS: &[(&str, &str)] = &[
    ("command", "commands"),
    ("flag", "flags"),
    ("lint code", "lint codes"),
    ("API path", "API paths"),
    ("default ignore rule", "default ignore rules"),
    ("variable type", "variable types"),
];

/// The constants with ignore rules.
const IGNORE_LISTS: &[&str] = &["IGNORED_DIRS =", "IGNORED_FILES =", "DEFAULT_PROJECT_IGNORE ="];

/// Names by kind.
#[derive(Debug, Default)]
pub(super) struct Surface(BTreeMap<&'static str, BTreeSet<String>>);

impl Surface {
    /// Collects the names in the scripts of a release.
    pub(super) fn of(scripts: &[String]) -> Self {
        let mut surface = Self::default();
        for script in scripts {
            surface.commands(script);
            if script.contains("function lintProject(") || script.contains("unclosed_tag_swallowed_element") {
                surface.codes(script);
            }
            surface.paths(script);
            for list in IGNORE_LISTS {
                surface.list("default ignore rule", script, list);
            }
            surface.list("variable type", script, "COMPOSITION_VARIABLE_TYPES =");
        }
        surface
    }

    fn add(&mut self, kind: &'static str, name: String) {
        self.0.entry(kind).or_default().insert(name);
    }

    /// Returns whether a name is known.
    pub(super) fn has(&self, kind: &str, name: &str) -> bool {
        self.0.get(kind).is_some_and(|names| names.contains(name))
    }

    /// Returns the kinds without a name: the package is built in another way.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        KINDS.iter().filter(|(kind, _)| !self.0.contains_key(kind)).map(|(_, heading)| *heading).collect()
    }

    /// Returns what differs, as Markdown; empty if nothing does.
    pub(super) fn changes(&self, later: &Self) -> String {
        let mut text = String::new();
        let none = BTreeSet::new();
        for (kind, heading) in KINDS {
            let (before, after) = (self.0.get(kind).unwrap_or(&none), later.0.get(kind).unwrap_or(&none));
            for (verb, names) in [("New", after - before), ("Removed", before - after)] {
                if !names.is_empty() {
                    let _ = write!(text, "\n### {verb} {heading}\n\n");
                    names.iter().for_each(|name| {
                        let _ = writeln!(text, "- `{name}`");
                    });
                }
            }
        }
        text
    }

    /// Commands and flags: `defineCommand({ meta: { name: "lint" }, args: { json: { … } } })`.
    fn commands(&mut self, script: &str) {
        for (at, word) in script.match_indices("defineCommand(") {
            let definition = members(&script[at + word.len()..]);
            let value =
                |name: &str| definition.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
            let meta = value("meta").map(members).unwrap_or_default();
            let name = meta.iter().find(|(name, _)| name == "name").and_then(|(_, value)| string(value));
            let Some((command, _)) = name else { continue };
            for (flag, about) in value("args").map(members).unwrap_or_default() {
                let kind = members(about).into_iter().find(|(name, _)| name == "type");
                if kind.and_then(|(_, value)| string(value)).is_none_or(|(kind, _)| kind != "positional") {
                    self.add("flag", format!("{command} --{flag}"));
                }
            }
            self.add("command", command);
        }
    }

    fn codes(&mut self, script: &str) {
        for (at, word) in script.match_indices("code: \"") {
            let Some((code, _)) = string(&script[at + word.len() - 1..]) else { continue };
            let is_code = code.contains('_')
                && code
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
            if is_code {
                self.add("lint code", code);
            }
        }
    }

    /// Paths such as `/v3/assets/${id}/complete`, without what is put in.
    fn paths(&mut self, script: &str) {
        for (at, _) in script.match_indices("/v") {
            let is_start = script[..at].ends_with(['"', '\'', '`']);
            let is_version = script[at + 2..].starts_with(|letter: char| letter.is_ascii_digit());
            if !is_start || !is_version {
                continue;
            }
            let Some((path, _)) = string(&script[at - 1..]) else { continue };
            let mut plain = String::new();
            let mut depth = 0_usize;
            for letter in path.split('?').next().unwrap_or_default().chars() {
                match letter {
                    '{' => {
                        depth += 1;
                        plain.push_str(if depth == 1 { "{}" } else { "" });
                    }
                    '}' => depth = depth.saturating_sub(1),
                    '$' => {}
                    letter if depth == 0 => plain.push(letter),
                    _ => {}
                }
            }
            if !plain.contains(char::is_whitespace) {
                self.add("API path", plain);
            }
        }
    }

    fn list(&mut self, kind: &'static str, script: &str, constant: &str) {
        for (at, word) in script.match_indices(constant) {
            for name in strings(&script[at + word.len()..]) {
                self.add(kind, name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_listed_by_kind() {
        let script = |code: &str, flag: &str| {
            Surface::of(&[format!(
                "async function lintProject(a) {{}}\nx = {{ code: \"{code}\", severity: 1 }};\n\
                 var a = defineCommand({{ meta: {{ name: \"lint\" }}, args: {{ dir: {{ type: \"positional\" }}, \
                 {flag}: {{ type: \"boolean\" }} }} }});\nfetch(`/v3/a/${{encode(b)}}/c?d=${{e}}`);\n\
                 var IGNORED_DIRS = new Set([\".git\"]);\nvar COMPOSITION_VARIABLE_TYPES = [\n  \"string\"\n];"
            )])
        };
        let (old, new) = (script("a_b", "json"), script("a_c", "json"));
        assert!(old.has("flag", "lint --json") && !old.has("flag", "lint --dir"));
        assert!(old.has("API path", "/v3/a/{}/c") && old.missing().is_empty());
        assert_eq!(
            old.changes(&new),
            "\n### New lint codes\n\n- `a_c`\n\n### Removed lint codes\n\n- `a_b`\n"
        );
        assert_eq!(old.changes(&old), "");
    }
}
