//! Reads literals in JavaScript, as a bundler writes it.

/// Returns the members of the object literal that starts at `text`: names, and the text from each value on.
pub(super) fn members(text: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    let Some(inner) = text.trim_start().strip_prefix('{') else { return found };
    let mut rest = inner;
    loop {
        rest = skip_blank(rest);
        if rest.is_empty() || rest.starts_with('}') {
            return found;
        }
        let (name, after) = match string(rest) {
            Some((name, length)) => (name, &rest[length..]),
            None => {
                let end = rest.find(|letter: char| !is_name(letter)).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if let Some(value) = skip_blank(after).strip_prefix(':')
            && !name.is_empty()
        {
            found.push((name, skip_blank(value)));
        }
        let end = value_end(rest);
        rest = rest[end..].strip_prefix(',').unwrap_or(&rest[end..]);
        if rest.is_empty() || rest.starts_with('}') {
            return found;
        }
    }
}

/// Returns the strings of the first array after the start of `text`.
pub(super) fn strings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = match text.find('[') {
        Some(start) => &text[start + 1..],
        None => return found,
    };
    loop {
        rest = skip_blank(rest.trim_start_matches(','));
        match string(rest) {
            Some((value, length)) => {
                found.push(value);
                rest = skip_blank(&rest[length..]);
            }
            None => return found,
        }
    }
}

/// Returns the string literal at the start of `text`, and its length with quotes. Escapes are kept.
pub(super) fn string(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\'' | '`'))?;
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if letter == quote => return Some((text[1..at].to_owned(), at + 1)),
            _ => {}
        }
    }
    None
}

/// Returns where a member of an object ends: at the comma after it, or the brace that closes the object.
fn value_end(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let comment = &text[at..];
        match letter {
            '"' | '\'' | '`' => match string(comment) {
                Some((_, length)) => {
                    at += length;
                    continue;
                }
                None => return text.len(),
            },
            '/' if comment.starts_with("//") || comment.starts_with("/*") => {
                at = text.len() - skip_blank(comment).len();
                continue;
            }
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' if depth == 0 => return at,
            '}' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => return at,
            _ => {}
        }
        at += letter.len_utf8();
    }
    text.len()
}

/// Skips white space and comments.
fn skip_blank(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = match (rest.strip_prefix("//"), rest.strip_prefix("/*")) {
            (Some(line), _) => line.find('\n').map_or("", |end| &line[end..]),
            (_, Some(block)) => block.find("*/").map_or("", |end| &block[end + 2..]),
            _ => return rest,
        };
        rest = after.trim_start();
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_arrays_are_read() {
        let text = "{ // a comment, with { braces\n a: { b: \"}\" }, 'c-d': `x${y}`, run() { return { e: 1 }; }, f: [1, 2] } , g: 1";
        let names = members(text).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names, ["a", "c-d", "f"]);
        assert_eq!(strings("= new Set([\"a\", 'b', /* c */ \"d\",]);"), ["a", "b", "d"]);
    }
}
