//! The first and last bytes of a file.

use std::io::{self, Read, Seek, SeekFrom};

/// Number of bytes at the start and at the end of a media file that its properties are read from.
pub const EDGE: usize = 64 * 1024;

/// The first and last bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edges {
    /// The size of the file in bytes.
    pub size: u64,
    /// The first [`EDGE`] bytes, as far as they are known.
    pub head: Vec<u8>,
    /// The last [`EDGE`] bytes; empty if they are not known, or `head` is the whole file.
    pub tail: Vec<u8>,
}

impl Edges {
    /// Returns the edges of a file that is known as a whole.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_at(bytes.len().min(EDGE));
        let tail = if rest.is_empty() { rest } else { &bytes[bytes.len() - EDGE..] };
        Self { size: bytes.len() as u64, head: head.to_vec(), tail: tail.to_vec() }
    }

    /// Returns the edges of a file of which these first and last bytes are known, or more.
    #[must_use]
    pub fn known(size: u64, head: &[u8], tail: &[u8]) -> Self {
        let head = &head[..head.len().min(EDGE)];
        let tail = &tail[tail.len().saturating_sub(EDGE)..];
        // Bytes that the file cannot have are those of another file.
        let is_part = |bytes: &[u8]| bytes.len() as u64 <= size;
        let tail = if is_part(tail) && size > EDGE as u64 { tail } else { &[] };
        let head = if is_part(head) { head } else { &[] };
        Self { size, head: head.to_vec(), tail: tail.to_vec() }
    }

    /// Returns a reader of the file that fails where its bytes are not known.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { edges: self, position: 0 }
    }
}

/// Reads the known bytes of a file.
pub(super) struct Reader<'a> {
    edges: &'a Edges,
    position: u64,
}

impl Reader<'_> {
    /// Returns the known bytes from the position on.
    fn known(&self) -> Option<&[u8]> {
        let Edges { size, head, tail } = self.edges;
        if self.position >= *size {
            return Some(&[]);
        }
        let inside = |bytes: &'_ [u8], start: u64| {
            let offset = usize::try_from(self.position.checked_sub(start)?).ok()?;
            (offset < bytes.len()).then_some(offset)
        };
        let start = size.checked_sub(tail.len() as u64)?;
        inside(head, 0)
            .map(|offset| &head[offset..])
            .or_else(|| inside(tail, start).map(|offset| &tail[offset..]))
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let known = self.known().ok_or_else(|| io::Error::other("not known"))?;
        let count = known.len().min(bytes.len());
        bytes[..count].copy_from_slice(&known[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.edges.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_the_edges_is_not_known() {
        let bytes = (0..=255).cycle().take(3 * EDGE).collect::<Vec<u8>>();
        let edges = Edges::of(&bytes);
        let mut reader = edges.reader();
        let mut read = |offset: usize| {
            let mut buffer = [0; 4];
            reader.seek(SeekFrom::Start(offset as u64)).expect("a place");
            reader.read_exact(&mut buffer).ok().map(|()| buffer.to_vec())
        };
        for offset in [0, EDGE - 4, 2 * EDGE, 3 * EDGE - 4] {
            assert_eq!(read(offset).as_deref(), Some(&bytes[offset..offset + 4]), "{offset}");
        }
        for offset in [EDGE - 3, EDGE, 2 * EDGE - 1, 3 * EDGE - 3, 3 * EDGE] {
            assert_eq!(read(offset), None, "{offset}");
        }
        assert!(Edges::of(&bytes[..EDGE]).tail.is_empty());
    }
}
