//! Untrusted text in Markdown.

/// Formats untrusted text as code. Entities keep it from being parsed as markup, and `<code>` keeps names and addresses
/// from becoming mentions and links.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Formats untrusted text as the value of an attribute in quotes, truncated to `limit` characters.
pub(super) fn attribute(text: &str, limit: usize) -> String {
    escaped(&shortened(text, limit))
}

/// Writes everything but letters, digits and spaces as entities.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in hyperframes_ci_core::report::plain(text).chars() {
        match character {
            '\n' | '\r' | '\t' => escaped.push(' '),
            character if character.is_alphanumeric() || character == ' ' => escaped.push(character),
            character => escaped.push_str(&format!("&#{};", u32::from(character))),
        }
    }
    escaped
}

/// Truncates a text to `limit` characters.
fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// Formats untrusted text as code, truncated to `limit` characters.
pub(super) fn short_code(text: &str, limit: usize) -> String {
    code(&shortened(text, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_mentions_and_links_are_escaped() {
        let hostile =
            "<!-- end a --> | `x` **b** @user #1 https://evil.example ![](x) </code><script>\n::set-output";
        let shown = code(hostile);
        let inside =
            shown.strip_prefix("<code>").and_then(|rest| rest.strip_suffix("</code>")).expect("code");
        for mark in ['<', '>', '|', '`', '*', '@', ':', '/', '!', '[', '\n', '.', '-', '_'] {
            assert!(!inside.contains(mark), "{mark}: {inside}");
        }
        assert_eq!(code("Grüße 🎬"), "<code>Grüße &#127916;</code>");
        let attribute = attribute("a\" onerror=alert(1) x=\"", 100);
        assert!(!attribute.contains(['"', '=', '(']), "{attribute}");
        assert_eq!(short_code("abcdef", 4), "<code>abc&#8230;</code>");
    }
}
