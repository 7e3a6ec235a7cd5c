//! Files that exist in the working tree, but are not part of the commit that is checked.

/// Returns the help for the file at a repository path.
#[must_use]
pub fn untracked_remedy(path: &str) -> String {
    format!("the file exists, but is not part of the commit; run `git add {}`", shell_word(path))
}

/// Quotes a path for a POSIX shell, if it needs that.
fn shell_word(path: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./,:+@%".contains(letter);
    let plain = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    if plain.chars().all(is_plain) { plain } else { format!("'{}'", plain.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn paths_are_quoted_for_shells() {
        for (path, word) in [
            ("videos/a-b.png", "videos/a-b.png"),
            ("a b.png", "'a b.png'"),
            ("$(x).png", "'$(x).png'"),
            ("it's.png", r"'it'\''s.png'"),
            ("-x.png", "./-x.png"),
        ] {
            assert_eq!(shell_word(path), word);
        }
    }
}
