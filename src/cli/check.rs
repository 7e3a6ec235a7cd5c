//! `hyperframes-ci check`

use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::{Findings, Levels, Rule, Severity};
use hyperframes_ci_core::options::AspectRatio;
use hyperframes_ci_core::report::{self, ReportFormat};

use super::select::SelectArgs;
use super::severities::SeverityArgs;
use super::values;
use super::workspace::workspace;
use crate::app::check::{self, CheckResult, CheckSpec, CheckTarget};
use crate::app::config::Settings;
use crate::app::entries::located;
use crate::app::failure::CheckFailed;
use crate::app::fix::{self, FixResult};
use crate::app::outcome::{CheckOutcome, FixedOutcome, RuleOutcome};
use crate::app::saved_report::{SavedReport, save_findings};
use crate::app::spec::{RenderSpec, Severities};
use crate::app::staged;
use crate::engine::Engine;
use crate::fault::Error;
use crate::project::changes::Base;
use crate::project::display_path::DisplayPaths;
use crate::renderers::provision_engine;
use crate::system::deadline::Deadline;
use crate::system::gate::Reach;
use crate::system::sandbox::SandboxOptions;
use crate::ui::{Console, counted, plain_lines, unified};

/// Find mistakes in projects before they are uploaded
///
/// Checks compositions, declarations and values of variables, bindings, and references between files. Every finding has
/// a code; `check --explain <CODE>` explains it. `render` and `pack` run the same checks.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Project directories, parent directories, files or glob patterns [default: .]
    #[arg(conflicts_with = "selection")]
    paths: Vec<PathBuf>,
    /// Entry HTML file; may be repeated [default: index.html]
    #[arg(short, long, value_name = "PATH", conflicts_with = "selection")]
    composition: Vec<String>,
    /// Aspect ratio of the planned render: 16:9, 9:16 or 1:1
    ///
    /// A value that contradicts the composition is an error.
    #[arg(long, value_name = "RATIO", value_parser = values::aspect_ratio(), conflicts_with = "selection")]
    #[arg(hide_possible_values = true)]
    aspect_ratio: Option<AspectRatio>,
    /// Values of the composition's variables, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "selection")]
    variables: Option<String>,
    /// JSON file with values of variables; may be repeated
    #[arg(long, value_name = "FILE", conflicts_with = "selection")]
    variables_file: Vec<PathBuf>,
    /// File with rows of values; may be repeated
    ///
    /// Supported formats: JSON Lines, a JSON array, {"rows": [...]}, and CSV or TSV with a header.
    #[arg(long, value_name = "FILE", conflicts_with = "selection")]
    rows: Vec<PathBuf>,
    /// Only report compositions affected by changes since REVISION
    ///
    /// REVISION is a commit, a branch or a tag.
    #[arg(long, value_name = "REVISION")]
    changed_since: Option<String>,
    /// Check the staged files; only report what they affect
    ///
    /// For hooks: reads contents from the Git index, so that findings match the commit. Files that are not added to the
    /// index count as missing. Without PATHS, the whole repository is checked.
    #[arg(long, conflicts_with_all = ["changed_since", "selection", "composition", "aspect_ratio", "variables"])]
    #[arg(conflicts_with_all = ["variables_file", "rows", "fix", "official"])]
    staged: bool,
    /// Output format: human, json, github or sarif [default: human]
    #[arg(long, value_parser = values::report_format(), value_name = "FORMAT", hide_possible_values = true)]
    format: Option<ReportFormat>,
    /// Write a report to a file as well; may be repeated
    ///
    /// Formats: junit, code-quality (GitLab), sarif and json. Paths in all output are then relative to the repository.
    #[arg(long, value_name = "FORMAT=FILE")]
    save_report: Vec<SavedReport>,
    /// Findings of one kind to print in full; 0 = all [default: 20]
    ///
    /// The rest are summarized as one finding. Applies to the format human.
    #[arg(long, value_name = "N")]
    max_findings: Option<usize>,
    /// Apply automatic fixes, and print the changes
    ///
    /// Edits files in place. `check --explain <CODE>` says whether a finding can be fixed.
    #[arg(long)]
    fix: bool,
    /// With --fix, print the changes without making them
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Also run the official linter, and report what only it finds
    ///
    /// Installs the engine if needed, as for a local render.
    #[arg(long, conflicts_with = "fix")]
    official: bool,
    /// Explain a check and exit
    #[arg(long, value_name = "CODE")]
    explain: Option<Rule>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    severities: SeverityArgs,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    if let Some(rule) = args.explain {
        explain(rule, console);
        return Ok(());
    }
    let format = match args.format {
        Some(format) if console.is_json() && format != ReportFormat::Json => {
            return Err(Error::usage(
                format!("--json cannot be used with --format {format}"),
                "remove one of them",
            ));
        }
        Some(format) => format,
        None if console.is_json() => ReportFormat::Json,
        None => ReportFormat::Human,
    };
    let is_for_people = format == ReportFormat::Human && args.save_report.is_empty();
    let paths = DisplayPaths::new(is_for_people, workspace().as_deref());
    let (result, fixed, scope) = if args.staged {
        let spec = spec(args, args.severities.to_severities());
        let result = staged::check(&spec, &base(|name| std::env::var(name).ok()), &paths)?;
        (result, FixResult::default(), Some(Scope::Staged))
    } else {
        let targets = targets(args, console)?;
        let since = args.changed_since.as_deref();
        // Where no entry is selected, a note has said so.
        let is_selected = !targets.is_empty() || !args.select.selection().is_used();
        let scope = is_selected.then_some(since.map_or(Scope::All, Scope::Since));
        let (result, fixed) = match args.fix {
            true => fix::fix(&targets, since, &paths, args.dry_run)?,
            false => {
                let engine = args.official.then(|| engine(console)).transpose()?;
                (check::check(&targets, since, &paths, engine.as_ref())?, FixResult::default())
            }
        };
        (result, fixed, scope)
    };
    let CheckResult { findings, compositions, projects } = result;
    if args.fix {
        print_fixed(&fixed, format, args.dry_run, console);
    }
    print(&findings, &fixed, format, args.max_findings, console);
    save_findings(&args.save_report, &findings, &Reach::of_user(workspace().as_deref()))?;
    let [errors, warnings] = [Severity::Error, Severity::Warning].map(|severity| findings.count(severity));
    if errors > 0 {
        return Err(CheckFailed { errors }.into());
    }
    if let Some(scope) = scope {
        console.done(&summary(compositions, projects, warnings, scope));
    }
    Ok(())
}

/// Returns what staged files are compared with. pre-commit also runs hooks outside of a commit, for a range of commits or
/// for all files; in a commit, Git sets the variable of the index.
fn base(variable: impl Fn(&str) -> Option<String>) -> Base {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    match (variable("PRE_COMMIT"), variable("PRE_COMMIT_FROM_REF"), variable("GIT_INDEX_FILE")) {
        (Some(_), Some(revision), _) => Base::Revision(revision),
        (Some(_), None, None) => Base::HeadOrNothing,
        _ => Base::Head,
    }
}

/// What is reported.
#[derive(Clone, Copy, Debug)]
enum Scope<'a> {
    /// All findings.
    All,
    /// Those affected by changes since a revision.
    Since(&'a str),
    /// Those affected by the staged files.
    Staged,
}

fn spec(args: &Args, severities: Severities) -> CheckSpec {
    CheckSpec {
        paths: args.paths.clone(),
        compositions: args.composition.clone(),
        aspect_ratio: args.aspect_ratio,
        variables: args.variables.clone(),
        variables_files: args.variables_file.clone(),
        rows: args.rows.clone(),
        severities,
        workspace: workspace(),
    }
}

/// Returns the targets of the selected entries, or of the paths. A notice says if no entry is selected.
fn targets(args: &Args, console: &mut Console) -> Result<Vec<CheckTarget>, Error> {
    let severities = args.severities.to_severities();
    let selection = args.select.selection();
    if selection.is_used() {
        severities.validate()?;
        let settings = Settings::read(Path::new("."), severities.config.as_deref(), workspace())?;
        let base = RenderSpec { severities, ..RenderSpec::default() };
        let entries = selection.entries(&settings)?;
        if entries.is_empty() {
            console.note(&selection.nothing(&settings));
        }
        let target = |entry| {
            let spec = settings.resolve(base.clone(), &[], Some(entry));
            let target = spec.and_then(|(spec, _)| CheckTarget::of_render(&spec, Levels::default()));
            target.map_err(|error| located(error, entry, &settings))
        };
        return entries.into_iter().map(target).collect();
    }
    let mut spec = spec(args, severities);
    if spec.paths.is_empty() {
        spec.paths.push(PathBuf::from("."));
    }
    check::targets(&spec)
}

/// Finds or installs the engine, whose linter runs in the same layers as its renders.
fn engine(console: &mut Console) -> Result<Engine, Error> {
    provision_engine(SandboxOptions::default(), Deadline::NEVER, console)
}

/// Prints the changes, and their number.
fn print_fixed(fixed: &FixResult, format: ReportFormat, is_dry_run: bool, console: &mut Console) {
    if format == ReportFormat::Human {
        for file in &fixed.files {
            console.result(&plain_lines(&unified(&file.path, &file.before, &file.after)));
        }
    }
    let verb = if is_dry_run { "would correct" } else { "corrected" };
    let (count, files) = (counted(fixed.corrections, "finding"), counted(fixed.files.len(), "file"));
    console.note(&match fixed.corrections {
        0 => "nothing to correct".to_owned(),
        _ => format!("{verb} {count} in {files}"),
    });
}

fn print(
    findings: &Findings,
    fixed: &FixResult,
    format: ReportFormat,
    most: Option<usize>,
    console: &mut Console,
) {
    if console.is_json() {
        let mut outcome = CheckOutcome::from(findings);
        outcome.fixed = fixed.files.iter().map(FixedOutcome::from).collect();
        console.outcome(&outcome);
    } else if format == ReportFormat::Human {
        let most = Some(most.unwrap_or(report::MAX_FINDINGS)).filter(|most| *most > 0);
        console.result(&report::render_for_people(findings, true, most));
    } else {
        console.result(&report::render(findings, format, false));
    }
}

fn summary(compositions: usize, projects: usize, warnings: usize, scope: Scope<'_>) -> String {
    let changes = match scope {
        Scope::Staged if projects == 0 => return "no composition is affected by the staged files".to_owned(),
        _ if projects == 0 => return "no HyperFrames project found: nothing to check".to_owned(),
        Scope::All => String::new(),
        Scope::Since(revision) => format!(" affected by changes since {revision}"),
        Scope::Staged => " affected by the staged files".to_owned(),
    };
    let verdict =
        if warnings == 0 { "no errors or warnings".to_owned() } else { counted(warnings, "warning") };
    format!(
        "{}{changes} in {}: {verdict}",
        counted(compositions, "composition"),
        counted(projects, "project")
    )
}

fn explain(rule: Rule, console: &mut Console) {
    let explanation = rule.explanation();
    let severity = rule.severity().as_str();
    let more = if explanation.is_empty() { String::new() } else { format!("\n{explanation}\n") };
    let fix = if rule.is_fixable() { "\n`check --fix` can correct it.\n" } else { "" };
    console.result(&format!("{rule} ({severity})\n\n{}\n{more}{fix}\n{}\n", rule.summary(), rule.url()));
    console.outcome(&RuleOutcome {
        code: rule.to_string(),
        severity,
        group: rule.group().title(),
        summary: rule.summary(),
        explanation: explanation.to_string(),
        url: rule.url(),
        is_fixable: rule.is_fixable(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pre_commit_says_what_is_compared() {
        let base = |set: &[(&str, &str)]| {
            base(|name| Some(set.iter().find(|(other, _)| *other == name)?.1.to_owned()))
        };
        assert_eq!(base(&[]), Base::Head);
        assert_eq!(base(&[("GIT_INDEX_FILE", ".git/index")]), Base::Head);
        assert_eq!(base(&[("PRE_COMMIT", "1"), ("GIT_INDEX_FILE", ".git/index")]), Base::Head);
        assert_eq!(base(&[("PRE_COMMIT", "1")]), Base::HeadOrNothing);
        let range = [("PRE_COMMIT", "1"), ("PRE_COMMIT_FROM_REF", "main"), ("PRE_COMMIT_TO_REF", "HEAD")];
        assert_eq!(base(&range), Base::Revision("main".to_owned()));
    }

    #[test]
    fn summaries_have_counts() {
        assert_eq!(summary(0, 0, 0, Scope::All), "no HyperFrames project found: nothing to check");
        assert_eq!(summary(1, 1, 0, Scope::All), "1 composition in 1 project: no errors or warnings");
        assert_eq!(
            summary(3, 2, 1, Scope::Since("main")),
            "3 compositions affected by changes since main in 2 projects: 1 warning"
        );
    }
}
