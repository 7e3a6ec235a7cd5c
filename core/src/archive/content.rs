//! Recognizes contents that are already compressed.

/// Returns whether the bytes start like a compressed format, which is stored without compressing it again. File names are
/// ignored, since they may be wrong.
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
