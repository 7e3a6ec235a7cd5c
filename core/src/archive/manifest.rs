//! The list of the files of an archive, and its digest.

use sha2::{Digest, Sha256};

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

/// The files of an archive, in the order of its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    pub(super) entries: Vec<Entry>,
}

impl Manifest {
    /// Returns the entries, sorted by path.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the sum of the files' sizes before compression, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// Returns the `count` largest entries, largest first, equal sizes by path.
    #[must_use]
    pub fn largest(&self, count: usize) -> Vec<&Entry> {
        let mut entries = self.entries.iter().collect::<Vec<_>>();
        entries.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        entries.truncate(count);
        entries
    }

    /// Returns the manifest digest, in hexadecimal; the documentation of [`archive`](crate::archive) defines it byte by
    /// byte.
    ///
    /// ```
    /// use hyperframes_ci_core::archive::{ArchiveWriter, hex};
    /// use sha2::{Digest, Sha256};
    ///
    /// let mut writer = ArchiveWriter::new(std::io::Cursor::new(Vec::new()));
    /// writer.add("a.txt", 6, &mut &b"hello\n"[..])?;
    /// let (_, manifest) = writer.finish()?;
    /// let lines = format!("hyperframes-ci manifest 1\n{} 6 a.txt\n", hex(&Sha256::digest("hello\n")));
    /// assert_eq!(manifest.digest(), hex(&Sha256::digest(lines)));
    /// # Ok::<(), hyperframes_ci_core::archive::ArchiveError>(())
    /// ```
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

/// Returns lowercase hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Render keys are computed several times per row of a batch, so that there is only one allocation.
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits.map(|digit| char::from(DIGITS[usize::from(digit)])));
    text
}
