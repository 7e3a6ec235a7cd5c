//! Files of a project that are edited in place.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::gate::{self, Folder, PathRefusal, Reach, limit};
use super::temporary;
use crate::fault::{Exit, Fault};

/// Why a file was not edited.
#[derive(Debug)]
pub(crate) enum EditError {
    /// The file has changed since it was read.
    Changed(PathBuf),
    /// The file cannot be read or replaced.
    Failed(PathBuf, io::Error),
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(path) => write!(f, "{} changed while it was checked", path.display()),
            Self::Failed(path, error) => write!(f, "cannot edit {}: {error}", path.display()),
        }
    }
}

impl Fault for EditError {
    fn code(&self) -> &str {
        "file_not_edited"
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Changed(_) => "run the command again",
            Self::Failed(..) => "check the permissions of the file and its directory, and the free space",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::General
    }
}

/// Replaces the contents of a file. It has its old or its new contents at any time, and keeps its permissions; a link is
/// kept, and its target edited.
///
/// # Errors
/// Returns [`EditError::Changed`] if the file does not have the contents `before`, and [`EditError::Failed`] if it leads
/// out of `reach`, or cannot be read or written.
pub(crate) fn replace(path: &Path, reach: &Reach, before: &[u8], after: &[u8]) -> Result<(), EditError> {
    let failed = |error| EditError::Failed(path.to_owned(), error);
    if gate::read(path, reach, limit::PAGE).map_err(failed)? != before {
        return Err(EditError::Changed(path.to_owned()));
    }
    write(path, reach, after).map_err(failed)
}

fn write(path: &Path, reach: &Reach, contents: &[u8]) -> io::Result<()> {
    let target = reach.resolve(path)?;
    if target.iter().any(|name| name.eq_ignore_ascii_case(".git")) {
        return Err(PathRefusal::Git.into());
    }
    let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let permissions = gate::open(&target, reach)?.metadata()?.permissions();
    let folder = Folder::of(parent)?;
    let mut temporary = temporary::create_in(&folder, ".hyperframes-ci-", ".part")?;
    let file = temporary.file.as_file_mut();
    file.write_all(contents)?;
    file.set_permissions(permissions)?;
    file.sync_all()?;
    let path = temporary.file.into_temp_path();
    folder.rename(path.file_name().unwrap_or_default(), name)?;
    // It has another name now.
    let _ = path.keep();
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_keeps_its_permissions_and_a_link_its_target() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("resolved");
        let (file, link) = (root.join("a.html"), root.join("b.html"));
        fs::write(&file, "old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permitted");
        symlink("a.html", &link).expect("linked");
        let reach = Reach::inside(&root, "the repository");
        assert!(matches!(replace(&link, &reach, b"other", b"new"), Err(EditError::Changed(_))));
        replace(&link, &reach, b"old", b"new").expect("edited");
        assert_eq!(fs::read(&file).expect("read"), b"new");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(link.symlink_metadata().expect("there").is_symlink());
        assert_eq!(fs::read_dir(&root).expect("listed").count(), 2);
        let outside = tempfile::tempdir().expect("a folder");
        let secret = outside.path().join("secret.html");
        fs::write(&secret, "old").expect("written");
        symlink(&secret, root.join("c.html")).expect("linked");
        assert!(replace(&root.join("c.html"), &reach, b"old", b"new").is_err());
        assert_eq!(fs::read(&secret).expect("read"), b"old");
    }
}
