//! Checks of references between files.

use super::graph::Graph;
use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule, Text};
use crate::project::{Destination, Exclusion, IGNORE_FILE, Link, Reference};

/// Checks references. References that leave the repository are checked in every packed page, all others only in pages
/// that a composition uses.
pub(super) fn check(pages: &Pages<'_>, graph: &Graph) -> Vec<Diagnostic> {
    let used = graph.used();
    let mut found = Vec::new();
    for page in pages.all() {
        let text = page.text();
        // In source order, like the references.
        let mut mounts = page.composition.mounts.iter().map(|mount| mount.source_span).peekable();
        let is_used = used.contains(page.path.as_str());
        for (reference, destination) in &page.references {
            while mounts.next_if(|mount| mount.start < reference.span.start).is_some() {}
            let is_mount = mounts.peek() == Some(&reference.span);
            let refused = matches!(destination, Destination::Escapes | Destination::LocalFile);
            if is_used || refused {
                found.extend(judge(&text, page, reference, destination, is_mount));
            }
        }
    }
    found
}

fn judge(
    text: &Text<'_>,
    page: &Page,
    reference: &Reference,
    destination: &Destination,
    is_mount: bool,
) -> Option<Diagnostic> {
    let target = &reference.target;
    let finding =
        |rule, message: String, help: &str| Some(text.finding(rule, reference.span, message).help(help));
    let either = |mount, asset| if is_mount { mount } else { asset };
    match destination {
        // A directory, or a name without an extension: a script may complete it, but a mount must be a file.
        Destination::None if is_mount && matches!(Link::of(target), Link::Relative(_) | Link::Root(_)) => {
            finding(
                Rule::MountMissing,
                format!("{target:?} is not a file in the project"),
                "refer to an HTML file, such as compositions/intro.html",
            )
        }
        Destination::None | Destination::Packed(_) | Destination::Outside(_) => None,
        Destination::Insecure => finding(
            Rule::InsecureReference,
            format!("{target:?} is loaded over unencrypted http"),
            "use https:, or copy the file into the project",
        ),
        Destination::Placeholder => finding(
            Rule::PlaceholderReference,
            format!("{target:?} contains a placeholder and is not checked"),
            "check the output of the build, where the placeholder is replaced",
        ),
        Destination::LocalFile => finding(
            Rule::LocalFileUrl,
            format!("{target:?} points to a file on this machine"),
            "copy the file into the project, and use a relative path",
        ),
        Destination::Escapes => finding(
            Rule::EscapingReference,
            format!("{target:?} points outside the repository, or to a hidden file"),
            "copy the file into the project; files outside the repository and hidden files are never packed",
        ),
        Destination::Ignored(_, reason) => finding(
            either(Rule::MountIgnored, Rule::IgnoredAsset),
            format!("{target:?} is excluded from the archive: {reason}"),
            &remedy(reason),
        ),
        Destination::OtherCase(_, actual) => finding(
            Rule::AssetCaseMismatch,
            format!("{target:?} differs from the file {actual:?} in case only"),
            "use the exact name of the file; the cloud is case-sensitive",
        ),
        Destination::Missing(path) => finding(
            either(Rule::MountMissing, Rule::MissingAsset),
            format!("file not found: {path} (referenced as {target:?})"),
            if page.path == *path {
                "remove the reference"
            } else {
                "commit the file, or correct the reference"
            },
        ),
    }
}

/// Returns the help for a file that is not packed.
pub(super) fn remedy(reason: &Exclusion) -> String {
    match reason {
        Exclusion::Rule { line, .. } => {
            format!("change line {line} of {IGNORE_FILE}, or negate it with a later line that starts with !")
        }
        Exclusion::DefaultRule(rule) => format!("add !{rule} to {IGNORE_FILE}, or move the file"),
        Exclusion::Hidden | Exclusion::NeverPacked => "move or rename the file".to_owned(),
        Exclusion::Output => "pass another output file with -o".to_owned(),
    }
}
