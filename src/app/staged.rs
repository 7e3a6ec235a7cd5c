//! Checks what the next commit changes: contents come from the index of Git, not from the working tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::findings::{CONFIG_FILE, Diagnostic, Findings, Rule};
use hyperframes_ci_core::project::{Found, below};

use super::check::{CheckResult, CheckSpec, select};
use super::config::{self, File};
use super::media::MediaPreflight;
use super::severities::ProjectLevels;
use super::staged_entries::{self, StagedEntry};
use crate::fault::Error;
use crate::project::changes::Base;
use crate::project::collect::repository;
use crate::project::display_path::DisplayPaths;
use crate::project::index::{Index, IndexTree, StagedProject};
use crate::system::gate::Reach;
use crate::system::parallel::in_order;

/// Checks the projects of `spec.paths`, or of the whole repository, as the next commit will have them, and reports only
/// findings about compositions that differ from `base`.
///
/// # Errors
/// Returns an error if there is no repository, if Git fails, or if the staged configuration is invalid.
pub(crate) fn check(spec: &CheckSpec, base: &Base, paths: &DisplayPaths) -> Result<CheckResult, Error> {
    spec.severities.validate()?;
    let mut result = CheckResult::default();
    for (root, inside) in repositories(&spec.paths)? {
        let mut index = Index::open(&root, base)?;
        let configuration = Configuration::read(spec, &index)?;
        index.keep_elsewhere(configuration.new.media.kept_elsewhere());
        if index.changed.is_empty() {
            continue;
        }
        let is_chosen = |project: &StagedProject| {
            inside.is_empty() || inside.iter().any(|path| is_related(path, &project.path))
        };
        let projects = index.projects()?.into_iter().filter(is_chosen).collect::<Vec<_>>();
        let media = MediaPreflight::of_index(&configuration.new.media, &index)?;
        let work = |(): &mut (), project: &StagedProject| check_one(&index, project, &configuration, &media);
        in_order(
            &projects,
            u64::MAX,
            |_| 0,
            || (),
            work,
            |_, checked| {
                let (mut findings, compositions) = checked?;
                findings.rename(|path| paths.path(index.root(), path));
                result.findings.append(findings);
                result.compositions += compositions;
                result.projects += usize::from(compositions > 0);
                Ok::<_, Error>(())
            },
        )?;
    }
    result.findings.sort();
    // Blocks of the same directory have findings in common.
    result.findings.diagnostics.dedup();
    Ok(result)
}

/// Returns the repositories of paths, with the repository paths in them; that of the current directory without paths.
fn repositories(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Vec<String>)>, Error> {
    let mut found = Vec::<(PathBuf, Vec<String>)>::new();
    let here = [PathBuf::from(".")];
    for path in if paths.is_empty() { &here } else { paths } {
        let absolute = resolved(path);
        let folder =
            if absolute.is_dir() { absolute.as_path() } else { absolute.parent().unwrap_or(&absolute) };
        let Some(root) = repository(folder) else {
            let message = format!("{} is not in a Git repository", path.display());
            return Err(Error::usage(message, "run it in the repository, without --staged anywhere else"));
        };
        let place = absolute.strip_prefix(root).unwrap_or(Path::new(""));
        let place = place.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/");
        let places = match found.iter_mut().find(|(other, _)| other == root) {
            Some((_, places)) => places,
            None => {
                found.push((root.to_owned(), Vec::new()));
                let Some((_, places)) = found.last_mut() else { continue };
                places
            }
        };
        if !paths.is_empty() {
            places.push(place);
        }
    }
    Ok(found)
}

/// Returns an absolute path with the links of its existing part resolved: a deleted file does not exist any more.
fn resolved(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = absolute.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match existing {
        Some((above, real)) => match absolute.strip_prefix(above) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => absolute,
    }
}

/// Returns whether one path is in the other.
fn is_related(path: &str, project: &str) -> bool {
    path == project || below(path, project).is_some() || below(project, path).is_some()
}

/// The configuration of a repository, before and after the commit.
struct Configuration {
    file: File,
    new: ProjectLevels,
    /// Those of `HEAD`, if the commit changes the configuration.
    old: Option<(File, ProjectLevels)>,
}

impl Configuration {
    fn read(spec: &CheckSpec, index: &Index) -> Result<Self, Error> {
        let severities = &spec.severities;
        if severities.config.is_some() || severities.known.is_some() {
            let reach = Reach::of_user(spec.workspace.as_deref());
            let file = match severities.known {
                Some(_) => File::default(),
                None => config::read(index.root(), severities.config.as_deref(), &reach)?,
            };
            return Ok(Self { new: ProjectLevels::new(severities, &file), file, old: None });
        }
        let (file, media) = match index.text(CONFIG_FILE)? {
            Some(text) => {
                let file = config::of_text(text, index.root())?;
                let media = Arc::clone(&file.declared);
                (file, media)
            }
            None if index.find(CONFIG_FILE) == Found::File => {
                let message = format!("{CONFIG_FILE} in the index is not valid UTF-8");
                return Err(Error::usage(message, "save it as UTF-8, and add it again"));
            }
            None => (File::default(), Arc::default()),
        };
        let old = index.changed.contains(CONFIG_FILE).then(|| {
            let old =
                index.text_in_head(CONFIG_FILE).and_then(|text| config::of_text(text, index.root()).ok());
            let old = old.unwrap_or_default();
            let levels = ProjectLevels::new(severities, &old);
            (old, levels)
        });
        let new = ProjectLevels::new(severities, &file).with_media(media);
        Ok(Self { new, file, old })
    }
}

/// Checks a project; returns the findings and the number of affected compositions.
fn check_one(
    index: &Index,
    project: &StagedProject,
    configuration: &Configuration,
    media: &MediaPreflight<'_>,
) -> Result<(Findings, usize), Error> {
    let mut options =
        CheckOptions { format: configuration.new.format(&project.path), ..CheckOptions::default() };
    select(&mut options, project.files.clone(), project.is_partial);
    let tree = IndexTree::open(index, &project.path)?;
    let mut report = tree.check(&options)?;
    let new = configuration.new.of(&project.path);
    let old = configuration.old.as_ref().map(|(_, levels)| levels.of(&project.path));
    let changed = tree.changed(&report);
    // A change of the configuration concerns the findings whose severity it changes; that of a link, references that it
    // leads out of the repository, which have no target.
    let is_kept = |found: &Diagnostic| {
        let has_other_level = old.as_ref().is_some_and(|old| old.severity(found) != new.severity(found));
        let is_of_link = found.rule == Rule::EscapingReference && index.has_changed_links();
        has_other_level || is_of_link || changed.contains(&found.path)
    };
    let all = report.findings.clone();
    report.limit_to_or(&changed, &is_kept);
    media.add(&mut report, &project.path, Some(&changed));
    report.findings.set_levels(&new);
    // What entries add: findings about their values and aspect ratios.
    let before = configuration.old.as_ref().map(|(file, _)| file);
    for entry in staged_entries::of_project(index, &configuration.file, before, &project.path)? {
        let StagedEntry { options, check, sources, is_new } = entry;
        let mut added = tree.check(&options)?;
        let changed = tree.changed(&added);
        if !is_new && !sources.iter().any(|source| changed.contains(source)) {
            added.limit_to(&changed);
        }
        added.findings.diagnostics.retain(|found| !all.diagnostics.contains(found));
        added.findings.set_levels(&configuration.new.of_entry(&check));
        report.findings.append(added.findings);
    }
    Ok((report.findings, report.compositions))
}
