//! The files that `init` writes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::CONFIG_FILE;

use super::choices::CiService;
use super::configuration::{configuration, missing_entries};
use super::error::InitError;
use super::gitlab::{JOB, PIPELINE, include, job};
use super::hooks::hook;
use super::repository::{ACTION, HOOK_MARK, Repository};
use super::steps::next_steps;
use super::workflow::{WORKFLOW, workflow};
use super::{InitSpec, Limits};
use crate::app::outcome::{InitAction, InitAddition, InitFile, InitOutcome};
use crate::system::gate::Reach;
use crate::system::output::{OutputError, OutputFile};
use crate::system::output_place::OutputPlace;

/// The files that set up a repository, and the lines for files that are never edited.
#[derive(Debug)]
pub(crate) struct Plan {
    repository: Repository,
    spec: InitSpec,
    files: Vec<PlannedFile>,
    additions: Vec<InitAddition>,
}

/// A file to write.
#[derive(Debug)]
struct PlannedFile {
    /// Path from the root, with `/`.
    path: String,
    /// The path with links resolved.
    target: PathBuf,
    contents: String,
    is_program: bool,
    action: InitAction,
    /// The reason for skipping it.
    reason: Option<String>,
}

impl PlannedFile {
    fn is_written(&self) -> bool {
        matches!(self.action, InitAction::Create | InitAction::Replace)
    }
}

impl Plan {
    /// Decides on the files for a repository. Nothing is written.
    ///
    /// # Errors
    /// Returns [`InitError::Refused`] if a link leads out of the repository, or something other than a file is in the way.
    pub(crate) fn new(repository: Repository, spec: InitSpec) -> Result<Self, InitError> {
        let mut plan = Self { repository, spec, files: Vec::new(), additions: Vec::new() };
        let limits = Limits::for_projects(plan.repository.projects.len());
        let (events, renderer) = (plan.spec.events.clone(), plan.spec.renderer.clone());
        match plan.spec.ci {
            CiService::GitHub => {
                let text = workflow(&plan.repository, &events, &renderer, plan.spec.needs_key(), limits);
                let other = plan.repository.workflow_with_action(WORKFLOW);
                plan.add(WORKFLOW, text, false, other.map(|path| format!("{path} already uses {ACTION}")))?;
            }
            CiService::GitLab => {
                plan.add(JOB, job(&events, &renderer, limits), false, None)?;
                plan.add_or_print(&[PIPELINE], include(), include(), false, JOB)?;
            }
            CiService::None => {}
        }
        plan.add(CONFIG_FILE, configuration(&plan.repository, &events), false, None)?;
        let skips_configuration = plan.files.last().is_some_and(|file| file.action == InitAction::Skip);
        if let Some(lines) = missing_entries(&plan.repository, &events).filter(|_| skips_configuration) {
            plan.additions.push(InitAddition { path: CONFIG_FILE.to_owned(), lines });
        }
        if let Some(hooks) = plan.spec.hooks {
            let hook = hook(hooks);
            plan.add_or_print(hooks.files(), hook.file, hook.lines, hook.is_program, HOOK_MARK)?;
        }
        Ok(plan)
    }

    /// Adds a file. With a reason to skip it, it is not written.
    fn add(
        &mut self,
        path: &str,
        contents: String,
        is_program: bool,
        skip: Option<String>,
    ) -> Result<(), InitError> {
        let target = self.target(path)?;
        let existing = fs::read(&target).ok();
        let exists = target.symlink_metadata().is_ok();
        let (action, reason) = match (skip, existing) {
            (_, Some(existing)) if existing == contents.as_bytes() => (InitAction::Unchanged, None),
            (Some(reason), _) => (InitAction::Skip, Some(reason)),
            _ if !exists => (InitAction::Create, None),
            _ if self.spec.replaces => (InitAction::Replace, None),
            _ => (InitAction::Skip, Some("already exists; use --force to replace it".to_owned())),
        };
        self.files.push(PlannedFile { path: path.to_owned(), target, contents, is_program, action, reason });
        Ok(())
    }

    /// Adds a file that is never replaced: if one of `paths` exists and does not contain `mark`, its lines are for the user
    /// to add.
    fn add_or_print(
        &mut self,
        paths: &[&str],
        contents: String,
        lines: String,
        is_program: bool,
        mark: &str,
    ) -> Result<(), InitError> {
        let root = &self.repository.root;
        let existing = paths.iter().find(|path| root.join(path).symlink_metadata().is_ok());
        let Some(existing) = existing else {
            return self.add(paths[0], contents, is_program, None);
        };
        let has_mark = self.repository.text(existing).is_some_and(|text| text.contains(mark));
        let (action, reason) = if has_mark {
            (InitAction::Unchanged, None)
        } else {
            self.additions.push(InitAddition { path: (*existing).to_owned(), lines });
            (InitAction::Skip, Some("already exists; add the lines below".to_owned()))
        };
        let target = root.join(existing);
        self.files.push(PlannedFile {
            path: (*existing).to_owned(),
            target,
            contents,
            is_program,
            action,
            reason,
        });
        Ok(())
    }

    /// Returns the file that a path from the root leads to. It is inside the repository.
    fn target(&self, path: &str) -> Result<PathBuf, InitError> {
        let path = self.repository.root.join(path);
        let place = OutputPlace::below(&self.repository.root, "the repository", &Reach::anywhere());
        place
            .and_then(|place| place.check_appended(&path))
            .map_err(|refusal| InitError::Refused(path, refusal))
    }

    /// Returns the number of files to write.
    pub(crate) fn writes(&self) -> usize {
        self.to_write().count()
    }

    fn to_write(&self) -> impl Iterator<Item = &PlannedFile> {
        self.files.iter().filter(|file| file.is_written())
    }

    /// Writes the files.
    ///
    /// # Errors
    /// Returns [`InitError::NotWritable`] if a folder cannot be written; then nothing has been written.
    pub(crate) fn write(&self) -> Result<(), InitError> {
        // All of them before the first gets its name.
        let outputs = self
            .to_write()
            .map(|file| Ok((file, prepare(&self.repository.root, file)?)))
            .collect::<Result<Vec<_>, _>>();
        for (file, output) in outputs.map_err(InitError::NotWritable)? {
            output.keep("").map_err(InitError::NotWritable)?;
            if file.is_program {
                make_executable(&file.target)
                    .map_err(|error| InitError::NotWritable(not_writable(&file.target, error)))?;
            }
        }
        Ok(())
    }

    /// Returns the outcome, with the contents of files if nothing is written.
    pub(crate) fn outcome(&self, is_dry_run: bool) -> InitOutcome {
        let Self { repository, spec, files, additions } = self;
        let file = |file: &PlannedFile| InitFile {
            path: file.path.clone(),
            action: file.action,
            reason: file.reason.clone(),
            contents: (is_dry_run && file.is_written()).then(|| file.contents.clone()),
        };
        // Files that somebody adds lines to are part of the commit.
        let edited = additions.iter().map(|addition| addition.path.as_str());
        let paths = self.to_write().map(|file| file.path.as_str()).chain(edited).collect::<Vec<_>>();
        InitOutcome {
            root: repository.root.display().to_string(),
            git: repository.is_git,
            dry_run: is_dry_run,
            ci: spec.ci.name(),
            hooks: spec.hooks.map_or("none", super::HookManager::name),
            projects: repository.projects.clone(),
            files: files.iter().map(file).collect(),
            additions: additions
                .iter()
                .map(|addition| InitAddition { path: addition.path.clone(), lines: addition.lines.clone() })
                .collect(),
            next_steps: next_steps(repository, spec, &paths),
        }
    }
}

/// Writes a file that does not have its name yet.
fn prepare(root: &Path, file: &PlannedFile) -> Result<OutputFile, OutputError> {
    let mut output = OutputFile::prepare(Some(&file.target), &Reach::inside(root, "the repository"))?;
    let written = output.file().write_all(file.contents.as_bytes());
    written.map_err(|error| not_writable(&file.target, error))?;
    Ok(output)
}

/// Returns the error of a file.
fn not_writable(path: &Path, error: io::Error) -> OutputError {
    OutputError::NotWritable(path.to_owned(), error)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}
