//! Percent-encoding of URL components.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters; source: RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes `text` as one path segment or query value.
pub(crate) fn encode_component(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Longest URL that is written into Markdown, in bytes.
const LONGEST: usize = 500;

/// Returns whether a URL can be written into Markdown and HTML as it is: it has no query, no character that could end it, and
/// at most 500 bytes.
pub(crate) fn is_plain(url: &str) -> bool {
    url.len() <= LONGEST
        && url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/%@".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_encoded_so_that_forms_decode_them() {
        let text = "a b/é?&=+%~";
        assert_eq!(encode_component(text), "a%20b%2F%C3%A9%3F%26%3D%2B%25~");
        let query = format!("x={}&y=1+2&z=%zz", encode_component(text));
        let expected = [("x", text), ("y", "1 2"), ("z", "%zz")];
        assert!(
            form_urlencoded::parse(query.as_bytes())
                .eq(expected.map(|(name, value)| (name.into(), value.into())))
        );
    }
}
