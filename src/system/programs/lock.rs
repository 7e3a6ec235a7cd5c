//! Packages of npm with fixed hashes: a lock file that the program contains, and the contents of an installation.
//!
//! npm verifies archives by the hashes of the lock file when it installs them. Later, the files in the cache may be others:
//! caches are restored from elsewhere, and other programs write to them. So an installation is used only if its files
//! are those that the archives contain.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use hyperframes_ci_core::archive::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::system::digest::Hasher;

/// Names of the files of an installation, apart from packages.
const MANIFEST: &str = "package.json";
const LOCK_FILE: &str = "package-lock.json";
/// npm writes what it has installed. Node does not read it.
const INSTALLED: &str = "node_modules/.package-lock.json";

/// The files that determine an installation. `cargo xtask engine-lock` writes them.
#[derive(Debug)]
pub(crate) struct Lock {
    /// `package.json`.
    pub(crate) manifest: &'static str,
    /// `package-lock.json`, with the hash of every archive and no host.
    pub(crate) lock: &'static str,
    /// The digest of the files of every package, as a JSON object by the package's path.
    pub(crate) contents: &'static str,
}

impl Lock {
    /// Returns a short name of the contents, for directories.
    pub(crate) fn id(&self) -> String {
        hex(&Sha256::digest(self.lock))[..12].to_owned()
    }

    /// Returns whether it has the package `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.packages().contains_key(&format!("node_modules/{name}"))
    }

    /// Writes the files that npm reads into `folder`.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join(MANIFEST), self.manifest)?;
        fs::write(folder.join(LOCK_FILE), self.lock)
    }

    /// Returns whether the files in `folder` are those of the packages, and no others; any error is a no.
    pub(super) fn is_intact(&self, folder: &Path) -> bool {
        let packages = self.packages();
        let Ok(found) = digests(folder, &packages.keys().cloned().collect()) else { return false };
        let Ok(contents) = serde_json::from_str::<BTreeMap<String, String>>(self.contents) else {
            return false;
        };
        let is_same = |name: &str, expected: &str| {
            fs::read_to_string(folder.join(name)).is_ok_and(|text| text == expected)
        };
        is_same(MANIFEST, self.manifest)
            && is_same(LOCK_FILE, self.lock)
            && found.iter().all(|(package, digest)| contents.get(package) == Some(digest))
            && packages.iter().all(|(package, is_optional)| *is_optional || found.contains_key(package))
    }

    /// Returns what is wrong with the files: packages without a hash or with a host, or contents of other packages.
    #[cfg(test)]
    pub(crate) fn problems(&self) -> Vec<String> {
        let lock = serde_json::from_str::<Value>(self.lock).unwrap_or_default();
        let mut problems = Vec::new();
        for (path, package) in lock["packages"].as_object().into_iter().flatten() {
            let has_hash = package["integrity"].as_str().is_some_and(|hash| hash.starts_with("sha512-"));
            if !path.is_empty() && (!has_hash || !package["version"].is_string()) {
                problems.push(format!("{path} has no hash or no version"));
            }
            if package.get("resolved").is_some() {
                problems.push(format!("{path} names a host"));
            }
        }
        let contents = serde_json::from_str::<BTreeMap<String, String>>(self.contents).unwrap_or_default();
        let packages = self.packages();
        if packages.is_empty() || !contents.keys().eq(packages.keys()) {
            problems.push("other packages in contents.json: run `cargo xtask engine-lock`".to_owned());
        }
        problems
    }

    /// Returns the paths of all packages, and whether each is optional.
    fn packages(&self) -> BTreeMap<String, bool> {
        let lock = serde_json::from_str::<Value>(self.lock).unwrap_or_default();
        let packages = lock["packages"].as_object().into_iter().flatten();
        packages
            .filter(|(path, _)| !path.is_empty())
            .map(|(path, package)| (path.clone(), package["optional"] == true))
            .collect()
    }
}

/// Returns the digest of the files of each of the `packages` that is in `folder`, by its path.
///
/// # Errors
/// Returns an error if a file cannot be read, is not a regular file, or belongs to no package.
fn digests(folder: &Path, packages: &BTreeSet<String>) -> io::Result<BTreeMap<String, String>> {
    let mut files = Vec::new();
    list(folder, "", &mut files)?;
    files.retain(|path| ![MANIFEST, LOCK_FILE, INSTALLED].contains(&path.as_str()));
    files.sort();
    let mut hashers = BTreeMap::<&String, Sha256>::new();
    for (path, digest) in files.iter().zip(hash(folder, &files)?) {
        let mut above = path.as_str();
        let package = loop {
            let Some((parent, _)) = above.rsplit_once('/') else {
                return Err(io::Error::other(format!("{path} belongs to no package")));
            };
            if let Some(package) = packages.get(parent) {
                break package;
            }
            above = parent;
        };
        let name = &path[package.len()..];
        hashers.entry(package).or_default().update(format!("{name}\0{digest}\n"));
    }
    Ok(hashers.into_iter().map(|(package, hasher)| (package.clone(), hex(&hasher.finalize()))).collect())
}

/// Returns the digests of files in `folder`, in their order. A file may be as long as all others together.
///
/// # Errors
/// Returns an error if a file cannot be read.
fn hash(folder: &Path, files: &[String]) -> io::Result<Vec<String>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut hasher, mut hashed) = (Hasher::default(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(index) else { return Ok(hashed) };
            hashed.push((index, hasher.file(&folder.join(path))?));
        }
    };
    let hashed = std::thread::scope(|scope| {
        let threads = (0..threads).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        let join = |thread: ScopedJoinHandle<'_, io::Result<Vec<(usize, String)>>>| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread failed")))
        };
        threads.into_iter().map(join).collect::<io::Result<Vec<_>>>()
    })?;
    let mut hashed = hashed.into_iter().flatten().collect::<Vec<_>>();
    hashed.sort_unstable();
    Ok(hashed.into_iter().map(|(_, digest)| digest).collect())
}

/// Lists the files in the directory `prefix` of `folder`, with `/` in their paths.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    let directory = if prefix.is_empty() { folder.to_owned() } else { folder.join(prefix) };
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| io::ErrorKind::InvalidData)?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(folder, &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        } else {
            return Err(io::Error::other(format!("{path} is a link or a special file")));
        }
    }
    Ok(())
}

/// Returns why a cache directory cannot be trusted: it is in the repository of the current directory, and not both ignored
/// and untracked, so that a commit could bring its contents.
pub(crate) fn is_in_checkout(cache: &Path) -> bool {
    let absolute = std::path::absolute(cache).unwrap_or_else(|_| cache.to_owned());
    // The directory may not exist yet.
    let existing = absolute.ancestors().find_map(|path| path.canonicalize().ok());
    let current = std::env::current_dir().and_then(|path| path.canonicalize());
    let (Some(existing), Ok(current)) = (existing, current) else { return false };
    let Some(root) = existing.ancestors().find(|path| path.join(".git").exists()).map(PathBuf::from) else {
        return false;
    };
    if !current.starts_with(&root) {
        return false;
    }
    let run = |arguments: &[&str]| {
        let mut command = super::git(&root, super::GitNetwork::Off);
        command.args(arguments).arg("--").arg(&absolute).output()
    };
    let is_ignored = run(&["check-ignore", "--quiet"]).is_ok_and(|output| output.status.success());
    let is_untracked =
        run(&["ls-files"]).is_ok_and(|output| output.status.success() && output.stdout.is_empty());
    !(is_ignored && is_untracked)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"{"packages": {"": {}, "node_modules/a": {}, "node_modules/@s/b": {},
        "node_modules/a/node_modules/c": {"optional": true}, "node_modules/d": {"optional": true}}}"#;

    fn lock(contents: &'static str) -> Lock {
        Lock { manifest: "{}", lock: LOCK, contents }
    }

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn installed() -> (tempfile::TempDir, Lock) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        lock("{}").write(path).expect("written");
        write(path, INSTALLED, "anything");
        for (name, text) in [("a/index.js", "1"), ("a/lib/x.js", "2"), ("@s/b/index.js", "3")] {
            write(path, &format!("node_modules/{name}"), text);
        }
        write(path, "node_modules/a/node_modules/c/index.js", "4");
        let packages = lock("{}").packages().into_keys().collect();
        let contents = serde_json::json!(digests(path, &packages).expect("digests")).to_string();
        (folder, lock(contents.leak()))
    }

    #[test]
    fn an_installation_is_intact_with_its_files_only() {
        let (folder, lock) = installed();
        let path = folder.path();
        assert!(lock.is_intact(path));
        assert_eq!(
            serde_json::from_str::<Value>(lock.contents).expect("JSON").as_object().expect("an object").len(),
            3
        );
        for (name, text) in [
            ("node_modules/a/index.js", "other"),
            ("node_modules/a/new.js", ""),
            ("node_modules/a/node_modules/c/index.js", "other"),
            ("node_modules/planted/index.js", ""),
            ("node_modules/.bin/hyperframes", ""),
            ("node_modules/d/index.js", "not in the contents"),
            ("preload.js", ""),
            ("package.json", "{\"type\": \"module\"}"),
        ] {
            let before = fs::read_to_string(path.join(name)).ok();
            write(path, name, text);
            assert!(!lock.is_intact(path), "{name}");
            match before {
                Some(before) => write(path, name, &before),
                None => fs::remove_file(path.join(name)).expect("removed"),
            }
            assert!(lock.is_intact(path), "{name} is back");
        }
        fs::remove_dir_all(path.join("node_modules/a/node_modules")).expect("removed");
        assert!(lock.is_intact(path), "an optional package");
        fs::remove_dir_all(path.join("node_modules/@s")).expect("removed");
        assert!(!lock.is_intact(path), "a missing package");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_files_of_a_package() {
        let (folder, lock) = installed();
        let file = folder.path().join("node_modules/a/index.js");
        let copy = tempfile::NamedTempFile::new().expect("a file");
        fs::write(copy.path(), "1").expect("written");
        fs::remove_file(&file).expect("removed");
        std::os::unix::fs::symlink(copy.path(), &file).expect("a link");
        assert!(!lock.is_intact(folder.path()));
    }

    /// Writes the contents of installations; `cargo xtask engine-lock` runs it, with the packages' lock file, the
    /// installations, separated as in `PATH`, and the file to write.
    #[test]
    #[ignore = "writes files; cargo xtask engine-lock runs it"]
    fn contents_are_written() {
        let variable = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set"));
        let text = fs::read_to_string(variable("LOCK_FILE")).expect("a lock").leak();
        let packages = Lock { manifest: "", lock: text, contents: "" }.packages().into_keys().collect();
        let mut all = BTreeMap::new();
        for folder in std::env::split_paths(&variable("LOCK_INSTALLED")) {
            for (package, digest) in digests(&folder, &packages).expect("digests") {
                let other = all.insert(package.clone(), digest.clone());
                assert!(other.is_none_or(|other| other == digest), "{package} differs between systems");
            }
        }
        let text = serde_json::to_string_pretty(&all).expect("JSON");
        fs::write(variable("LOCK_CONTENTS"), format!("{text}\n")).expect("written");
    }
}
