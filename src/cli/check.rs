//! `hyperframes-ci check`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::check::{CheckOptions, Values};
use hyperframes_ci_core::findings::{Findings, Levels, Rule, Severity};
use hyperframes_ci_core::options::AspectRatio;
use hyperframes_ci_core::report::ReportFormat;
use serde_json::json;

use super::all::SelectArgs;
use super::levels::LevelArgs;
use super::settings::Settings;
use super::values;
use crate::app::failure::CheckFailed;
use crate::fault::Error;
use crate::project::changes;
use crate::project::collect::Project;
use crate::project::discover;
use crate::project::input;
use crate::project::input::InputError;
use crate::project::shown::Shown;
use crate::project::tree::DiskTree;
use crate::system::parallel::in_order;
use crate::ui::{Console, counted};

/// Find what would fail or silently render wrong, before anything is uploaded
///
/// Declarations and values of variables, bindings, references between files, and the composition itself. Every
/// finding has a code: `check --explain CODE` says what is behind it. The same checks run before `render` and `pack`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Project directories, directories with projects below them, files of projects, or patterns for them
    #[arg(default_value = ".", conflicts_with = "selection")]
    paths: Vec<PathBuf>,
    /// An entry inside the project, index.html by default; several times for several
    #[arg(short, long, value_name = "PATH", conflicts_with = "selection")]
    composition: Vec<String>,
    /// The output shape that a render will be asked for; refused where it contradicts the composition
    #[arg(long, value_parser = values::aspect_ratio(), conflicts_with = "selection")]
    aspect_ratio: Option<AspectRatio>,
    /// Values for the composition's variables, as a JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "selection")]
    variables: Option<String>,
    /// Files with values for the composition's variables
    #[arg(long, value_name = "FILE", conflicts_with = "selection")]
    variables_file: Vec<PathBuf>,
    /// Files with many sets of values: a JSON array, {"rows": […]}, or one JSON object a line
    #[arg(long, value_name = "FILE", conflicts_with = "selection")]
    rows: Vec<PathBuf>,
    /// Tell only what concerns compositions that files are part of which changed since a commit, a branch or a tag
    #[arg(long, value_name = "REVISION")]
    changed_since: Option<String>,
    /// How findings are told, on standard output
    #[arg(long, value_parser = values::report_format(), value_name = "FORMAT")]
    format: Option<ReportFormat>,
    /// Explain a check instead
    #[arg(long, value_name = "CODE")]
    explain: Option<Rule>,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    levels: LevelArgs,
}

/// A project and what is to be looked at there.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) project: Project,
    pub(crate) options: CheckOptions,
    pub(crate) levels: Levels,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    if let Some(rule) = args.explain {
        explain(rule, console);
        return Ok(());
    }
    args.levels.validate()?;
    let format = match args.format {
        Some(format) if console.is_json() && format != ReportFormat::Json => {
            return Err(Error::usage(
                format!("--json and --format {format} exclude each other"),
                "leave one of them out",
            ));
        }
        Some(format) => format,
        None if console.is_json() => ReportFormat::Json,
        None => ReportFormat::Human,
    };
    let targets = if args.select.is_used() { entries(args)? } else { projects(args)? };
    let changed = changed(args, &targets)?;
    let mut findings = Findings::default();
    let mut compositions = 0;
    let shown = Shown::new(format == ReportFormat::Human, values::workspace().as_deref());
    let work = |(): &mut (), target: &Target| check_one(target, changed.get(&target.project.boundary));
    in_order(
        &targets,
        u64::MAX,
        |_| 0,
        || (),
        work,
        |target, checked| {
            let (mut found, count) = checked?;
            found.rename(|path| shown.path(&target.project.boundary, path));
            findings.append(found);
            compositions += count;
            Ok::<_, Error>(())
        },
    )?;
    findings.sort();
    // Entries of one project find the same things there.
    findings.diagnostics.dedup();
    tell(&findings, format, console);
    let [errors, warnings] = [Severity::Error, Severity::Warning].map(|severity| findings.count(severity));
    if errors > 0 {
        return Err(CheckFailed { errors }.into());
    }
    let roots = targets.iter().map(|target| &target.project.root).collect::<BTreeSet<_>>();
    console.done(&summary(compositions, roots.len(), warnings, args.changed_since.as_deref()));
    Ok(())
}

/// The projects that the user names.
fn projects(args: &Args) -> Result<Vec<Target>, Error> {
    let projects = discover::projects(&args.paths, values::workspace().as_deref()).map_err(|error| {
        Error::usage(error.to_string(), "name directories with an index.html, or directories above them")
    })?;
    let options = options(args, &projects)?;
    let mut known = BTreeMap::new();
    let target = |project: Project| {
        // A configuration is read once per repository.
        let levels = match known.get(&project.boundary) {
            Some(levels) => Levels::clone(levels),
            None => args.levels.levels(&project.boundary, Levels::default())?,
        };
        known.insert(project.boundary.clone(), levels.clone());
        Ok(Target { project, options: options.clone(), levels })
    };
    projects.into_iter().map(target).collect()
}

/// The entries that the user chooses.
fn entries(args: &Args) -> Result<Vec<Target>, Error> {
    let settings = Settings::read(Path::new("."), args.levels.config.as_deref())?;
    let flags = args.levels.flags();
    let entries = args.select.of(&settings)?;
    entries.into_iter().map(|entry| settings.resolve(&flags, Some(entry))?.0.target()).collect()
}

/// What changed in each repository, where that was asked for.
fn changed(args: &Args, targets: &[Target]) -> Result<BTreeMap<PathBuf, BTreeSet<String>>, Error> {
    let mut changed = BTreeMap::new();
    for Target { project, .. } in targets {
        if let (Some(revision), false) = (&args.changed_since, changed.contains_key(&project.boundary)) {
            changed.insert(project.boundary.clone(), changes::since(&project.boundary, revision)?);
        }
    }
    Ok(changed)
}

fn options(args: &Args, projects: &[Project]) -> Result<CheckOptions, Error> {
    let is_given = args.variables.is_some()
        || !args.variables_file.is_empty()
        || !args.rows.is_empty()
        || !args.composition.is_empty();
    if is_given && projects.len() > 1 {
        let message =
            format!("values and --composition are for one project, and these are {}", projects.len());
        return Err(Error::usage(message, "name one project directory"));
    }
    let mut given = Vec::new();
    if let Some(text) = &args.variables {
        given.push(Values::Inline(input::from_text("--variables", text)?));
    }
    for path in &args.variables_file {
        let (path, text) = read("--variables-file", path)?;
        given.push(Values::Object { path, text });
    }
    for path in &args.rows {
        let (path, text) = read("--rows", path)?;
        given.push(Values::Rows { path, text });
    }
    Ok(CheckOptions {
        compositions: args.composition.clone(),
        values: given,
        aspect_ratio: args.aspect_ratio,
    })
}

/// A file's contents, and its whole path, by which findings name it.
fn read(flag: &'static str, path: &Path) -> Result<(String, String), InputError> {
    let text = input::text_of(flag, path)?;
    Ok((values::whole(path), text))
}

/// The findings about one project, and how many of its compositions they are about.
fn check_one(target: &Target, changed: Option<&BTreeSet<String>>) -> Result<(Findings, usize), Error> {
    let tree = DiskTree::open(target.project.clone())?;
    let mut report = tree.check(&target.options)?;
    if let Some(changed) = changed {
        report.limit_to(changed);
    }
    report.findings.set_levels(&target.levels);
    Ok((report.findings, report.compositions))
}

fn tell(findings: &Findings, format: ReportFormat, console: &mut Console) {
    if console.is_json() {
        console.json(&findings.to_json());
    } else {
        console.result(&hyperframes_ci_core::report::render(findings, format, format == ReportFormat::Human));
    }
}

fn summary(compositions: usize, projects: usize, warnings: usize, since: Option<&str>) -> String {
    let of = match since {
        Some(revision) => format!(" that changed since {revision}"),
        None => String::new(),
    };
    let verdict =
        if warnings == 0 { "no findings to act on".to_owned() } else { counted(warnings, "warning") };
    format!("{}{of} in {}: {verdict}", counted(compositions, "composition"), counted(projects, "project"))
}

fn explain(rule: Rule, console: &mut Console) {
    let explanation = rule.explanation();
    let severity = rule.severity().as_str();
    let more = if explanation.is_empty() { String::new() } else { format!("\n{explanation}\n") };
    console.result(&format!("{rule} ({severity})\n\n{}\n{more}\n{}\n", rule.summary(), rule.url()));
    console.json(&json!({
        "code": rule,
        "severity": rule.severity(),
        "group": rule.group().title(),
        "summary": rule.summary(),
        "explanation": explanation,
        "url": rule.url(),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts() {
        assert_eq!(summary(1, 1, 0, None), "1 composition in 1 project: no findings to act on");
        assert_eq!(
            summary(3, 2, 1, Some("main")),
            "3 compositions that changed since main in 2 projects: 1 warning"
        );
    }
}
