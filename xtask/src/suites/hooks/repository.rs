//! A repository with a project, and a hook.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::command::{binary, root};

/// A page with a picture, a style sheet and a mounted composition.
pub(super) const PAGE: &str = "<!doctype html><html><head><link rel=\"stylesheet\" href=\"look.css\"></head><body>
<div data-composition-id=\"main\" data-width=\"1920\" data-height=\"1080\" data-duration=\"2\" data-no-timeline>
<img src=\"a.png\" alt=\"\">
<div data-composition-id=\"intro\" data-composition-src=\"compositions/intro.html\" data-start=\"0\" data-duration=\"1\"></div>
</div></body></html>
";

pub(super) const PART: &str = "<template><div data-composition-id=\"intro\" data-width=\"1920\" data-height=\"1080\"><p>Hi</p></div></template>\n";

/// The folder of the project.
pub(super) const PROJECT: &str = "videos/launch";

/// A repository whose project is committed.
pub(super) struct Repository {
    pub(super) folder: PathBuf,
}

impl Repository {
    /// Makes a repository with a hook.
    pub(super) fn template(folder: &Path, set_up: &dyn Fn(&Self) -> Result<()>) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let repository = Self { folder: folder.to_owned() };
        repository.git(&["init", "-q", "-b", "main"])?;
        repository.write("README.md", "No composition\n")?;
        repository.write(&at("index.html"), PAGE)?;
        repository.write(&at("look.css"), "p { color: red }\n")?;
        repository.write(&at("a.png"), "\u{89}PNG")?;
        repository.write(&at("compositions/intro.html"), PART)?;
        // What is wrong here is no concern of commits that do not touch it.
        repository.write("videos/old/index.html", &PAGE.replace("a.png", "lost.png"))?;
        set_up(&repository)?;
        repository.git(&["add", "-A"])?;
        repository.git(&["commit", "-qm", "base"])?;
        Ok(repository)
    }

    /// Copies the repository with its hook.
    pub(super) fn copy(&self, to: &Path) -> Result<Self> {
        let parent = to.parent().context("a folder")?;
        fs::create_dir_all(parent)?;
        let status = Command::new("cp").arg("-a").arg(&self.folder).arg(to).status()?;
        ensure!(status.success(), "cp failed");
        Ok(Self { folder: to.to_owned() })
    }

    pub(super) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    /// Writes a program.
    pub(super) fn program(&self, path: &str, text: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        self.write(path, text)?;
        Ok(fs::set_permissions(self.folder.join(path), fs::Permissions::from_mode(0o755))?)
    }

    /// Makes a link.
    pub(super) fn link(&self, target: &Path, path: &str) -> Result<()> {
        Ok(std::os::unix::fs::symlink(target, self.folder.join(path))?)
    }

    pub(super) fn stage(&self, path: &str, text: &str) -> Result<()> {
        self.write(path, text)?;
        self.git(&["add", "--", path]).map(drop)
    }

    /// Runs Git without hooks.
    pub(super) fn git(&self, arguments: &[&str]) -> Result<Output> {
        git(&self.folder, arguments)
    }

    /// Runs a program that must succeed, as users do.
    pub(super) fn run(&self, command: &mut Command) -> Result<()> {
        let output = environment(command, &self.folder)?.current_dir(&self.folder).output()?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    }

    /// Commits with the hook, in a folder of the repository; returns what is printed.
    fn commit(&self, folder: &str, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-m", "x"])
            .args(arguments);
        Ok(environment(&mut command, &self.folder)?.current_dir(self.folder.join(folder)).output()?)
    }

    /// Commits; the hook must reject it with one finding, which contains `finding`.
    pub(super) fn rejects(&self, finding: &str) -> Result<()> {
        self.rejects_in("", &[], finding)
    }

    /// As [`Self::rejects`], in a folder of the repository and with arguments.
    pub(super) fn rejects_in(&self, folder: &str, arguments: &[&str], finding: &str) -> Result<()> {
        let output = self.commit(folder, arguments)?;
        let text = said(&output);
        ensure!(!output.status.success(), "an invalid commit was accepted:\n{text}");
        let (found, all) = (text.matches(finding).count(), text.matches("error[").count());
        ensure!(found == 1 && all == 1, "{finding:?} is there {found} times, among {all} findings:\n{text}");
        Ok(())
    }

    /// Commits; the hook must accept it.
    pub(super) fn accepts(&self) -> Result<()> {
        self.accepts_with(&[])
    }

    /// As [`Self::accepts`], with arguments.
    pub(super) fn accepts_with(&self, arguments: &[&str]) -> Result<()> {
        let output = self.commit("", arguments)?;
        ensure!(output.status.success(), "a valid commit was rejected:\n{}", said(&output));
        Ok(())
    }
}

/// The path of a file of the project.
pub(super) fn at(path: &str) -> String {
    format!("{PROJECT}/{path}")
}

/// Runs Git without hooks.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.hooksPath=/dev/null"]);
    command.args(["-c", "protocol.file.allow=always"]).args(arguments).current_dir(folder);
    let output = command.env_remove("GIT_DIR").output().context("cannot start git")?;
    ensure!(output.status.success(), "git {arguments:?}: {}", said(&output));
    Ok(output)
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The binary on `PATH`, everything else out of the user's sight.
fn environment<'a>(command: &'a mut Command, folder: &Path) -> Result<&'a mut Command> {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let ours = binary("debug").parent().map(Path::to_owned);
    let path =
        std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&inherited))).unwrap_or(inherited);
    // The cache of pre-commit is that of the manager, above its repositories.
    let manager =
        folder.ancestors().find(|above| above.parent().is_some_and(|above| above.ends_with("hooks")));
    let manager = manager.context("the folder of the manager")?;
    let command = command
        .env("PATH", path)
        .env("PRE_COMMIT_HOME", manager.join("home"))
        .env("LEFTHOOK_BIN", manager.with_file_name("npm").join("node_modules/.bin/lefthook"))
        // The package's program of this platform is not published yet.
        .env("npm_config_omit", "optional")
        // The hook is built as users build it, but for the time that optimizing takes.
        .env("CARGO_TARGET_DIR", root().join("target/hooks"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env_remove("GIT_DIR")
        .env_remove("RUSTC");
    Ok(command)
}
