//! Directories that are held open, so that what is opened, created or renamed in them stays in them.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How a file of a folder is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// For reading.
    Read,
    /// For reading and appending; it is created if it does not exist.
    Append,
    /// For reading and writing, by this user only; an error if it exists.
    New,
}

/// A directory. On Unix it is a handle: whatever takes the directory's name afterwards does not matter.
#[derive(Debug)]
pub(crate) struct Folder {
    /// The path that it had when it was opened.
    path: PathBuf,
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
}

impl Folder {
    /// Opens the directory at `relative`, a path without links and `..`, below `root`, and creates missing ones if
    /// `is_creating`.
    ///
    /// # Errors
    /// Returns an error if a part of the path is a link or not a directory, or the system refuses it.
    pub(crate) fn open(root: &Path, relative: &Path, is_creating: bool) -> io::Result<Self> {
        let mut folder = Self::open_root(root)?;
        for name in relative {
            folder = match folder.enter(name) {
                Err(error) if is_creating && error.kind() == io::ErrorKind::NotFound => {
                    folder.create(name)?;
                    folder.enter(name)?
                }
                entered => entered?,
            };
        }
        Ok(folder)
    }

    /// Opens the directory at an absolute path without links and `..`, and creates missing ones.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let root = path.ancestors().last().unwrap_or(path);
        let existing = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(root);
        Self::open(root, path.strip_prefix(root).unwrap_or(path), existing != path)
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
mod system {
    use super::{Access, File, Folder, OsStr, Path, io};
    use crate::system::gate::PathRefusal;
    use rustix::fs::{self, AtFlags, Mode, OFlags};
    use rustix::io::Errno;

    /// A handle that needs no permission to list the directory, where the system has such handles.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const HANDLE: OFlags = OFlags::PATH;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const HANDLE: OFlags = OFlags::RDONLY;

    fn directory() -> OFlags {
        HANDLE | OFlags::DIRECTORY | OFlags::CLOEXEC
    }

    impl Folder {
        pub(super) fn open_root(root: &Path) -> io::Result<Self> {
            let handle = fs::open(root, directory(), Mode::empty())?;
            Ok(Self { path: root.to_owned(), handle })
        }

        pub(super) fn enter(&self, name: &OsStr) -> io::Result<Self> {
            let opened = fs::openat(&self.handle, name, directory() | OFlags::NOFOLLOW, Mode::empty());
            let handle = opened.map_err(|error| self.error(name, error))?;
            Ok(Self { path: self.path.join(name), handle })
        }

        pub(super) fn create(&self, name: &OsStr) -> io::Result<()> {
            match fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }

        /// Opens a file, which must not be a link. Does not wait for the other end of a FIFO.
        ///
        /// # Errors
        /// Returns an error if it is a link, or the system refuses it.
        pub(crate) fn file(&self, name: &OsStr, access: Access) -> io::Result<File> {
            let flags = match access {
                Access::Read => OFlags::RDONLY,
                Access::Append => OFlags::RDWR | OFlags::APPEND | OFlags::CREATE,
                Access::New => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
            };
            let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(if access == Access::New { 0o600 } else { 0o666 });
            let opened = fs::openat(&self.handle, name, flags, mode);
            Ok(opened.map_err(|error| self.error(name, error))?.into())
        }

        /// Renames a file of this directory, and replaces what has the new name.
        ///
        /// # Errors
        /// Returns the error of the system.
        pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            Ok(fs::renameat(&self.handle, from, &self.handle, to)?)
        }

        /// Moves a file or a directory of this directory to another one, and replaces a file that has the new name.
        ///
        /// # Errors
        /// Returns the error of the system.
        pub(crate) fn move_to(&self, from: &OsStr, folder: &Self, to: &OsStr) -> io::Result<()> {
            Ok(fs::renameat(&self.handle, from, &folder.handle, to)?)
        }

        /// Exchanges what has a name in this directory with what has a name in another one, in one step.
        ///
        /// # Errors
        /// Returns the error of the system, which may not be able to.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        pub(crate) fn exchange(&self, name: &OsStr, folder: &Self, other: &OsStr) -> io::Result<()> {
            let flags = fs::RenameFlags::EXCHANGE;
            Ok(fs::renameat_with(&self.handle, name, &folder.handle, other, flags)?)
        }

        /// Exchanges nothing.
        ///
        /// # Errors
        /// Always.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        pub(crate) fn exchange(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        /// Deletes a file, or a link and not its target.
        ///
        /// # Errors
        /// Returns the error of the system.
        pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
            Ok(fs::unlinkat(&self.handle, name, AtFlags::empty())?)
        }

        /// Names a link as the reason: systems call it a loop, or not a directory.
        fn error(&self, name: &OsStr, error: Errno) -> io::Error {
            let is_link = || {
                let found = fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
                found.is_ok_and(|found| fs::FileType::from_raw_mode(found.st_mode) == fs::FileType::Symlink)
            };
            match error {
                Errno::LOOP | Errno::NOTDIR | Errno::MLINK if is_link() => PathRefusal::Replaced.into(),
                other => other.into(),
            }
        }
    }
}

/// Without handles of directories: links are refused by name.
#[cfg(not(unix))]
mod system {
    use super::{Access, File, Folder, OsStr, Path, io};
    use crate::system::gate::PathRefusal;

    impl Folder {
        pub(super) fn open_root(root: &Path) -> io::Result<Self> {
            if root.is_dir() {
                return Ok(Self { path: root.to_owned() });
            }
            Err(io::ErrorKind::NotADirectory.into())
        }

        pub(super) fn enter(&self, name: &OsStr) -> io::Result<Self> {
            let path = self.path.join(name);
            let metadata = path.symlink_metadata()?;
            if metadata.is_symlink() {
                return Err(PathRefusal::Replaced.into());
            }
            if !metadata.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            Ok(Self { path })
        }

        pub(super) fn create(&self, name: &OsStr) -> io::Result<()> {
            match std::fs::create_dir(self.path.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                created => created,
            }
        }

        /// Opens a file, which must not be a link.
        ///
        /// # Errors
        /// Returns an error if it is a link, or the system refuses it.
        pub(crate) fn file(&self, name: &OsStr, access: Access) -> io::Result<File> {
            let path = self.path.join(name);
            if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
                return Err(PathRefusal::Replaced.into());
            }
            let mut options = File::options();
            match access {
                Access::Read => options.read(true),
                Access::Append => options.read(true).append(true).create(true),
                Access::New => options.read(true).write(true).create_new(true),
            };
            options.open(path)
        }

        /// Renames a file of this directory, and replaces what has the new name.
        ///
        /// # Errors
        /// Returns the error of the system.
        pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            std::fs::rename(self.path.join(from), self.path.join(to))
        }

        /// Moves a file or a directory of this directory to another one, and replaces a file that has the new name.
        ///
        /// # Errors
        /// Returns the error of the system.
        pub(crate) fn move_to(&self, from: &OsStr, folder: &Self, to: &OsStr) -> io::Result<()> {
            std::fs::rename(self.path.join(from), folder.path.join(to))
        }

        /// Exchanges nothing.
        ///
        /// # Errors
        /// Always.
        pub(crate) fn exchange(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        /// Deletes a file, or a link and not its target.
        ///
        /// # Errors
        /// Returns the error of the system.
        pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
            std::fs::remove_file(self.path.join(name))
        }
    }
}
