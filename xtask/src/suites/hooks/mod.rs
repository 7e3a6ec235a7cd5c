//! The hooks of `.pre-commit-hooks.yaml` and of docs/hooks.md, run by the real pre-commit, Lefthook, husky and Git: each
//! rejects and accepts the same commits.

mod cases;
mod repository;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use self::cases::CASES;
use self::repository::{Repository, git};
use super::suite::Outcome;
use crate::command::{build, root, say, succeed};
use crate::files::copy_without;
use crate::npm;
use crate::provision::{Missing, Tool, cache, packages, python_tool};

pub(super) const PRE_COMMIT: Tool = Tool { package: "pre-commit", version: "4.3.0", program: "pre-commit" };

/// Hook managers from npm.
const LEFTHOOK: &str = "lefthook@2.2.2";
const HUSKY: &str = "husky@9.1.7";

/// What stays out of the repository that pre-commit clones.
const OURS: &[&str] = &[".git", "target", "node_modules", "dist", "renders"];

/// The cases that every hook must have; the hook that is built from source runs the same command as the others.
const ESSENTIAL: &[&str] = &["rename", "configuration alone", "unrelated change"];

/// Sets up a repository.
type SetUp = Box<dyn Fn(&Repository) -> Result<()> + Sync>;

/// A way to run the checks before a commit.
struct Manager {
    name: &'static str,
    /// Whether only the essential cases run.
    is_brief: bool,
    /// Writes the configuration and installs the hook into a repository.
    set_up: SetUp,
}

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    packages(&["git", "nodejs", "npm"])?;
    let pre_commit = python_tool(&PRE_COMMIT)?;
    build()?;
    let package = npm::pack()?;
    // Below the user's cache, so that cargo finds the user's settings on the way up.
    let scratch = Scratch::new(&cache()?.join("hooks"))?;
    let managers = managers(&scratch.0, &pre_commit, &package)?;
    let scratch = &scratch.0;
    let results = std::thread::scope(|scope| {
        let run = |manager| scope.spawn(move || run(scratch, manager));
        let running = managers.iter().map(run).collect::<Vec<_>>();
        running.into_iter().map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    report(&managers, &results)
}

/// Runs the cases of a manager; returns their results in the order of the table, `None` for those that do not run.
fn run(scratch: &Path, manager: &Manager) -> Vec<Option<Result<()>>> {
    let home = scratch.join(manager.name.replace(' ', "-"));
    let template = Repository::template(&home.join("template"), &*manager.set_up);
    let template = match template {
        Ok(template) => template,
        Err(error) => return vec![Some(Err(error))],
    };
    let mut results = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let runs = !manager.is_brief || ESSENTIAL.contains(&case.name);
        results.push(runs.then(|| {
            let copy = template.copy(&home.join(number.to_string()))?;
            (case.run)(&copy)
        }));
    }
    results
}

/// Prints the table of cases.
fn report(managers: &[Manager], results: &[Vec<Option<Result<()>>>]) -> Result<Outcome> {
    let mut failures = Vec::new();
    let names = managers.iter().map(|manager| manager.name).collect::<Vec<_>>();
    say(&format!("{:<42} {}", "", names.join(" · ")));
    for (number, case) in CASES.iter().enumerate() {
        let mut cells = Vec::new();
        for (manager, results) in managers.iter().zip(results) {
            let width = manager.name.len();
            let cell = match results.get(number) {
                Some(Some(Ok(()))) => case.expected,
                Some(None) => "",
                Some(Some(Err(error))) => {
                    failures.push(format!("{}, {}: {error:#}", manager.name, case.name));
                    "FAILED"
                }
                None => "not run",
            };
            cells.push(format!("{cell:<width$}"));
        }
        say(&format!("{:<42} {}", case.name, cells.join("   ").trim_end()));
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    let is_whole = results.iter().all(|results| results.len() == CASES.len());
    ensure!(is_whole, "a hook manager stopped before the last case");
    Ok(Outcome::Passed)
}

/// Installs packages from npm into a folder; returns its `node_modules`.
fn install(folder: &Path, packages: &[&str], flags: &[&str]) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), "{ \"private\": true }")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).args(flags);
    succeed(npm.args(packages).current_dir(folder).stdout(Stdio::null()))
        .with_context(|| Missing::new(packages, "npm cannot install it"))?;
    Ok(folder.join("node_modules"))
}

/// Returns all ways to run the checks.
fn managers(scratch: &Path, pre_commit: &Path, package: &Path) -> Result<Vec<Manager>> {
    let (hooks, revision) = published(scratch)?;
    let with_pre_commit = |name: &'static str, id: &'static str, more: String| {
        let config = format!(
            "repos:\n  - repo: {}\n    rev: {revision}\n    hooks:\n      - id: {id}{more}\n",
            hooks.display()
        );
        let (pre_commit, is_brief) = (pre_commit.to_owned(), id == "hyperframes-preflight");
        let set_up = move |repository: &Repository| {
            repository.write(".pre-commit-config.yaml", &config)?;
            repository.run(Command::new(&pre_commit).args(["install", "--install-hooks"]))
        };
        Manager { name, is_brief, set_up: Box::new(set_up) }
    };
    let modules = install(&scratch.join("npm"), &[LEFTHOOK], &[])?;
    let lefthook = move |repository: &Repository| {
        repository.write("lefthook.yml", &documented("lefthook.yml")?)?;
        repository.run(Command::new("node").arg(modules.join("lefthook/bin/index.js")).arg("install"))
    };
    // Without the native program, which the package prefers.
    let archive = package.to_str().context("a path")?;
    let modules = install(&scratch.join("preflight"), &[HUSKY, archive], &["--omit=optional"])?;
    let husky = move |repository: &Repository| {
        repository.write(".gitignore", "node_modules\n")?;
        repository.link(&modules, "node_modules")?;
        repository.write(".husky/pre-commit", &documented(".husky/pre-commit")?)?;
        repository.run(Command::new("node").arg(modules.join("husky/bin.js")))
    };
    let plain =
        |repository: &Repository| repository.program(".git/hooks/pre-commit", &documented("!/bin/sh")?);
    // The package is not published before its release; the very archive that will be is installed instead.
    let archive = format!("\n        additional_dependencies: [\"file:{}\"]", package.display());
    Ok(vec![
        with_pre_commit("pre-commit (system)", "hyperframes-preflight-system", String::new()),
        with_pre_commit("pre-commit (node)", "hyperframes-preflight-node", archive),
        with_pre_commit("pre-commit (rust)", "hyperframes-preflight", String::new()),
        Manager { name: "Lefthook", is_brief: false, set_up: Box::new(lefthook) },
        Manager { name: "husky, npx", is_brief: false, set_up: Box::new(husky) },
        Manager { name: "git hook", is_brief: false, set_up: Box::new(plain) },
    ])
}

/// Commits this repository as it is, for pre-commit to clone; returns its folder and the commit.
fn published(scratch: &Path) -> Result<(PathBuf, String)> {
    let hooks = scratch.join("hyperframes-ci");
    let is_ours = |path: &Path| {
        let name = path.strip_prefix(root()).ok().and_then(Path::to_str);
        name.is_some_and(|name| OURS.contains(&name))
    };
    copy_without(root(), &hooks, &is_ours)?;
    git(&hooks, &["init", "-q", "-b", "main"])?;
    git(&hooks, &["add", "-A"])?;
    git(&hooks, &["commit", "-qm", "hooks"])?;
    let revision = String::from_utf8(git(&hooks, &["rev-parse", "HEAD"])?.stdout)?;
    Ok((hooks, revision.trim().to_owned()))
}

/// Returns the code block of docs/hooks.md that starts with a comment.
fn documented(comment: &str) -> Result<String> {
    let text = fs::read_to_string(root().join("docs/hooks.md"))?;
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let found = blocks
        .map(|(_, body)| body)
        .find(|body| body.strip_prefix('#').is_some_and(|body| body.trim_start().starts_with(comment)));
    Ok(found.with_context(|| format!("docs/hooks.md has no block {comment}"))?.to_owned())
}

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: &Path) -> Result<Self> {
        let _ = fs::remove_dir_all(path);
        fs::create_dir_all(path).with_context(|| Missing::new(&["a cache"], "it cannot be written"))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
