//! Checks for what is refused before the engine starts, so that it is found without a render.

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};
use crate::project::{Destination, TextKind, Tree, below, join};
use crate::refusal::{self, Reason, refers_to_files};

/// Checks the references of packed pages, and the first bytes of other files.
pub(super) fn check(pages: &Pages<'_>) -> Vec<Diagnostic> {
    let tree = pages.tree;
    let mut found = Vec::new();
    for page in pages.all() {
        let packed = below(tree.project(), &page.path).filter(|path| tree.packed(path).is_some());
        if let (Some(path), Some(kind)) = (packed, TextKind::of_path(&page.path)) {
            found.extend(references(tree, page, path, kind));
        }
    }
    for file in tree.files().iter().filter(|file| TextKind::of_path(&file.path).is_none()) {
        let path = join(tree.project(), &file.path);
        if let Some(list) = tree.head(&path).and_then(|head| refers_to_files(&head)) {
            let message = format!("the file is {list}, which makes FFmpeg open other files");
            let help = "remove the file, or replace it by the media that it lists";
            found.push(Diagnostic::new(Rule::PlaylistFile, path, message).help(help));
        }
    }
    found
}

fn references(tree: &dyn Tree, page: &Page, path: &str, kind: TextKind) -> Vec<Diagnostic> {
    let text = page.text();
    refusal::references(kind, path, &page.source, &|path| tree.packed(path).is_some())
        .into_iter()
        .filter(|refused| !is_known(page, refused))
        .map(|refused| {
            let (rule, help) = match refused.reason {
                Reason::PrivateAddress(_) | Reason::Scheme => (
                    Rule::PrivateAddress,
                    "copy the file into the project, or refer to a public host by https:",
                ),
                _ => (Rule::OutsideReference, "copy the file into the project, or remove the reference"),
            };
            text.finding(rule, refused.span, format!("{:?} {}", refused.target, refused.reason)).help(help)
        })
        .collect()
}

/// Returns whether the reference has another finding, or is bundled with the project.
fn is_known(page: &Page, refused: &refusal::Refusal) -> bool {
    page.references.iter().filter(|(reference, _)| reference.span == refused.span).any(|(_, destination)| {
        matches!(
            destination,
            Destination::LocalFile
                | Destination::Escapes
                | Destination::Outside(_)
                | Destination::Missing(_)
                | Destination::Ignored(..)
                | Destination::OtherCase(..)
        )
    })
}
