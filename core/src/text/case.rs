//! Letters without their case, as file systems and people compare names.

/// Returns the lower-case form of a letter; a letter whose lower-case form has several characters (`İ`) stays as it is.
#[must_use]
pub fn lower(letter: char) -> char {
    let mut letters = letter.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(lower), None) => lower,
        _ => letter,
    }
}

/// Returns a text without its case, letter by letter: two names that differ in case only are equal afterwards.
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
        // Two characters in lower case, which are not the `i` of a file of another name.
        assert_eq!(case_fold("İ"), "İ");
    }
}
