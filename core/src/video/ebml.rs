//! EBML, the tree format of WebM; source: RFC 8794.

use std::io::{Read, Seek};

use super::input::bytes_at;
use super::model::VideoError;

/// Maximum number of elements that are read in one file.
const MOST_ELEMENTS: usize = 2_000_000;

/// An element: its id and the range of its contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) id: u32,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Whether its size is unknown: it ends before the first element that cannot be inside it.
    pub(super) is_open: bool,
}

pub(super) struct Reader<'a, R> {
    file: &'a mut R,
    elements: usize,
}

impl<'a, R: Read + Seek> Reader<'a, R> {
    pub(super) fn new(file: &'a mut R) -> Self {
        Self { file, elements: 0 }
    }

    /// Returns the element at `offset`, which must not reach beyond `end`; `None` at the end.
    pub(super) fn element(&mut self, offset: u64, end: u64) -> Result<Option<Element>, VideoError> {
        // The shortest element has an id of one byte and a size of one byte.
        if end.saturating_sub(offset) < 2 {
            return Ok(None);
        }
        self.elements += 1;
        if self.elements > MOST_ELEMENTS {
            return Err(VideoError::Damaged("it has too many elements"));
        }
        let (id, id_length) = self.number(offset, end, false)?;
        let (size, size_length) = self.number(offset + id_length, end, true)?;
        let id = u32::try_from(id).map_err(|_| VideoError::Damaged("an element has an invalid ID"))?;
        let start = offset + id_length + size_length;
        let is_open = size == (1 << (7 * size_length)) - 1;
        let stop = if is_open { end } else { start.saturating_add(size) };
        if stop > end {
            return Err(VideoError::Damaged("an element extends beyond the end of the file"));
        }
        Ok(Some(Element { id, start, end: stop, is_open }))
    }

    /// Reads a number of variable length, with or without its marker, and returns its length.
    fn number(&mut self, offset: u64, end: u64, unmarked: bool) -> Result<(u64, u64), VideoError> {
        let [first] = bytes_at::<1>(self.file, offset)?;
        let length = u64::from(first.leading_zeros()) + 1;
        if length > 8 || offset + length > end {
            return Err(VideoError::Damaged("an element has an invalid size"));
        }
        let value = self.unsigned(offset, offset + length)?;
        Ok((if unmarked { value & ((1 << (7 * length)) - 1) } else { value }, length))
    }

    /// Returns the children of `parent`.
    pub(super) fn children(&mut self, parent: Element) -> Result<Vec<Element>, VideoError> {
        let mut offset = parent.start;
        let mut children = Vec::new();
        while let Some(element) = self.element(offset, parent.end)? {
            offset = element.end;
            children.push(element);
        }
        Ok(children)
    }

    /// Returns the bytes from `start` to `end`, at most 8, as a number.
    fn unsigned(&mut self, start: u64, end: u64) -> Result<u64, VideoError> {
        let mut value = 0;
        for offset in start..end.min(start + 8) {
            value = value << 8 | u64::from(bytes_at::<1>(self.file, offset)?[0]);
        }
        Ok(value)
    }

    /// Returns the element's contents as a whole number.
    pub(super) fn integer(&mut self, element: Element) -> Result<u64, VideoError> {
        self.unsigned(element.start, element.end)
    }

    /// Returns the element's contents as a floating point number.
    pub(super) fn float(&mut self, element: Element) -> Result<f64, VideoError> {
        Ok(match element.end - element.start {
            4 => f64::from(f32::from_be_bytes(bytes_at(self.file, element.start)?)),
            8 => f64::from_be_bytes(bytes_at(self.file, element.start)?),
            _ => 0.0,
        })
    }

    /// Returns the element's contents as text, at most 64 bytes.
    pub(super) fn text(&mut self, element: Element) -> Result<String, VideoError> {
        let mut bytes = Vec::new();
        for offset in element.start..element.end.min(element.start + 64) {
            bytes.push(bytes_at::<1>(self.file, offset)?[0]);
        }
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned())
    }
}
