//! Where output files may go: the folder that they stay in, and the files that they must not replace.
//!
//! Paths are compared as files: links and `..` are resolved, also in paths whose folders do not exist yet.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::text::case_fold;
use hyperframes_ci_core::video::{is_gif, signature};

use super::file;
use super::gate::{self, PathRefusal, Reach};
use super::hash::hash;
use super::output_parts::{is_part, main_part};
use super::temporary;

/// Folders that are remembered; a pattern may name one for each row.
const MAX_FOLDERS: usize = 1024;

/// Folders that are tried out before anything is paid for.
const MAX_TRIED: usize = 1000;

/// The longest name of a file or a folder on common file systems, in bytes (UTF-16 units on Windows).
const MAX_NAME: usize = 255;

/// Most files of a directory that is replaced: 240 frames per second for 10 hours.
const MAX_FILES: usize = 8_640_000;

/// A place for videos.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputPlace {
    /// The folder that files stay in, with links resolved, and its name in messages; anywhere if absent.
    boundary: Option<(PathBuf, String)>,
    /// Files that must not be written, and folders that nothing must be written to: folded paths, and what they are.
    reserved: Vec<(PathBuf, &'static str)>,
    /// Folded paths of the source files of a project.
    sources: HashSet<String>,
}

/// The reason that an output path is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputRefusal {
    /// It is outside of the folder with this name.
    LeadsOut(String),
    /// This part of the path starts with a dot.
    Hidden(String),
    /// It is this file, which the command reads or writes.
    Reserved(&'static str),
    /// It is a source file of the project.
    Source,
    /// It is a directory, or has no file name.
    Directory,
    /// It does not end with the name of a directory, as `..` does not.
    NoName,
    /// It is a FIFO, a socket or a device.
    NotAFile(&'static str),
    /// It is a file that is not a video but this.
    NotAVideo(&'static str),
    /// It is a file, and a render in this format is a directory.
    NotADirectory(Format),
    /// It is a directory with this file, which is not a part of a render in this format.
    OtherFiles(String, Format),
    /// It exists and cannot be read, so its contents are unknown.
    Unreadable(String),
    /// It is a link, or below a link, whose target does not exist.
    DanglingLink(PathBuf),
    /// It is below this path, which is not a directory.
    BelowFile(PathBuf),
    /// No file can have this path.
    BadName(String),
    /// This folder cannot be written.
    NotWritable(PathBuf, String),
}

impl fmt::Display for OutputRefusal {
    /// Writes a sentence without its subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeadsOut(folder) => write!(f, "is outside {folder}"),
            Self::Hidden(name) => write!(f, "is hidden: {name} starts with a dot"),
            Self::Reserved(what) => write!(f, "is {what}"),
            Self::Source => f.write_str("is a source file of the project"),
            Self::Directory => f.write_str("is a directory"),
            Self::NoName => f.write_str("must end with the name of a directory"),
            Self::NotAFile(kind) => write!(f, "is {kind}"),
            Self::NotAVideo(kind) => write!(f, "exists and is not a video ({kind})"),
            Self::NotADirectory(format) => write!(f, "is a file, and {format} writes a directory"),
            Self::OtherFiles(name, format) => {
                write!(f, "is a directory with a file that is not part of an earlier {format} render: {name}")
            }
            Self::Unreadable(error) => write!(f, "exists and cannot be read: {error}"),
            Self::DanglingLink(link) => {
                write!(f, "leads through {}, a broken symbolic link", link.display())
            }
            Self::BelowFile(file) => write!(f, "is below {}, which is not a directory", file.display()),
            Self::BadName(reason) => write!(f, "is not a valid path: {reason}"),
            Self::NotWritable(folder, error) => write!(f, "cannot be written: {}: {error}", folder.display()),
        }
    }
}

impl OutputRefusal {
    /// Resolves the links of a path, of which a part may not exist.
    ///
    /// # Errors
    /// Returns the refusal of `reach`, and [`Self::DanglingLink`] if a link in the path has no target.
    pub(crate) fn resolve(path: &Path, reach: &Reach) -> Result<PathBuf, Self> {
        let resolved = reach.resolve(path).map_err(|error| Self::from_error(path, &error))?;
        if resolved.iter().any(|name| name.eq_ignore_ascii_case(".git")) {
            return Err(PathRefusal::Git.into());
        }
        Ok(resolved)
    }

    /// Converts the error of the gate for a path.
    fn from_error(path: &Path, error: &io::Error) -> Self {
        let refusal = error.get_ref().and_then(|error| error.downcast_ref::<PathRefusal>());
        match refusal {
            Some(refusal) => refusal.clone().into(),
            None if error.kind() == ErrorKind::NotFound => Self::DanglingLink(path.to_owned()),
            None => Self::Unreadable(error.to_string()),
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::LeadsOut(_) => "choose a file inside that directory",
            Self::Hidden(_) => "choose a path without a leading dot",
            Self::NotAVideo(_) | Self::Unreadable(_) => "move the existing file, or choose another one",
            Self::NotADirectory(_) | Self::OtherFiles(..) | Self::NoName => "choose a new or empty directory",
            Self::DanglingLink(_) => "remove the link, or choose another file",
            Self::Directory => "pass a file, for example -o out.mp4",
            Self::BadName(_) => "choose a shorter or simpler file name",
            Self::NotWritable(..) => "check the permissions and the free space, or choose another directory",
            Self::Reserved(_) | Self::Source | Self::NotAFile(_) | Self::BelowFile(_) => {
                "choose another file"
            }
        }
    }
}

impl From<PathRefusal> for OutputRefusal {
    fn from(refusal: PathRefusal) -> Self {
        match refusal {
            PathRefusal::LeadsOut(name) | PathRefusal::Outside(name) => Self::LeadsOut(name),
            PathRefusal::NotAFile(kind) => Self::NotAFile(kind),
            PathRefusal::Git => Self::Hidden(".git".to_owned()),
            PathRefusal::Replaced | PathRefusal::TooLarge(_) => Self::Unreadable(refusal.to_string()),
        }
    }
}

/// The file that an output path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutputTarget {
    /// The path with links resolved.
    pub(crate) path: PathBuf,
    /// The same for comparisons: some file systems ignore case.
    folded: String,
}

impl OutputTarget {
    fn new(path: PathBuf) -> Self {
        let folded = case_fold(&path.to_string_lossy());
        Self { path, folded }
    }

    /// Returns the file that a path leads to, which may not exist, and of which a part may be a placeholder.
    ///
    /// # Errors
    /// Returns [`OutputRefusal::DanglingLink`] if a link in the path has no target.
    pub(crate) fn of(path: &Path) -> Result<Self, OutputRefusal> {
        resolve(path).map(Self::new)
    }

    /// Returns a hash that is equal for paths that may be one file on a file system that ignores case.
    pub(crate) fn folded_hash(&self) -> u64 {
        hash(&self.folded)
    }

    /// Returns the hashes that the folders above it would have as files.
    pub(crate) fn folder_hashes(&self) -> impl Iterator<Item = u64> + '_ {
        let folders = Path::new(&self.folded).ancestors().skip(1);
        folders.filter_map(Path::to_str).map(|folder| hash(&folder))
    }

    /// Returns a hash that is equal for the same path only.
    pub(crate) fn exact_hash(&self) -> u64 {
        hash(&self.path)
    }
}

/// Folders of outputs with links resolved, so that each is resolved once.
#[derive(Debug, Default)]
pub(crate) struct ResolvedFolders {
    resolved: HashMap<PathBuf, PathBuf>,
    /// Existing folders that were tested for writing, with the error of those that failed; `None` if none is tested.
    tried: Option<HashMap<PathBuf, Option<OutputRefusal>>>,
}

impl ResolvedFolders {
    /// Returns one that also creates a file in each of the first 1000 folders, or in the existing folder above, and
    /// removes it: a folder that cannot be written is found before anything is paid for.
    pub(crate) fn trying() -> Self {
        Self { tried: Some(HashMap::new()), ..Self::default() }
    }

    fn resolve(&mut self, folder: &Path) -> Result<PathBuf, OutputRefusal> {
        if let Some(known) = self.resolved.get(folder) {
            return Ok(known.clone());
        }
        let resolved = resolve(folder)?;
        let existing = resolved.ancestors().find_map(|path| Some((path, path.metadata().ok()?)));
        if let Some((path, metadata)) = existing {
            if !metadata.is_dir() {
                return Err(OutputRefusal::BelowFile(path.to_owned()));
            }
            self.try_out(path)?;
        }
        if self.resolved.len() >= MAX_FOLDERS {
            self.resolved.clear();
        }
        self.resolved.insert(folder.to_owned(), resolved.clone());
        Ok(resolved)
    }

    /// Creates a file in an existing folder and removes it, once for each folder.
    fn try_out(&mut self, folder: &Path) -> Result<(), OutputRefusal> {
        let Some(tried) = &mut self.tried else { return Ok(()) };
        if let Some(known) = tried.get(folder) {
            return known.clone().map_or(Ok(()), Err);
        }
        if tried.len() >= MAX_TRIED {
            return Ok(());
        }
        let created = temporary::create(folder, ".hyperframes-ci-", ".part");
        let refusal =
            created.err().map(|error| OutputRefusal::NotWritable(folder.to_owned(), error.to_string()));
        tried.insert(folder.to_owned(), refusal.clone());
        refusal.map_or(Ok(()), Err)
    }
}

impl OutputPlace {
    /// Returns the place of files that stay in `folder`, which must be in `reach`; `name` is what messages call it.
    ///
    /// # Errors
    /// Returns the refusal of `reach`, and [`OutputRefusal::DanglingLink`] if a link in its path has no target.
    pub(crate) fn below(folder: &Path, name: &str, reach: &Reach) -> Result<Self, OutputRefusal> {
        let folder = OutputRefusal::resolve(folder, reach)?;
        Ok(Self { boundary: Some((folder, name.to_owned())), ..Self::default() })
    }

    /// Returns the place of files that stay in the folder of `path`, which must be in `reach`.
    ///
    /// # Errors
    /// Returns the refusal of `reach`, and [`OutputRefusal::DanglingLink`] if a link in the path of the folder has no target.
    pub(crate) fn beside(path: &Path, reach: &Reach) -> Result<Self, OutputRefusal> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let name =
            if folder == Path::new("") { "the current directory".into() } else { folder.to_string_lossy() };
        Self::below(folder, &name, reach)
    }

    /// Reserves a file or a folder, which may not exist; `what` is what messages call it.
    #[must_use]
    pub(crate) fn reserving(mut self, path: &Path, what: &'static str) -> Self {
        if let Ok(path) = resolve(path) {
            self.reserved.push((PathBuf::from(OutputTarget::new(path).folded), what));
        }
        self
    }

    /// Reserves the source files of a project, given by their paths on disk.
    #[must_use]
    pub(crate) fn with_sources(mut self, sources: impl Iterator<Item = PathBuf>) -> Self {
        self.sources.extend(sources.map(|path| OutputTarget::new(path).folded));
        self
    }

    /// Checks that a video in `format` may be written to `path`, and returns the file or directory that it leads to. Nothing
    /// is written, unless `folders` try folders out.
    ///
    /// # Errors
    /// Returns the first reason why it must not be written, in the order of [`OutputRefusal`].
    pub(crate) fn check(
        &self,
        path: &Path,
        format: Format,
        folders: &mut ResolvedFolders,
    ) -> Result<OutputTarget, OutputRefusal> {
        // A directory may have a slash at its end.
        let directory = format.is_directory().then(|| path.components().collect::<PathBuf>());
        if directory.as_ref().is_some_and(|path| path.file_name().is_none()) {
            return Err(OutputRefusal::NoName);
        }
        let (file, metadata) = self.find(directory.as_deref().unwrap_or(path), folders)?;
        let target = OutputTarget::new(file);
        if let Some(inside) = self.check_inside(&target.path)? {
            let is_hidden = |part: &&OsStr| part.as_encoded_bytes().starts_with(b".");
            if let Some(part) = inside.iter().find(is_hidden) {
                return Err(OutputRefusal::Hidden(part.to_string_lossy().into_owned()));
            }
        }
        self.check_free(&target)?;
        let is_above = |source: &String| Path::new(source).starts_with(&target.folded);
        if format.is_directory() && self.sources.iter().any(is_above) {
            return Err(OutputRefusal::Source);
        }
        match (directory, metadata) {
            // The path itself: a link to a directory is not replaced.
            (Some(directory), _) => check_replaceable(&directory, format)?,
            (None, Some(metadata)) => {
                check_regular(&metadata)?;
                check_video(&target.path, format, &metadata)?;
            }
            (None, None) => {}
        }
        Ok(target)
    }

    /// Returns where its files may lead.
    pub(crate) fn reach(&self) -> Reach {
        match &self.boundary {
            Some((folder, name)) => Reach::inside(folder, name),
            None => Reach::anywhere(),
        }
    }

    /// Checks that a file of lines, such as a manifest, may be appended to at `path`, and returns the path with links
    /// resolved. Its contents are not checked.
    ///
    /// # Errors
    /// Returns the first reason why it must not be written, in the order of [`OutputRefusal`].
    pub(crate) fn check_appended(&self, path: &Path) -> Result<PathBuf, OutputRefusal> {
        let (file, metadata) = self.find(path, &mut ResolvedFolders::default())?;
        let target = OutputTarget::new(file);
        self.check_inside(&target.path)?;
        self.check_free(&target)?;
        metadata.map_or(Ok(()), |metadata| check_regular(&metadata))?;
        Ok(target.path)
    }

    /// Returns the file that a path leads to, with its properties if it exists.
    fn find(
        &self,
        path: &Path,
        folders: &mut ResolvedFolders,
    ) -> Result<(PathBuf, Option<Metadata>), OutputRefusal> {
        check_name(path)?;
        let name = path.file_name().ok_or(OutputRefusal::Directory)?;
        let file = folders.resolve(path.parent().unwrap_or(Path::new("")))?.join(name);
        match file.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => match file.canonicalize() {
                Ok(target) => {
                    let metadata = target.metadata().ok();
                    Ok((target, metadata))
                }
                // A file that the user names takes the place of the link.
                Err(_) if self.boundary.is_none() => Ok((file, None)),
                Err(_) => Err(OutputRefusal::DanglingLink(file)),
            },
            Ok(metadata) => Ok((file, Some(metadata))),
            // No file can have that path: it is too long as a whole, or has characters that the system does not allow.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidFilename | ErrorKind::InvalidInput) => {
                Err(OutputRefusal::BadName(error.to_string()))
            }
            Err(_) => Ok((file, None)),
        }
    }

    /// Returns the path as seen from the boundary; `None` without a boundary.
    fn check_inside<'a>(&self, path: &'a Path) -> Result<Option<&'a Path>, OutputRefusal> {
        let Some((boundary, name)) = &self.boundary else { return Ok(None) };
        let inside = path.strip_prefix(boundary).map_err(|_| OutputRefusal::LeadsOut(name.clone()))?;
        Ok(Some(inside))
    }

    /// Checks that the file is neither a reserved one, nor in the way of its folder, nor a source.
    fn check_free(&self, target: &OutputTarget) -> Result<(), OutputRefusal> {
        let folded = Path::new(&target.folded);
        let is_reserved = |path: &Path| path.starts_with(folded) || folded.starts_with(path);
        if let Some((_, what)) = self.reserved.iter().find(|(path, _)| is_reserved(path)) {
            return Err(OutputRefusal::Reserved(what));
        }
        if self.sources.contains(&target.folded) {
            return Err(OutputRefusal::Source);
        }
        Ok(())
    }
}

/// Checks that a path is valid for a file whose folder may not exist: the system validates it only once it exists.
fn check_name(path: &Path) -> Result<(), OutputRefusal> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.contains(&0) {
        return Err(OutputRefusal::BadName("it contains a NUL character".to_owned()));
    }
    // `file_name` ignores a slash, or a slash and a dot, at the end.
    let text = path.to_string_lossy();
    let name = text.strip_suffix('.').unwrap_or(&text);
    if name.ends_with(std::path::is_separator) {
        return Err(OutputRefusal::Directory);
    }
    match path.iter().find(|name| name_length(name) > MAX_NAME) {
        Some(_) => Err(OutputRefusal::BadName(format!("a name is longer than {MAX_NAME} bytes"))),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn name_length(name: &OsStr) -> usize {
    name.len()
}

#[cfg(not(unix))]
fn name_length(name: &OsStr) -> usize {
    name.to_string_lossy().encode_utf16().count()
}

/// Checks that something that exists is a regular file.
///
/// # Errors
/// Returns [`OutputRefusal::Directory`] or [`OutputRefusal::NotAFile`].
pub(crate) fn check_regular(metadata: &Metadata) -> Result<(), OutputRefusal> {
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(OutputRefusal::Directory)
    } else {
        Err(OutputRefusal::NotAFile(file::kind(metadata)))
    }
}

/// Checks that nothing but an earlier render in `format` has this path; sound alone may be anyone's.
///
/// # Errors
/// Returns the reason why it must not be replaced.
pub(crate) fn check_replaceable(path: &Path, format: Format) -> Result<(), OutputRefusal> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    if metadata.is_symlink() {
        return Err(PathRefusal::NotAFile("a symbolic link").into());
    }
    if !metadata.is_dir() {
        return Err(OutputRefusal::NotADirectory(format));
    }
    let unreadable = |error: io::Error| OutputRefusal::Unreadable(error.to_string());
    let mut first = None;
    for (index, entry) in path.read_dir().map_err(unreadable)?.enumerate() {
        let entry = entry.map_err(unreadable)?;
        let is_file = entry.file_type().map_err(unreadable)?.is_file();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_file || index >= MAX_FILES || !is_part(format, &name) {
            return Err(OutputRefusal::OtherFiles(name, format));
        }
        first.get_or_insert(name);
    }
    match first.filter(|_| !path.join(main_part(format)).is_file()) {
        Some(name) => Err(OutputRefusal::OtherFiles(name, format)),
        None => Ok(()),
    }
}

/// Returns the format of the earlier render that a directory is; `None` if it is empty or something else.
pub(crate) fn format_of(path: &Path) -> Option<Format> {
    let is_one = |format: &Format| {
        let has = |name: &str| path.join(name).is_file();
        let is_complete = has(main_part(*format)) && (*format != Format::Hls || has("video.m3u8"));
        is_complete && check_replaceable(path, *format).is_ok()
    };
    [Format::PngSequence, Format::Hls].into_iter().find(is_one)
}

/// Checks that a file is a video by its first bytes, or empty: full disks leave empty files. A GIF is one only if it is replaced
/// by another: most are images.
fn check_video(path: &Path, format: Format, metadata: &Metadata) -> Result<(), OutputRefusal> {
    if metadata.len() == 0 {
        return Ok(());
    }
    let head = gate::head(path, &Reach::anywhere(), 16)
        .map_err(|error| OutputRefusal::Unreadable(error.to_string()))?;
    if format == Format::Gif && is_gif(&head) {
        return Ok(());
    }
    signature(&head).map(|_| ()).map_err(OutputRefusal::NotAVideo)
}

/// Resolves links, `.` and `..` in a path of which a part may not exist.
fn resolve(path: &Path) -> Result<PathBuf, OutputRefusal> {
    OutputRefusal::resolve(path, &Reach::anywhere())
}

#[cfg(test)]
mod tests;
