//! Unpacking of untrusted archives.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// More entries than any project has.
const MAX_ENTRIES: usize = 20_000;
/// More bytes than any project of 200 MB unpacks to: protects against decompression bombs.
const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Why an archive was not unpacked.
#[derive(Debug)]
pub(crate) enum UnpackError {
    /// The file is not a valid archive.
    Damaged(String),
    /// The name of an entry leaves the directory, or means different files on different systems.
    UnsafeName(String),
    /// Two entries have the same name.
    Duplicate(String),
    /// An entry is not a file or a directory, but a link for example.
    NotAFile(String),
    /// The archive has more entries or bytes than any project.
    TooLarge,
    /// The directory cannot be written.
    Write(io::Error),
}

impl std::fmt::Display for UnpackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged(message) => write!(f, "the archive is damaged: {message}"),
            Self::UnsafeName(name) => write!(f, "the archive contains the unsafe path {name:?}"),
            Self::Duplicate(name) => write!(f, "the archive contains {name:?} twice"),
            Self::NotAFile(name) => write!(f, "{name:?} in the archive is neither a file nor a directory"),
            Self::TooLarge => f.write_str("the archive exceeds the size limit when unpacked"),
            Self::Write(error) => write!(f, "cannot unpack the archive: {error}"),
        }
    }
}

/// Unpacks the archive at `archive` into the empty directory `into`.
///
/// # Errors
/// Returns [`UnpackError`] if the archive is invalid, unsafe or too large. The caller removes the files that were
/// unpacked before.
pub(crate) fn unpack(archive: &Path, into: &Path) -> Result<(), UnpackError> {
    unpack_with(archive, into, Links::Refuse)
}

/// What is done with links and other entries that are neither files nor directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// The archive is refused.
    Refuse,
    /// They are left out.
    Skip,
}

/// Unpacks an archive as [`unpack`] does; links may be left out.
///
/// # Errors
/// As [`unpack`].
pub(crate) fn unpack_with(archive: &Path, into: &Path, links: Links) -> Result<(), UnpackError> {
    let damaged = |error: zip::result::ZipError| UnpackError::Damaged(error.to_string());
    let file = File::open(archive).map_err(UnpackError::Write)?;
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    if archive.len() > MAX_ENTRIES {
        return Err(UnpackError::TooLarge);
    }
    let mut seen = BTreeSet::new();
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        let relative = name.trim_end_matches('/');
        if !is_safe(relative) {
            return Err(UnpackError::UnsafeName(name));
        }
        if !seen.insert(relative.to_owned()) {
            return Err(UnpackError::Duplicate(name));
        }
        let target = into.join(relative);
        if entry.is_dir() {
            fs::create_dir_all(&target).map_err(UnpackError::Write)?;
            continue;
        }
        if !entry.is_file() && links == Links::Skip {
            continue;
        }
        if !entry.is_file() {
            return Err(UnpackError::NotAFile(name));
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(UnpackError::Write)?;
        }
        let mut file = File::create_new(&target).map_err(UnpackError::Write)?;
        // The sizes in the headers are not trusted.
        let written = io::copy(&mut entry.by_ref().take(left + 1), &mut file).map_err(UnpackError::Write)?;
        left = left.checked_sub(written).ok_or(UnpackError::TooLarge)?;
    }
    Ok(())
}

/// Returns whether the name of an entry stays in its directory, and means the same file on all systems.
pub(crate) fn is_safe(name: &str) -> bool {
    !name.contains(['\\', ':']) // a drive or a stream on Windows
        && !name.chars().any(char::is_control)
        && name.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn archive(build: impl FnOnce(&mut zip::ZipWriter<File>)) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = zip::ZipWriter::new(file.reopen().expect("a handle"));
        build(&mut writer);
        writer.finish().expect("an archive");
        file
    }

    fn unpacked(archive: &tempfile::NamedTempFile) -> Result<Vec<String>, UnpackError> {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("in");
        fs::create_dir(&inner).expect("a folder");
        let result = unpack(archive.path(), &inner);
        // In any case, nothing may be written next to the directory.
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        result.map(|()| {
            let names = fs::read_dir(&inner).expect("a folder");
            names.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
        })
    }

    #[test]
    fn a_plain_archive() {
        let good = archive(|writer| {
            writer.add_directory("a", SimpleFileOptions::default()).expect("a folder");
            writer.start_file("a/b.txt", SimpleFileOptions::default()).expect("a file");
            writer.write_all(b"x").expect("written");
        });
        assert_eq!(unpacked(&good).expect("unpacked"), ["a"]);
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in ["../x", "a/../../x", "/x", "a\\..\\x", "C:x", "a//b", "a/./b", "x\ny"] {
            let bad = archive(|writer| {
                writer.start_file(name, SimpleFileOptions::default()).expect("a file");
            });
            assert!(matches!(unpacked(&bad), Err(UnpackError::UnsafeName(_))), "{name}");
        }
    }

    #[test]
    fn links_are_refused() {
        let bad = archive(|writer| {
            writer.add_symlink("x", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
        });
        assert!(matches!(unpacked(&bad), Err(UnpackError::NotAFile(_))));
    }

    #[test]
    fn other_files_are_reported_as_damaged() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"<html>").expect("written");
        assert!(matches!(unpacked(&file), Err(UnpackError::Damaged(_))));
    }
}
