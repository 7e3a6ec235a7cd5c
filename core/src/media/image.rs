//! The size of images.

/// Returns width and height in pixels; `None` if the format is not known, or the size is not among the bytes.
pub(super) fn size(head: &[u8]) -> Option<(u32, u32)> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((big32(head, 16)?, big32(head, 20)?));
    }
    if head.starts_with(b"GIF8") {
        return Some((little(head, 6, 2)?, little(head, 8, 2)?));
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return webp(head);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return jpeg(head);
    }
    svg(head)
}

/// Source: RFC 9649.
fn webp(head: &[u8]) -> Option<(u32, u32)> {
    match head.get(12..16)? {
        b"VP8X" => Some((little(head, 24, 3)? + 1, little(head, 27, 3)? + 1)),
        b"VP8L" => {
            let bits = little(head, 21, 4)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => Some((little(head, 26, 2)? & 0x3fff, little(head, 28, 2)? & 0x3fff)),
        _ => None,
    }
}

/// Source: ITU-T T.81, annex B. Segments are skipped by their length up to the start of the frame.
fn jpeg(head: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    while let Some([0xff, marker]) = head.get(at..at + 2) {
        match marker {
            0xff => at += 1,
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(marker) => {
                return Some((big16(head, at + 7)?, big16(head, at + 5)?));
            }
            _ => at += 2 + usize::try_from(big16(head, at + 2)?.max(2)).ok()?,
        }
    }
    None
}

/// Returns the size of an SVG image in pixels: its attributes, or the size of its `viewBox`.
fn svg(head: &[u8]) -> Option<(u32, u32)> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        return None;
    }
    let tag = &text[text.find("<svg")?..];
    let tag = &tag[..tag.find('>')?];
    let attribute = |name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}="))?;
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        rest[1..].split_once(quote).map(|(value, _)| value)
    };
    let pixels = |value: &str| value.trim().trim_end_matches("px").parse::<f64>().ok().and_then(whole);
    let given = attribute("width").and_then(pixels).zip(attribute("height").and_then(pixels));
    given.or_else(|| {
        let mut numbers = attribute("viewBox")?.split([' ', ',']).filter(|number| !number.is_empty()).skip(2);
        Some((pixels(numbers.next()?)?, pixels(numbers.next()?)?))
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
fn whole(value: f64) -> Option<u32> {
    value.is_finite().then(|| value.ceil() as u32)
}

fn big16(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u32::from(u16::from_be_bytes([bytes[0], bytes[1]])))
}

fn big32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Reads an integer of `count` bytes, the lowest first.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    Some(bytes.get(at..at + count)?.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_nothing_is_read_past_the_end() {
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x11\x08\x00\x05\x00\x07\x03";
        let files: &[(&[u8], (u32, u32))] = &[
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x02", (256, 2)),
            (b"GIF89a\x0a\0\x0b\0", (10, 11)),
            (b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x3f\x01\0\xef\0\0", (320, 240)),
            (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x3f\xc1\x3b\0", (320, 240)),
            (b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x40\x01\xf0\0", (320, 240)),
            (jpeg, (7, 5)),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg width='12px' height=\"0.5\">", (12, 1)),
            (b"<svg viewBox=\"0 0 24 25\" width=\"100%\">", (24, 25)),
        ];
        for (file, expected) in files {
            assert_eq!(size(file), Some(*expected), "{file:?}");
            for length in 0..file.len() {
                assert!(size(&file[..length]).is_none_or(|found| found == *expected), "{length} of {file:?}");
            }
        }
        for file in [&b"<html><svg"[..], b"", b"ID3", b"<svg>", b"\xff\xd8\xff\xd8\x00\x00"] {
            assert_eq!(size(file), None, "{file:?}");
        }
    }
}
