//! The codes of errors in the sources beside the headings of `docs/troubleshooting.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

use super::page::Page;
use crate::command::root;

/// The page.
const PAGE: &str = "docs/troubleshooting.md";

/// Files whose errors have codes, besides those of `src`.
const CORE: &[&str] = &["core/src/job/failure.rs"];

/// Returns codes without a heading, and headings without a code.
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
    Ok(missing.chain(unknown).collect())
}

/// Returns the codes of all errors: the string literals in functions named `code` that return a string.
fn codes() -> Result<BTreeSet<String>> {
    let mut files = CORE.iter().map(|path| root().join(path)).collect();
    sources(&root().join("src"), &mut files)?;
    let mut found = Codes(BTreeSet::new());
    for file in files {
        let text = fs::read_to_string(&file)?;
        let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        found.visit_file(&parsed);
    }
    Ok(found.0)
}

/// Appends the Rust files below a folder.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
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

/// Collects codes.
struct Codes(BTreeSet<String>);

impl<'a> Visit<'a> for Codes {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if function.sig.ident == "code" {
            Literals(&mut self.0).visit_block(&function.block);
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
    fn codes_of_errors_are_found_in_the_sources() {
        let codes = codes().expect("sources");
        for code in ["usage", "timeout", "render_failed", "max_renders", "invalid_config"] {
            assert!(codes.contains(code), "{code} in {codes:?}");
        }
    }
}
