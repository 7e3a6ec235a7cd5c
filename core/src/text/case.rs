//! Case folding, for comparisons of names that ignore case.

/// Returns the lower-case form of a letter. A letter whose lower-case form has several characters (`İ`) is not changed.
#[must_use]
pub fn lower(letter: char) -> char {
    let mut letters = letter.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(lower), None) => lower,
        _ => letter,
    }
}

/// Folds the case of a text, letter by letter: names that differ only in case become equal.
///
/// ```
/// use hyperframes_ci_core::text::case_fold;
///
/// assert_eq!(case_fold("Größe.PNG"), case_fold("GRÖßE.png"));
/// assert_ne!(case_fold("Größe"), case_fold("Grosse"));
/// ```
#[must_use]
pub fn case_fold(text: &str) -> String {
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_no_case() {
        assert_eq!(case_fold("Größe-ÄÖÜ-ŁÓDŹ-ΣΟΦΙΑ-ЁЖИК.PNG"), "größe-äöü-łódź-σοφια-ёжик.png");
        // Its lower-case form has two characters and must not match a plain `i`.
        assert_eq!(case_fold("İ"), "İ");
    }
}
