//! The project as a zip: equal contents give equal bytes, on every machine.
//!
//! Entries are sorted by path, carry the date 1980-01-01 and mode 0644, and are deflated at a fixed level by a
//! fixed backend, or stored where their first bytes show a format that is compressed already. Bytes are streamed, and
//! nothing is held but one buffer; or entries are encoded elsewhere, several at a time, and put together in their order.
//!
//! # The manifest digest
//!
//! SHA-256, in lowercase hexadecimal, over the line `hyperframes-ci manifest 1` and one line for each entry in
//! the order of their paths' UTF-8 bytes. A line is `<sha256 of the bytes as packed> <size in decimal> <path>`,
//! in UTF-8, ended by a line feed. A path holds no line feed: [`ArchiveWriter::add`] refuses control characters.

mod zip;

use std::fmt;
use std::io::{self, Read, Seek, Write};

use sha2::{Digest, Sha256};

use zip::{Encoder, Figures, Method, Writer};

/// The largest archive that a direct upload takes, in bytes (200 MB; source: the API's `max_bytes`).
pub const DIRECT_UPLOAD_LIMIT: u64 = 200 * 1024 * 1024;

/// The largest archive that `POST /v3/assets` takes, in bytes (32 MB).
pub const PROXY_UPLOAD_LIMIT: u64 = 32 * 1024 * 1024;

/// Bytes read at a time; also how much of a file is looked at to decide between storing and deflating.
const CHUNK: usize = 64 * 1024;

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path in the archive, with `/`.
    pub path: String,
    /// Size before compression, in bytes.
    pub size: u64,
    /// SHA-256 of the bytes as packed.
    pub sha256: [u8; 32],
}

/// What an archive holds, in the order of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: Vec<Entry>,
}

impl Manifest {
    /// The entries, sorted by path.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The sum of the files' sizes before compression, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// The `count` largest entries, largest first, equal sizes by path.
    #[must_use]
    pub fn largest(&self, count: usize) -> Vec<&Entry> {
        let mut entries = self.entries.iter().collect::<Vec<_>>();
        entries.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        entries.truncate(count);
        entries
    }

    /// The manifest digest, in hexadecimal; the module's documentation defines it byte by byte.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update("hyperframes-ci manifest 1\n");
        for entry in &self.entries {
            hasher.update(format!("{} {} {}\n", hex(&entry.sha256), entry.size, entry.path));
        }
        hex(&hasher.finalize())
    }
}

/// Lowercase hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a file could not be added.
#[derive(Debug)]
pub enum ArchiveError {
    /// The file could not be read.
    Read(io::Error),
    /// The archive could not be written.
    Write(io::Error),
    /// The file did not have the size that it was announced with.
    Changed {
        /// Size when the project was listed, in bytes.
        expected: u64,
        /// Bytes that were there to read.
        found: u64,
    },
    /// The path is empty, absolute, holds `\`, a control character, or a `.` or `..` segment.
    InvalidPath,
    /// The path does not sort after the one before it, or is equal to it.
    OutOfOrder,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::Write(error) => write!(f, "the archive cannot be written: {error}"),
            Self::Changed { expected, found } => {
                write!(f, "changed while it was packed: {expected} bytes became {found}")
            }
            Self::InvalidPath => f.write_str("has a name that no archive can carry safely"),
            Self::OutOfOrder => f.write_str("is out of order or twice in the project"),
        }
    }
}

impl std::error::Error for ArchiveError {}

/// Encodes entries apart from the archive that they go into: on another thread, ahead of it.
#[derive(Debug)]
pub struct EntryEncoder {
    encoder: Encoder,
    buffer: Vec<u8>,
}

/// An entry's contents as the archive holds them.
#[derive(Debug)]
pub struct Encoded {
    figures: Figures,
    size: u64,
    sha256: [u8; 32],
    bytes: Vec<u8>,
}

impl Default for EntryEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl EntryEncoder {
    /// One that may encode any number of entries.
    #[must_use]
    pub fn new() -> Self {
        Self { encoder: Encoder::new(), buffer: vec![0; CHUNK] }
    }

    /// Encodes `contents`, which must be `size` bytes. They are held in memory.
    ///
    /// # Errors
    /// When they cannot be read, or are not as many.
    pub fn encode(&mut self, size: u64, contents: &mut dyn Read) -> Result<Encoded, ArchiveError> {
        let Self { encoder, buffer } = self;
        let mut bytes = Vec::new();
        let sha256 = transfer(contents, size, buffer, &mut |piece, method| {
            if let Some(method) = method {
                encoder.start(method);
                if method == Method::Stored {
                    bytes.reserve_exact(usize::try_from(size).unwrap_or_default());
                }
            }
            encoder.write(piece, &mut bytes)
        })?;
        let figures = encoder.end(&mut bytes).map_err(ArchiveError::Write)?;
        Ok(Encoded { figures, size, sha256, bytes })
    }
}

/// Takes a piece of an entry's contents; with the first one comes how they are to be kept.
type Take<'a> = dyn FnMut(&[u8], Option<Method>) -> io::Result<()> + 'a;

/// Reads `contents`, which must be `size` bytes, and hands them on in pieces that are cut equally everywhere. Gives
/// back their SHA-256.
fn transfer(
    contents: &mut dyn Read,
    size: u64,
    buffer: &mut [u8],
    take: &mut Take<'_>,
) -> Result<[u8; 32], ArchiveError> {
    let mut hasher = Sha256::new();
    let mut filled = read_chunk(contents, buffer).map_err(ArchiveError::Read)?;
    let is_stored = is_compressed(&buffer[..filled]);
    let mut method = Some(if is_stored { Method::Stored } else { Method::Deflated });
    let mut found = 0;
    loop {
        let bytes = &buffer[..filled];
        found += bytes.len() as u64;
        if found > size {
            return Err(ArchiveError::Changed { expected: size, found });
        }
        hasher.update(bytes);
        take(bytes, method.take()).map_err(ArchiveError::Write)?;
        filled = read_chunk(contents, buffer).map_err(ArchiveError::Read)?;
        if filled == 0 {
            break;
        }
    }
    if found != size {
        return Err(ArchiveError::Changed { expected: size, found });
    }
    Ok(hasher.finalize().into())
}

/// Writes an archive, one entry after the other.
#[derive(Debug)]
pub struct ArchiveWriter<W: Write + Seek> {
    zip: Writer<W>,
    manifest: Manifest,
    buffer: Vec<u8>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// An empty archive into `sink`.
    pub fn new(sink: W) -> Self {
        Self { zip: Writer::new(sink), manifest: Manifest::default(), buffer: vec![0; CHUNK] }
    }

    /// Adds the file at `path` with the bytes of `contents`, which must be `size` many.
    ///
    /// Paths come in ascending order of their bytes: the order is part of what makes archives equal.
    ///
    /// # Errors
    /// See [`ArchiveError`]. The archive is of no use after an error.
    pub fn add(&mut self, path: &str, size: u64, contents: &mut dyn Read) -> Result<(), ArchiveError> {
        self.check(path)?;
        let Self { zip, buffer, .. } = self;
        let sha256 = transfer(contents, size, buffer, &mut |piece, method| {
            method.map_or(Ok(()), |method| zip.start(path, method))?;
            zip.write(piece)
        })?;
        self.zip.end().map_err(ArchiveError::Write)?;
        self.manifest.entries.push(Entry { path: path.to_owned(), size, sha256 });
        Ok(())
    }

    /// Adds the file at `path` with contents that were encoded before; the archive's bytes are those that [`Self::add`]
    /// gives it.
    ///
    /// # Errors
    /// See [`ArchiveError`]. The archive is of no use after an error.
    pub fn put(&mut self, path: &str, encoded: &Encoded) -> Result<(), ArchiveError> {
        self.check(path)?;
        let Encoded { figures, size, sha256, bytes } = encoded;
        self.zip.put(path, *figures, bytes).map_err(ArchiveError::Write)?;
        self.manifest.entries.push(Entry { path: path.to_owned(), size: *size, sha256: *sha256 });
        Ok(())
    }

    /// Bytes written so far that do not change any more.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.zip.written()
    }

    /// Hands the sink everything so far, and says how many bytes that is: they do not change any more.
    ///
    /// # Errors
    /// When the sink refuses them.
    pub fn flush(&mut self) -> Result<u64, ArchiveError> {
        self.zip.flush().map_err(ArchiveError::Write)
    }

    fn check(&self, path: &str) -> Result<(), ArchiveError> {
        if !is_portable(path) {
            return Err(ArchiveError::InvalidPath);
        }
        if self.manifest.entries.last().is_some_and(|last| last.path.as_str() >= path) {
            return Err(ArchiveError::OutOfOrder);
        }
        Ok(())
    }

    /// Writes the directory of the archive and gives back the sink.
    ///
    /// # Errors
    /// When the sink refuses the last bytes.
    pub fn finish(self) -> Result<(W, Manifest), ArchiveError> {
        let sink = self.zip.finish().map_err(ArchiveError::Write)?;
        Ok((sink, self.manifest))
    }
}

/// Whether every system reads `path` as the same relative path.
pub(crate) fn is_portable(path: &str) -> bool {
    !path.chars().any(|character| character == '\\' || character.is_control())
        && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Fills as much of `buffer` as there is to read.
fn read_chunk(contents: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match contents.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether the bytes begin like a format that is compressed already: deflating it again costs time and gains
/// nothing. Decided by content, since names lie.
pub(crate) fn is_compressed(bytes: &[u8]) -> bool {
    const SIGNATURES: &[&[u8]] = &[
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",       // JPEG
        b"GIF8",               // GIF
        b"\x1a\x45\xdf\xa3",   // WebM, Matroska
        b"OggS",               // Ogg
        b"ID3",                // MP3 with a tag
        b"fLaC",               // FLAC
        b"wOFF",               // WOFF
        b"wOF2",               // WOFF2
        b"PK\x03\x04",         // zip
        b"\x1f\x8b",           // gzip
        b"\x28\xb5\x2f\xfd",   // Zstandard
        b"\xfd7zXZ\x00",       // xz
        b"7z\xbc\xaf\x27\x1c", // 7z
    ];
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    SIGNATURES.iter().any(|magic| at(0, magic))
        || at(4, b"ftyp")                       // MP4, MOV, M4A, AVIF, HEIC
        || (at(0, b"RIFF") && at(8, b"WEBP"))
        || matches!(bytes, [0xff, 0xe2..=0xfb, ..]) // MP3, AAC without a tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::zip::CompressionMethod;
    use std::io::Cursor;

    fn pack(files: &[(&str, &[u8])]) -> (Vec<u8>, Manifest) {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in files {
            writer.add(path, bytes.len() as u64, &mut &bytes[..]).expect("a valid entry");
        }
        let (sink, manifest) = writer.finish().expect("an archive");
        (sink.into_inner(), manifest)
    }

    /// Computed by hand from the definition: `printf` and `sha256sum` give the same.
    #[test]
    fn the_digest_is_the_documented_one() {
        let (_, manifest) = pack(&[("a.txt", b"hello\n"), ("b/c.txt", b"")]);
        let lines = "hyperframes-ci manifest 1\n\
            5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 6 a.txt\n\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 b/c.txt\n";
        assert_eq!(manifest.digest(), hex(&Sha256::digest(lines)));
    }

    /// A pinned value: if this changes, every archive in the world changes.
    #[test]
    fn the_bytes_are_pinned() {
        let (bytes, _) =
            pack(&[("index.html", &b"<html></html>".repeat(50)), ("x.png", b"\x89PNG\r\n\x1a\nxx")]);
        assert_eq!(hex(&Sha256::digest(&bytes)), PINNED);
    }
    const PINNED: &str = "bd3889dd1d5ed840db36126c55ab44a982424f399bc6fcf08e45d07e159dbf4c";

    #[test]
    fn refuses_names_and_orders_that_differ_between_systems() {
        for path in ["", "/a", "a//b", "../a", "a/./b", "a\\b", "a\nb"] {
            let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
            assert!(matches!(writer.add(path, 0, &mut &b""[..]), Err(ArchiveError::InvalidPath)), "{path:?}");
        }
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
        writer.add("b", 0, &mut &b""[..]).expect("first");
        assert!(matches!(writer.add("a", 0, &mut &b""[..]), Err(ArchiveError::OutOfOrder)));
        assert!(matches!(writer.add("b", 0, &mut &b""[..]), Err(ArchiveError::OutOfOrder)));
    }

    #[test]
    fn a_file_that_changes_is_noticed_both_ways() {
        for (announced, bytes) in [(3, &b"abcd"[..]), (5, &b"abcd"[..])] {
            let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
            let result = writer.add("a", announced, &mut &bytes[..]).map(|_| ());
            assert!(matches!(result, Err(ArchiveError::Changed { found: 4, .. })), "{result:?}");
        }
    }

    #[test]
    fn media_is_stored_and_text_is_deflated() {
        let mut archive = ::zip::ZipArchive::new(Cursor::new(
            pack(&[("a.html", &b"text ".repeat(100)), ("b.bin", b"\0\0\0\x18ftypmp42")]).0,
        ))
        .expect("a readable archive");
        let method = |archive: &mut ::zip::ZipArchive<_>, index| {
            ::zip::ZipArchive::by_index(archive, index).expect("an entry").compression()
        };
        assert_eq!(method(&mut archive, 0), CompressionMethod::Deflated);
        assert_eq!(method(&mut archive, 1), CompressionMethod::Stored);
    }

    #[test]
    fn the_largest_come_first() {
        let (_, manifest) = pack(&[("a", b"1"), ("b", b"333"), ("c", b"1")]);
        let names = manifest.largest(2).into_iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>();
        assert_eq!(names, ["b", "a"]);
    }
}
