//! Links between pages, to files of the repository and to anchors, checked without a network.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::address::{BLOB, SITE, resolve};
use super::page::Page;
use crate::command::root;

/// Returns the links of pages that lead nowhere.
pub(super) fn problems(pages: &[Page]) -> Result<Vec<String>> {
    let by_path = pages.iter().map(|page| (page.path.as_str(), page)).collect::<BTreeMap<_, _>>();
    let mut problems = Vec::new();
    for page in pages {
        for link in &page.links {
            if let Some(problem) = problem(page, &link.target, &by_path) {
                problems.push(format!("{}:{}: {problem}: {}", page.path, link.line, link.target));
            }
        }
    }
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md"))?;
    for page in pages.iter().filter_map(Page::in_book) {
        if !summary.contains(&format!("({page})")) {
            problems.push(format!("docs/SUMMARY.md: {page} is missing"));
        }
    }
    Ok(problems)
}

fn problem(page: &Page, target: &str, pages: &BTreeMap<&str, &Page>) -> Option<&'static str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if let Some(path) = path.strip_prefix(BLOB) {
        path.to_owned()
    } else if let Some(path) = path.strip_prefix(SITE) {
        match path {
            // Built by `cargo xtask docs`, checked by the suite `site`.
            "" | "preflight/" | "llms.txt" => return None,
            path => format!("docs/{}", path.replace(".html", ".md")),
        }
    } else if path.starts_with("https://") || path.starts_with("http://127.0.0.1") {
        return path.contains(char::is_whitespace).then_some("invalid URL");
    } else if path.contains("://") {
        return Some("not an HTTPS URL");
    } else if path.is_empty() {
        page.path.clone()
    } else {
        resolve(&page.path, path)
    };
    // The preflight page is put there by `cargo xtask docs`.
    if path.starts_with("docs/preflight/") {
        return None;
    }
    if !root().join(&path).exists() {
        return Some("file not found");
    }
    match pages.get(path.as_str()) {
        _ if anchor.is_empty() => None,
        Some(page) if page.anchors.contains(anchor) => None,
        Some(_) => Some("no such heading"),
        None => None,
    }
}

/// Returns the links of the built site that lead nowhere.
pub(super) fn broken_in_site(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    collect(folder, "", &mut names)?;
    let mut problems = Vec::new();
    // The page for unknown addresses has a base of its own, and the page for printing repeats the others.
    let checked = names.iter().filter(|name| {
        name.ends_with(".html") && !matches!(name.as_str(), "404.html" | "print.html" | "toc.html")
    });
    for name in checked {
        let html = fs::read_to_string(folder.join(name))?;
        // Within tags only: a page may show attributes in its text.
        let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
        let parts = tags.flat_map(|tag| [" href=\"", " src=\""].map(|name| tag.split(name).nth(1)));
        for part in parts.flatten() {
            let target = part.split('"').next().unwrap_or_default();
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            if path.contains(':') || path.contains("preflight/") {
                continue;
            }
            let file = if path.is_empty() { name.clone() } else { resolve(name, path) };
            let file = if folder.join(&file).is_dir() { format!("{file}/index.html") } else { file };
            if !names.contains(&file) {
                problems.push(format!("site: {name}: file not found: {target}"));
            } else if !anchor.is_empty() && file.ends_with(".html") {
                let other = fs::read_to_string(folder.join(&file))?;
                if !other.contains(&format!("id=\"{anchor}\"")) {
                    problems.push(format!("site: {name}: no such anchor: {target}"));
                }
            }
        }
    }
    problems.dedup();
    Ok(problems)
}

/// Appends the paths of the files below a folder.
fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_and_a_missing_heading_are_found() {
        let text = "# A\n\n[x](gone.md) [y](#b) [z](#a) [w](ftp://example.com) [v](https://example.com)\n";
        let page = Page::parse("docs/a.md".to_owned(), text.to_owned());
        let pages = BTreeMap::from([("docs/checks.md", &page), ("docs/a.md", &page)]);
        assert_eq!(problem(&page, "gone.md", &pages), Some("file not found"));
        assert_eq!(problem(&page, "checks.md#b", &pages), Some("no such heading"));
        assert_eq!(problem(&page, "checks.md#a", &pages), None);
        assert_eq!(problem(&page, "ftp://example.com", &pages), Some("not an HTTPS URL"));
        assert_eq!(problem(&page, "https://example.com", &pages), None);
    }
}
