//! action/release.sh, against a repository of its own: the commit, the tags, and the token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::sandbox::{printed, scratch};
use crate::command::root;
use crate::dist::project::VERSION;
use crate::dist::target::TARGETS;
use crate::provision::find;

const TOKEN: &str = "ghs_not_for_command_lines";

pub(super) fn test(dist: &Path) -> Result<()> {
    let folder = scratch("release")?;
    let (work, remote) = (folder.join("work"), folder.join("o/r.git"));
    fs::create_dir_all(work.join("action"))?;
    fs::create_dir_all(&remote)?;
    for name in ["action/release.sh", "action/checksums.txt", "CHANGELOG.md"] {
        fs::copy(root().join(name), work.join(name))?;
    }
    copy_sums(dist, &work)?;
    git(&remote, &["init", "-q", "--bare", "-b", "main"])?;
    git(&work, &["init", "-q", "-b", "main"])?;
    git(&work, &["add", "action", "CHANGELOG.md"])?;
    git(&work, &["commit", "-qm", "start"])?;
    git(&work, &["push", "-q", remote.to_str().context("a path")?, "main"])?;
    let main = git(&remote, &["rev-parse", "main"])?;
    // The next major tag of an earlier release.
    git(&remote, &["tag", &major(), "main"])?;

    let run = |step: &str| release(&folder, &work, step);
    let output = run("commit")?;
    ensure!(output.status.success(), "{}", printed(&output));
    let tag = format!("v{VERSION}");
    let commit = git(&remote, &["rev-parse", &tag])?;
    ensure!(commit != main && git(&remote, &["rev-parse", "main"])? == main, "main moved");
    ensure!(
        git(&remote, &["rev-parse", &major()])? == main,
        "the major tag moved before the release was public"
    );
    let checksums = git(&remote, &["show", &format!("{tag}:action/checksums.txt")])?;
    for target in TARGETS {
        let lines =
            checksums.lines().filter(|line| line.ends_with(&format!("  {VERSION}  {}", target.archive())));
        ensure!(lines.count() == 1, "no checksum of {} in:\n{checksums}", target.archive());
    }
    ensure!(run("move")?.status.success(), "the major tag did not move");
    ensure!(git(&remote, &["rev-parse", &major()])? == commit, "the major tag is not at the release");

    // A job that runs again finds its own tag; another release of the same version is refused.
    let again = run("commit")?;
    ensure!(again.status.success() && printed(&again).contains("already tagged"), "{}", printed(&again));
    ensure!(git(&remote, &["rev-parse", &tag])? == commit, "the tag moved");
    let sums = fs::read_to_string(work.join("dist/SHA256SUMS"))?;
    let archive = format!("  {}\n", TARGETS[0].archive());
    let end = sums.find(&archive).context("no checksum of an archive")?;
    fs::write(work.join("dist/SHA256SUMS"), sums.replace(&sums[end - 64..end], &"0".repeat(64)))?;
    let other = run("commit")?;
    ensure!(!other.status.success() && printed(&other).contains("different files"), "{}", printed(&other));

    let calls = fs::read_to_string(folder.join("calls"))?;
    ensure!(calls.contains("push") && !calls.contains(TOKEN), "the token is in an argument:\n{calls}");
    ensure!(!calls.contains(&base64(TOKEN)), "the encoded token is in an argument:\n{calls}");
    let config = fs::read_to_string(work.join(".git/config"))?;
    ensure!(!config.contains("AUTHORIZATION"), "the token is in .git/config");
    fs::remove_dir_all(folder)?;
    Ok(())
}

fn base64(token: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("x-access-token:{token}"))
}

/// The tag of the major version, such as `v0`.
fn major() -> String {
    format!("v{}", VERSION.split('.').next().unwrap_or_default())
}

fn copy_sums(dist: &Path, work: &Path) -> Result<()> {
    fs::create_dir_all(work.join("dist"))?;
    fs::copy(dist.join("SHA256SUMS"), work.join("dist/SHA256SUMS"))?;
    Ok(())
}

/// Runs the script as the workflow does; a wrapper of git writes down its arguments.
fn release(folder: &Path, work: &Path, step: &str) -> Result<Output> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    let git = find("git").context("git not found")?;
    let wrapper = bin.join("git");
    let log = folder.join("calls");
    fs::write(
        &wrapper,
        format!("#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n", log.display(), git.display()),
    )?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&inherited)))?;
    let mut command = Command::new("bash");
    command
        .args(["action/release.sh", step])
        .current_dir(work)
        .env("PATH", path)
        .env("VERSION", VERSION)
        .env("GH_TOKEN", TOKEN)
        .env("GITHUB_SERVER_URL", format!("file://{}", folder.display()))
        .env("GITHUB_REPOSITORY", "o/r");
    Ok(command.output()?)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.hooksPath=/dev/null"]);
    let output = command.args(arguments).current_dir(folder).output().context("cannot run git")?;
    ensure!(output.status.success(), "git {arguments:?}: {}", printed(&output));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
