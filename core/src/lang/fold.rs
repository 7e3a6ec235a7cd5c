//! Letters without their case, as file systems and people compare names.
//!
//! Latin, Greek, Cyrillic and Armenian: what the standard library knows beyond them takes 11 KB of tables in the
//! WebAssembly build, for letters of which file names are hardly made. A test compares the two.

/// Upper-case letters: the first, the last, how far apart they are, and how far from each its lower-case form is.
const UPPER: [(u16, u16, u16, i16); 34] = [
    (0x41, 0x5a, 1, 32),
    (0xc0, 0xd6, 1, 32),
    (0xd8, 0xde, 1, 32),
    (0x100, 0x12e, 2, 1),
    (0x132, 0x136, 2, 1),
    (0x139, 0x147, 2, 1),
    (0x14a, 0x176, 2, 1),
    (0x178, 0x178, 1, -121),
    (0x179, 0x17d, 2, 1),
    (0x1cd, 0x1db, 2, 1),
    (0x1de, 0x1ee, 2, 1),
    (0x1f8, 0x21e, 2, 1),
    (0x222, 0x232, 2, 1),
    (0x386, 0x386, 1, 38),
    (0x388, 0x38a, 1, 37),
    (0x38c, 0x38c, 1, 64),
    (0x38e, 0x38f, 1, 63),
    (0x391, 0x3a1, 1, 32),
    (0x3a3, 0x3ab, 1, 32),
    (0x3cf, 0x3cf, 1, 8),
    (0x3d8, 0x3ee, 2, 1),
    (0x400, 0x40f, 1, 80),
    (0x410, 0x42f, 1, 32),
    (0x460, 0x480, 2, 1),
    (0x48a, 0x4be, 2, 1),
    (0x4c0, 0x4c0, 1, 15),
    (0x4c1, 0x4cd, 2, 1),
    (0x4d0, 0x52e, 2, 1),
    (0x531, 0x556, 1, 48),
    (0x1e00, 0x1e94, 2, 1),
    (0x1e9e, 0x1e9e, 1, -7615),
    (0x1ea0, 0x1efe, 2, 1),
    (0x1f08, 0x1f0f, 1, -8),
    (0xff21, 0xff3a, 1, 32),
];

/// The lower-case form of a letter; any other character is its own.
pub(crate) fn lower(letter: char) -> char {
    let Ok(code) = u16::try_from(u32::from(letter)) else { return letter };
    let range = UPPER[..UPPER.partition_point(|(first, ..)| *first <= code)].last();
    match range {
        Some((first, last, step, by)) if code <= *last && (code - first).is_multiple_of(*step) => {
            char::from_u32(u32::from(code.wrapping_add_signed(*by))).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// A text without its case.
pub(crate) fn fold(text: &str) -> String {
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_the_standard_library() {
        let whole = [
            0x41..=0x12f,
            0x131..=0x17f,
            0x1cd..=0x1ef,
            0x1f8..=0x21f,
            0x386..=0x3ef,
            0x400..=0x556,
            0x1e00..=0x1f0f,
        ];
        for letter in '\0'..=char::MAX {
            let is_known = whole.iter().any(|range| range.contains(&u32::from(letter)));
            if is_known || lower(letter) != letter {
                assert_eq!(Some(lower(letter)), letter.to_lowercase().next(), "{letter}");
            }
        }
        assert_eq!(fold("Größe-ÄÖÜ-ŁÓDŹ-ΣΟΦΙΑ-ЁЖИК.PNG"), "größe-äöü-łódź-σοφια-ёжик.png");
    }
}
