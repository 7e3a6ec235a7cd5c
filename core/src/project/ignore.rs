//! Ignore rules: decide which files of a project are packed.
//!
//! The rules are those of the official CLI (`hyperframes publish` and `cloud render`): a fixed set that cannot be
//! overridden, then `.hyperframesignore` in gitignore syntax, which overrides three defaults. Case is ignored. Files that
//! often contain credentials are also in the fixed set.

use std::collections::BTreeSet;

use super::credential_name::is_hidden_credential;
use super::pattern::Pattern;
use crate::text::lower;

/// The file with ignore rules, at the root of the project.
pub const IGNORE_FILE: &str = ".hyperframesignore";

/// The composition that every project must have at its root.
pub const DEFAULT_COMPOSITION: &str = "index.html";

/// Names of directories and files that are never packed.
const NEVER_PACKED: &[&str] =
    &[".git", "node_modules", "dist", ".next", "coverage", ".DS_Store", "Thumbs.db"];

/// Rules that apply unless `.hyperframesignore` negates them: the output directories of renders and snapshots, and hidden
/// files.
const DEFAULT_RULES: &[&str] = &["/renders/", "/snapshots/", HIDDEN];

/// The rule about hidden files and directories.
const HIDDEN: &str = ".*";

/// The reason that a path is not packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// A segment of the path starts with a dot. Holds the line that includes it again, such as `!.media/`.
    Hidden(String),
    /// A segment of the path is in the fixed set, such as `node_modules`.
    NeverPacked,
    /// A segment of the path is the name of a file or directory with credentials, such as `.env`.
    Credentials,
    /// An output or rows file of the command itself, excluded so that a second run packs the same files.
    Output,
    /// One of the default rules about outputs.
    DefaultRule(&'static str),
    /// A rule of `.hyperframesignore`.
    Rule {
        /// Line in the file, from 1.
        line: usize,
        /// The rule as written.
        text: String,
    },
}

impl std::fmt::Display for Exclusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hidden(_) => {
                f.write_str("hidden files (names that start with a dot) are ignored by default")
            }
            Self::Credentials => f.write_str("files that often contain credentials are never packed"),
            Self::NeverPacked => {
                f.write_str("build output and dependencies (node_modules, dist, …) are never packed")
            }
            Self::Output => f.write_str("output files and rows files of the command are never packed"),
            Self::DefaultRule(rule) => write!(f, "`{rule}` is ignored by default"),
            Self::Rule { line, text } => write!(f, "ignored by line {line} of {IGNORE_FILE} (`{text}`)"),
        }
    }
}

/// The ignore rules of one project.
///
/// ```
/// use hyperframes_ci_core::project::{Exclusion, IgnoreRules};
///
/// let rules = IgnoreRules::new(Some("*.psd\n!logo.psd\n"));
/// assert_eq!(rules.exclusion_of_file("art/logo.psd"), None);
/// assert!(matches!(rules.exclusion_of_file("art/draft.psd"), Some(Exclusion::Rule { line: 1, .. })));
/// assert_eq!(rules.exclusion_of_file("node_modules/x.js"), Some(Exclusion::NeverPacked));
/// ```
#[derive(Clone, Debug)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
    /// Outputs without a placeholder, in lower case: there may be thousands.
    output_files: BTreeSet<String>,
    /// Outputs with placeholders.
    output_templates: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    directories_only: bool,
    origin: Exclusion,
}

impl IgnoreRules {
    /// Parses the text of `.hyperframesignore`, if the project has one. Lines that are not valid patterns match
    /// nothing, as in Git.
    #[must_use]
    pub fn new(ignore_file: Option<&str>) -> Self {
        let defaults =
            DEFAULT_RULES.iter().filter_map(|rule| Rule::parse(rule, Exclusion::DefaultRule(rule)));
        let own =
            ignore_file.unwrap_or_default().trim_start_matches('\u{feff}').lines().enumerate().filter_map(
                |(index, text)| {
                    Rule::parse(text, Exclusion::Rule { line: index + 1, text: text.trim_end().to_owned() })
                },
            );
        Self {
            rules: defaults.chain(own).collect(),
            output_files: BTreeSet::new(),
            output_templates: Vec::new(),
        }
    }

    /// Also excludes the files at `paths` (relative to the project, with `/`), which the command itself writes or
    /// reads. `{name}` in a path matches any text.
    #[must_use]
    pub fn with_outputs(self, paths: &[String]) -> Self {
        let (templates, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.contains('{'));
        Self {
            output_files: files.into_iter().map(|path| lowercase(path)).collect(),
            output_templates: templates.into_iter().map(|path| Pattern::template(path)).collect(),
            ..self
        }
    }

    /// Returns whether the command itself writes the file at `path`, or reads rows from it.
    fn is_output(&self, path: &str) -> bool {
        !self.output_files.is_empty() && self.output_files.contains(&lowercase(path))
            || self.output_templates.iter().any(|output| output.matches(path))
    }

    /// Returns the reason that `path` (relative to the project, with `/`) itself is not packed; `None` if it is packed.
    ///
    /// Everything inside an excluded directory is excluded too, even if a rule re-includes it, because a walk does not
    /// enter the directory. [`exclusion_of_file`](Self::exclusion_of_file) also checks the parents.
    #[must_use]
    pub fn exclusion(&self, path: &str, is_directory: bool) -> Option<Exclusion> {
        let name = path.rsplit('/').next().unwrap_or(path);
        if NEVER_PACKED.contains(&name) {
            return Some(Exclusion::NeverPacked);
        }
        if is_hidden_credential(name) {
            return Some(Exclusion::Credentials);
        }
        if self.is_output(path) {
            return Some(Exclusion::Output);
        }
        let last = self.rules.iter().rev().find(|rule| rule.matches(path, is_directory))?;
        if last.negated {
            return None;
        }
        Some(match &last.origin {
            Exclusion::DefaultRule(HIDDEN) => {
                Exclusion::Hidden(format!("!{name}{}", if is_directory { "/" } else { "" }))
            }
            origin => origin.clone(),
        })
    }

    /// Returns the reason that the file at `path` is not packed: a rule about itself or about a directory above it.
    #[must_use]
    pub fn exclusion_of_file(&self, path: &str) -> Option<Exclusion> {
        path.match_indices('/')
            .find_map(|(slash, _)| self.exclusion(&path[..slash], true))
            .or_else(|| self.exclusion(path, false))
    }
}

impl Rule {
    fn parse(line: &str, origin: Exclusion) -> Option<Self> {
        let mut text = trim_unescaped_spaces(line.trim_end_matches('\r'));
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let negated = text.starts_with('!');
        if negated {
            text = &text[1..];
        }
        let directories_only = text.ends_with('/');
        let body = text.trim_end_matches('/');
        if body.is_empty() {
            return None;
        }
        // A slash at the start or in the middle anchors a rule at the root; other rules apply at every depth.
        let pattern = Pattern::new(body.strip_prefix('/').unwrap_or(body), body.contains('/'))?;
        Some(Self { pattern, negated, directories_only, origin })
    }

    fn matches(&self, path: &str, is_directory: bool) -> bool {
        (is_directory || !self.directories_only) && self.pattern.matches(path)
    }
}

fn lowercase(path: &str) -> String {
    path.chars().map(lower).collect()
}

/// Removes trailing spaces unless a backslash escapes them.
fn trim_unescaped_spaces(line: &str) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t']);
    let backslashes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    if backslashes % 2 == 1 && trimmed.len() < line.len() { &line[..=trimmed.len()] } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(rules: &str, path: &str) -> bool {
        IgnoreRules::new(Some(rules)).exclusion_of_file(path).is_none()
    }

    #[test]
    fn the_fixed_set_cannot_be_negated() {
        for path in ["node_modules/a.js", "a/dist/b.js", ".git/config", "a/.env", "Thumbs.db", "x/.DS_Store"]
        {
            assert!(!kept("!*\n!**/*\n!node_modules/\n!dist/\n!.env\n", path), "{path}");
        }
        for path in
            [".env", ".ENV.local", ".npmrc", "a/.netrc", ".ssh/id", ".aws/credentials", ".heygen/credentials"]
        {
            assert!(!kept("!.*\n!.ssh/\n!.env\n!.npmrc", path), "{path}");
        }
        assert!(kept("", "distribution/a.js"));
    }

    #[test]
    fn the_defaults_hold_at_the_root_and_can_be_negated() {
        assert!(!kept("", "renders/a.mp4"));
        assert!(kept("", "assets/renders/a.mp4"));
        assert!(kept("!/renders/", "renders/a.mp4"));
        assert!(kept("!.media/", ".media/a.png") && kept("!.media/", "a/.media/b/c.png"));
        assert!(!kept("!.media/", ".media/.env") && !kept("!.media/", ".cache/a.png"));
        let hidden = IgnoreRules::new(None).exclusion_of_file("a/.media/b.png");
        assert_eq!(hidden, Some(Exclusion::Hidden("!.media/".to_owned())));
    }

    #[test]
    fn the_rule_that_decides_is_named() {
        let rules = IgnoreRules::new(Some("# notes\n*.psd\n!keep.psd\n"));
        assert_eq!(
            rules.exclusion_of_file("art/logo.PSD"),
            Some(Exclusion::Rule { line: 2, text: "*.psd".to_owned() })
        );
        assert_eq!(rules.exclusion_of_file("art/keep.psd"), None);
    }

    #[test]
    fn a_directory_takes_its_contents_with_it() {
        assert!(!kept("drafts/\n!drafts/keep.html\n", "drafts/keep.html"));
        assert!(kept("drafts/*\n!drafts/keep.html\n", "drafts/keep.html"));
    }

    #[test]
    fn escapes_and_trailing_spaces() {
        assert!(!kept("\\#note.txt", "#note.txt"));
        assert!(!kept("\\!important.txt", "!important.txt"));
        assert!(!kept("a\\*b", "a*b"));
        assert!(kept("a\\*b", "axb"));
        assert!(!kept("name   ", "name"));
    }

    proptest! {
        /// The same verdict as ripgrep's gitignore implementation, over short patterns and paths.
        #[test]
        fn agrees_with_the_ignore_crate(
            lines in prop::collection::vec(
                "(!)?/?([abC*?]{1,3}|[ab]?\\[(a|[bc]|B-C|\\]c-d)\\][*?]?|\\*\\*)(/([ab*?]{1,2}|\\[[ab]\\]|\\*\\*)){0,2}/?",
                1..4,
            ),
            path in "[abBc]{1,2}(/[abc]{1,2}){0,3}",
            is_directory: bool,
        ) {
            let mut builder = ignore::gitignore::GitignoreBuilder::new("");
            builder.case_insensitive(true).expect("a valid setting");
            for line in &lines {
                builder.add_line(None, line).expect("a valid line");
            }
            let reference = builder.build().expect("valid rules").matched(&path, is_directory).is_ignore();
            let ours = IgnoreRules::new(Some(&lines.join("\n"))).exclusion(&path, is_directory).is_some();
            prop_assert_eq!(ours, reference, "{:?} on {}", lines, path);
        }
    }
}
