//! Writes archives.

use std::io::{Read, Seek, Write};

use super::encode::{CHUNK, Encoded, transfer};
use super::error::ArchiveError;
use super::manifest::{Entry, Manifest};
use super::path::is_portable;
use super::zip::Writer;

/// Writes an archive, one entry after the other.
///
/// ```
/// use std::io::Cursor;
///
/// use hyperframes_ci_core::archive::ArchiveWriter;
///
/// let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
/// writer.add("assets/a.txt", 6, &mut &b"hello\n"[..])?;
/// writer.add("index.html", 13, &mut &b"<html></html>"[..])?;
/// let (archive, manifest) = writer.finish()?;
/// assert_eq!(&archive.into_inner()[..4], b"PK\x03\x04");
/// assert_eq!(manifest.entries()[1].path, "index.html");
/// # Ok::<(), hyperframes_ci_core::archive::ArchiveError>(())
/// ```
#[derive(Debug)]
pub struct ArchiveWriter<W: Write + Seek> {
    zip: Writer<W>,
    manifest: Manifest,
    buffer: Vec<u8>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Starts an empty archive in `sink`.
    pub fn new(sink: W) -> Self {
        Self { zip: Writer::new(sink), manifest: Manifest::default(), buffer: vec![0; CHUNK] }
    }

    /// Adds a file at `path` with `contents`, which must be `size` bytes.
    ///
    /// Paths must be added in ascending order of their bytes, so that equal files give equal archives.
    ///
    /// # Errors
    /// See [`ArchiveError`]. The archive must not be used after an error.
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

    /// Adds a file at `path` with encoded contents. The bytes of the archive are the same as with [`Self::add`].
    ///
    /// # Errors
    /// See [`ArchiveError`]. The archive must not be used after an error.
    pub fn put(&mut self, path: &str, encoded: &Encoded) -> Result<(), ArchiveError> {
        self.check(path)?;
        let Encoded { figures, size, sha256, bytes } = encoded;
        self.zip.put(path, *figures, bytes).map_err(ArchiveError::Write)?;
        self.manifest.entries.push(Entry { path: path.to_owned(), size: *size, sha256: *sha256 });
        Ok(())
    }

    /// Returns the number of bytes that are final.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.zip.written()
    }

    /// Writes all final bytes to the sink, and returns their number.
    ///
    /// # Errors
    /// Returns the error of the sink.
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

    /// Writes the directory of the archive and returns the sink.
    ///
    /// # Errors
    /// Returns the error of the sink.
    pub fn finish(self) -> Result<(W, Manifest), ArchiveError> {
        let sink = self.zip.finish().map_err(ArchiveError::Write)?;
        Ok((sink, self.manifest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::hex;
    use ::zip::CompressionMethod;
    use sha2::{Digest, Sha256};
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

    /// A pinned value: if it changes, the bytes of all archives change, and no earlier render is reused.
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
