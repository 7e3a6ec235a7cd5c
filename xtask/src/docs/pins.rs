//! Versions in workflows: our own action by the tag that the release script moves, other actions by the commits that our
//! own workflows pin.
//!
//! A commit cannot contain its own hash, so the sources say `@v0`. The site, which is built after a release, says
//! `@<commit> # v0.1.0` instead: see [`pinned`].

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::page::Page;
use crate::command::root;

/// Our own action.
const OURS: &str = "hyperframes-ci/hyperframes-ci";

/// Actions that only the documentation uses: name, commit, version.
const DOCUMENTED: &[(&str, &str, &str)] = &[
    ("aws-actions/configure-aws-credentials", "e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6.2.3"),
    ("google-github-actions/auth", "7c6bc770dae815cd3e89ee6cdf493a5fab2cc093", "v3.0.0"),
    ("github/codeql-action/upload-sarif", "8aad20d150bbac5944a9f9d289da16a4b0d87c1e", "v4.36.2"),
];

/// Returns the tag that examples use: the major version that `action/release.sh` moves.
pub(super) fn tag() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("v{}", version.split('.').next().unwrap_or(version))
}

/// Returns `uses:` lines by action: those of our own workflows and of `action.yml`.
fn known() -> Result<BTreeMap<String, String>> {
    let mut known = BTreeMap::new();
    let mut add = |name: &str, pin: String| known.insert(name.to_owned(), pin);
    for (name, commit, version) in DOCUMENTED {
        add(name, format!("{commit} # {version}"));
    }
    let mut files = vec![root().join("action.yml")];
    for entry in fs::read_dir(root().join(".github/workflows"))? {
        files.push(entry?.path());
    }
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        for (name, pin) in text.lines().filter_map(used) {
            add(name, pin.to_owned());
        }
    }
    Ok(known)
}

/// Returns the action and the pin of a line `uses: NAME@PIN`.
fn used(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let target = line.strip_prefix("- uses: ").or_else(|| line.strip_prefix("uses: "))?;
    let (name, pin) = target.split_once('@')?;
    Some((name, pin.trim()))
}

/// Returns whether this is our action, or a reusable workflow beside it.
fn is_ours(name: &str) -> bool {
    name.strip_prefix(OURS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the pin that a line of the documentation should have.
fn expected(name: &str, known: &BTreeMap<String, String>) -> Option<String> {
    if is_ours(name) { Some(tag()) } else { known.get(name).cloned() }
}

/// Returns a page with the pins that it should have.
pub(super) fn update(text: &str) -> Result<String> {
    let known = known()?;
    let update = |line: &str| {
        let (name, pin) = used(line)?;
        Some(line.replace(&format!("{name}@{pin}"), &format!("{name}@{}", expected(name, &known)?)))
    };
    Ok(text.split_inclusive('\n').map(|line| update(line).unwrap_or_else(|| line.to_owned())).collect())
}

/// Returns pins that differ from those of our own workflows and releases.
pub(super) fn problems(pages: &[Page]) -> Result<Vec<String>> {
    let known = known()?;
    let mut problems = Vec::new();
    for page in pages {
        for (index, line) in page.text.lines().enumerate() {
            let Some((name, pin)) = used(line) else { continue };
            let place = format!("{}:{}", page.path, index + 1);
            match expected(name, &known) {
                None => problems.push(format!("{place}: xtask/src/docs/pins.rs has no commit for {name}")),
                Some(expected) if expected != pin => {
                    problems.push(format!(
                        "{place}: {name}@{pin} should be {expected} (cargo xtask docs --update)"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    Ok(problems)
}

/// Returns a text with our action and workflows pinned by `commit` instead of its tag.
pub(super) fn pinned(text: &str, commit: &str) -> String {
    let tag = tag();
    let pin = format!("{commit} # v{}", env!("CARGO_PKG_VERSION"));
    let pinned = text.split_inclusive('\n').map(|line| match used(line) {
        Some((name, known)) if is_ours(name) && known == tag => {
            line.replace(&format!("{name}@{tag}"), &format!("{name}@{pin}"))
        }
        _ => line.to_owned(),
    });
    pinned.collect()
}

/// Returns the commit of this version's release, if it has been released and the tag has been fetched.
pub(super) fn released() -> Option<String> {
    let tag = format!("refs/tags/v{}^{{commit}}", env!("CARGO_PKG_VERSION"));
    let mut git = Command::new("git");
    let output = git.args(["rev-parse", "--quiet", "--verify", &tag]).current_dir(root()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_use_an_action_are_found() {
        assert_eq!(used("      - uses: a/b@v1 # x"), Some(("a/b", "v1 # x")));
        assert_eq!(used("        uses: a/b/c@v1"), Some(("a/b/c", "v1")));
        assert_eq!(used("      - run: a@b"), None);
    }

    #[test]
    fn pins_follow_our_workflows_and_the_release_script() {
        let page = format!("      - uses: actions/checkout@v1\n      - uses: {OURS}@v99\n");
        let parsed = Page::parse("docs/a.md".to_owned(), page.clone());
        assert_eq!(problems(&[parsed]).expect("files").len(), 2);
        let updated = update(&page).expect("files");
        assert!(
            updated.contains(&format!("{OURS}@{}\n", tag())) && !updated.contains("checkout@v1\n"),
            "{updated}"
        );
        // The reusable workflow uses the action of the same release.
        let workflow = fs::read_to_string(root().join(".github/workflows/videos.yml")).expect("a workflow");
        let ours = workflow.lines().filter_map(used).filter(|(name, _)| is_ours(name)).collect::<Vec<_>>();
        assert!(ours.len() == 3 && ours.iter().all(|(_, pin)| pin.split(' ').next() == Some(&tag())));
        let caller = format!("    uses: {OURS}/.github/workflows/videos.yml@{}\n", tag());
        assert_eq!(update(&caller.replace(&tag(), "v99")).expect("files"), caller);
        assert!(pinned(&caller, "abc").contains("videos.yml@abc # v"), "{}", pinned(&caller, "abc"));
        let script = fs::read_to_string(root().join("action/release.sh")).expect("a script");
        assert!(script.contains("v${VERSION%%.*}"), "the release script moves the tag of the major version");
    }
}
