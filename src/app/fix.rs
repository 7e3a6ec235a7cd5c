//! The use case `check --fix`: applies automatic fixes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hyperframes_ci_core::check::correct;
use hyperframes_ci_core::project::Tree as _;

use super::check::{CheckResult, CheckTarget, changed, check, count, media};
use crate::fault::Error;
use crate::project::display_path::DisplayPaths;
use crate::project::tree::DiskTree;
use crate::system::edit;
use crate::system::gate::Reach;

/// A file with corrections.
#[derive(Debug)]
pub(crate) struct FixedFile {
    /// The path, as in findings.
    pub(crate) path: String,
    /// The contents as they were.
    pub(crate) before: String,
    /// The corrected contents.
    pub(crate) after: String,
    source: PathBuf,
    reach: Reach,
}

/// The result of corrections.
#[derive(Debug, Default)]
pub(crate) struct FixResult {
    /// The corrected files, sorted by path.
    pub(crate) files: Vec<FixedFile>,
    /// Number of corrections.
    pub(crate) corrections: usize,
}

/// Corrects the findings of all targets, and returns what was corrected and the findings that are left. With `is_dry_run`,
/// nothing is written, and all findings are returned.
///
/// # Errors
/// Returns an error if a file cannot be read or written, or Git cannot list the changes.
pub(crate) fn fix(
    targets: &[CheckTarget],
    changed_since: Option<&str>,
    paths: &DisplayPaths,
    is_dry_run: bool,
) -> Result<(CheckResult, FixResult), Error> {
    let changed = changed(targets, changed_since)?;
    let media = media(targets)?;
    let mut texts = BTreeMap::<&PathBuf, BTreeMap<String, String>>::new();
    let mut files = BTreeMap::<String, FixedFile>::new();
    let mut result = CheckResult::default();
    let mut corrections = 0;
    for target in targets {
        let boundary = &target.project.boundary;
        let tree = DiskTree::open(target.project.clone())?;
        let select = |report: &mut hyperframes_ci_core::check::Report| {
            if let Some(changed) = changed.get(boundary) {
                report.limit_to(changed);
            }
            report.findings.set_levels(&target.levels);
        };
        // Targets of one repository may share files.
        let own = texts.entry(boundary).or_default();
        let corrected = correct(&tree, &target.options, own, &select);
        corrections += corrected.corrections;
        for (path, after) in own {
            let shown = paths.path(boundary, path);
            if let Some(file) = files.get_mut(&shown) {
                file.after.clone_from(after);
                continue;
            }
            let before = tree.read(path).and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((before, source)) = before.zip(tree.source(path)) {
                let (after, reach) = (after.clone(), tree.reach.clone());
                files.insert(shown.clone(), FixedFile { path: shown, before, after, source, reach });
            }
        }
        tree.check_readable()?;
        let mut after = corrected.after;
        if let Some(media) = media.get(boundary.as_path()) {
            media.add(&mut after, &target.project.prefix, changed.get(boundary));
            after.findings.set_levels(&target.levels);
        }
        let mut findings = after.findings;
        findings.rename(|path| paths.path(boundary, path));
        result.findings.append(findings);
        result.compositions += after.compositions;
    }
    let files = files.into_values().collect::<Vec<_>>();
    if is_dry_run {
        return Ok((check(targets, changed_since, paths, None)?, FixResult { files, corrections }));
    }
    for file in &files {
        edit::replace(&file.source, &file.reach, file.before.as_bytes(), file.after.as_bytes())?;
    }
    count(&mut result, targets);
    Ok((result, FixResult { files, corrections }))
}
