//! Suggestions for misspelled names.

use super::case::case_fold;

/// Returns the name that is most similar to `given`, by edit distance and ignoring case. `None` if the distance of
/// every name exceeds 1 plus a quarter of the length of `given`.
///
/// ```
/// use hyperframes_ci_core::text::nearest;
///
/// let names = ["title", "accent", "size"];
/// assert_eq!(nearest("Titel", names.into_iter()), Some("title"));
/// assert_eq!(nearest("background", names.into_iter()), None);
/// ```
#[must_use]
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = case_fold(given);
    let edits = |name: &str| strsim::levenshtein(&folded, &case_fold(name));
    let (edits, name) = names.map(|name| (edits(name), name)).min_by_key(|(edits, _)| *edits)?;
    (edits <= 1 + given.chars().count() / 4).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far() {
        let names = ["title", "accent", "size"];
        assert_eq!(nearest("Titel", names.into_iter()), Some("title"));
        assert_eq!(nearest("acent", names.into_iter()), Some("accent"));
        assert_eq!(nearest("background", names.into_iter()), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
        assert_eq!(nearest("", ["abc"].into_iter()), None);
        assert_eq!(nearest("Größe", ["grösse", "größe"].into_iter()), Some("größe"));
    }
}
