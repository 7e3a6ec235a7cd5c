//! Findings about generated media, for `check`: the judgement of `media check`, at the places of the entries.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use hyperframes_ci_core::check::Report;
use hyperframes_ci_core::findings::{Diagnostic, Text};
use hyperframes_ci_core::generated::{LOCK_FILE, Lock, MediaStore};
use hyperframes_ci_core::project::below;
use hyperframes_ci_core::report::plain;
use hyperframes_ci_core::text::Span;

use super::declared::lock_of;
use super::examine::Judge;
use super::files::{Files, OnDisk};
use crate::app::config::{DeclaredMedia, MediaEntry};
use crate::fault::Error;
use crate::project::index::Index;
use crate::system::gate::{Reach, limit};

/// The judgement of the entries of a repository. Each is judged once, when a project first asks for it.
pub(crate) struct MediaPreflight<'a> {
    media: Arc<DeclaredMedia>,
    /// The configuration, as in findings: a repository path, or an absolute path elsewhere.
    path: String,
    lock: Lock,
    files: Box<dyn Files + Sync + 'a>,
    found: Vec<OnceLock<Option<Diagnostic>>>,
}

impl<'a> MediaPreflight<'a> {
    /// Prepares the judgement of the working tree of the repository at `root`.
    ///
    /// # Errors
    /// Returns an error if the lock file cannot be read or is invalid.
    pub(crate) fn of_disk(media: &Arc<DeclaredMedia>, root: &'a Path) -> Result<Self, Error> {
        let reach = Reach::inside(root, "the repository");
        Self::new(media, root, OnDisk { root, reach })
    }

    /// Prepares the judgement of what is staged.
    ///
    /// # Errors
    /// Returns an error if the lock file cannot be read or is invalid.
    pub(crate) fn of_index(media: &Arc<DeclaredMedia>, index: &'a Index) -> Result<Self, Error> {
        Self::new(media, index.root(), index)
    }

    fn new(media: &Arc<DeclaredMedia>, root: &Path, files: impl Files + Sync + 'a) -> Result<Self, Error> {
        let read = match media.entries.is_empty() {
            true => Err(io::ErrorKind::NotFound.into()),
            false => files.text(LOCK_FILE, limit::CONFIG),
        };
        let lock = lock_of(&root.join(LOCK_FILE), read)?;
        let found = media.entries.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            media: Arc::clone(media),
            path: shown(&media.path, root),
            lock,
            files: Box::new(files),
            found,
        })
    }

    /// Adds the findings about media that a project contains or refers to. With `changed` files (repository paths), only
    /// entries are judged that one of them concerns, and those whose files a store keeps and this checkout does not have: what is
    /// checked cannot be rendered without them.
    pub(crate) fn add(&self, report: &mut Report, project: &str, changed: Option<&BTreeSet<String>>) {
        if self.media.entries.is_empty() {
            return;
        }
        let has_changed = |path: &str| changed.is_none_or(|changed| changed.contains(path));
        let is_all = has_changed(&self.path) || has_changed(LOCK_FILE);
        let used = report.used();
        let is_of_project = |path: &str| {
            project.is_empty()
                || below(project, path).is_some()
                || used.contains(path)
                || report.missing.contains(path)
        };
        let is_checked = report.compositions > 0;
        let concerned = self.media.entries.iter().zip(&self.found).filter(|(entry, _)| {
            entry.outputs().any(is_of_project)
                && (is_all || entry.paths().any(has_changed) || (is_checked && self.is_unfetched(entry)))
        });
        let found = concerned.filter_map(|(entry, found)| found.get_or_init(|| self.judge(entry)).clone());
        let found = found.collect::<Vec<_>>();
        if !found.is_empty() {
            report.findings.sources.insert(self.path.clone(), self.media.text.clone());
            report.findings.diagnostics.extend(found);
        }
    }

    /// Returns whether a store keeps the file of an entry, and it was not fetched.
    fn is_unfetched(&self, entry: &MediaEntry) -> bool {
        let is_absent =
            || matches!(self.files.edges(&entry.file), Err(error) if error.kind() == io::ErrorKind::NotFound);
        entry.store != MediaStore::Git && self.lock.media.contains_key(&entry.file) && is_absent()
    }

    fn judge(&self, entry: &MediaEntry) -> Option<Diagnostic> {
        let judge = Judge { entries: &self.media.entries, lock: &self.lock, files: &*self.files };
        let status = judge.status(entry);
        let rule = status.status.rule()?;
        let message = status.message.as_deref().unwrap_or(rule.summary());
        let text = Text::new(&self.path, &self.media.text);
        let found = text.finding(
            rule,
            place(&self.media.text, entry.line),
            format!("{}: {message}", plain(&entry.file)),
        );
        Some(match status.help {
            Some(help) => found.help(help),
            None => found,
        })
    }
}

/// Returns the path of a configuration for findings in the repository at `root`.
fn shown(path: &Path, root: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    let absolute = current.join(path);
    match absolute.strip_prefix(current.join(root)) {
        Ok(inside) => inside.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/"),
        Err(_) => absolute.display().to_string(),
    }
}

/// Returns the place of a line, without its line end.
fn place(text: &str, line: usize) -> Span {
    let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
    let rest = text.get(start..).unwrap_or_default();
    Span { start, end: start + rest.lines().next().unwrap_or_default().trim_end().len() }
}
