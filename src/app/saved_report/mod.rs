//! Reports for CI services, written to files beside the usual output.

mod junit;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hyperframes_ci_core::findings::{Findings, Severity};
use hyperframes_ci_core::report::{self, ReportFormat};

use crate::app::outcome::Outcome;
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::system::output::{OutputError, OutputFile};
use junit::{Case, Suite};

/// The formats, for messages.
pub(crate) const FORMATS: &str = "junit, code-quality, sarif or json";

/// A format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// Tests in XML, as CI services show them.
    Junit,
    /// Code Quality of GitLab; source: its documentation, "Implement a custom tool".
    CodeQuality,
    /// A format of the checks.
    Findings(ReportFormat),
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Junit => "junit",
            Self::CodeQuality => "code-quality",
            Self::Findings(format) => format.as_str(),
        })
    }
}

/// A report to write, such as `junit=out/report.xml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedReport {
    format: Format,
    path: PathBuf,
}

impl FromStr for SavedReport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, path) =
            text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or("must be FORMAT=FILE")?;
        let format = match format {
            "junit" => Format::Junit,
            "code-quality" => Format::CodeQuality,
            "sarif" => Format::Findings(ReportFormat::Sarif),
            "json" => Format::Findings(ReportFormat::Json),
            _ => return Err(format!("unknown format {format:?}; the formats are {FORMATS}")),
        };
        Ok(Self { format, path: PathBuf::from(path) })
    }
}

/// Checks that reports of renders can be written, before anything is billed.
///
/// # Errors
/// Returns an error for a format of findings, and if a file cannot be written, or is not in `reach`.
pub(crate) fn check_for_renders(reports: &[SavedReport], reach: &Reach) -> Result<(), Error> {
    if let Some(SavedReport { format, .. }) = reports.iter().find(|report| report.format != Format::Junit) {
        return Err(Error::usage(
            format!("--save-report: renders have no report in the format {format}"),
            "use junit=FILE here, and `check --save-report` for findings",
        ));
    }
    reports.iter().try_for_each(|report| {
        let prepared = OutputFile::prepare(Some(&report.path), reach);
        Ok(prepared.map(drop)?)
    })
}

/// Writes reports of the findings of checks, in paths as they are displayed.
///
/// # Errors
/// Returns an error if a file cannot be written, or is not in `reach`.
pub(crate) fn save_findings(
    reports: &[SavedReport],
    findings: &Findings,
    reach: &Reach,
) -> Result<(), Error> {
    reports.iter().try_for_each(|report| {
        let text = match report.format {
            Format::Junit => junit::write("hyperframes-ci check", &junit::of_findings(findings)),
            Format::CodeQuality => report::code_quality(findings),
            Format::Findings(format) => report::render(findings, format, false),
        };
        Ok(report.write(&text, reach)?)
    })
}

/// A render in a report.
#[derive(Debug)]
pub(crate) struct SavedRender<'a> {
    /// Name of the entry, or of the project.
    pub(crate) name: String,
    /// What came of it, in a few words; empty if it failed.
    pub(crate) summary: String,
    /// Its outcome, or the reason why it has none.
    pub(crate) result: Result<&'a Outcome, &'a Error>,
}

/// Writes reports of renders.
///
/// # Errors
/// Returns an error if a file cannot be written, or is not in `reach`.
pub(crate) fn save_renders(
    reports: &[SavedReport],
    renders: &[SavedRender<'_>],
    reach: &Reach,
) -> Result<(), Error> {
    if reports.is_empty() {
        return Ok(());
    }
    let suite = Suite { name: "render".to_owned(), cases: renders.iter().map(case).collect() };
    let text = junit::write("hyperframes-ci render", &[suite]);
    reports.iter().try_for_each(|report| Ok(report.write(&text, reach)?))
}

/// Returns the test of a render: it passes if the video is complete.
fn case(render: &SavedRender<'_>) -> Case {
    let failure = |error: &Error| {
        let mut text = error.to_string();
        if let Some(findings) = error.findings() {
            let found = findings.diagnostics.iter().filter(|found| found.severity == Severity::Error);
            text.extend(found.map(|found| format!("\n{}: [{}] {}", found.path, found.rule, found.message)));
        }
        text.extend(error.help().map(|help| format!("\nhelp: {help}")));
        junit::Failure { kind: error.code().to_owned(), text }
    };
    let failure = match render.result.map(Outcome::verdict) {
        Ok(verdict) => verdict.err().map(|error| failure(&error)),
        Err(error) => Some(failure(error)),
    };
    Case {
        name: render.name.clone(),
        class: "hyperframes-ci.render".to_owned(),
        file: None,
        failure,
        output: render.summary.clone(),
    }
}

impl SavedReport {
    /// Returns the path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file, which appears complete or not at all.
    fn write(&self, text: &str, reach: &Reach) -> Result<(), OutputError> {
        let mut output = OutputFile::prepare(Some(&self.path), reach)?;
        let written = output.file().write_all(text.as_bytes());
        written.map_err(|error| OutputError::NotWritable(self.path.clone(), error))?;
        output.keep("report").map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_format_and_a_file() {
        let parsed = "junit=a=b.xml".parse::<SavedReport>();
        assert_eq!(parsed, Ok(SavedReport { format: Format::Junit, path: PathBuf::from("a=b.xml") }));
        for (text, message) in [
            ("junit", "must be FORMAT=FILE"),
            ("junit=", "must be FORMAT=FILE"),
            ("xunit=a", "unknown format \"xunit\"; the formats are junit, code-quality, sarif or json"),
        ] {
            assert_eq!(text.parse::<SavedReport>(), Err(message.to_owned()));
        }
    }

    #[test]
    fn renders_have_reports_of_tests_only() {
        let report = |text: &str| text.parse::<SavedReport>().expect("a report");
        let error = check_for_renders(&[report("junit=a"), report("sarif=b")], &Reach::anywhere());
        let error = error.expect_err("refused");
        assert!(error.to_string().ends_with("in the format sarif"), "{error}");
    }
}
