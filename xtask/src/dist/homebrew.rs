//! The Homebrew formula of a release.

use anyhow::{Context, Result};

use super::checksums::Checksums;
use super::project::{DESCRIPTION, REPOSITORY, url};
use super::target::{TARGETS, Target};

/// Returns the formula.
///
/// # Errors
/// Returns an error if the checksum of an archive is missing.
pub(crate) fn formula(version: &str, checksums: &Checksums) -> Result<String> {
    let source = |os: &str, cpu: &str| -> Result<String> {
        let target = TARGETS
            .iter()
            .find(|target: &&Target| target.os == os && target.cpu == [cpu])
            .with_context(|| format!("no target for {os} on {cpu}"))?;
        let archive = target.archive();
        let sha256 = checksums.find(&archive)?;
        Ok(format!("      url \"{}\"\n      sha256 \"{sha256}\"", url(version, &archive)))
    };
    Ok(format!(
        r##"class HyperframesCi < Formula
  desc "{DESCRIPTION}"
  homepage "{REPOSITORY}"
  version "{version}"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    on_arm do
{}
    end
    on_intel do
{}
    end
  end

  on_linux do
    on_arm do
{}
    end
    on_intel do
{}
    end
  end

  def install
    bin.install "hyperframes-ci"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completions/hyperframes-ci.bash" => "hyperframes-ci"
    fish_completion.install "completions/hyperframes-ci.fish"
    zsh_completion.install "completions/_hyperframes-ci"
  end

  test do
    assert_equal "hyperframes-ci #{{version}}", shell_output("#{{bin}}/hyperframes-ci --version").strip
  end
end
"##,
        source("darwin", "arm64")?,
        source("darwin", "x64")?,
        source("linux", "arm64")?,
        source("linux", "x64")?,
    ))
}
