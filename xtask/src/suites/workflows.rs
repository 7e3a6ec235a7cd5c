//! Workflows, the action and the shell scripts: no findings of zizmor, valid by the published schemas, clean by
//! shellcheck. All of it works without GitHub.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use anyhow::{Context, Result, ensure};

use super::suite::Outcome;
use crate::command::{root, succeed};
use crate::provision::{SCHEMAS, SHELLCHECK, ZIZMOR, npm_tool, python_tool};

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    let (zizmor, schemas, shellcheck) =
        (python_tool(&ZIZMOR)?, python_tool(&SCHEMAS)?, python_tool(&SHELLCHECK)?);
    let workflows = workflows(&root().join(".github/workflows"))?;
    ensure!(!workflows.is_empty(), ".github/workflows holds no workflow");
    let action = Some(root().join("action.yml")).filter(|path| path.is_file());
    let action = action.as_slice();
    succeed(
        Command::new(zizmor)
            .args(["--offline", "--no-progress", "--persona=pedantic"])
            .arg(root().join(".github"))
            .args(action),
    )?;
    succeed(Command::new(&schemas).args(["--builtin-schema", "vendor.github-workflows"]).args(workflows))?;
    if !action.is_empty() {
        succeed(Command::new(&schemas).args(["--builtin-schema", "vendor.github-actions"]).args(action))?;
    }
    for (schema, files) in [
        ("vendor.dependabot", &["dependabot.yml"][..]),
        ("vendor.github-issue-config", &["ISSUE_TEMPLATE/config.yml"]),
        ("vendor.github-issue-forms", &["ISSUE_TEMPLATE/bug.yml", "ISSUE_TEMPLATE/feature.yml"]),
    ] {
        let files = files.iter().map(|file| root().join(".github").join(file));
        succeed(Command::new(&schemas).args(["--builtin-schema", schema]).args(files))?;
    }
    let component = fs::read_to_string(root().join("templates/render.yml"))?;
    let jobs = component.split("\n---\n").nth(1).context("the component has no second document")?;
    // The schema is of pipelines: names of jobs and stages stand for what inputs put there.
    let checked = root().join("target/component.gitlab-ci.yml");
    fs::write(&checked, jobs)?;
    succeed(Command::new(&schemas).args(["--builtin-schema", "vendor.gitlab-ci"]).arg(checked))?;
    configurations(&schemas)?;
    let scripts = [
        ".ci/run",
        "action/install.sh",
        "action/release.sh",
        "action/test-install.sh",
        "docker/engine.sh",
        "docker/packages.sh",
        "docker/test.sh",
        "install/install.sh",
    ]
    .map(|script| root().join(script));
    succeed(Command::new(shellcheck).args(scripts))?;
    powershell(&root().join("install/install.ps1"))?;
    Ok(Outcome::Passed)
}

/// The syntax of a PowerShell script, which runs on Windows only.
fn powershell(script: &Path) -> Result<()> {
    let parser = npm_tool("web-tree-sitter", "0.25.10", "tree-sitter.js")?;
    let grammar = npm_tool("tree-sitter-powershell", "0.26.4", "tree-sitter-powershell.wasm")?;
    let checker = root().join("xtask/src/suites/powershell.mjs");
    let check = |script: &Path| -> Result<(bool, String)> {
        let mut command = Command::new("node");
        let output = command.arg(&checker).arg(&parser).arg(&grammar).arg(script).output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(text.is_empty(), "the PowerShell parser failed: {text}");
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    // A script that ends early, so that a parser that accepts everything is noticed.
    let text = fs::read_to_string(script)?;
    let partial = root().join("target/partial.ps1");
    fs::write(&partial, &text[..text.len() / 2])?;
    ensure!(!check(&partial)?.0, "the parser accepts half a script");
    let (is_valid, errors) = check(script)?;
    ensure!(is_valid, "{errors}");
    Ok(())
}

/// The published schema of the configuration: a schema, which takes the good examples and refuses the bad ones. The
/// program itself is held against the same files by the integration tests.
fn configurations(schemas: &Path) -> Result<()> {
    let schema = root().join("docs/hyperframes-ci.schema.json");
    succeed(Command::new(schemas).arg("--check-metaschema").arg(&schema))?;
    let mut refused = 0;
    for entry in fs::read_dir(root().join("tests/config"))? {
        let path = entry?.path();
        let is_good = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("good"));
        let checked = Command::new(schemas).arg("--schemafile").arg(&schema).arg(&path).output()?;
        let told = String::from_utf8_lossy(&checked.stdout);
        ensure!(checked.status.success() == is_good, "{}: {told}", path.display());
        // A schema that cannot be used, or a file that cannot be read, is no refusal.
        ensure!(is_good || told.contains("Schema validation errors"), "{}: {told}", path.display());
        refused += usize::from(!is_good);
    }
    ensure!(refused > 0, "no example is refused");
    Ok(())
}

/// The workflows in a folder, sorted.
fn workflows(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml"));
    paths.sort();
    Ok(paths)
}
