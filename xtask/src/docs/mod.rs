//! The documentation site: `docs/` as an mdBook with the preflight page and `llms.txt`, and what its suite checks.

mod address;
mod blocks;
mod codes;
mod console;
mod links;
mod messages;
mod page;
mod pins;
mod site;

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::command::{cargo, root, say, succeed};
use crate::{files, preflight_page};
use page::Page;

/// Builds the whole site with the preflight page; returns its folder.
///
/// # Errors
/// Returns an error if a page is invalid, or mdBook or the WebAssembly module cannot be built.
pub(crate) fn build() -> Result<PathBuf> {
    let folder = site::build(&Page::all()?)?;
    let preflight = folder.join("preflight");
    files::copy(&preflight_page::build()?, &preflight)?;
    Ok(folder)
}

/// Installs what builds the site.
///
/// # Errors
/// Returns an error if mdBook cannot be installed.
pub(crate) fn prepare() -> Result<()> {
    site::mdbook().map(drop)
}

/// Rewrites everything that is generated: reference pages, pins of actions and the output of commands.
///
/// # Errors
/// Returns an error if a generator fails; names it.
pub(crate) fn update() -> Result<()> {
    update_reference()?;
    update_output()
}

/// Rewrites the reference pages and the schema.
fn update_reference() -> Result<()> {
    let bless = |arguments: &[&str]| {
        // A test that writes its page compares it afterwards, and so succeeds.
        succeed(cargo(&["test", "--workspace", "--quiet"]).args(arguments).env("BLESS", "1"))
    };
    bless(&["--bin", "hyperframes-ci", "reference::"])?;
    bless(&["--test", "integration", "documentation_lists"])?;
    bless(&["--test", "integration", "published_schema"])
}

/// Rewrites pins of actions, messages in troubleshooting and the output of commands.
///
/// # Errors
/// Returns an error if the program cannot be built or a page cannot be written.
pub(crate) fn update_output() -> Result<()> {
    for page in Page::all()? {
        let text = pins::update(&page.text)?;
        if text != page.text {
            fs::write(root().join(&page.path), text)?;
            say(&format!("{}: pins updated", page.path));
        }
    }
    messages::update(&Page::all()?)?;
    console::update(&Page::all()?)
}

/// Checks all pages; returns a line about the code blocks that are not run.
///
/// # Errors
/// Returns an error that lists everything that is wrong.
pub(crate) fn test() -> Result<String> {
    let pages = Page::all()?;
    let mut problems = Vec::new();
    problems.extend(pins::problems(&pages)?);
    problems.extend(codes::problems(&pages)?);
    problems.extend(messages::problems(&pages)?);
    problems.extend(links::problems(&pages)?);
    problems.extend(blocks::problems(&pages)?);
    let folder = site::build(&pages)?;
    problems.extend(links::broken_in_site(&folder)?);
    problems.extend(console::problems(&pages)?);
    let blocks = pages.iter().flat_map(|page| &page.blocks).collect::<Vec<_>>();
    let skipped = pages.iter().flat_map(|page| page.blocks.iter().map(move |block| (page, block)));
    let skipped = skipped.filter_map(|(page, block)| Some((page, block, block.not_run()?)));
    let mut count = 0;
    for (page, block, reason) in skipped {
        say(&format!("not run: {}:{}: {reason}", page.path, block.line));
        count += 1;
    }
    ensure!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
    Ok(format!("{} pages, {} code blocks, {count} of them not run", pages.len(), blocks.len()))
}
