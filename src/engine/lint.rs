//! The official linter, which is a part of the engine.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{Engine, EngineError, refusal};
use crate::system::deadline::Deadline;
use crate::system::programs::{WorkDir, process, set_noninteractive};
use crate::system::unpack;

/// A finding of the official linter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LintFinding {
    /// The code, such as `media_missing_id`.
    pub(crate) code: String,
    /// `error`, `warning` or `info`.
    pub(crate) severity: String,
    /// The problem.
    pub(crate) message: String,
    /// The remedy.
    pub(crate) fix_hint: Option<String>,
    /// The file, relative to the project, with `/`.
    #[serde(default)]
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: Option<usize>,
    /// The id of the element.
    pub(crate) element_id: Option<String>,
    /// A part of the source, possibly shortened.
    pub(crate) snippet: Option<String>,
}

/// The output of the linter.
#[derive(Deserialize)]
struct LintOutput {
    findings: Vec<LintFinding>,
}

impl Engine {
    /// Lints a packed project. Returns `None` if the project refers to what is outside of it: no part of the engine is
    /// started on such a project.
    ///
    /// # Errors
    /// Returns [`EngineError::NotLinted`] if the output of the linter cannot be read, [`EngineError::TimedOut`] after
    /// `deadline`, and other errors if the linter cannot be started.
    pub(crate) fn lint(
        &self,
        archive: &Path,
        deadline: Deadline,
    ) -> Result<Option<Vec<LintFinding>>, EngineError> {
        let work_dir = WorkDir::new().map_err(EngineError::Folder)?;
        let project = work_dir.project();
        unpack::unpack(archive, &project).map_err(EngineError::Unpack)?;
        if !refusal::inspect(&project, None, None).map_err(EngineError::Folder)?.is_empty() {
            return Ok(None);
        }
        let contained = self.sandbox.contain(&work_dir).map_err(EngineError::Sandbox)?;
        let mut command = contained.command();
        command
            .arg(&self.programs.engine)
            .arg("lint")
            .arg(&project)
            .arg("--json")
            .current_dir(&project)
            .env("PATH", self.path())
            .env("TMPDIR", work_dir.temporary());
        set_noninteractive(&mut command);
        let mut command = process::without_secrets(command);
        contained.set_environment(&mut command);
        let (exited, output) = process::capture(command, deadline).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => EngineError::TimedOut,
            _ => EngineError::Start(error),
        })?;
        // It fails if it finds errors.
        findings(&output, &project).map(Some).ok_or_else(|| {
            EngineError::NotLinted(
                format!("{}: {}", exited.status, exited.output.join("\n")).trim().to_owned(),
            )
        })
    }
}

/// Reads the output of the linter; `None` if it has no findings in the expected form.
fn findings(output: &str, project: &Path) -> Option<Vec<LintFinding>> {
    // Notices may come before it.
    let json = &output[output.find('{')?..];
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<LintOutput>();
    let mut findings = values.next()?.ok()?.findings;
    let resolved = project.canonicalize().unwrap_or_else(|_| project.to_owned());
    for found in &mut findings {
        let file = Path::new(&found.file);
        let inside = file.strip_prefix(project).or_else(|_| file.strip_prefix(&resolved)).unwrap_or(file);
        found.file = inside.to_string_lossy().replace('\\', "/");
    }
    Some(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_relative_to_the_project() {
        let output = "notice\n{\"ok\":false,\"findings\":[{\"code\":\"a_b\",\"severity\":\"error\",\"message\":\"m\",\
            \"file\":\"/none/p/compositions/a.html\",\"elementId\":\"e\",\"line\":3},\
            {\"code\":\"c\",\"severity\":\"warning\",\"message\":\"m\"}]}\n";
        let found = findings(output, Path::new("/none/p")).expect("findings");
        assert_eq!(
            (&*found[0].file, found[0].line, found[0].element_id.as_deref()),
            ("compositions/a.html", Some(3), Some("e"))
        );
        assert_eq!(found[1].file, "");
        assert!(findings("Error: x", Path::new("/none/p")).is_none());
    }
}
