//! Finds the delimiter of a table: from a first line `sep=`, the file extension, or the header.

/// Delimiters that are detected from the header.
const CANDIDATES: [u8; 3] = [b',', b';', b'\t'];

/// Delimiters that other programs write.
const COMMON: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Number of records, including the header, that are compared if the header has several candidates.
const SAMPLE: usize = 50;

/// Size of the sample, in bytes, from which on the file may be longer than the sample.
const FULL: usize = 60 * 1024;

/// The delimiter of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Separator {
    pub(super) byte: u8,
    /// The delimiter was detected from the header, not set by a first line or the file extension.
    pub(super) is_detected: bool,
    /// Size of a first line `sep=`, in bytes; 0 if there is none.
    pub(super) skipped: usize,
    /// Another delimiter in a header that has a single column.
    pub(super) unused: Option<u8>,
}

impl Separator {
    /// Finds the delimiter. `head` is the beginning of the file, without a byte order mark; `named` is the delimiter
    /// that the file extension implies, if any.
    ///
    /// # Errors
    /// Returns the problem, as a predicate, if a first line `sep=` has no delimiter, or if several candidates fit the header
    /// and the rows equally well.
    pub(super) fn find(head: &[u8], named: Option<u8>) -> Result<Self, String> {
        let declared = declared(head)?;
        let skipped = declared.map_or(0, |(_, size)| size);
        let samples = counts(&head[skipped..]);
        let header = samples.first().copied().unwrap_or_default();
        let present = CANDIDATES.into_iter().filter(|byte| count(&header, *byte) > 0).collect::<Vec<_>>();
        let (byte, is_detected) = match (declared, named, &present[..]) {
            (Some((byte, _)), ..) | (None, Some(byte), _) => (byte, false),
            (None, None, []) => (b',', false),
            (None, None, [byte]) => (*byte, *byte != b','),
            (None, None, _) => (choose(&samples, &present)?, true),
        };
        let unused = if count(&header, byte) > 0 {
            None
        } else {
            COMMON.into_iter().find(|other| *other != byte && count(&header, *other) > 0)
        };
        // Other delimiters are not counted.
        let unused = unused.filter(|_| COMMON.contains(&byte));
        Ok(Self { byte, is_detected, skipped, unused })
    }
}

/// Returns the name of a delimiter for messages.
pub(super) fn name(byte: u8) -> String {
    match byte {
        b',' => "comma".to_owned(),
        b';' => "semicolon".to_owned(),
        b'\t' => "tab".to_owned(),
        other => format!("{:?}", char::from(other)),
    }
}

/// Returns the delimiter in a first line such as `sep=;`, which spreadsheets write, and the size of that line.
fn declared(head: &[u8]) -> Result<Option<(u8, usize)>, String> {
    let end = head.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let line =
        head[..end].strip_prefix(b"\"").map_or(&head[..end], |line| line.strip_suffix(b"\"").unwrap_or(line));
    let Some(value) = line.split_at_checked(4).filter(|(key, _)| key.eq_ignore_ascii_case(b"sep=")) else {
        return Ok(None);
    };
    let line_end = if head[end..].starts_with(b"\r\n") { 2 } else { usize::from(end < head.len()) };
    match value.1 {
        [byte] if byte.is_ascii() && *byte != b'"' => Ok(Some((*byte, end + line_end))),
        // A header that happens to start with `sep=`.
        _ if value.1.iter().any(|byte| CANDIDATES.contains(byte)) => Ok(None),
        _ => Err("has a first line \"sep=\" without a delimiter, which must be one character".to_owned()),
    }
}

/// Number of occurrences of each of [`COMMON`] in a record, outside of quotes.
type Counts = [usize; COMMON.len()];

fn count(counts: &Counts, byte: u8) -> usize {
    COMMON.iter().position(|known| *known == byte).map_or(0, |place| counts[place])
}

/// Counts the delimiters of the first records that are not blank. A record that may be truncated by the end of `head`
/// is skipped.
fn counts(head: &[u8]) -> Vec<Counts> {
    let mut samples = Vec::new();
    let (mut counts, mut is_blank, mut is_quoted, mut is_start) = (Counts::default(), true, false, true);
    let end: &[u8] = if head.len() < FULL { b"\n" } else { b"" };
    for byte in head.iter().chain(end) {
        // A doubled quote is a quote in the field.
        if *byte == b'"' && (is_start || is_quoted) {
            (is_quoted, is_start, is_blank) = (!is_quoted, is_quoted, false);
            continue;
        }
        if is_quoted {
            continue;
        }
        let place = COMMON.iter().position(|known| known == byte);
        let is_end = matches!(byte, b'\r' | b'\n');
        is_start = is_end || place.is_some();
        match place {
            Some(place) => counts[place] += 1,
            None if is_end => {
                samples.extend((!is_blank).then_some(counts));
                (counts, is_blank) = (Counts::default(), true);
            }
            None => is_blank &= byte.is_ascii_whitespace(),
        }
        if samples.len() == SAMPLE {
            break;
        }
    }
    samples
}

/// Chooses the candidate that occurs as often as in the header in the largest number of records.
fn choose(samples: &[Counts], candidates: &[u8]) -> Result<u8, String> {
    let fitting = |byte: u8| {
        let expected = samples.first().map_or(0, |header| count(header, byte));
        samples.iter().filter(|record| count(record, byte) == expected).count()
    };
    let most = candidates.iter().map(|byte| fitting(*byte)).max().unwrap_or_default();
    let best = candidates.iter().copied().filter(|byte| fitting(*byte) == most).collect::<Vec<_>>();
    match best[..] {
        [byte] => Ok(byte),
        _ => {
            let names = best.iter().map(|byte| name(*byte)).collect::<Vec<_>>().join(" or ");
            Err(format!("has an ambiguous delimiter: {names}; add a first line such as sep=, to set it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(head: &str) -> Result<(char, bool, usize, Option<char>), String> {
        let found = Separator::find(head.as_bytes(), None)?;
        Ok((char::from(found.byte), found.is_detected, found.skipped, found.unused.map(char::from)))
    }

    #[test]
    fn the_header_decides_and_quotes_are_respected() {
        for (head, expected) in [
            ("name,age\nAnna,3\n", (',', false, 0, None)),
            ("name;age\nAnna;3\n", (';', true, 0, None)),
            ("name\tage\r\nAnna\t3\r\n", ('\t', true, 0, None)),
            ("name\rAnna\r", (',', false, 0, None)),
            ("\"name;first\",age\nAnna,3\n", (',', false, 0, None)),
            ("\"a \"\"x;y\"\" b\",age\nAnna,3\n", (',', false, 0, None)),
            ("\"name, first\";age\nAnna;3\n", (';', true, 0, None)),
            ("name,size (w;h)\nAnna,3\nBo,4\n", (',', true, 0, None)),
            ("name;size, in m\nAnna;3\nBo;4\n", (';', true, 0, None)),
            ("name,size (w;h)\nAnna,\"3;4\"\n", (',', true, 0, None)),
            ("name|age\nAnna|3\n", (',', false, 0, Some('|'))),
            ("", (',', false, 0, None)),
        ] {
            assert_eq!(find(head), Ok(expected), "{head}");
        }
        for ambiguous in ["name,size;w\n", "name,size;w\nAnna,3;4\n"] {
            assert!(
                find(ambiguous).is_err_and(|message| message.contains("comma or semicolon")),
                "{ambiguous}"
            );
        }
    }

    #[test]
    fn a_first_line_or_the_name_of_the_file_decides_before_the_header() {
        for (head, expected) in [
            ("sep=;\r\nname;age, in years\r\n", (';', false, 7, None)),
            ("SEP=|\nname|age\n", ('|', false, 6, None)),
            ("\"sep=\t\"\rname\tage\r", ('\t', false, 8, None)),
            ("sep=,\nname;age\n", (',', false, 6, Some(';'))),
            ("sep=#\nname;age\n", ('#', false, 6, None)),
            ("sep=a,b\n1,2\n", (',', false, 0, None)),
            ("separate;x\n1;2\n", (';', true, 0, None)),
        ] {
            assert_eq!(find(head), Ok(expected), "{head}");
        }
        assert!(find("sep=\nname;age\n").is_err());
        let named = Separator::find(b"name, first\tage\n", Some(b'\t')).expect("a separator");
        assert_eq!((named.byte, named.is_detected, named.unused), (b'\t', false, None));
        let unused = Separator::find(b"name,age\nAnna,3\n", Some(b'\t')).expect("a separator").unused;
        assert_eq!(unused, Some(b','));
    }
}
