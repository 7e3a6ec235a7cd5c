//! What the checkout of a run proves about its code.

use std::path::Path;

use super::trust::Proof;
use crate::system::programs::{GitNetwork, PLAIN_DIFF, git};

/// Returns the commit of the checkout at `workspace`, or `None` if it is not a clone or has no commit.
pub(super) fn head(workspace: &Path) -> Option<String> {
    run(workspace, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
        .map(|head| head.trim().to_owned())
        .filter(|head| !head.is_empty())
}

/// Runs Git; returns what it prints if it succeeds.
fn run(workspace: &Path, arguments: &[&str]) -> Option<String> {
    let output = git(workspace, GitNetwork::Off).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns whether the checkout at `workspace` proves that its code is the repository's own. `is_own` says so for its
/// commit.
///
/// Git reports another clone in the checkout as one entry with a slash at its end, and everything else file by file.
pub(super) fn is_proven(workspace: &Path, proof: Proof, is_own: &dyn Fn(&str) -> bool) -> bool {
    let Some(others) = run(workspace, &["ls-files", "--others", "-z"]) else { return false };
    let is_clean = || {
        let changed = run(workspace, &[&["diff", "--name-only", "-z"], PLAIN_DIFF, &["HEAD"]].concat());
        others.is_empty() && changed.is_some_and(|changed| changed.is_empty())
    };
    let has_clone = others.split('\0').any(|path| path.ends_with('/'));
    !has_clone
        && (proof != Proof::CleanCheckout || is_clean())
        && head(workspace).is_some_and(|head| is_own(&head))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-C"]).arg(folder).args(arguments);
        assert!(command.output().expect("git").status.success(), "{arguments:?}");
    }

    #[test]
    fn a_checkout_proves_its_commit_and_nothing_that_was_added() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let proves = |proof, is_own: bool| is_proven(path, proof, &|_| is_own);
        assert!(!proves(Proof::Checkout, true), "without a repository");
        git(path, &["init", "--quiet"]);
        assert!(!proves(Proof::Checkout, true), "without a commit");
        fs::write(path.join(".gitignore"), "ignored\n").expect("written");
        git(path, &["add", "--all"]);
        git(path, &["commit", "--quiet", "-m", "one"]);
        for proof in [Proof::Checkout, Proof::CleanCheckout] {
            assert!(proves(proof, true) && !proves(proof, false), "{proof:?}");
        }
        fs::write(path.join("ignored"), "from an artifact").expect("written");
        assert!(proves(Proof::Checkout, true) && !proves(Proof::CleanCheckout, true), "an ignored file");
        fs::remove_file(path.join("ignored")).expect("removed");
        fs::write(path.join(".gitignore"), "").expect("written");
        assert!(proves(Proof::Checkout, true) && !proves(Proof::CleanCheckout, true), "a changed file");
        fs::create_dir_all(path.join("a/pr")).expect("made");
        git(&path.join("a/pr"), &["init", "--quiet"]);
        fs::write(path.join("a/pr/index.html"), "").expect("written");
        assert!(!proves(Proof::Checkout, true), "another clone");
    }
}
