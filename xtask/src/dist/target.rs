//! The platforms that releases have programs for, and the names of their files.

use anyhow::{Context, Result};

/// A platform.
#[derive(Debug)]
pub(crate) struct Target {
    /// As rustc names it.
    pub(crate) triple: &'static str,
    /// Name of the npm package, without its scope.
    pub(crate) npm: &'static str,
    /// `os` of the npm package.
    pub(crate) os: &'static str,
    /// `cpu` of the npm package.
    pub(crate) cpu: &'static [&'static str],
}

/// All platforms.
pub(crate) const TARGETS: &[Target] = &[
    Target { triple: "x86_64-unknown-linux-musl", npm: "linux-x64", os: "linux", cpu: &["x64"] },
    Target { triple: "aarch64-unknown-linux-musl", npm: "linux-arm64", os: "linux", cpu: &["arm64"] },
    Target { triple: "x86_64-apple-darwin", npm: "darwin-x64", os: "darwin", cpu: &["x64"] },
    Target { triple: "aarch64-apple-darwin", npm: "darwin-arm64", os: "darwin", cpu: &["arm64"] },
    // Windows on Arm emulates x64.
    Target { triple: "x86_64-pc-windows-msvc", npm: "win32-x64", os: "win32", cpu: &["x64", "arm64"] },
];

impl Target {
    /// Returns the name of the npm package.
    pub(crate) fn npm_package(&self) -> String {
        format!("@hyperframes-ci/{}", self.npm)
    }

    /// Returns the platform that rustc names `triple`.
    pub(crate) fn find(triple: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.triple == triple)
    }

    /// Returns the platform of this machine.
    ///
    /// # Errors
    /// Returns an error if releases have no program for it.
    pub(crate) fn host() -> Result<&'static Self> {
        use std::env::consts::{ARCH, OS};
        let host = TARGETS.iter().find(|target| {
            let os = if target.os == "win32" {
                "windows"
            } else if target.os == "darwin" {
                "macos"
            } else {
                "linux"
            };
            os == OS && target.triple.starts_with(ARCH)
        });
        host.with_context(|| format!("releases do not include a program for {OS} on {ARCH}"))
    }

    /// Returns whether programs of this platform run on Windows.
    pub(crate) fn is_windows(&self) -> bool {
        self.os == "win32"
    }

    /// Returns the name of the program.
    pub(crate) fn program(&self) -> &'static str {
        if self.is_windows() { "hyperframes-ci.exe" } else { "hyperframes-ci" }
    }

    /// Returns the name of the archive that the action, install.sh, Homebrew and cargo-binstall download.
    pub(crate) fn archive(&self) -> String {
        format!("hyperframes-ci-{}.tar.gz", self.triple)
    }

    /// Returns the name of the archive that winget and install.ps1 download.
    pub(crate) fn zip(&self) -> Option<String> {
        self.is_windows().then(|| format!("hyperframes-ci-{}.zip", self.triple))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::TARGETS;
    use crate::command::root;

    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).expect("a text file")
    }

    #[test]
    fn the_release_workflow_builds_every_target() {
        let workflow = read(".github/workflows/release.yml");
        let built = workflow
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- { target: ")?.split(',').next())
            .collect::<Vec<_>>();
        assert_eq!(built, TARGETS.iter().map(|target| target.triple).collect::<Vec<_>>());
    }

    #[test]
    fn the_installers_know_every_target() {
        let (action, script) = (read("action/install.sh"), read("install/install.sh"));
        let (powershell, launcher) = (read("install/install.ps1"), read("install/npm/bin/hyperframes-ci.js"));
        for target in TARGETS {
            assert!(
                action.contains(&format!("target={}\n", target.triple))
                    || action.contains(&format!("target={} ;;", target.triple)),
                "{target:?}"
            );
            for cpu in target.cpu {
                let line = format!("\"{}-{cpu}\": \"@hyperframes-ci/{}\",", target.os, target.npm);
                assert!(launcher.contains(&line), "no {line}");
            }
            if target.is_windows() {
                assert!(powershell.contains(&format!("\"{}\"", target.triple)), "{target:?}");
            } else {
                let system = target.triple.split_once('-').expect("a triple").1;
                assert!(script.contains(&format!("target=$machine-{system}")), "{target:?}");
            }
        }
    }

    #[test]
    fn binstall_downloads_the_archives() {
        let manifest = read("Cargo.toml");
        let set = |key: &str| {
            let value = manifest.split("[package.metadata.binstall]").nth(1)?;
            let line = value.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_owned())
        };
        let (url, format) = (set("pkg-url").expect("a url"), set("pkg-fmt").expect("a format"));
        assert_eq!(format, "tgz");
        for target in TARGETS {
            let fill = |text: &str| {
                text.replace("{ repo }", crate::dist::project::REPOSITORY)
                    .replace("{ version }", "9.9.9")
                    .replace("{ name }", "hyperframes-ci")
                    .replace("{ bin }", "hyperframes-ci")
                    .replace("{ target }", target.triple)
                    .replace("{ archive-suffix }", ".tar.gz")
                    .replace("{ binary-ext }", if target.is_windows() { ".exe" } else { "" })
            };
            assert_eq!(fill(&url), crate::dist::project::url("9.9.9", &target.archive()));
            assert_eq!(fill(&set("bin-dir").expect("a directory")), target.program());
        }
    }
}
