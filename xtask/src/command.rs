//! Locates the workspace, runs commands in it and prints: what every task needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where cargo builds the workspace.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Our binary, as a profile built it: `debug` or `release`.
pub(crate) fn binary(profile: &str) -> PathBuf {
    target().join(profile).join(format!("hyperframes-ci{}", std::env::consts::EXE_SUFFIX))
}

/// `cargo` with these arguments, in the workspace.
///
/// Without the variables that describe xtask, which `cargo xtask` sets: build scripts such as that of ring depend on them, and
/// a build by `cargo xtask` after one without it would compile ring, everything above it and the program again.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let is_of_xtask = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_"));
        if is_of_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// Builds the debug binary, [`binary`]`("debug")`, from the dependencies that tests are built from.
///
/// Cargo builds a crate again for each set of features. The features are those of the whole workspace and of its development
/// dependencies: `--examples`, of which there are none, asks for these as `cargo test` does.
pub(crate) fn build() -> Result<()> {
    succeed(&mut cargo(&["build", "--workspace", "--quiet", "--bin", "hyperframes-ci", "--examples"]))
}

/// Runs a command that must succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{} failed", command.get_program().to_string_lossy());
    Ok(())
}

/// Prints a line. All output of tasks goes through this function.
#[expect(clippy::print_stdout, reason = "this is a program for people")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::cargo;

    #[test]
    fn variables_of_xtask_do_not_reach_builds() {
        let removed = |name: &str| cargo(&[]).get_envs().any(|(set, value)| set == name && value.is_none());
        assert!(removed("CARGO_MANIFEST_DIR") && removed("CARGO_PKG_NAME"));
        assert!(!removed("PATH"));
    }
}
