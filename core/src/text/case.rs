//! Case folding, for comparisons of names that ignore case, and the comparison of names in other normal forms.

use super::normal_form::decomposed;

/// Returns the lower-case form of a letter. A letter whose lower-case form has several characters (`İ`) is not changed.
#[must_use]
pub fn lower(letter: char) -> char {
    let mut letters = letter.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(lower), None) => lower,
        _ => letter,
    }
}

/// Folds the case of a text, letter by letter, and its Unicode normal form: names that differ only in case, or in how
/// letters with accents are encoded, become equal.
///
/// ```
/// use hyperframes_ci_core::text::case_fold;
///
/// assert_eq!(case_fold("Größe.PNG"), case_fold("GRÖßE.png"));
/// assert_ne!(case_fold("Größe"), case_fold("Grosse"));
/// ```
#[must_use]
pub fn case_fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    decomposed(&text.chars().map(lower).collect::<String>())
}

/// Returns whether two texts differ, but only in how letters with accents are encoded. File systems of macOS treat such
/// names as equal.
#[must_use]
pub fn differ_in_normal_form(a: &str, b: &str) -> bool {
    a != b && decomposed(a) == decomposed(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_no_case() {
        assert_eq!(case_fold("Größe-ÄÖÜ-ŁÓDŹ-ΣΟΦΙΑ-ЁЖИК.PNG"), case_fold("größe-äöü-łódź-σοφια-ёжик.png"));
        // Its lower-case form has two characters and must not match a plain `i`.
        assert_ne!(case_fold("İ"), case_fold("i"));
        assert_eq!(case_fold("CAFE\u{301}"), case_fold("café"));
        assert!(differ_in_normal_form("cafe\u{301}", "café") && !differ_in_normal_form("Café", "café"));
    }
}
