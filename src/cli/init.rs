//! `hyperframes-ci init`

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::workspace::workspace;
use crate::app::config::EVENTS;
use crate::app::init::{
    CiService, DEFAULT_EVENTS, Events, HookManager, InitError, InitSpec, Plan, Repository,
};
use crate::app::outcome::{InitAction, InitOutcome};
use crate::fault::Error;
use crate::heygen::auth::terminal;
use crate::heygen::environment;
use crate::renderers;
use crate::ui::{Console, counted, plain, table};

/// Set up a repository: a workflow, hyperframes-ci.toml and hooks
///
/// Finds the projects, the CI service and the hook manager of the repository, writes the files and prints the next steps.
/// Existing files are not replaced without --force, and configuration files of other tools are never edited: the lines to
/// add are printed instead.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A directory of the repository
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// CI service [default: detected]
    #[arg(long, value_name = "SERVICE", value_parser = ci_service())]
    ci: Option<CiService>,
    /// Manager of commit hooks [default: none]
    ///
    /// The hook checks the projects before each commit: pre-commit, lefthook, husky, or none.
    #[arg(long, value_name = "MANAGER", value_parser = hook_manager(), hide_possible_values = true)]
    hooks: Option<Hooks>,
    /// Renderer of the workflow
    ///
    /// One of the values of `render --renderer`.
    #[arg(long, value_name = "NAME", default_value = renderers::AUTO)]
    #[arg(value_parser = PossibleValuesParser::new(renderers::names()), hide_possible_values = true)]
    renderer: String,
    /// Comma-separated events of the workflow
    #[arg(long, value_name = "EVENT", value_delimiter = ',', default_value = DEFAULT_EVENTS)]
    #[arg(value_parser = PossibleValuesParser::new(EVENTS), hide_possible_values = true)]
    on: Vec<String>,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    /// Print the files instead of writing them
    #[arg(long)]
    dry_run: bool,
    /// Do not ask questions
    #[arg(short, long)]
    yes: bool,
}

/// The value of `--hooks`; `None` stands for `none`.
type Hooks = Option<HookManager>;

fn ci_service() -> impl TypedValueParser<Value = CiService> {
    let find = |name: String| CiService::ALL.iter().copied().find(|ci| ci.name() == name).ok_or("unknown");
    PossibleValuesParser::new(CiService::ALL.iter().map(|ci| ci.name())).try_map(find)
}

fn hook_manager() -> impl TypedValueParser<Value = Hooks> {
    let names = HookManager::ALL.iter().map(|hooks| hooks.name()).chain(["none"]);
    PossibleValuesParser::new(names)
        .map(|name| HookManager::ALL.iter().copied().find(|hooks| hooks.name() == name))
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    if !args.dir.is_dir() {
        return Err(InitError::NoDirectory(args.dir.clone()).into());
    }
    let asks =
        !args.yes && !args.dry_run && !console.is_json() && terminal::is_attended(&environment::variable);
    let repository = Repository::find(&args.dir, workspace().as_deref());
    if !repository.is_git {
        console.warning(&format!("{} is not in a Git repository", repository.root.display()));
    }
    for project in &repository.unnamed {
        console.warning(&format!("skipped {project}: its name is not valid UTF-8; rename it to set it up"));
    }
    let spec = InitSpec {
        ci: args.ci.unwrap_or_else(|| detect_ci(&repository, console)),
        hooks: choose_hooks(args, &repository, asks, console),
        renderer: args.renderer.clone(),
        events: events(&args.on),
        replaces: args.force,
    };
    let plan = Plan::new(repository, spec)?;
    let outcome = plan.outcome(args.dry_run);
    if !args.dry_run && plan.writes() > 0 {
        if asks {
            console.result(&files(&outcome, true));
            if !terminal::confirm(&format!("Write {}?", counted(plan.writes(), "file"))) {
                return Err(InitError::Declined.into());
            }
        }
        plan.write()?;
    }
    console.outcome(&outcome);
    console.result(&text(&outcome));
    Ok(())
}

/// Returns the CI service of the repository. A note says if there are several.
fn detect_ci(repository: &Repository, console: &mut Console) -> CiService {
    let detected = repository.detect_ci();
    if repository.has_several_ci() {
        let (chosen, other) = match detected {
            CiService::GitLab => ("GitLab CI/CD", CiService::GitHub),
            _ => ("GitHub Actions", CiService::GitLab),
        };
        console.note(&format!(
            "found .github/workflows and .gitlab-ci.yml; chose {chosen} (--ci {} chooses the other)",
            other.name()
        ));
    }
    detected
}

/// Returns the hook manager: that of the flag, otherwise a detected one if the user agrees.
fn choose_hooks(args: &Args, repository: &Repository, asks: bool, console: &mut Console) -> Hooks {
    match (args.hooks, repository.hooks) {
        (Some(hooks), _) => hooks,
        (None, Some(found)) if repository.has_own_hook(found) => None,
        (None, Some(found)) if asks => {
            terminal::confirm(&format!("Check projects before each commit with {}?", found.name()))
                .then_some(found)
        }
        (None, Some(found)) => {
            console.note(&format!("found {0}; --hooks {0} checks projects before each commit", found.name()));
            None
        }
        (None, None) => None,
    }
}

/// Returns the events, each once.
fn events(given: &[String]) -> Events {
    let is_given = |event: &&&str| given.iter().any(|given| given == **event);
    Events(EVENTS.iter().filter(is_given).map(|event| (*event).to_owned()).collect())
}

/// Returns the list of files; `is_planned` if they are not written yet.
fn files(outcome: &InitOutcome, is_planned: bool) -> String {
    let row = |file: &crate::app::outcome::InitFile| {
        let action = match (file.action, is_planned) {
            (InitAction::Create, true) => "create",
            (InitAction::Create, false) => "created",
            (InitAction::Replace, true) => "replace",
            (InitAction::Replace, false) => "replaced",
            (InitAction::Unchanged, _) => "unchanged",
            (InitAction::Skip, true) => "skip",
            (InitAction::Skip, false) => "skipped",
        };
        let reason = file.reason.as_ref().map(|reason| format!("({reason})"));
        vec![action.to_owned(), file.path.clone(), reason.unwrap_or_default()]
    };
    table(&outcome.files.iter().map(row).collect::<Vec<_>>())
}

/// Returns the result for people.
fn text(outcome: &InitOutcome) -> String {
    let projects = match outcome.projects.as_slice() {
        [] => "none found".to_owned(),
        projects => plain(&projects.join(", ")),
    };
    let mut text = format!("projects: {projects}\n\n{}", files(outcome, outcome.dry_run));
    for file in &outcome.files {
        if let Some(contents) = &file.contents {
            text.push_str(&format!("\n--- {}\n{contents}", file.path));
        }
    }
    for addition in &outcome.additions {
        text.push_str(&format!("\nAdd to {}:\n\n{}", addition.path, indented(&addition.lines)));
    }
    if !outcome.next_steps.is_empty() {
        text.push_str("\nNext steps:\n");
    }
    for (index, step) in outcome.next_steps.iter().enumerate() {
        let mut lines = step.lines();
        text.push_str(&format!("  {}. {}\n", index + 1, lines.next().unwrap_or_default()));
        text.extend(lines.map(|line| format!("     {line}\n")));
    }
    text
}

/// Returns lines indented by two spaces.
fn indented(lines: &str) -> String {
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
    lines.lines().map(line).collect()
}
