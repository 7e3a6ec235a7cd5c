//! Applies automatic fixes.

use std::collections::BTreeMap;

use super::options::CheckOptions;
use super::report::Report;
use super::run::check;
use crate::findings::{Fix, apply};
use crate::media::Edges;
use crate::project::{Found, Listing, Tree};

/// The largest number of rounds: a correction may reveal another finding.
const ROUNDS: usize = 20;

/// The result of corrections.
#[derive(Debug)]
pub struct Corrected {
    /// The report of the files as they were.
    pub before: Report,
    /// The report of the corrected files.
    pub after: Report,
    /// Number of corrections.
    pub corrections: usize,
}

/// Checks a project and applies automatic fixes until nothing is left to correct. The new texts are added to
/// `texts`, by repository path, which also replace files of the tree. `select` sets severities and removes the findings
/// that must stay as they are.
#[must_use]
pub fn correct(
    tree: &dyn Tree,
    options: &CheckOptions,
    texts: &mut BTreeMap<String, String>,
    select: &dyn Fn(&mut Report),
) -> Corrected {
    let round = |texts: &BTreeMap<String, String>| {
        let mut report = check(&Edited { tree, texts }, options);
        select(&mut report);
        report
    };
    let before = round(texts);
    let mut after = before.clone();
    let mut corrections = 0;
    for _ in 0..ROUNDS {
        let mut fixes = BTreeMap::<&str, Vec<&Fix>>::new();
        for found in &after.findings.diagnostics {
            if let Some(fix) = &found.fix {
                fixes.entry(&found.path).or_default().push(fix);
            }
        }
        let mut is_changed = false;
        for (path, fixes) in fixes {
            let Some(source) = after.findings.sources.get(path) else { continue };
            let (text, count) = apply(source, fixes);
            if text != *source {
                texts.insert(path.to_owned(), text);
                corrections += count;
                is_changed = true;
            }
        }
        if !is_changed {
            break;
        }
        after = round(texts);
    }
    Corrected { before, after, corrections }
}

/// A tree with some texts replaced.
struct Edited<'a> {
    tree: &'a dyn Tree,
    texts: &'a BTreeMap<String, String>,
}

impl Tree for Edited<'_> {
    fn listing(&self) -> &Listing {
        self.tree.listing()
    }

    fn find(&self, path: &str) -> Found {
        self.tree.find(path)
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        match self.texts.get(path) {
            Some(text) => Some(text.clone().into_bytes()),
            None => self.tree.read(path),
        }
    }

    fn head(&self, path: &str) -> Option<Vec<u8>> {
        self.tree.head(path)
    }

    fn edges(&self, path: &str) -> Option<Edges> {
        self.tree.edges(path)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        self.tree.names(folder)
    }

    fn remedy(&self, path: &str) -> Option<String> {
        self.tree.remedy(path)
    }
}
