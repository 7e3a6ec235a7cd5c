//! The section of a release's notes that is about its videos.

/// Where the section starts and ends.
const START: &str = "<!-- hyperframes-ci videos -->";
const END: &str = "<!-- end hyperframes-ci videos -->";

/// Returns notes with this section, in place of an earlier one, or at the end.
pub(super) fn with_section(notes: &str, section: &str) -> String {
    let section = format!("{START}\n{}\n{END}", section.trim_end());
    let notes = notes.replace("\r\n", "\n");
    let around = notes.split_once(START).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    match around {
        Some((before, after)) => format!("{before}{section}{after}"),
        None if notes.trim().is_empty() => format!("{section}\n"),
        None => format!("{}\n\n{section}\n", notes.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_written_once_and_the_rest_is_kept() {
        let first = with_section("# v2\r\n\r\nFaster.\r\n", "- one\n");
        assert_eq!(first, format!("# v2\n\nFaster.\n\n{START}\n- one\n{END}\n"));
        let edited = format!("{first}More.\n");
        let second = with_section(&edited, "- two");
        assert_eq!(second, format!("# v2\n\nFaster.\n\n{START}\n- two\n{END}\nMore.\n"));
        assert_eq!(with_section(&second, "- two"), second);
        assert_eq!(with_section("", "- one"), format!("{START}\n- one\n{END}\n"));
    }
}
