//! Reading of files that somebody has named.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use hyperframes_ci_core::media::{EDGE, Edges};

use super::folder::{Access, Folder};
use super::reach::{Located, Reach};
use super::refusal::PathRefusal;
use crate::system::file;

/// How long a pipe that is read as a file, such as `<(command)`, may take.
const PIPE_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens a regular file for reading. Never waits, as opening a FIFO would.
///
/// # Errors
/// Returns [`PathRefusal`] as an error if the path leads out of `reach` or is not a regular file, and the error of the
/// system.
pub(crate) fn open(path: &Path, reach: &Reach) -> io::Result<File> {
    regular(open_any(path, reach)?)
}

/// Returns an open file if it is a regular one.
///
/// # Errors
/// Returns [`PathRefusal::NotAFile`] as an error.
pub(crate) fn regular(file: File) -> io::Result<File> {
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(file) } else { Err(PathRefusal::NotAFile(file::kind(&metadata)).into()) }
}

/// Opens a file that this program has made, whose name must not be that of a link by now.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_made(path: &Path) -> io::Result<File> {
    open(path, &Reach::inside(path.parent().unwrap_or(Path::new("")), "the output directory"))
}

/// Creates a file, in place of a file or a link of that name.
///
/// # Errors
/// Returns the error of the system.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("")).canonicalize()?;
    let (folder, name) = (Folder::of(&folder)?, path.file_name().unwrap_or_default());
    match folder.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => folder.file(name, Access::New),
    }
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open`], and [`PathRefusal::TooLarge`].
pub(crate) fn read(path: &Path, reach: &Reach, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path, reach)?;
    if file.metadata()?.len() > limit {
        return Err(PathRefusal::TooLarge(limit).into());
    }
    read_all(file, limit)
}

/// Reads the text of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`read`], and if the file is not UTF-8.
pub(crate) fn read_text(path: &Path, reach: &Reach, limit: u64) -> io::Result<String> {
    text(read(path, reach, limit)?)
}

/// Reads the first bytes of a regular file, `length` at most.
///
/// # Errors
/// As [`open`], and if the file cannot be read.
pub(crate) fn head(path: &Path, reach: &Reach, length: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    open(path, reach)?.take(length).read_to_end(&mut head)?;
    Ok(head)
}

/// Reads the first and last bytes of a regular file.
///
/// # Errors
/// As [`head`].
pub(crate) fn edges(path: &Path, reach: &Reach) -> io::Result<Edges> {
    let mut file = open(path, reach)?;
    let mut edges = Edges { size: file.metadata()?.len(), ..Edges::default() };
    (&file).take(EDGE as u64).read_to_end(&mut edges.head)?;
    if edges.size > EDGE as u64 {
        file.seek(SeekFrom::Start(edges.size - EDGE as u64))?;
        file.take(EDGE as u64).read_to_end(&mut edges.tail)?;
    }
    Ok(edges)
}

/// Reads the text of a file as [`read_text`] does, or that of a pipe such as `<(command)` outside of the directories of
/// `reach`, for which it waits up to a minute.
///
/// # Errors
/// As [`read_text`], and if it is a pipe that does not end in time.
pub(crate) fn read_text_or_pipe(path: &Path, reach: &Reach, limit: u64) -> io::Result<String> {
    let is_pipe = reach.is_anywhere(path)? && !std::fs::metadata(path)?.is_file();
    if !is_pipe {
        return read_text(path, reach, limit);
    }
    let path = path.to_owned();
    text(file::within(PIPE_TIMEOUT, move || read_all(File::open(path)?, limit))?)
}

/// Opens whatever is at a path. Links are only resolved if there are any.
fn open_any(path: &Path, reach: &Reach) -> io::Result<File> {
    if let Some(located) = reach.direct(path) {
        match open_located(&located, path) {
            Err(error) if is_link(&error) => {}
            opened => return opened,
        }
    }
    open_located(&reach.locate(path)?, path)
}

fn is_link(error: &io::Error) -> bool {
    error.get_ref().and_then(|error| error.downcast_ref()) == Some(&PathRefusal::Replaced)
}

fn open_located(located: &Located, path: &Path) -> io::Result<File> {
    match located {
        Located::Inside(root, relative) => {
            let name = relative.file_name().ok_or(PathRefusal::NotAFile("a directory"))?;
            let folder = relative.parent().unwrap_or(Path::new(""));
            Folder::open(root, folder, false)?.file(name, Access::Read)
        }
        Located::Anywhere => {
            let mut options = OpenOptions::new();
            options.read(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::custom_flags(
                &mut options,
                rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
            );
            options.open(path)
        }
    }
}

/// Reads to the end, and no more than `limit` bytes: a size is not known of everything, and a file may grow.
fn read_all(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if length as u64 > limit { Err(PathRefusal::TooLarge(limit).into()) } else { Ok(bytes) }
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the text is not valid UTF-8"))
}
