//! References between files.

use super::graph::Graph;
use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule, Text};
use crate::project::{Destination, Exclusion, IGNORE_FILE, Link, Reference};

/// Checks references: those that leave the repository in every page that is packed, all others in the pages that a
/// composition is made of.
pub(super) fn check(pages: &Pages<'_>, graph: &Graph) -> Vec<Diagnostic> {
    let used = graph.used();
    let mut found = Vec::new();
    for page in pages.all() {
        let text = page.text();
        // In the order of the source, as the references are.
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
        // A folder, or a name without an ending, which a script may complete, but no mount.
        Destination::None if is_mount && matches!(Link::of(target), Link::Relative(_) | Link::Root(_)) => {
            finding(
                Rule::MountMissing,
                format!("{target:?} is no file of the project"),
                "name an HTML file, such as compositions/intro.html",
            )
        }
        Destination::None | Destination::Packed(_) | Destination::Outside(_) => None,
        Destination::Insecure => finding(
            Rule::InsecureReference,
            format!("{target:?} is loaded without encryption"),
            "use https:, or copy the file into the project",
        ),
        Destination::Placeholder => finding(
            Rule::PlaceholderReference,
            format!("{target:?} holds a placeholder, so that it is not checked"),
            "check what the build makes of it",
        ),
        Destination::LocalFile => finding(
            Rule::LocalFileUrl,
            format!("the reference {target:?} names a file of this machine"),
            "copy the file into the project and refer to it by a relative path",
        ),
        Destination::Escapes => finding(
            Rule::EscapingReference,
            format!("the reference {target:?} reaches out of the repository"),
            "copy the file into the project; references reach files of the repository that have no dotted name on their path",
        ),
        Destination::Ignored(_, reason) => finding(
            either(Rule::MountIgnored, Rule::IgnoredAsset),
            format!("{target:?} is left out of the archive: {reason}"),
            &remedy(reason),
        ),
        Destination::OtherCase(_, actual) => finding(
            Rule::AssetCaseMismatch,
            format!("{target:?} differs from the file {actual:?} in case"),
            "write it as the file is named; the cloud tells upper from lower case",
        ),
        Destination::Missing(path) => finding(
            either(Rule::MountMissing, Rule::MissingAsset),
            format!("{target:?} is not there: there is no file {path}"),
            if page.path == *path {
                "remove the reference"
            } else {
                "commit the file, or correct the reference"
            },
        ),
    }
}

fn remedy(reason: &Exclusion) -> String {
    match reason {
        Exclusion::Rule { line, .. } => {
            format!("change line {line} of {IGNORE_FILE}, or add a line that starts with !")
        }
        Exclusion::DefaultRule(rule) => format!("write !{rule} in {IGNORE_FILE}, or move the file"),
        Exclusion::Hidden | Exclusion::NeverPacked => "move the file to another place".to_owned(),
        Exclusion::Output => "name another file with -o".to_owned(),
    }
}
