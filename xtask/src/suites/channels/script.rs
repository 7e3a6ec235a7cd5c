//! install.sh: what it installs, and that it leaves nothing behind when it fails.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::sandbox::{expect_version, printed, scratch};
use super::server::{Reply, Routes, Server};
use crate::dist::archive::{Files, tar_gz};
use crate::dist::project::VERSION;
use crate::dist::target::Target;
use crate::provision::find;

/// What install.sh needs besides a downloader and a program for checksums.
const TOOLS: &[&str] =
    &["cat", "chmod", "cp", "cut", "gzip", "mkdir", "mktemp", "mv", "rm", "sh", "sysctl", "tar", "uname"];

/// A machine: a home, a PATH, and a mirror.
struct Machine<'a> {
    script: &'a Path,
    folder: PathBuf,
    path: PathBuf,
    mirror: String,
}

impl Machine<'_> {
    /// Runs the script; `to` is below the machine's folder.
    fn run(&self, to: &str, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command("sh");
        command.arg(self.script).arg("--to").arg(self.folder.join(to)).args(arguments);
        Ok(command.output()?)
    }

    fn command(&self, shell: &str) -> Command {
        let mut command = Command::new(find(shell).unwrap_or_else(|| shell.into()));
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.folder.join("home"))
            .env("TMPDIR", self.folder.join("tmp"))
            .env("HYPERFRAMES_CI_DOWNLOAD_URL", &self.mirror)
            .current_dir(&self.folder);
        command
    }

    /// Runs the script; it must fail with `message`, install nothing and leave nothing behind.
    fn refuses(&self, arguments: &[&str], message: &str) -> Result<()> {
        let output = self.run("refused", arguments)?;
        let text = printed(&output);
        ensure!(output.status.code() == Some(1), "{message}: exit {:?}: {text}", output.status.code());
        ensure!(text.contains(&format!("error: {message}")), "no error {message:?} in: {text}");
        ensure!(text.contains("  help: "), "no help in: {text}");
        ensure!(names(&self.folder.join("refused")).is_empty(), "{message}: installed something");
        ensure!(names(&self.folder.join("tmp")).is_empty(), "{message}: left temporary files");
        Ok(())
    }
}

/// Names of the files in a folder; none if it does not exist.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

pub(super) fn test(dist: &Path) -> Result<()> {
    let host = Target::host()?;
    let server = Server::start(|_| releases(dist, host))?;
    let folder = scratch("install")?;
    fs::create_dir_all(folder.join("tmp"))?;
    fs::create_dir_all(folder.join("home"))?;
    let script = dist.join("install.sh");
    // gh is not on this PATH, whatever the machine has.
    let path = tools(&folder.join("tools"), &["curl", "sha256sum", "shasum"])?;
    let mut machine =
        Machine { script: &script, folder: folder.clone(), path, mirror: server.url().to_owned() };

    installs(&machine)?;
    refusals(&mut machine, host)?;
    with_other_tools(&mut machine)?;
    provenance(&mut machine)?;
    interrupted(&machine)?;
    partial_scripts(&machine)?;
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// The release, and damaged ones of other versions.
fn releases(dist: &Path, host: &Target) -> Result<Routes> {
    let archive = host.archive();
    let bytes = fs::read(dist.join(&archive))?;
    let sums = fs::read(dist.join("SHA256SUMS"))?;
    let mut routes = Routes::new();
    let mut add = |version: &str, name: &str, reply: Reply| {
        routes.insert(format!("/v{version}/{name}"), reply);
    };
    add(VERSION, "SHA256SUMS", Reply::Whole(sums.clone()));
    add(VERSION, &archive, Reply::Whole(bytes.clone()));
    // A modified archive, one that ends early, and a connection that does.
    let mut modified = bytes.clone();
    if let Some(last) = modified.last_mut() {
        *last ^= 1;
    }
    add("9.0.1", "SHA256SUMS", Reply::Whole(sums.clone()));
    add("9.0.1", &archive, Reply::Whole(modified));
    add("9.0.2", "SHA256SUMS", Reply::Whole(sums.clone()));
    add("9.0.2", &archive, Reply::Whole(bytes[..bytes.len() / 2].to_vec()));
    add("9.0.3", "SHA256SUMS", Reply::Whole(sums.clone()));
    add("9.0.3", &archive, Reply::Cut(bytes.clone()));
    // Another version than asked for; a release without this platform; a page instead of checksums.
    add("9.0.4", "SHA256SUMS", Reply::Whole(sums.clone()));
    add("9.0.4", &archive, Reply::Whole(bytes.clone()));
    // A download that does not end.
    add("9.0.8", "SHA256SUMS", Reply::Whole(sums));
    add("9.0.8", &archive, Reply::Stall(bytes));
    add("9.0.5", "SHA256SUMS", Reply::Whole(b"<html>\nsign in  here\n".to_vec()));
    // A program that does not run.
    let files = Files::from([("hyperframes-ci".to_owned(), b"#!/bin/sh\nexit 1\n".to_vec())]);
    let broken = tar_gz(&files, host)?;
    let folder = scratch("broken")?;
    fs::write(folder.join(&archive), &broken)?;
    let broken_sums = crate::dist::checksums::Checksums::compute(&folder, std::slice::from_ref(&archive))?;
    fs::remove_dir_all(folder)?;
    add("9.0.6", "SHA256SUMS", Reply::Whole(broken_sums.to_string().into_bytes()));
    add("9.0.6", &archive, Reply::Whole(broken));
    Ok(routes)
}

/// A folder with links to `TOOLS` and to those of `more` that exist.
fn tools(folder: &Path, more: &[&str]) -> Result<PathBuf> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    for name in TOOLS.iter().chain(more) {
        if let Some(path) = find(name) {
            symlink(path, folder.join(name))?;
        }
    }
    Ok(folder.to_owned())
}

/// Good installations: the stamped version, a named one, over an older program, from a pipe, by the environment.
fn installs(machine: &Machine) -> Result<()> {
    for (to, arguments) in [
        ("my bin", &[][..]),
        ("named", &["--version", VERSION]),
        ("named", &[concat!("--version=v", env!("CARGO_PKG_VERSION"))]),
    ] {
        let output = machine.run(to, arguments)?;
        let text = printed(&output);
        ensure!(output.status.success(), "{text}");
        for part in ["Verified SHA-256\n", "Skipped build provenance", "is not on PATH"] {
            ensure!(text.contains(part), "no {part:?} in: {text}");
        }
        let folder = machine.folder.join(to);
        ensure!(names(&folder) == ["hyperframes-ci"], "{:?}", names(&folder));
        expect_version(&folder.join("hyperframes-ci"))?;
    }
    for shell in ["sh", "dash", "bash"].iter().filter(|shell| find(shell).is_some()) {
        let to = machine.folder.join(format!("piped-{shell}"));
        let mut command = machine.command(shell);
        command.arg("-s").env("HYPERFRAMES_CI_INSTALL_DIR", &to).stdin(fs::File::open(machine.script)?);
        let github_path = machine.folder.join("github-path");
        let output = command.env("GITHUB_PATH", &github_path).output()?;
        ensure!(output.status.success(), "{shell}: {}", printed(&output));
        expect_version(&to.join("hyperframes-ci"))?;
        ensure!(
            fs::read_to_string(github_path)?.contains(&to.display().to_string()),
            "no PATH for the next step"
        );
    }
    let mut command = machine.command("sh");
    let output = command.arg(machine.script).output()?;
    ensure!(output.status.success(), "{}", printed(&output));
    expect_version(&machine.folder.join("home/.local/bin/hyperframes-ci"))?;
    let help = machine.run("help", &["--help"])?;
    ensure!(
        help.status.success() && printed(&help).contains("Usage: install.sh [OPTIONS]"),
        "{}",
        printed(&help)
    );
    Ok(())
}

fn refusals(machine: &mut Machine, host: &Target) -> Result<()> {
    let archive = host.archive();
    for (version, message) in [
        ("9.0.1", "checksum mismatch for "),
        ("9.0.2", "checksum mismatch for "),
        ("9.0.3", "cannot download "),
        ("9.0.4", &format!("release 9.0.4 contains hyperframes-ci {VERSION}")),
        ("9.0.5", &format!("SHA256SUMS of version 9.0.5 does not list {archive}")),
        ("9.0.6", &format!("the program for {} does not run on this machine", host.triple)),
        ("9.0.7", "cannot download "),
        ("0.1.0; id", "invalid version: 0.1.0; id"),
        ("latest", "HYPERFRAMES_CI_DOWNLOAD_URL needs a version"),
        ("", "option --version needs a value"),
    ] {
        machine.refuses(&["--version", version], message)?;
    }
    machine.refuses(&["--verison", VERSION], "unexpected argument: --verison")?;
    machine.refuses(&["--version"], "option --version needs a value")?;
    // An installed program survives a failed update.
    let output = machine.run("named", &["--version", "9.0.1"])?;
    ensure!(!output.status.success(), "{}", printed(&output));
    expect_version(&machine.folder.join("named/hyperframes-ci"))?;
    fs::write(machine.folder.join("file"), "")?;
    let output = machine.run("file", &[])?;
    ensure!(printed(&output).contains("error: cannot write to "), "{}", printed(&output));
    let mirror = std::mem::replace(&mut machine.mirror, "http://mirror.example".to_owned());
    let output = machine.run("refused", &[])?;
    ensure!(printed(&output).contains("must be an https URL: http://mirror.example"), "{}", printed(&output));
    machine.mirror = mirror;
    Ok(())
}

/// wget instead of curl, shasum instead of sha256sum, and neither.
fn with_other_tools(machine: &mut Machine) -> Result<()> {
    let usual = machine.path.clone();
    for (name, pair) in [("wget", ["wget", "sha256sum"]), ("shasum", ["curl", "shasum"])] {
        if pair.iter().all(|tool| find(tool).is_some()) {
            machine.path = tools(&machine.folder.join("other"), &pair)?;
            let output = machine.run(name, &[])?;
            ensure!(output.status.success(), "with {name}: {}", printed(&output));
            expect_version(&machine.folder.join(name).join("hyperframes-ci"))?;
            if name == "wget" {
                machine.refuses(&["--version", "9.0.7"], "cannot download ")?;
                machine.refuses(&["--version", "9.0.1"], "checksum mismatch for ")?;
            }
        }
    }
    machine.path = tools(&machine.folder.join("other"), &[])?;
    machine.refuses(&[], "required tools not found: curl or wget, sha256sum or shasum\n")?;
    fs::remove_file(machine.path.join("tar"))?;
    machine.refuses(&[], "required tools not found: tar, curl or wget, sha256sum or shasum\n")?;
    machine.path = usual;
    Ok(())
}

/// gh that is signed in, and accepts or refuses the archive.
fn provenance(machine: &mut Machine) -> Result<()> {
    let gh = machine.path.join("gh");
    let write = |verdict: &str| -> Result<()> {
        fs::write(
            &gh,
            format!("#!/bin/sh\ncase \"$*\" in *--help | auth*) ;; *) echo \"$*\"; exit {verdict} ;; esac\n"),
        )?;
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755))?;
        Ok(())
    };
    write("0")?;
    let output = machine.run("attested", &[])?;
    ensure!(output.status.success(), "{}", printed(&output));
    ensure!(printed(&output).contains("Verified build provenance\n"), "{}", printed(&output));
    write("1")?;
    machine.refuses(&[], "cannot verify the build provenance of ")?;
    fs::remove_file(gh)?;
    Ok(())
}

/// Ctrl-C during a download leaves nothing behind.
fn interrupted(machine: &Machine) -> Result<()> {
    let mut command = machine.command("sh");
    command
        .arg(machine.script)
        .arg("--to")
        .arg(machine.folder.join("interrupted"))
        .args(["--version", "9.0.8"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()?;
    let temporary = machine.folder.join("tmp");
    let archive = || {
        let work = temporary.join(names(&temporary).pop()?);
        names(&work).into_iter().find(|name| name.ends_with(".tar.gz"))
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while archive().is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    let group = format!("-{}", child.id());
    ensure!(Command::new("kill").args(["-INT", "--", &group]).status()?.success(), "kill failed");
    let status = child.wait()?;
    ensure!(!status.success(), "an interrupted installation succeeded");
    ensure!(
        names(&machine.folder.join("interrupted")).is_empty(),
        "an interrupted installation installed something"
    );
    ensure!(names(&temporary).is_empty(), "an interrupted installation left {:?}", names(&temporary));
    Ok(())
}

/// A script that was downloaded in part does nothing.
fn partial_scripts(machine: &Machine) -> Result<()> {
    let text = fs::read(machine.script)?;
    let steps = 12;
    for step in 1..steps {
        let partial = machine.folder.join("partial.sh");
        fs::write(&partial, &text[..text.len() * step / steps])?;
        let to = machine.folder.join("partial");
        let mut command = machine.command("sh");
        command.arg(&partial).env("HYPERFRAMES_CI_INSTALL_DIR", &to).stdin(Stdio::null());
        command.output()?;
        ensure!(!to.exists(), "{step}/{steps} of install.sh installed something");
    }
    Ok(())
}
