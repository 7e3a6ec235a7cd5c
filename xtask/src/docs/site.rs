//! Builds the site from `docs/`: staged with links for the web, rendered by mdBook, with `llms.txt` and the Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::address::{BLOB, SITE, resolve};
use super::page::Page;
use super::pins;
use crate::command::{root, succeed, target};
use crate::files::copy;
use crate::provision::{self, CargoTool};

/// The first line of `llms.txt`.
const DESCRIPTION: &str = "Checks HyperFrames compositions, renders them to video in the HeyGen cloud or locally, and shows \
                           the results on pull requests and releases. A command line, a GitHub Action and a GitLab component.";

/// The program that renders the book; without its server.
const MDBOOK: CargoTool<'_> = CargoTool {
    name: "mdbook",
    program: "mdbook",
    version: "0.5.4",
    flags: &["--no-default-features", "--features", "search"],
};

/// Installs the program that renders the book.
pub(super) fn mdbook() -> Result<PathBuf> {
    provision::cargo_crate(&MDBOOK)
}

/// Builds the book with everything but the preflight page; returns the folder.
///
/// # Errors
/// Returns an error if mdBook cannot be installed or refuses the book.
pub(super) fn build(pages: &[Page]) -> Result<PathBuf> {
    let mdbook = mdbook()?;
    let staged = target().join("docs-source");
    let folder = target().join("docs-site");
    for folder in [&staged, &folder] {
        let _ = fs::remove_dir_all(folder);
    }
    copy(&root().join("docs"), &staged)?;
    let commit = pins::released();
    for page in pages.iter().filter(|page| page.in_book().is_some()) {
        let text = published(page, commit.as_deref())?;
        fs::write(staged.join(page.in_book().unwrap_or_default()), text)?;
    }
    succeed(Command::new(mdbook).arg("build").arg(&staged).arg("--dest-dir").arg(&folder))?;
    // mdBook copies whatever is not Markdown, its own settings included.
    let _ = fs::remove_file(folder.join("book.toml"));
    write_for_models(pages, &staged, &folder)?;
    // Pages of GitHub leave out files with certain names otherwise.
    fs::write(folder.join(".nojekyll"), "")?;
    Ok(folder)
}

/// Returns a page as the site shows it: the changelog included, links to files of the repository absolute, our action
/// pinned by the commit of the release.
fn published(page: &Page, commit: Option<&str>) -> Result<String> {
    const INCLUDE: &str = "{{#include ../CHANGELOG.md}}";
    let mut text = page.text.clone();
    for link in &page.links {
        if link.target.contains("://") || !link.target.starts_with("../") {
            continue;
        }
        let (path, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
        let resolved = resolve(&page.path, path);
        if !resolved.starts_with("docs/") {
            let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
            text = text.replace(&format!("]({})", link.target), &format!("]({BLOB}{resolved}{anchor})"));
        }
    }
    if text.contains(INCLUDE) {
        let changelog = fs::read_to_string(root().join("CHANGELOG.md"))?;
        let (_, entries) = changelog.split_once('\n').context("CHANGELOG.md is empty")?;
        text = text.replace(INCLUDE, entries);
    }
    Ok(match commit {
        Some(commit) => pins::pinned(&text, commit),
        None => text,
    })
}

/// Writes `llms.txt` (<https://llmstxt.org>), `llms-full.txt` and the Markdown of each page beside its HTML.
fn write_for_models(pages: &[Page], staged: &Path, folder: &Path) -> Result<()> {
    let summary = fs::read_to_string(staged.join("SUMMARY.md"))?;
    let mut index = format!("# hyperframes-ci\n\n> {DESCRIPTION}\n\n## Overview\n\n");
    let mut full = String::new();
    for line in summary.lines() {
        if let Some(part) = line.strip_prefix("# ").filter(|part| *part != "Summary") {
            let _ = write!(index, "\n## {part}\n\n");
            continue;
        }
        let Some(path) =
            line.split_once("](").and_then(|(_, rest)| rest.split_once(')')).map(|(path, _)| path)
        else {
            continue;
        };
        let page = pages.iter().find(|page| page.in_book() == Some(path));
        let page = page.with_context(|| format!("docs/SUMMARY.md: {path} is not a page"))?;
        let first = page.summary.split_inclusive(". ").next().unwrap_or_default().trim();
        let text = fs::read_to_string(staged.join(path))?;
        let _ = writeln!(index, "- [{}]({SITE}{path}): {first}", page.title);
        let _ = write!(full, "{text}\n\n");
        let copied = folder.join(path);
        fs::write(copied, text)?;
    }
    fs::write(folder.join("llms.txt"), index)?;
    fs::write(folder.join("llms-full.txt"), full)?;
    Ok(())
}
