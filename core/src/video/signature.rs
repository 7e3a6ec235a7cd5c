//! Recognises a container by the first bytes of a file.

/// The signature of a video container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// A `ftyp` box: MP4 or QuickTime.
    IsoMedia,
    /// An EBML header: WebM.
    Ebml,
    /// `GIF8`: an image, possibly animated.
    Gif,
}

/// Brands of files in an MP4 container that contain only an image or audio; source: mp4ra.org.
const OTHER_BRANDS: [&[u8]; 10] =
    [b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"M4A ", b"M4B "];

/// Returns the signature of a video, or of sound in the same container.
pub(super) fn with_sound(head: &[u8]) -> Result<Signature, &'static str> {
    match head.get(4..12) {
        Some(b"ftypM4A " | b"ftypM4B ") => Ok(Signature::IsoMedia),
        _ => signature(head),
    }
}

/// Returns the signature of a video or an animated image.
pub(super) fn with_gif(head: &[u8]) -> Result<Signature, &'static str> {
    if is_gif(head) { Ok(Signature::Gif) } else { signature(head) }
}

/// Returns whether the first bytes are those of a GIF.
#[must_use]
pub fn is_gif(head: &[u8]) -> bool {
    head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a")
}

/// Returns the signature in the first bytes of a file; 16 bytes are enough. It is never that of a GIF, which is usually
/// an image.
///
/// # Errors
/// Returns a description of the bytes if they are not the start of a video.
pub fn signature(head: &[u8]) -> Result<Signature, &'static str> {
    if head.get(4..8) == Some(b"ftyp") {
        let is_other = head.get(8..12).is_some_and(|brand| OTHER_BRANDS.contains(&brand));
        if is_other { Err("an image or audio file") } else { Ok(Signature::IsoMedia) }
    } else if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        Ok(Signature::Ebml)
    } else if head.trim_ascii_start().starts_with(b"<") {
        Err("an HTML page, possibly from a proxy")
    } else if head.is_empty() {
        Err("an empty file")
    } else {
        Err("an unknown format")
    }
}
