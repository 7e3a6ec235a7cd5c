//! Output files: they appear under their name complete, or not at all.
//!
//! Bytes are written to a temporary file next to the target. It is created before anything is billed, so that a folder
//! that cannot be written is an error early.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::file;
use super::gate::{Access, Folder, PathRefusal, Reach};
use super::output_place::{OutputRefusal, check_regular};
use super::temporary::{self, Temporary};
use crate::fault::{Exit, Fault};

/// Why an output file cannot be written.
#[derive(Debug)]
pub(crate) enum OutputError {
    /// The output must not be written.
    Refused(PathBuf, OutputRefusal),
    /// The folder cannot be written.
    NotWritable(PathBuf, io::Error),
    /// The temporary file could not be renamed.
    NotKept(String),
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(path, OutputRefusal::BelowFile(file)) => {
                write!(f, "cannot write to {}: {} is not a directory", path.display(), file.display())
            }
            Self::Refused(path, refusal) => write!(f, "output path {} {refusal}", path.display()),
            Self::NotWritable(path, error) => write!(f, "cannot write to {}: {error}", path.display()),
            Self::NotKept(message) => f.write_str(message),
        }
    }
}

impl Fault for OutputError {
    fn code(&self) -> &str {
        "output_not_writable"
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Refused(_, refusal) => refusal.help(),
            Self::NotWritable(..) => {
                "check the permissions and the free space, or choose another path with -o"
            }
            Self::NotKept(_) => "check the free space, or choose another path with -o",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Refused(..) | Self::NotWritable(..) => Exit::Usage,
            Self::NotKept(_) => Exit::General,
        }
    }
}

/// An output file that does not have its name yet.
#[derive(Debug)]
pub(crate) struct OutputFile {
    temporary: Temporary,
    /// Dropped after the temporary file.
    _created: CreatedFolders,
    /// The folder, held open: the file is renamed in it, whatever has its name by then.
    folder: Folder,
    /// The name of the folder in messages and results.
    named: PathBuf,
    /// The final path, if it was given.
    path: Option<PathBuf>,
}

impl OutputFile {
    /// Creates the temporary file for `output`, or for a file in the folder `renders` that is named later. The folder must
    /// be in `reach`.
    ///
    /// # Errors
    /// Returns [`OutputError`] if `output` is a directory, a FIFO, a socket or a device, its folder leads out of `reach` or
    /// into a `.git`, or cannot be written.
    pub(crate) fn prepare(output: Option<&Path>, reach: &Reach) -> Result<Self, OutputError> {
        let path = output.map(Path::to_owned);
        if let Some(path) = output {
            let regular = path.symlink_metadata().map_or(Ok(()), |metadata| match metadata.is_symlink() {
                // The file takes the place of a link to another file.
                true => path.metadata().map_or(Ok(()), |metadata| check_regular(&metadata)),
                false => check_regular(&metadata),
            });
            regular.map_err(|refusal| OutputError::Refused(path.to_owned(), refusal))?;
        }
        let folder = match &path {
            Some(path) if path.file_name().is_none() => {
                return Err(OutputError::Refused(path.clone(), OutputRefusal::Directory));
            }
            Some(path) => match path.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => PathBuf::from("."),
            },
            None => PathBuf::from("renders"),
        };
        let named = path.clone().unwrap_or_else(|| folder.clone());
        let resolved = match OutputRefusal::resolve(&folder, reach) {
            Ok(resolved) => resolved,
            Err(OutputRefusal::DanglingLink(_)) => {
                return Err(OutputError::NotWritable(folder, io::ErrorKind::NotFound.into()));
            }
            Err(refusal) => return Err(OutputError::Refused(named, refusal)),
        };
        let not_writable = |error| OutputError::NotWritable(folder.clone(), error);
        let mut attempts = 0;
        loop {
            let created = CreatedFolders::missing(&folder);
            let opened = Folder::of(&resolved).map_err(not_writable)?;
            match temporary::create_in(&opened, ".hyperframes-ci-", ".part") {
                Ok(temporary) => {
                    return Ok(Self { temporary, _created: created, folder: opened, named: folder, path });
                }
                // Another output that was given up has just removed the folder that it had created.
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 3 => attempts += 1,
                Err(error) => return Err(not_writable(error)),
            }
        }
    }

    /// Returns the final path, if it was given.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the path of the temporary file. Writers may replace the file.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.temporary.file.path()
    }

    /// Returns the temporary file.
    pub(crate) fn as_file(&self) -> &File {
        self.temporary.file.as_file()
    }

    /// Returns the temporary file, to write to it.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.file.as_file_mut()
    }

    /// Gives the file its final name, `renders/<name>` where no path was set, and returns the path and the size in bytes.
    /// A file or a link of that name is replaced.
    ///
    /// # Errors
    /// Returns [`OutputError::NotKept`] if the file cannot be synced or renamed.
    pub(crate) fn keep(self, name: &str) -> Result<(PathBuf, u64), OutputError> {
        let path = self.path.unwrap_or_else(|| self.named.join(name));
        let failed =
            |error: &io::Error| OutputError::NotKept(format!("cannot write {}: {error}", path.display()));
        let temporary = self.temporary.file.into_temp_path();
        let (from, to) = (temporary.file_name().unwrap_or_default(), path.file_name().unwrap_or_default());
        // By name: a writer may have replaced the file.
        let kept = self.folder.file(from, Access::Read).map_err(|error| failed(&error))?;
        let size = kept.metadata().and_then(|metadata| match metadata.is_file() {
            true => Ok(metadata.len()),
            false => Err(PathRefusal::NotAFile(file::kind(&metadata)).into()),
        });
        let size = size.map_err(|error| failed(&error))?;
        sync(&kept, temporary.as_ref()).map_err(|error| failed(&error))?;
        make_readable(&kept).map_err(|error| failed(&error))?;
        drop(kept);
        self.folder.rename(from, to).map_err(|error| failed(&error))?;
        // It has another name now.
        let _ = temporary.keep();
        Ok((path, size))
    }
}

/// Writes a file of `folder`, which appears complete or not at all. A link of that name is replaced.
///
/// # Errors
/// Returns [`OutputError`] if it cannot be written.
pub(crate) fn write(folder: &Path, name: &str, contents: &[u8]) -> Result<PathBuf, OutputError> {
    write_in(&folder.join(name), &Reach::inside(folder, "the output directory"), name, contents)
}

/// Writes the file at `path`, which must be in `reach`; appears and is replaced as by [`write()`]. `what` is its kind in messages.
///
/// # Errors
/// Returns [`OutputError`] if it cannot be written.
pub(crate) fn write_in(
    path: &Path,
    reach: &Reach,
    what: &str,
    contents: &[u8],
) -> Result<PathBuf, OutputError> {
    let mut output = OutputFile::prepare(Some(path), reach)?;
    let written = output.file().write_all(contents);
    written.map_err(|error| OutputError::NotWritable(path.to_owned(), error))?;
    Ok(output.keep(what)?.0)
}

/// Folders that were created for an output. Dropping it removes those that are empty: no output was kept.
#[derive(Debug)]
pub(super) struct CreatedFolders(Vec<PathBuf>);

impl CreatedFolders {
    /// Returns the folders on the way to `folder` that do not exist, the deepest first.
    pub(super) fn missing(folder: &Path) -> Self {
        let missing = folder.ancestors().take_while(|folder| *folder != Path::new("") && !folder.exists());
        Self(missing.map(Path::to_owned).collect())
    }
}

impl Drop for CreatedFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // A folder with something in it stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(unix)]
fn sync(kept: &File, _: &Path) -> io::Result<()> {
    kept.sync_all()
}

/// Other systems only sync files that are open for writing.
#[cfg(not(unix))]
fn sync(_: &File, path: &Path) -> io::Result<()> {
    File::options().write(true).open(path)?.sync_all()
}

/// Gives a file the usual permissions; temporary files are private.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_outputs_are_found_before_anything_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = OutputFile::prepare(Some(folder.path()), &Reach::anywhere()).expect_err("a directory");
        assert!(error.to_string().contains("is a directory"), "{error}");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        assert!(OutputFile::prepare(Some(&file.join("v.mp4")), &Reach::anywhere()).is_err());
    }

    #[test]
    fn an_output_that_is_given_up_leaves_no_folder_behind() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("a/b/v.mp4");
        drop(OutputFile::prepare(Some(&path), &Reach::anywhere()).expect("writable"));
        assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 0);
        let other =
            OutputFile::prepare(Some(&root.path().join("a/w.mp4")), &Reach::anywhere()).expect("writable");
        drop(OutputFile::prepare(Some(&path), &Reach::anywhere()).expect("writable"));
        assert!(root.path().join("a").is_dir() && !root.path().join("a/b").exists());
        let kept = OutputFile::prepare(Some(&path), &Reach::anywhere())
            .expect("writable")
            .keep("unused")
            .expect("kept");
        drop(other);
        assert!(kept.0.is_file());
    }
}
