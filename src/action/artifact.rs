//! The names of artifacts: each use of the action has its own, so that parallel jobs do not overwrite each other's.

/// The default of the input `artifact`. It is followed by an identifier.
pub(super) const DEFAULT: &str = "hyperframes";

/// Length of the identifier of a job and its options, in characters.
const KEY_LENGTH: usize = 16;

/// Returns the name of the artifact of the use `number` of the action in a job, whose identifier is `key`. A name that the
/// workflow sets is used unchanged.
pub(super) fn name(input: &str, key: &str, number: Option<&str>) -> String {
    match number.filter(|number| *number != "1") {
        _ if input != DEFAULT => input.to_owned(),
        Some(number) => format!("{input}-{key}-{number}"),
        None => format!("{input}-{key}"),
    }
}

/// Returns whether an artifact has a name that [`name`] makes from the input.
pub(super) fn is_of(input: &str, artifact: &str) -> bool {
    let is_number =
        |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_key = |text: &str| text.len() == KEY_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_unique = |rest: &str| match rest.split_once('-') {
        Some((key, number)) => is_key(key) && is_number(number),
        None => is_key(rest),
    };
    let rest = artifact.strip_prefix(input).and_then(|rest| rest.strip_prefix('-'));
    artifact == input || (input == DEFAULT && rest.is_some_and(is_unique))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        let key = "0123456789abcdef";
        for (input, number, expected) in [
            ("hyperframes", None, "hyperframes-0123456789abcdef"),
            ("hyperframes", Some("1"), "hyperframes-0123456789abcdef"),
            ("hyperframes", Some("2"), "hyperframes-0123456789abcdef-2"),
            ("mine", Some("2"), "mine"),
        ] {
            assert_eq!(name(input, key, number), expected);
            assert!(is_of(input, expected));
        }
        for other in
            ["hyperframes-mine", "hyperframes-0123456789abcdeg", "hyperframes-0123456789abcdef-x", "other"]
        {
            assert!(!is_of("hyperframes", other), "{other}");
        }
        assert!(is_of("hyperframes", "hyperframes") && !is_of("mine", "mine-0123456789abcdef"));
    }
}
