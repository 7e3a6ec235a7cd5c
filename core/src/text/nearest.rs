//! "Did you mean": the nearest of some names.

use crate::lang::fold::lower;

/// The name that `given` was probably meant to be; `None` where all are far from it.
#[must_use]
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (far, name) = names.map(|name| (distance(given, name), name)).min_by_key(|(far, _)| *far)?;
    (far <= 1 + given.chars().count() / 4).then_some(name)
}

/// Levenshtein's distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b = b.chars().map(lower).collect::<Vec<_>>();
    let mut row = (0..=b.len()).collect::<Vec<_>>();
    for (i, from) in a.chars().map(lower).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("Größe", "größe"), 0);
    }
}
