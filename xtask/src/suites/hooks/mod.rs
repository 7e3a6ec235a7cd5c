//! The hooks of `.pre-commit-hooks.yaml`, installed by pre-commit: they reject an invalid commit and accept a valid one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::suite::Outcome;
use crate::command::{binary, build, root, say};
use crate::files::copy_without;
use crate::npm;
use crate::provision::{Missing, Tool, cache, packages, python_tool};

pub(super) const PRE_COMMIT: Tool = Tool { package: "pre-commit", version: "4.3.0", program: "pre-commit" };

const GOOD: &str = "<html data-composition-variables='[{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\"default\":\"Hi\"}]'>
<div data-composition-id=\"main\" data-width=\"1920\" data-height=\"1080\" data-duration=\"2\"><h1 data-var-text=\"title\">Hi</h1></div>
</html>
";

/// What stays out of the repository that pre-commit clones.
const OURS: &[&str] = &[".git", "target", "node_modules", "dist", "renders"];

pub(super) fn test() -> Result<Outcome> {
    packages(&["git", "nodejs", "npm"])?;
    let pre_commit = python_tool(&PRE_COMMIT)?;
    build()?;
    let package = npm::pack()?;
    // Below the user's cache, so that cargo finds the user's settings on the way up.
    let scratch = Scratch::new(&cache()?.join("hooks"))?;
    let hooks = scratch.0.join("hyperframes-ci");
    let is_ours = |path: &Path| {
        let name = path.strip_prefix(root()).ok().and_then(Path::to_str);
        name.is_some_and(|name| OURS.contains(&name))
    };
    copy_without(root(), &hooks, &is_ours)?;
    git(&hooks, &["init", "-q", "-b", "main"])?;
    git(&hooks, &["add", "-A"])?;
    git(&hooks, &["commit", "-qm", "hooks"])?;
    let revision = String::from_utf8(git(&hooks, &["rev-parse", "HEAD"])?.stdout)?;
    for (id, more) in [
        ("hyperframes-preflight", String::new()),
        ("hyperframes-preflight-system", String::new()),
        // The package is not published before its release; the very archive that will be is installed instead.
        (
            "hyperframes-preflight-node",
            format!("\n        additional_dependencies: [\"file:{}\"]", package.display()),
        ),
    ] {
        let config = format!(
            "repos:\n  - repo: {}\n    rev: {}\n    hooks:\n      - id: {id}{more}\n",
            hooks.display(),
            revision.trim()
        );
        hook(&scratch.0, &pre_commit, id, &config).with_context(|| format!("the hook {id}"))?;
        say(&format!("{id}: rejects an invalid commit and accepts a valid one"));
    }
    Ok(Outcome::Passed)
}

/// One hook in a repository of its own.
fn hook(scratch: &Path, pre_commit: &Path, id: &str, config: &str) -> Result<()> {
    let repository = scratch.join(id);
    fs::create_dir_all(repository.join("videos/launch"))?;
    let page = repository.join("videos/launch/index.html");
    git(&repository, &["init", "-q", "-b", "main"])?;
    fs::write(repository.join(".pre-commit-config.yaml"), config)?;
    let mut install = Command::new(pre_commit);
    install.args(["install", "--install-hooks"]).current_dir(&repository);
    let output = environment(&mut install, scratch).output()?;
    ensure!(output.status.success(), "{}", said(&output));
    let commit = |what: &str| -> Result<Output> {
        git(&repository, &["add", "-A"])?;
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-m", what]);
        Ok(environment(command.current_dir(&repository), scratch).output()?)
    };
    fs::write(repository.join("README.md"), "No composition\n")?;
    fs::write(
        &page,
        GOOD.replace("data-var-text=\"title\"", "data-var-text=\"title\"><img src=\"gone.png\""),
    )?;
    let refused = commit("bad")?;
    ensure!(!refused.status.success(), "an invalid commit was accepted:\n{}", said(&refused));
    let text = said(&refused);
    ensure!(text.contains("(referenced as \"gone.png\")"), "no finding in:\n{text}");
    ensure!(text.contains("--> videos/launch/index.html:2:"), "no position in:\n{text}");
    fs::write(&page, GOOD)?;
    let passed = commit("good")?;
    ensure!(passed.status.success(), "a valid commit was rejected:\n{}", said(&passed));
    // Pages that are not compositions are not checked.
    fs::write(repository.join("page.html"), "<p><img src=\"gone.png\">\n")?;
    let passed = commit("another page")?;
    ensure!(passed.status.success(), "an unrelated page was rejected:\n{}", said(&passed));
    Ok(())
}

/// The binary on `PATH`, everything else out of the user's sight.
fn environment<'a>(command: &'a mut Command, scratch: &Path) -> &'a mut Command {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let ours = binary("debug").parent().map(Path::to_owned);
    let path =
        std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&inherited))).unwrap_or(inherited);
    command
        .env("PATH", path)
        .env("PRE_COMMIT_HOME", scratch.join("home"))
        // The hook is built as users build it, but for the time that optimizing takes.
        .env("CARGO_TARGET_DIR", root().join("target/hooks"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env_remove("GIT_DIR")
        .env_remove("RUSTC")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn git(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.hooksPath=/dev/null"]);
    let output = command.args(arguments).current_dir(folder).output().context("cannot start git")?;
    ensure!(output.status.success(), "git {arguments:?}: {}", said(&output));
    Ok(output)
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
