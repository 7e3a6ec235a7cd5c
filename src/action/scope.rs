//! What is to be done: which projects there are, what is wrong with them, and what the request changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use hyperframes_ci_core::{
    CONFIG_FILE, CheckOptions, Composition, DEFAULT_COMPOSITION, Findings, Severity, Tree, join,
};
use tempfile::TempDir;

use super::inputs::{Inputs, Mode};
use crate::ci::{Event, Host, Request, Subject};
use crate::collect::Project;
use crate::error::Error;
use crate::report::{Console, counted};
use crate::shown::Shown;
use crate::tree::DiskTree;
use crate::{changes, cli, discover};

/// What is to be done.
pub(super) struct Scope {
    /// What is to be rendered.
    pub(super) entries: Vec<Entry>,
    /// What the request does not touch.
    pub(super) unchanged: Vec<String>,
    /// Everything that was found.
    pub(super) findings: Findings,
    /// Things that people should know.
    pub(super) notes: Vec<String>,
    /// The configuration, where it is not that of the checkout.
    pub(super) config: Option<PathBuf>,
    /// The repository as it is at the request's base.
    pub(super) base: Option<Base>,
}

/// A composition that is to be rendered.
pub(super) struct Entry {
    /// The project's directory.
    pub(super) directory: PathBuf,
    /// The project inside its repository.
    pub(super) prefix: String,
    /// The entry inside the project; none for `index.html`.
    pub(super) composition: Option<String>,
    /// What people call it.
    pub(super) shown: String,
    /// What it declares.
    pub(super) parsed: Composition,
    /// Errors in the project: with some it is not rendered.
    pub(super) errors: usize,
}

impl Entry {
    /// The entry's path in the repository.
    pub(super) fn path(&self) -> String {
        join(&self.prefix, self.composition.as_deref().unwrap_or(DEFAULT_COMPOSITION))
    }
}

impl Scope {
    /// Nothing to do, and these to be named as unchanged.
    pub(super) fn of_names(unchanged: Vec<String>) -> Self {
        let (entries, findings, notes) = (Vec::new(), Findings::default(), Vec::new());
        Self { entries, unchanged, findings, notes, config: None, base: None }
    }

    /// Looks at every project.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub(super) fn find(
        inputs: &Inputs,
        host: &dyn Host,
        mode: Mode,
        console: &mut Console,
    ) -> Result<Self, Error> {
        let paths = inputs.projects.iter().map(|path| inputs.workspace.join(path)).collect::<Vec<_>>();
        let projects = discover::projects(&paths, Some(&inputs.workspace)).map_err(|error| {
            Error::usage(
                error.to_string(),
                "the input projects names directories with an index.html, or above them",
            )
        })?;
        let request = match &host.event().subject {
            Subject::Request(request) if mode == Mode::Preview => Some(request),
            _ => None,
        };
        let mut scope = Self::of_names(Vec::new());
        if host.event().is_privileged {
            scope.take_config_of_base(inputs, host)?;
        }
        let changed = match request.filter(|_| inputs.changed_only) {
            Some(request) => scope.changed(inputs, host, request, console),
            None => None,
        };
        let shown = Shown::new(false, Some(&inputs.workspace));
        for project in &projects {
            scope.look_at(project, inputs, changed.as_ref(), &shown)?;
        }
        scope.findings.sort();
        if mode == Mode::Check {
            scope.entries.clear();
        }
        scope.keep_pages_off_secrets(inputs, host, console);
        if let Some(request) = request.filter(|_| !scope.entries.is_empty()) {
            scope.base = Base::check_out(&inputs.workspace, request);
        }
        let found = [Severity::Error, Severity::Warning].map(|severity| scope.findings.count(severity));
        console.done(&format!(
            "{}: {}, {}; {} to render, {} unchanged",
            counted(projects.len(), "project"),
            counted(found[0], "error"),
            counted(found[1], "warning"),
            scope.entries.len(),
            scope.unchanged.len()
        ));
        Ok(scope)
    }

    fn look_at(
        &mut self,
        project: &Project,
        inputs: &Inputs,
        changed: Option<&BTreeSet<String>>,
        shown: &Shown,
    ) -> Result<(), Error> {
        let levels = cli::levels_from(&inputs.flags, self.config.as_deref(), &project.boundary)?;
        let tree = DiskTree::open(project.clone())?;
        let options = CheckOptions { compositions: inputs.compositions.clone(), ..CheckOptions::default() };
        let mut report = tree.check(&options)?;
        report.findings.set_levels(&levels);
        let errors = report.findings.count(Severity::Error);
        let compositions = match inputs.compositions.is_empty() {
            true => vec![DEFAULT_COMPOSITION.to_owned()],
            false => inputs.compositions.clone(),
        };
        for path in compositions {
            let name = shown.path(&project.boundary, &project.prefix);
            let is_default = path == DEFAULT_COMPOSITION;
            let name = if is_default { name } else { format!("{name}/{path}") };
            let inside = join(tree.project(), &path);
            if changed.is_some_and(|changed| !report.is_affected(&inside, changed)) {
                self.unchanged.push(name);
                continue;
            }
            let entry = report.entries.iter().find(|(known, _)| *known == path);
            self.entries.push(Entry {
                directory: project.root.clone(),
                prefix: project.prefix.clone(),
                composition: (!is_default).then(|| path.clone()),
                shown: name,
                parsed: entry.map(|(_, composition)| composition.clone()).unwrap_or_default(),
                errors,
            });
        }
        let mut findings = report.findings;
        findings.rename(|path| shown.path(&project.boundary, path));
        self.findings.append(findings);
        Ok(())
    }

    /// A page is a program. That of a stranger is not run where secrets are: only the cloud may render it then.
    fn keep_pages_off_secrets(&mut self, inputs: &Inputs, host: &dyn Host, console: &mut Console) {
        if is_exposed(host.event()) && !inputs.has_key && !self.entries.is_empty() {
            let note = "Nothing was rendered: pages of strangers run in the cloud only where a run has secrets, and \
                there is no API key.";
            console.warning(note);
            self.notes.push(note.to_owned());
            self.entries.clear();
        }
    }

    /// With secrets at hand the request must not decide how it is judged: the configuration is that of its base.
    fn take_config_of_base(&mut self, inputs: &Inputs, host: &dyn Host) -> Result<(), Error> {
        let text = match &host.event().subject {
            Subject::Request(request) => host.file_at(&request.base, CONFIG_FILE),
            _ => Ok(None),
        };
        let text = text.map_err(super::ActionError::Host)?.unwrap_or_default();
        let path = inputs.output_dir.join("config-of-base.toml");
        super::write(&path, &text)?;
        self.config = Some(path);
        Ok(())
    }

    /// What the request changes, as far as anybody knows; `None` is everything.
    fn changed(
        &mut self,
        inputs: &Inputs,
        host: &dyn Host,
        request: &Request,
        console: &mut Console,
    ) -> Option<BTreeSet<String>> {
        let by_git = changes::since(&inputs.workspace, &request.base);
        // A shallow clone does not have the base: the service knows.
        let known = match by_git {
            Ok(changed) => return Some(changed),
            Err(error) => host.changed_files(request).map_err(|other| format!("{error}; {other}")),
        };
        match known {
            Ok(changed) => Some(changed),
            Err(message) => {
                console
                    .warning(&format!("it is not known what changed, so everything is rendered: {message}"));
                self.notes.push("It is not known what this changes: everything was rendered.".to_owned());
                None
            }
        }
    }
}

/// Whether a stranger's pages are at hand together with secrets.
pub(super) fn is_exposed(event: &Event) -> bool {
    event.is_privileged && matches!(&event.subject, Subject::Request(request) if request.is_fork)
}

/// The repository as it is at the request's base, in a folder of its own.
pub(super) struct Base {
    folder: TempDir,
    repository: PathBuf,
}

impl Base {
    /// Checks the base out beside the workspace; `None` where the clone does not have it, and it cannot be fetched.
    fn check_out(workspace: &Path, request: &Request) -> Option<Self> {
        let folder = TempDir::new().ok()?;
        let base = Self { repository: workspace.to_owned(), folder };
        let commit = format!("{}^{{commit}}", request.base);
        if !base.git(&["cat-file", "-e", &commit]) {
            base.git(&["fetch", "--quiet", "--depth=1", "--no-tags", "origin", &request.base]);
        }
        let place = base.path().display().to_string();
        base.git(&["worktree", "add", "--quiet", "--detach", "--force", &place, &request.base])
            .then_some(base)
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("base")
    }

    /// No hook, no filter, no monitor and no question: a repository may name programs.
    fn git(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.repository);
        for setting in [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "filter.lfs.smudge=",
            "filter.lfs.process=",
            "filter.lfs.required=false",
        ] {
            command.args(["-c", setting]);
        }
        command.args(arguments).env("GIT_TERMINAL_PROMPT", "0");
        command.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let place = self.path().display().to_string();
        self.git(&["worktree", "remove", "--force", &place]);
    }
}
