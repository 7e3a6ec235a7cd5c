//! From a project to its archive: files are listed, references out of the project are carried along under
//! `_ext/`, and everything is zipped into a temporary file.
//!
//! A reference may reach any file of the enclosing repository that has no dotted name on its path; everything
//! else is refused with the reference's file and line, since workflows pack the work of strangers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::{
    ArchiveError, ArchiveWriter, Diagnostic, Link, Manifest, Reference, Severity, TextKind, hex, references,
    resolve, rewrite,
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::collect::{Collected, Project, SourceFile};
use crate::interrupt::{self, Guard};

/// Where files from outside the project go, as the official packer has it.
const EXTERNAL: &str = "_ext";

/// Why there is no archive.
#[derive(Debug)]
pub(crate) enum PackError {
    /// A file cannot be read or changed while it was.
    File(PathBuf, ArchiveError),
    /// The archive cannot be written.
    Archive(io::Error),
}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{} {error}", path.display()),
            Self::Archive(error) => write!(f, "the archive cannot be written: {error}"),
        }
    }
}

impl PackError {
    /// Stable identifier.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::File(_, ArchiveError::Changed { .. }) => "file_changed",
            Self::File(..) => "file_unreadable",
            Self::Archive(_) => "archive_not_written",
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::File(_, ArchiveError::Changed { .. }) => "let whatever writes it finish, then run again",
            Self::File(..) => "check the permissions, or leave it out with .hyperframesignore",
            Self::Archive(_) => "check the free space of the temporary directory",
        }
    }
}

/// Where the bytes of an entry are.
#[derive(Debug)]
enum Contents {
    /// In this file.
    File(PathBuf),
    /// Here: the file's text with its references rewritten.
    Rewritten(PathBuf, Vec<u8>),
}

/// What is going to be packed, by path in the archive.
#[derive(Debug)]
pub(crate) struct Contained {
    entries: BTreeMap<String, Contents>,
    /// Findings about references.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Contained {
    /// The files of a project and those that their references carry along.
    ///
    /// # Errors
    /// When a text file cannot be read.
    pub(crate) fn of(project: &Project, collected: &Collected) -> Result<Self, PackError> {
        let mut carrier = Carrier {
            project,
            names: HashMap::new(),
            taken: collected.files.iter().map(|file| file.path.clone()).collect(),
            queue: Vec::new(),
            diagnostics: Vec::new(),
        };
        let mut entries = BTreeMap::new();
        for file in &collected.files {
            let inside = join(&project.prefix, &file.path);
            entries.insert(file.path.clone(), carrier.contents(file, &inside)?);
        }
        // Files that were carried along may refer to others; each is carried once.
        while let Some((file, inside)) = carrier.queue.pop() {
            let contents = carrier.contents(&file, &inside)?;
            entries.insert(file.path, contents);
        }
        Ok(Self { entries, diagnostics: carrier.diagnostics })
    }

    /// How many files the archive will hold.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Zips everything into a temporary file; `progress` hears of files done.
    ///
    /// # Errors
    /// See [`PackError`]. The temporary file is gone then.
    pub(crate) fn zip(&self, progress: &mut dyn FnMut(u64)) -> Result<Packed, PackError> {
        let temporary = NamedTempFile::with_prefix("hyperframes-ci-").map_err(PackError::Archive)?;
        let guard = interrupt::guard_path(temporary.path());
        let sink = io::BufWriter::with_capacity(
            256 * 1024,
            temporary.as_file().try_clone().map_err(PackError::Archive)?,
        );
        let mut writer = ArchiveWriter::new(sink);
        for (done, (path, contents)) in self.entries.iter().enumerate() {
            contents.add_to(&mut writer, path)?;
            progress(done as u64 + 1);
        }
        let (mut sink, manifest) = writer.finish().map_err(|error| match error {
            ArchiveError::Write(error) => PackError::Archive(error),
            other => PackError::Archive(io::Error::other(other.to_string())),
        })?;
        sink.flush().map_err(PackError::Archive)?;
        drop(sink);
        let mut file = temporary.reopen().map_err(PackError::Archive)?;
        let (size, sha256) = hash(&mut file).map_err(PackError::Archive)?;
        Ok(Packed { file: temporary, manifest, size, sha256, _guard: guard })
    }
}

impl Contents {
    fn add_to<W: Write + Seek>(&self, writer: &mut ArchiveWriter<W>, path: &str) -> Result<(), PackError> {
        let (source, result) = match self {
            Self::Rewritten(source, bytes) => {
                (source, writer.add(path, bytes.len() as u64, &mut bytes.as_slice()).map(|_| ()))
            }
            Self::File(source) => (source, add_file(writer, path, source)),
        };
        result.map_err(|error| match error {
            ArchiveError::Write(error) => PackError::Archive(error),
            error => PackError::File(source.clone(), error),
        })
    }
}

/// Adds a file that must not change meanwhile: its size, and where the system tells, its time of change.
fn add_file<W: Write + Seek>(
    writer: &mut ArchiveWriter<W>,
    path: &str,
    source: &Path,
) -> Result<(), ArchiveError> {
    let mut file = File::open(source).map_err(ArchiveError::Read)?;
    let before = file.metadata().map_err(ArchiveError::Read)?;
    writer.add(path, before.len(), &mut file)?;
    let after = file.metadata().map_err(ArchiveError::Read)?;
    if before.len() != after.len() || before.modified().ok() != after.modified().ok() {
        return Err(ArchiveError::Changed { expected: before.len(), found: after.len() });
    }
    Ok(())
}

fn hash(file: &mut File) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, hex(&hasher.finalize()))),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

/// An archive in a temporary file, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Packed {
    file: NamedTempFile,
    /// What it holds.
    pub(crate) manifest: Manifest,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
    _guard: Guard,
}

impl Packed {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// When somebody took it away.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.file.reopen()
    }
}

/// Finds the references that leave the project and gives their targets a place in the archive.
struct Carrier<'a> {
    project: &'a Project,
    /// Path in the archive by path in the repository, for files from outside the project.
    names: HashMap<String, String>,
    taken: BTreeSet<String>,
    queue: Vec<(SourceFile, String)>,
    diagnostics: Vec<Diagnostic>,
}

impl Carrier<'_> {
    /// The contents of `file`, whose path in the repository is `inside`.
    fn contents(&mut self, file: &SourceFile, inside: &str) -> Result<Contents, PackError> {
        let as_is = || Contents::File(file.source.clone());
        let Some(kind) = TextKind::of_path(&file.path) else { return Ok(as_is()) };
        let bytes = fs::read(&file.source)
            .map_err(|error| PackError::File(file.source.clone(), ArchiveError::Read(error)))?;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(as_is()) };
        let found = references(kind, &text);
        let replacements = found
            .iter()
            .filter_map(|reference| Some((reference, self.replacement(file, inside, &text, reference)?)))
            .collect::<Vec<_>>();
        if replacements.is_empty() {
            return Ok(as_is());
        }
        let borrowed =
            replacements.iter().map(|(reference, new)| (*reference, new.as_str())).collect::<Vec<_>>();
        Ok(Contents::Rewritten(file.source.clone(), rewrite(&text, &borrowed).into_bytes()))
    }

    /// What the reference must say in the archive, where that differs from what it says now.
    fn replacement(
        &mut self,
        file: &SourceFile,
        inside: &str,
        text: &str,
        reference: &Reference,
    ) -> Option<String> {
        let relative = match Link::of(&reference.target) {
            Link::Relative(path) => path,
            Link::File(_) => {
                let help = "copy the file into the project and refer to it by a relative path";
                self.refuse(
                    "local-file-url",
                    file,
                    text,
                    reference,
                    "refers to a file of this machine",
                    help,
                );
                return None;
            }
            _ => return None,
        };
        let folder = parent(inside);
        let Some(target) = resolve(folder, &relative) else {
            self.escape(file, text, reference);
            return None;
        };
        let wanted = if let Some(within) = below(&self.project.prefix, &target) {
            // From a file of the project to another: both keep their places, and so does the reference.
            if below(&self.project.prefix, inside).is_some() {
                return None;
            }
            within.to_owned()
        } else {
            self.carry(file, text, reference, &target)?
        };
        let here = parent(&file.path);
        if resolve(here, &relative).as_deref() == Some(&wanted) {
            return None;
        }
        Some(format!("{}{}", relative_url(here, &wanted), suffix(&reference.target)))
    }

    /// The place in the archive of the repository's file `target`, which is carried along from now on.
    fn carry(
        &mut self,
        file: &SourceFile,
        text: &str,
        reference: &Reference,
        target: &str,
    ) -> Option<String> {
        if let Some(name) = self.names.get(target) {
            return Some(name.clone());
        }
        if target.split('/').any(|segment| segment.starts_with('.')) {
            self.escape(file, text, reference);
            return None;
        }
        // What is not there, and what is no file, is left alone: the reference may be made by a script.
        let source = self.project.boundary.join(target).canonicalize().ok().filter(|path| path.is_file());
        let Some(source) = source else {
            if Path::new(target).extension().is_some() {
                self.diagnostics.push(
                    Diagnostic::new(
                        "missing-asset",
                        Severity::Warning,
                        &file.path,
                        format!("refers to {}, which is not there", reference.target),
                    )
                    .at(text, reference.span)
                    .help("commit the file, or correct the reference"),
                );
            }
            return None;
        };
        if self.project.reach(&source).is_none() {
            self.escape(file, text, reference);
            return None;
        }
        let name = self.name(target);
        self.names.insert(target.to_owned(), name.clone());
        self.queue.push((SourceFile { path: name.clone(), source }, target.to_owned()));
        Some(name)
    }

    /// `_ext/` and the path from the nearest folder that the project and the file share, with a number where two
    /// files would get the same.
    fn name(&mut self, target: &str) -> String {
        let shared = self
            .project
            .prefix
            .split('/')
            .zip(target.split('/'))
            .take_while(|(ours, theirs)| ours == theirs)
            .map(|(segment, _)| segment.len() + 1)
            .sum::<usize>();
        let plain = format!("{EXTERNAL}/{}", &target[shared.min(target.len())..]);
        let (stem, extension) = match plain.rfind('.').filter(|dot| !plain[*dot..].contains('/')) {
            Some(dot) => plain.split_at(dot),
            None => (plain.as_str(), ""),
        };
        let name = std::iter::once(plain.clone())
            .chain((2_u64..).map(|number| format!("{stem}_{number}{extension}")))
            .find(|name| !self.taken.contains(name))
            .expect("the numbers do not end before the files do");
        self.taken.insert(name.clone());
        name
    }

    fn escape(&mut self, file: &SourceFile, text: &str, reference: &Reference) {
        let help = "copy the file into the project; references reach files of the repository that have no dotted name on their path";
        self.refuse("escaping-reference", file, text, reference, "reaches out of the repository", help);
    }

    fn refuse(
        &mut self,
        code: &'static str,
        file: &SourceFile,
        text: &str,
        reference: &Reference,
        what: &str,
        help: &str,
    ) {
        self.diagnostics.push(
            Diagnostic::new(
                code,
                Severity::Error,
                &file.path,
                format!("the reference {:?} {what}", reference.target),
            )
            .at(text, reference.span)
            .help(help),
        );
    }
}

fn join(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The rest of `path` below `prefix`.
fn below<'a>(prefix: &str, path: &'a str) -> Option<&'a str> {
    if prefix.is_empty() { Some(path) } else { path.strip_prefix(prefix)?.strip_prefix('/') }
}

/// The query and fragment of a reference.
fn suffix(target: &str) -> &str {
    target.find(['?', '#']).map_or("", |at| &target[at..])
}

/// `to` as a relative URL from the folder `from`.
fn relative_url(from: &str, to: &str) -> String {
    let from = from.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
    let to = to.split('/').collect::<Vec<_>>();
    let shared = from.iter().zip(&to[..to.len() - 1]).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to[shared..].iter().map(|segment| encode(segment))).collect::<Vec<_>>().join("/")
}

/// Percent-encodes what would end or change a path in a URL, in HTML or in CSS.
fn encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for character in segment.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() && !"-._~!$&+,;=:@".contains(character)
        {
            encoded.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            encoded.push(character);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_urls_lead_from_folder_to_file() {
        assert_eq!(relative_url("", "_ext/a b.png"), "_ext/a%20b.png");
        assert_eq!(relative_url("a/b", "_ext/x.png"), "../../_ext/x.png");
        assert_eq!(relative_url("_ext/css", "_ext/fonts/x?.woff"), "../fonts/x%3F.woff");
        assert_eq!(relative_url("a", "a/x.png"), "x.png");
    }

    #[test]
    fn names_do_not_collide() {
        let project = Project {
            root: PathBuf::new(),
            shown: String::new(),
            name: String::new(),
            boundary: PathBuf::new(),
            prefix: "videos/launch".to_owned(),
        };
        let taken = BTreeSet::from(["_ext/logo.svg".to_owned()]);
        let mut carrier = Carrier {
            project: &project,
            names: HashMap::new(),
            taken,
            queue: Vec::new(),
            diagnostics: Vec::new(),
        };
        let mut name = |target: &str| carrier.name(target);
        assert_eq!(name("videos/shared/a.png"), "_ext/shared/a.png");
        assert_eq!(name("shared/a.png"), "_ext/shared/a_2.png");
        assert_eq!(name("logo.svg"), "_ext/logo_2.svg");
        assert_eq!(name("videos/LICENSE"), "_ext/LICENSE");
        assert_eq!(name("LICENSE"), "_ext/LICENSE_2");
    }
}
