//! Files of lines that are read one line at a time, from the beginning or from an offset.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::file;
use super::gate::{PathRefusal, limit};

/// Maximum length of a line in bytes. Longer lines are skipped: this program does not write them, and they cost memory.
const LONGEST: u64 = 1024 * 1024;

/// Calls `visit` with each line of `file`, without its line feed, and its offset in bytes. Returns whether the last line
/// has no line feed, like that of a process that was killed while it wrote.
///
/// # Errors
/// Returns [`PathRefusal::TooLarge`] as an error for a file of more than [`limit::LINES`] bytes, and the error of the file.
pub(crate) fn each_line(file: &File, mut visit: impl FnMut(&[u8], u64)) -> io::Result<bool> {
    if file.metadata()?.len() > limit::LINES {
        return Err(PathRefusal::TooLarge(limit::LINES).into());
    }
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    reader.rewind()?;
    let (mut line, mut offset) = (Vec::new(), 0);
    loop {
        line.clear();
        let mut length = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
        let is_whole = line.last() == Some(&b'\n');
        if !is_whole && length == LONGEST {
            length += skip_line(&mut reader)?;
        } else if length > 0 {
            visit(line.strip_suffix(b"\n").unwrap_or(&line), offset);
        }
        if length == 0 || (!is_whole && length < LONGEST) {
            return Ok(length > 0);
        }
        offset += length;
    }
}

/// Skips the rest of a line; returns its length.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(length);
        skipped += length as u64;
        if end.is_some() || length == 0 {
            return Ok(skipped);
        }
    }
}

/// Returns the line at `offset` bytes, without its line feed. Moves the position of `file`.
///
/// # Errors
/// Returns the error of the file.
pub(crate) fn line_at(mut file: &File, offset: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut line = Vec::new();
    BufReader::with_capacity(1024, file).take(LONGEST).read_until(b'\n', &mut line)?;
    line.pop_if(|last| *last == b'\n');
    Ok(line)
}

/// Checks that lines may be appended to the file at `path`: it is missing or empty, has an entry, or has the name of a file
/// of lines, which may be damaged.
///
/// # Errors
/// Returns an error of the kind `InvalidData` for any other file, and the error of a file that cannot be read.
pub(crate) fn check_kind(path: &Path, is_entry: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl")) {
        return Ok(());
    }
    let file = match file::open(path, File::options().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let mut has_entry = file.metadata()?.len() == 0;
    each_line(&file, |line, _| has_entry = has_entry || is_entry(line))?;
    if has_entry {
        return Ok(());
    }
    let message =
        "the file has another format: it contains no valid entry, and its name does not end in .jsonl";
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_huge_file_is_refused_unread() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(limit::LINES + 1).expect("a hole");
        let error = each_line(&file, |_, _| ()).expect_err("refused");
        assert_eq!(error.to_string(), "is larger than 1 GiB");
    }

    #[test]
    fn lines_are_visited_with_their_offsets_and_long_ones_skipped() {
        let long = usize::try_from(LONGEST).expect("small");
        for (length, is_seen) in [(long - 1, true), (long, false), (3 * long, false)] {
            for end in ["", "\n"] {
                let mut file = tempfile::tempfile().expect("a file");
                write!(file, "one\n\n{}\ntwo{end}", "x".repeat(length)).expect("written");
                let mut seen = Vec::new();
                let is_torn = each_line(&file, |line, offset| seen.push((line.len(), offset))).expect("read");
                assert_eq!(is_torn, end.is_empty());
                let last = 5 + length as u64 + 1;
                let mut expected = vec![(3, 0), (0, 4), (length, 5), (3, last)];
                expected.retain(|(length, _)| is_seen || *length < 4);
                assert_eq!(seen, expected);
                assert_eq!(line_at(&file, last).expect("read"), b"two");
                assert_eq!(line_at(&file, 4).expect("read"), b"");
            }
        }
        let empty = tempfile::tempfile().expect("a file");
        assert!(!each_line(&empty, |_, _| panic!("there is no line")).expect("read"));
    }
}
