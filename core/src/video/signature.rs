//! What a file begins like.

/// How a video begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// A `ftyp` box: MP4 or QuickTime.
    IsoMedia,
    /// An EBML header: WebM.
    Ebml,
}

/// What the first bytes of a file (16 are enough) belong to.
///
/// # Errors
/// What they look like instead, in words.
pub fn signature(head: &[u8]) -> Result<Signature, &'static str> {
    if head.get(4..8) == Some(b"ftyp") {
        Ok(Signature::IsoMedia)
    } else if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        Ok(Signature::Ebml)
    } else if head.trim_ascii_start().starts_with(b"<") {
        Err("a page, as a proxy sends it")
    } else if head.is_empty() {
        Err("empty")
    } else {
        Err("something else")
    }
}
