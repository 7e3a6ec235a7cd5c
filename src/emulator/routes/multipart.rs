//! The first file of a `multipart/form-data` body, streamed; sources: RFC 7578, RFC 2046.
//!
//! The maintained libraries for this need an async runtime.

use std::io::{BufRead, BufReader, Read, Write};

use super::rejection::Rejection;

/// Longest line in the head of a part, in bytes.
const MAX_HEAD_LINE: u64 = 16 * 1024;

/// Copies the first field, which must be named `file`, into `sink`; returns its size in bytes, and its media type if the field has
/// one.
///
/// # Errors
/// Returns a [`Rejection`] if the field has another name or more than `limit` bytes, or if the body breaks off.
pub(super) fn copy_file_field(
    body: &mut dyn Read,
    boundary: &str,
    limit: u64,
    sink: &mut dyn Write,
) -> Result<(u64, Option<String>), Rejection> {
    let malformed = || Rejection::parameter("body", "is not a complete multipart/form-data body");
    let mut body = BufReader::with_capacity(64 * 1024, body);
    let mut line = Vec::new();
    let opening = format!("--{boundary}");
    let mut read_line = |body: &mut BufReader<&mut dyn Read>| -> Option<String> {
        line.clear();
        body.take(MAX_HEAD_LINE).read_until(b'\n', &mut line).ok().filter(|count| *count > 0)?;
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    };
    if read_line(&mut body).as_deref() != Some(opening.as_str()) {
        return Err(malformed());
    }
    let (mut is_file, mut kind) = (false, None);
    loop {
        let head = read_line(&mut body).ok_or_else(malformed)?;
        if head.is_empty() {
            break;
        }
        let lower = head.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-type:") {
            kind = Some(value.trim().to_owned());
        }
        is_file |= lower.starts_with("content-disposition:") && lower.contains("name=\"file\"");
    }
    if !is_file {
        return Err(Rejection::parameter("file", "the first field must be `file`"));
    }
    let copied = copy_until(&mut body, format!("\r\n--{boundary}").as_bytes(), limit, sink);
    Ok((copied.ok_or_else(malformed)??, kind))
}

/// Copies everything before `end`; returns `None` if the body ends without it.
fn copy_until(
    body: &mut dyn BufRead,
    end: &[u8],
    limit: u64,
    sink: &mut dyn Write,
) -> Option<Result<u64, Rejection>> {
    let mut pending = Vec::new();
    let mut copied = 0;
    loop {
        let chunk = body.fill_buf().ok()?;
        if chunk.is_empty() {
            return None;
        }
        let count = chunk.len();
        pending.extend_from_slice(chunk);
        body.consume(count);
        let found = pending.windows(end.len()).position(|window| window == end);
        // The last bytes may be the beginning of `end`.
        let safe = found.unwrap_or_else(|| pending.len().saturating_sub(end.len() - 1));
        copied += safe as u64;
        if copied > limit {
            return Some(Err(Rejection::too_large(limit)));
        }
        sink.write_all(&pending[..safe]).ok()?;
        if found.is_some() {
            return Some(Ok(copied));
        }
        pending.drain(..safe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(u64, String), Rejection> {
        let mut sink = Vec::new();
        let (size, _) = copy_file_field(&mut body.as_bytes(), "B", 10, &mut sink)?;
        Ok((size, String::from_utf8(sink).expect("text")))
    }

    #[test]
    fn the_first_file_is_copied_completely() {
        let head = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.zip\"\r\n\r\n";
        assert_eq!(
            read(&format!("{head}a\r\n--b\r\n\r\n--B--\r\n")).expect("a file"),
            (8, "a\r\n--b\r\n".to_owned())
        );
        assert_eq!(read(&format!("{head}12345678901\r\n--B--")).expect_err("too large").status, 413);
        assert_eq!(read(&format!("{head}cut")).expect_err("cut").status, 400);
        assert_eq!(
            read("--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\na\r\n--B--")
                .expect_err("x")
                .status,
            400
        );
        assert_eq!(read("junk").expect_err("junk").status, 400);
    }
}
