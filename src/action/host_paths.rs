//! Shortens absolute paths in texts for comments and reports: they say nothing to readers, and something about the machine.

use std::path::Path;

/// Returns a text in which paths below `folders` are relative, and of other absolute paths only the last name is left.
pub(super) fn shorten(text: &str, folders: &[&Path]) -> String {
    let mut text = text.to_owned();
    for folder in folders.iter().filter(|folder| folder.components().count() > 1) {
        text = text.replace(&format!("{}/", folder.display()), "");
    }
    let mut short = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = find_path(rest) {
        let (before, path) = rest.split_at(start);
        let end = path.find(|character: char| character.is_whitespace() || "\"'`)<>,;:".contains(character));
        let (path, after) = path.split_at(end.unwrap_or(path.len()));
        short.push_str(before);
        match path.trim_end_matches('/').rsplit_once('/') {
            Some((folder, name)) if !folder.is_empty() => {
                short.push_str("…/");
                short.push_str(name);
            }
            _ => short.push_str(path),
        }
        rest = after;
    }
    short.push_str(rest);
    short
}

/// Returns the start of the first absolute path: a slash that follows no word, and is not a part of a URL.
fn find_path(text: &str) -> Option<usize> {
    let mut previous = ' ';
    for (place, character) in text.char_indices() {
        let is_start = previous.is_whitespace() || "\"'`(=<".contains(previous);
        if character == '/' && is_start && !text[place..].starts_with("//") {
            return Some(place);
        }
        previous = character;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_left_of_paths_of_the_machine() {
        let folders = [Path::new("/home/runner/work/r/r"), Path::new("/")];
        for (text, expected) in [
            ("cannot read /home/runner/work/r/r/videos/a.json: x", "cannot read videos/a.json: x"),
            ("cannot write /home/runner/_temp/out/v.mp4", "cannot write …/v.mp4"),
            ("\"/etc/passwd\", (/proc/self/environ)", "\"…/passwd\", (…/environ)"),
            ("see https://example.com/a/b and a/b/c", "see https://example.com/a/b and a/b/c"),
            ("1 / 2, /tmp", "1 / 2, /tmp"),
        ] {
            assert_eq!(shorten(text, &folders), expected);
        }
    }
}
