//! Output directories, of formats with one file for each frame or segment. Like [`OutputFile`](super::output::OutputFile), they
//! appear under their name complete, or not at all.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::options::Format;

use super::gate::{Folder, Reach};
use super::output::{CreatedFolders, OutputError};
use super::output_place::{OutputRefusal, check_replaceable};
use super::temporary::{self, TemporaryFolder};

/// The prefix of the temporary directory beside the output.
const PREFIX: &str = ".hyperframes-ci-";

/// The directory in the temporary one that gets the final name.
const CONTENTS: &str = "output";

/// An output directory that does not have its name yet.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    temporary: TemporaryFolder,
    /// Dropped after the temporary directory.
    _created: CreatedFolders,
    /// The directory above, held open.
    folder: Folder,
    /// The name of the directory above in messages and results.
    named: PathBuf,
    /// The final path, if it was given.
    path: Option<PathBuf>,
    format: Format,
}

impl OutputFolder {
    /// Creates the temporary directory for `output`, or for a directory in `renders` that is named later. The directory above
    /// must be in `reach`.
    ///
    /// # Errors
    /// Returns [`OutputError`] if `output` exists and is not an earlier render in `format`, the directory above leads out of
    /// `reach` or into a `.git`, or cannot be written.
    pub(crate) fn prepare(output: Option<&Path>, format: Format, reach: &Reach) -> Result<Self, OutputError> {
        // Without a slash at the end.
        let path = output.map(|path| path.components().collect::<PathBuf>());
        if let Some(path) = &path {
            check_replaceable(path, format).map_err(|refusal| OutputError::Refused(path.clone(), refusal))?;
        }
        let folder = match &path {
            Some(path) if path.file_name().is_none() => {
                return Err(OutputError::Refused(path.clone(), OutputRefusal::NoName));
            }
            Some(path) => {
                path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")).to_owned()
            }
            None => PathBuf::from("renders"),
        };
        let resolved = match OutputRefusal::resolve(&folder, reach) {
            Ok(resolved) => resolved,
            Err(OutputRefusal::DanglingLink(_)) => {
                return Err(OutputError::NotWritable(folder, io::ErrorKind::NotFound.into()));
            }
            Err(refusal) => return Err(OutputError::Refused(path.unwrap_or(folder), refusal)),
        };
        let not_writable = |error| OutputError::NotWritable(folder.clone(), error);
        let created = CreatedFolders::missing(&folder);
        let opened = Folder::of(&resolved).map_err(not_writable)?;
        let temporary = temporary::create_folder_in(opened.path(), PREFIX).map_err(not_writable)?;
        fs::create_dir(temporary.path().join(CONTENTS)).map_err(not_writable)?;
        Ok(Self { temporary, _created: created, folder: opened, named: folder.clone(), path, format })
    }

    /// Returns the final path, if it was given.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the directory that gets the final name.
    pub(crate) fn contents(&self) -> PathBuf {
        self.temporary.path().join(CONTENTS)
    }

    /// Gives the directory its final name, `renders/<name>` where no path was set, and returns the path and the size of its
    /// files in bytes. An earlier render in the same format is replaced in one step where the system can.
    ///
    /// # Errors
    /// Returns [`OutputError::NotKept`] if it cannot be synced or renamed, and [`OutputError::Refused`] if something that is
    /// not an earlier render has its name by now.
    pub(crate) fn keep(self, name: &str) -> Result<(PathBuf, u64), OutputError> {
        let path = self.path.clone().unwrap_or_else(|| self.named.join(name));
        let failed =
            |error: io::Error| OutputError::NotKept(format!("cannot write {}: {error}", path.display()));
        let size = sync(&self.contents()).map_err(failed)?;
        let name = path.file_name().unwrap_or_default();
        let there = self.folder.path().join(name);
        check_replaceable(&there, self.format)
            .map_err(|refusal| OutputError::Refused(path.clone(), refusal))?;
        self.give_name(name).map_err(failed)?;
        Ok((path, size))
    }

    fn give_name(&self, name: &OsStr) -> io::Result<()> {
        let temporary = Folder::open(
            self.folder.path(),
            Path::new(self.temporary.path().file_name().unwrap_or_default()),
            false,
        )?;
        let contents = OsStr::new(CONTENTS);
        if self.folder.path().join(name).symlink_metadata().is_err() {
            return temporary.move_to(contents, &self.folder, name);
        }
        if temporary.exchange(contents, &self.folder, name).is_ok() {
            return Ok(());
        }
        // Where two names cannot be exchanged, there is a moment without the directory.
        let replaced = OsStr::new("replaced");
        self.folder.move_to(name, &temporary, replaced)?;
        temporary.move_to(contents, &self.folder, name).inspect_err(|_| {
            let _ = temporary.move_to(replaced, &self.folder, name);
        })
    }
}

/// Writes the files of a directory to the disk, and returns their size in bytes.
fn sync(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let file = fs::File::options().read(true).write(cfg!(not(unix))).open(&path)?;
        size += file.metadata()?.len();
        file.sync_all()?;
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::output_place::format_of;

    fn prepare(path: &Path) -> Result<OutputFolder, OutputError> {
        OutputFolder::prepare(Some(path), Format::PngSequence, &Reach::anywhere())
    }

    fn write(output: &OutputFolder, frames: u32) {
        for frame in 1..=frames {
            fs::write(output.contents().join(format!("frame_{frame:06}.png")), "frame").expect("written");
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names = entries.map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>();
        names.sort();
        names
    }

    #[test]
    fn a_directory_appears_complete_and_replaces_an_earlier_render() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("a/frames");
        let output = prepare(&root.path().join("a/frames/")).expect("writable");
        write(&output, 3);
        assert!(!path.exists());
        assert_eq!(output.keep("unused").expect("kept"), (path.clone(), 15));
        assert_eq!(names(&path), ["frame_000001.png", "frame_000002.png", "frame_000003.png"]);
        let output = prepare(&path).expect("writable");
        write(&output, 1);
        output.keep("unused").expect("kept");
        assert_eq!(names(&path), ["frame_000001.png"], "none of the frames before is left");
        assert_eq!(names(&root.path().join("a")), ["frames"], "no temporary directory is left");
        assert_eq!(format_of(&path), Some(Format::PngSequence));
    }

    #[test]
    fn an_output_that_is_given_up_leaves_what_was_there() {
        let root = tempfile::tempdir().expect("a folder");
        let output = prepare(&root.path().join("a/b/frames")).expect("writable");
        write(&output, 2);
        drop(output);
        assert_eq!(names(root.path()), Vec::<String>::new());
        let path = root.path().join("frames");
        let output = prepare(&path).expect("writable");
        write(&output, 2);
        output.keep("unused").expect("kept");
        let output = prepare(&path).expect("writable");
        write(&output, 1);
        drop(output);
        assert_eq!(names(&path).len(), 2);
        assert_eq!(names(root.path()), ["frames"]);
    }

    #[test]
    fn what_is_not_an_earlier_render_is_never_replaced() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("frames");
        fs::create_dir(&path).expect("a folder");
        fs::write(path.join("frame_000001.png"), "").expect("written");
        for other in ["notes.txt", "frame_1.png", "master.m3u8", "frame_000001.png.bak"] {
            fs::write(path.join(other), "").expect("written");
            let error = prepare(&path).expect_err("other files").to_string();
            assert!(error.contains(other), "{error}");
            fs::remove_file(path.join(other)).expect("removed");
        }
        // Sound alone may be anyone's.
        let music = root.path().join("music");
        fs::create_dir(&music).expect("a folder");
        fs::write(music.join("audio.m4a"), "").expect("written");
        assert!(prepare(&music).expect_err("other files").to_string().contains("audio.m4a"));
        // What appears while it renders is found as well.
        let output = prepare(&path).expect("an earlier render");
        write(&output, 2);
        fs::create_dir(path.join("folder")).expect("a folder");
        assert!(output.keep("unused").expect_err("other files").to_string().contains("folder"));
        assert_eq!(names(&path), ["folder", "frame_000001.png"]);
        let file = root.path().join("file");
        fs::write(&file, "").expect("written");
        assert!(prepare(&file).expect_err("a file").to_string().contains("is a file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_replaced() {
        let root = tempfile::tempdir().expect("a folder");
        let target = root.path().join("target");
        fs::create_dir(&target).expect("a folder");
        std::os::unix::fs::symlink(&target, root.path().join("frames")).expect("a link");
        assert!(prepare(&root.path().join("frames")).is_err());
    }
}
