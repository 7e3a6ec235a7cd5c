//! Reads the values of a JSON file one at a time: the elements of an array, or consecutive values.

use std::io::{self, BufRead};

use super::source::{LARGEST, Source, unreadable};

/// Returns whether the rows of a file are the elements of an array, and skips the text before the first element.
///
/// # Errors
/// Returns the problem, as a predicate, if the file cannot be read.
pub(super) fn begins_array(source: &mut Source<impl BufRead>) -> Result<bool, String> {
    let failed = |error: io::Error| unreadable(&error);
    let head = source.buffered().map_err(failed)?;
    let head = &head[..head.len().min(4096)];
    let compact = head.iter().filter(|byte| !byte.is_ascii_whitespace()).copied().collect::<Vec<_>>();
    if !compact.starts_with(b"[") && !compact.starts_with(b"{\"rows\":[") {
        return Ok(false);
    }
    while source.take().map_err(failed)?.is_some_and(|byte| byte != b'[') {}
    Ok(true)
}

/// Reads the text of the next value and its first line; `None` at the end. If `in_array` is set, values are elements
/// of an array whose opening bracket has been read; otherwise they are consecutive values.
///
/// # Errors
/// Returns the problem, as a predicate, if the file cannot be read, the array is not closed, or a value is too large or not
/// UTF-8.
pub(super) fn next_value(
    source: &mut Source<impl BufRead>,
    in_array: bool,
) -> Result<Option<(u64, String)>, String> {
    let failed = |error: io::Error| unreadable(&error);
    loop {
        match source.byte().map_err(failed)? {
            None if in_array => {
                source.start_row();
                return Err("has an unclosed array: the closing bracket is missing".to_owned());
            }
            None => return Ok(None),
            Some(b']') if in_array => return Ok(None),
            Some(byte) if byte.is_ascii_whitespace() || (in_array && byte == b',') => {
                source.take().map_err(failed)?;
            }
            // A byte order mark in the middle of concatenated files.
            Some(0xef | 0xbb | 0xbf) => drop(source.take().map_err(failed)?),
            Some(_) => break,
        }
    }
    let line = source.start_row();
    let mut bytes = Vec::new();
    let (mut depth, mut in_text, mut is_escaped) = (0_u32, false, false);
    while let Some(byte) = source.byte().map_err(failed)? {
        let is_end = depth == 0
            && !in_text
            && match byte {
                b',' | b']' => in_array,
                byte => !in_array && matches!(byte, b'\n' | b'\r'),
            };
        if is_end && !bytes.is_empty() {
            break;
        }
        source.take().map_err(failed)?;
        bytes.push(byte);
        if bytes.len() > LARGEST {
            return Err("is larger than 16 MB".to_owned());
        }
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            // A line of JSON Lines ends even inside a string.
            b'\n' | b'\r' if !in_array && in_text => break,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    String::from_utf8(bytes)
        .map(|text| Some((line, text)))
        .map_err(|_| "is not UTF-8; save it as UTF-8".to_owned())
}
