//! Files that FFmpeg opens as lists of other files, whatever their names are.

/// Number of bytes at the start of a file that FFmpeg looks at to find its format.
pub const MEDIA_HEAD: usize = 1024 * 1024;

/// Formats by their first bytes, in lower case. FFmpeg opens the first two; the others are read by other players.
const STARTS: &[(&[u8], &str)] = &[
    (b"#extm3u", "an HLS or M3U playlist"),
    (b"ffconcat", "an FFmpeg concat list"),
    (b"[playlist]", "a PLS playlist"),
    (b"[reference]", "an ASX reference"),
    (b"#!avs", "a script of AviSynth"),
];

/// Root elements of XML formats that name other files.
const ROOTS: &[(&[u8], &str)] = &[
    (b"<mpd", "a DASH manifest"),
    (b"<compositionplaylist", "an IMF composition playlist"),
    (b"<smil", "a SMIL presentation"),
    (b"<asx", "an ASX playlist"),
    (b"<smoothstreamingmedia", "a Smooth Streaming manifest"),
];

/// Returns what a file is if its contents make FFmpeg, or another player, open other files. `head` are the first
/// [`MEDIA_HEAD`] bytes.
///
/// ```
/// use hyperframes_ci_core::refusal::refers_to_files;
///
/// assert_eq!(refers_to_files(b"ffconcat version 1.0\nfile /etc/x.mp4"), Some("an FFmpeg concat list"));
/// assert_eq!(refers_to_files(b"\0\0\0\x20ftypisom"), None);
/// ```
#[must_use]
pub fn refers_to_files(head: &[u8]) -> Option<&'static str> {
    let mut rest = head;
    // FFmpeg skips an ID3 tag before it looks.
    for _ in 0..4 {
        if let Some(found) = without_tag(rest) {
            return Some(found);
        }
        rest = after_id3(rest)?;
    }
    None
}

fn without_tag(head: &[u8]) -> Option<&'static str> {
    let text = text_start(head);
    let is = |start: &[u8]| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    if let Some((_, name)) = STARTS.iter().find(|(start, _)| is(start)) {
        return Some(name);
    }
    if is_session_description(head) {
        return Some("an SDP session description");
    }
    // XML in any encoding starts with `<`, a byte order mark, or `<` of EBCDIC.
    let is_xml = text.first().is_some_and(|first| matches!(first, b'<' | 0xfe | 0xff | 0x4c));
    if !is_xml {
        return None;
    }
    let has = |part: &[u8]| memchr::memmem::find(&text.to_ascii_lowercase(), part).is_some();
    // What FFmpeg itself asks for, anywhere in the head: a comment before the root element may be long.
    if has(b"<mpd") && has(b"dash:profile") {
        return Some("a DASH manifest");
    }
    let root = root_element(text)?;
    let named = |name: &[u8]| {
        root.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
            && !root.get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
    };
    ROOTS.iter().find(|(name, _)| named(name)).map(|(_, name)| *name)
}

/// Skips byte order marks, NUL and white space.
fn text_start(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let skipped = head.iter().take_while(|byte| **byte == 0 || byte.is_ascii_whitespace()).count();
    &head[skipped..]
}

/// Returns the text from the root element of XML on: after declarations, comments and the document type.
fn root_element(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text_start(text);
    loop {
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', ..] => b">",
            [b'<', ..] => return Some(rest),
            _ => return None,
        };
        let at = memchr::memmem::find(rest, end)?;
        rest = text_start(&rest[at + end.len()..]);
    }
}

/// Returns whether a line before the first NUL starts with `c=IN IP`, as FFmpeg asks.
fn is_session_description(head: &[u8]) -> bool {
    let text = head.split(|byte| *byte == 0).next().unwrap_or_default();
    text.split(|byte| *byte == b'\n')
        .any(|line| line.strip_prefix(b"\r").unwrap_or(line).starts_with(b"c=IN IP"))
}

/// Returns what follows an ID3 tag; `None` without one.
fn after_id3(head: &[u8]) -> Option<&[u8]> {
    let [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] = head else { return None };
    let size = [a, b, c, d].iter().fold(0_usize, |size, byte| size << 7 | usize::from(**byte & 0x7f));
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    head.get(10 + size + footer..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_files_under_any_name() {
        let id3 = |text: &[u8]| [b"ID3\x04\0\0\0\0\0\x02xx".as_slice(), text].concat();
        for list in [
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1".to_vec(),
            b"\xef\xbb\xbf#EXTM3U".to_vec(),
            b"ffconcat version 1.0".to_vec(),
            b"[playlist]\nFile1=/etc/x".to_vec(),
            b"<?xml version='1.0'?><!-- x > --><MPD>".to_vec(),
            b"<x:MPD xmlns:x=''><!-- <MPD dash:profile:isoff-live:2011 -->".to_vec(),
            b"<SMIL><seq>".to_vec(),
            b"<ASX version=3>".to_vec(),
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\n".to_vec(),
            b"<?xml?><CompositionPlaylist>".to_vec(),
            id3(b"#EXTM3U"),
            id3(&id3(b"ffconcat version 1.0")),
            [vec![0xff, 0xfe, b'<', 0], b"<MPD dash:profile".to_vec()].concat(),
        ] {
            assert!(refers_to_files(&list).is_some(), "{}", String::from_utf8_lossy(&list));
        }
        for media in [
            b"\0\0\0\x20ftypisom".to_vec(),
            b"RIFF\0\0\0\0WAVE".to_vec(),
            b"<svg xmlns='http://www.w3.org/2000/svg'><text>MPD</text></svg>".to_vec(),
            b"<!doctype html><html>".to_vec(),
            b"window.x = '<MPD dash:profile'".to_vec(),
            b"ID3".to_vec(),
            id3(b"\xff\xfb"),
            Vec::new(),
        ] {
            assert_eq!(refers_to_files(&media), None, "{}", String::from_utf8_lossy(&media));
        }
    }
}
