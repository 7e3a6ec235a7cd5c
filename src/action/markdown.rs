//! Untrusted text in Markdown.

/// Formats untrusted text as code. Entities keep it from being parsed as markup, and `<code>` keeps names and addresses
/// from becoming mentions and links.
pub(super) fn code(text: &str) -> String {
    let mut escaped = String::from("<code>");
    for character in hyperframes_ci_core::report::plain(text).chars() {
        match character {
            '\n' | '\r' | '\t' => escaped.push(' '),
            character if character.is_alphanumeric() || character == ' ' => escaped.push(character),
            character => escaped.push_str(&format!("&#{};", u32::from(character))),
        }
    }
    escaped.push_str("</code>");
    escaped
}

/// Formats untrusted text as code, truncated to `limit` characters.
pub(super) fn short_code(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return code(text);
    }
    code(&format!("{}…", text.chars().take(limit.saturating_sub(1)).collect::<String>()))
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
        assert_eq!(short_code("abcdef", 4), "<code>abc&#8230;</code>");
    }
}
