//! The files that `hyperframes-ci init` writes: no findings of zizmor, valid by the published schemas, accepted by
//! pre-commit. All of it works without GitHub.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::hooks::PRE_COMMIT;
use super::suite::Outcome;
use crate::command::{binary, build, root, say, succeed, target};
use crate::provision::{SCHEMAS, ZIZMOR, python_tool};

/// Flags of `init` and the projects of the repository.
const CASES: &[(&str, &[&str])] = &[
    ("", &[]),
    ("", &["."]),
    ("--renderer local --hooks pre-commit", &["videos/launch"]),
    ("--renderer lambda --on pull_request", &["a b/\"c\"", "videos/launch", "videos/launch-2"]),
    ("--renderer cloud --on release --hooks lefthook", &["videos/launch"]),
    ("--on push --hooks husky", &["videos/launch"]),
    ("--on push,schedule,workflow_dispatch", &["videos/launch"]),
    ("--on pull_request,release,push,schedule,workflow_dispatch", &["videos/launch"]),
    ("--ci gitlab --hooks pre-commit", &["videos/launch"]),
    ("--ci gitlab --on pull_request,release,push,schedule,workflow_dispatch", &[]),
];

const PROJECT: &str = "<div data-composition-id=\"main\" data-width=\"1920\" data-height=\"1080\"></div>\n";

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    let (zizmor, schemas, pre_commit) =
        (python_tool(&ZIZMOR)?, python_tool(&SCHEMAS)?, python_tool(&PRE_COMMIT)?);
    build()?;
    let scratch = target().join("init");
    let _ = fs::remove_dir_all(&scratch);
    let (mut workflows, mut jobs, mut configurations) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (flags, projects)) in CASES.iter().enumerate() {
        let repository = scratch.join(index.to_string());
        set_up(&repository, flags, projects).with_context(|| format!("init {flags}"))?;
        let file = |path: &str| Some(repository.join(path)).filter(|path| path.is_file());
        workflows.extend(file(".github/workflows/hyperframes.yml"));
        jobs.extend(file(".gitlab/hyperframes.gitlab-ci.yml"));
        jobs.extend(file(".gitlab-ci.yml"));
        configurations.extend(file("hyperframes-ci.toml"));
        if let Some(hooks) = file(".pre-commit-config.yaml") {
            succeed(Command::new(&pre_commit).arg("validate-config").arg(hooks))?;
        }
    }
    ensure!(!workflows.is_empty() && !jobs.is_empty(), "init writes no workflow or no job");
    succeed(
        Command::new(zizmor).args(["--offline", "--no-progress", "--persona=pedantic"]).args(&workflows),
    )?;
    let check = |schema: &[&str], paths: &[PathBuf]| succeed(Command::new(&schemas).args(schema).args(paths));
    check(&["--builtin-schema", "vendor.github-workflows"], &workflows)?;
    check(&["--builtin-schema", "vendor.gitlab-ci"], &jobs)?;
    let schema = root().join("docs/hyperframes-ci.schema.json");
    check(&["--schemafile", &schema.to_string_lossy()], &configurations)?;
    say(&format!(
        "{} workflows, {} GitLab files, {} configurations",
        workflows.len(),
        jobs.len(),
        configurations.len()
    ));
    Ok(Outcome::Passed)
}

/// Runs `init` in a new repository with these projects; the configuration that it writes must be accepted.
fn set_up(repository: &Path, flags: &str, projects: &[&str]) -> Result<()> {
    fs::create_dir_all(repository.join(".git"))?;
    for project in projects {
        let folder = repository.join(project);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("index.html"), PROJECT)?;
    }
    for arguments in [&["init", "--yes", "--json"], &["config", "show", "--json"]] {
        let mut command = Command::new(binary("debug"));
        command.args(arguments).current_dir(repository);
        if arguments[0] == "init" {
            command.args(flags.split_whitespace());
        }
        let output = command.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
