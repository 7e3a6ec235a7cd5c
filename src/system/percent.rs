//! Percent-encoding; decoding is the core's.

use hyperframes_ci_core::project::percent_decode;

/// Encodes all but unreserved characters; source: RFC 3986, section 2.3.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The pairs of a query or a form, decoded: there `+` is a space as well.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| percent_decode(&text.replace('+', " "));
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(move |(name, value)| (decode(name), decode(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = "a b/é?&=+%~";
        assert_eq!(encode(text), "a%20b%2F%C3%A9%3F%26%3D%2B%25~");
        let query = format!("x={}&y=1+2&flag&z=%zz", encode(text));
        let expected = [("x", text), ("y", "1 2"), ("z", "%zz")];
        assert!(pairs(&query).eq(expected.map(|(name, value)| (name.to_owned(), value.to_owned()))));
    }
}
