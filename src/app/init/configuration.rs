//! The configuration of the repository.

use std::collections::BTreeSet;

use hyperframes_ci_core::findings::CONFIG_FILE;

use super::choices::Events;
use super::repository::Repository;
use super::{DOCS, EXAMPLE_PROJECT};
use crate::app::config::{self, slug};
use crate::system::gate::Reach;

/// URL of the schema of the configuration, for editors.
const SCHEMA: &str =
    "https://raw.githubusercontent.com/hyperframes-ci/hyperframes-ci/main/docs/hyperframes-ci.schema.json";

/// Returns the text of the configuration: one entry for each project, or an entry in comments without any.
pub(super) fn configuration(repository: &Repository, events: &Events) -> String {
    let mut text = format!(
        "#:schema {SCHEMA}\n\
         # Documentation: {DOCS}/docs/configuration.md\n\
         \n\
         [defaults] # options of every render; `hyperframes-ci render --help` lists them\n\
         quality = \"standard\" # draft, standard or high\n"
    );
    if repository.projects.is_empty() {
        let entry = entries(&[EXAMPLE_PROJECT.to_owned()], events, &mut BTreeSet::new());
        text.push_str("\n# One entry for each video:\n#\n");
        for line in entry.trim().lines() {
            text.push_str(&format!("# {line}\n"));
        }
    } else {
        text.push_str(&entries(&repository.projects, events, &mut BTreeSet::new()));
    }
    text
}

/// Returns the entries of projects that an existing configuration lacks; `None` if it has all of them, has no entries at
/// all, or cannot be read. Without entries, the action renders every project.
pub(super) fn missing_entries(repository: &Repository, events: &Events) -> Option<String> {
    // Read only if no link leads out of the repository.
    repository.text(CONFIG_FILE)?;
    let file = config::read(&repository.root, None, &Reach::anywhere()).ok()?;
    let known = file.entries.iter().map(|entry| normalized(&entry.project)).collect::<BTreeSet<_>>();
    let missing = repository.projects.iter().filter(|project| !known.contains(normalized(project)));
    let missing = missing.cloned().collect::<Vec<_>>();
    let mut names = file.entries.iter().map(|entry| entry.name.clone()).collect();
    let is_complete = file.entries.is_empty() || missing.is_empty();
    (!is_complete).then(|| entries(&missing, events, &mut names).trim_start().to_owned())
}

/// Returns a project path without what does not change it.
fn normalized(project: &str) -> &str {
    match project.trim_start_matches("./").trim_end_matches('/') {
        "" => ".",
        project => project,
    }
}

/// Returns the entries of projects; `names` are those in use.
fn entries(projects: &[String], events: &Events, names: &mut BTreeSet<String>) -> String {
    let on = events.0.iter().map(|event| quote(event)).collect::<Vec<_>>().join(", ");
    let mut text = String::new();
    for project in projects {
        text.push_str("\n[[render]]\n");
        // The default, as the reader of the configuration makes it.
        let default = slug(&format!("{project}/"));
        if !names.insert(default.clone()) {
            let free = (2..).map(|number| format!("{default}-{number}")).find(|name| !names.contains(name));
            let name = free.unwrap_or(default);
            text.push_str(&format!("name = {}\n", quote(&name)));
            names.insert(name);
        }
        text.push_str(&format!("project = {}\non = [{on}]\n", quote(project)));
    }
    text
}

/// Returns a basic string of TOML. Strings of JSON are such strings, except that they may contain DEL. Control characters and
/// invisible ones, which could disguise a name, are escaped.
fn quote(text: &str) -> String {
    let mut quoted = String::new();
    for character in serde_json::Value::from(text).to_string().chars() {
        let code = u32::from(character);
        if !character.is_control() && !is_invisible(character) {
            quoted.push(character);
        } else if code <= 0xffff {
            quoted.push_str(&format!("\\u{code:04x}"));
        } else {
            quoted.push_str(&format!("\\U{code:08x}"));
        }
    }
    quoted
}

/// Returns whether a character changes the direction of text, or has no width.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_configuration_are_unique() {
        let projects = ["a/b", "a-b", "A b"].map(str::to_owned);
        let text = entries(&projects, &Events(vec!["release".to_owned()]), &mut BTreeSet::new());
        assert!(text.starts_with("\n[[render]]\nproject = \"a/b\"\non = [\"release\"]\n"), "{text}");
        assert!(text.contains("name = \"a-b-2\"\nproject = \"a-b\"\n"), "{text}");
    }

    #[test]
    fn any_path_can_be_quoted() {
        assert_eq!(quote("a\"b\\c\u{7f}\u{1}"), r#""a\"b\\c\u007f\u0001""#);
        for text in ["a\u{202e}b", "\u{200b}\u{85}x", "\u{e0041}", "gr\u{fc}n \u{1f600}"] {
            let quoted = quote(text);
            let table = format!("x = {quoted}").parse::<toml::Table>().expect("valid TOML");
            assert_eq!(table["x"].as_str(), Some(text));
            let is_shown = |character: char| !character.is_control() && !is_invisible(character);
            assert!(quoted.chars().all(is_shown), "{quoted}");
        }
        assert_eq!(quote("a\u{202e}b"), r#""a\u202eb""#);
    }
}
