//! The codes of errors, and the headings and exit codes of `docs/troubleshooting.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

use super::page::Page;
use crate::command::root;

/// The page.
pub(super) const PAGE: &str = "docs/troubleshooting.md";

/// Files whose errors have codes, besides those of `src`.
const CORE: &[&str] = &["core/src/job/failure.rs"];

/// The file that knows codes of the API: they are passed on, with a remedy of ours.
const API: &str = "core/src/api/error.rs";

/// Returns codes without a heading, headings without a code, and entries that do not state the exit code of a sample.
pub(super) fn problems(pages: &[Page]) -> Result<Vec<String>> {
    let page = pages.iter().find(|page| page.path == PAGE).context("docs/troubleshooting.md is missing")?;
    let codes = codes()?;
    let headings = page
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("### `"))
        .filter_map(|line| line.strip_suffix('`'));
    let headings = headings.map(str::to_owned).collect::<BTreeSet<_>>();
    let missing = codes.difference(&headings).map(|code| format!("{PAGE}: the code {code} has no heading"));
    let unknown = headings.difference(&codes).map(|code| format!("{PAGE}: no error has the code {code}"));
    let mut problems = missing.chain(unknown).collect::<Vec<_>>();
    for code in snapshots()? {
        let sample = fs::read_to_string(root().join(format!("tests/snapshots/errors/{code}.txt")))?;
        let missing =
            exits(&sample, "exit code: ").difference(&stated(&page.text, &code)).copied().collect::<Vec<_>>();
        if !missing.is_empty() {
            problems.push(format!("{PAGE}: {code} does not state the exit code {missing:?}"));
        }
    }
    Ok(problems)
}

/// Returns the exit codes that the entry of an error states.
fn stated(page: &str, code: &str) -> BTreeSet<u8> {
    let entry = page.split("\n### `").find_map(|entry| entry.strip_prefix(&format!("{code}`\n")));
    entry.map(|entry| exits(entry, "Exit code ")).unwrap_or_default()
}

/// Returns the numbers in the sentences that begin with `start`, such as 2 and 4 in "Exit code 2 or 4.".
fn exits(text: &str, start: &str) -> BTreeSet<u8> {
    let sentences = text.lines().filter_map(|line| line.strip_prefix(start)?.split('.').next());
    sentences.flat_map(|sentence| sentence.split([' ', ',']).filter_map(|word| word.parse().ok())).collect()
}

/// Returns the codes of all errors: the string literals in functions named `code` that return a string, the codes of the API
/// with a remedy, and those of the snapshots.
fn codes() -> Result<BTreeSet<String>> {
    let mut files = CORE.iter().map(|path| root().join(path)).collect();
    sources(&root().join("src"), &mut files)?;
    let mut found = snapshots()?;
    for file in files {
        found.extend(literals(&file, "code")?);
    }
    let is_code = |text: &String| text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    found.extend(literals(&root().join(API), "help")?.into_iter().filter(is_code));
    Ok(found)
}

/// Returns the codes of the snapshots.
pub(super) fn snapshots() -> Result<BTreeSet<String>> {
    let files = fs::read_dir(root().join("tests/snapshots/errors"))?;
    let names =
        files.map(|file| Ok(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned())));
    names.filter_map(Result::transpose).collect()
}

/// Returns the string literals in the functions of a name in a file.
fn literals(file: &Path, function: &'static str) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(file)?;
    let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
    let mut found = Functions { function, literals: BTreeSet::new() };
    found.visit_file(&parsed);
    Ok(found.literals)
}

/// Appends the Rust files below a folder.
pub(super) fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Collects the string literals in the methods called `function`.
struct Functions {
    function: &'static str,
    literals: BTreeSet<String>,
}

impl<'a> Visit<'a> for Functions {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if function.sig.ident == self.function {
            Literals(&mut self.literals).visit_block(&function.block);
        }
    }
}

/// Collects string literals.
struct Literals<'a>(&'a mut BTreeSet<String>);

impl<'a> Visit<'a> for Literals<'_> {
    fn visit_lit_str(&mut self, literal: &'a syn::LitStr) {
        self.0.insert(literal.value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_read_from_entries_and_samples() {
        let page = "\n### `a`\n\nExit code 1, 5 or 6. Version 2 of a file.\n\n### `b`\n\nExit code 2. No.\n";
        assert_eq!(stated(page, "a"), [1, 5, 6].into());
        assert_eq!(stated(page, "b"), [2].into());
        assert_eq!(stated(page, "c"), [].into());
        assert_eq!(exits("error: a\nexit code: 1\n\nerror: b\nexit code: 4\n", "exit code: "), [1, 4].into());
    }

    #[test]
    fn codes_of_errors_are_found_in_the_sources() {
        let codes = codes().expect("sources");
        for code in
            ["usage", "timeout", "render_failed", "max_renders", "invalid_config", "rate_limit_exceeded"]
        {
            assert!(codes.contains(code), "{code} in {codes:?}");
        }
    }
}
