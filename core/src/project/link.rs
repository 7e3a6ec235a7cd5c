//! Targets of references.

use std::borrow::Cow;

/// The target of a reference, before it is resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A URL with a scheme or `//`. Holds the scheme in lower case, which is empty for `//`.
    Remote(String),
    /// Not a file: `data:`, `blob:`, `javascript:`, `about:`, a fragment, or an empty string.
    Inline,
    /// A file on this machine: `file:` or a drive letter.
    File(String),
    /// A path relative to the root of the site, without query and fragment, percent-decoded.
    Root(String),
    /// A path relative to the referring file, without query and fragment, percent-decoded, with `/`.
    Relative(String),
}

impl Link {
    /// Parses the target of a reference.
    #[must_use]
    pub fn of(target: &str) -> Self {
        let target = target.trim();
        if let Some(scheme) = scheme(target) {
            return match scheme.as_str() {
                "data" | "blob" | "javascript" | "about" => Self::Inline,
                "file" => Self::File(target.to_owned()),
                // `C:\…` is a scheme for browsers, but a drive letter for authors.
                drive if drive.len() == 1 => Self::File(target.to_owned()),
                _ => Self::Remote(scheme),
            };
        }
        // Browsers treat backslashes as slashes, and authors on Windows write them.
        let path = target.split(['?', '#']).next().unwrap_or_default().replace('\\', "/");
        if path.is_empty() {
            Self::Inline
        } else if path.starts_with("//") {
            Self::Remote(String::new())
        } else if let Some(rooted) = path.strip_prefix('/') {
            Self::Root(percent_decode(rooted))
        } else {
            Self::Relative(percent_decode(&path))
        }
    }
}

impl Link {
    /// Returns whether the runtime accepts `target` as the source of a media element; source: the official
    /// `isSafeMediaUrl`.
    pub(crate) fn is_safe_media(target: &str) -> bool {
        // Browsers ignore control characters and spaces in a URL's scheme.
        let plain = target.chars().filter(|character| *character > ' ').collect::<String>();
        match scheme(&plain).as_deref() {
            None | Some("https" | "http" | "blob") => true,
            Some("data") => plain.get(5..11).is_some_and(|kind| kind.eq_ignore_ascii_case("image/")),
            Some(_) => false,
        }
    }

    /// Returns whether `target` contains a placeholder that a later step replaces; source: the official
    /// `isUnresolvedAssetPlaceholder`.
    pub(crate) fn is_placeholder(target: &str) -> bool {
        let target = target.trim();
        let between = |open: &str, close: &str| {
            target
                .find(open)
                .is_some_and(|at| target[at + open.len()..].find(close).is_some_and(|length| length > 0))
        };
        let inside = target.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
        let name = inside.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        });
        name || between("{{", "}}") || between("${", "}") || between("<<", ">>")
    }
}

/// Returns the scheme of a URL in lower case; source: RFC 3986, section 3.1.
fn scheme(target: &str) -> Option<String> {
    let (scheme, _) = target.split_once(':')?;
    let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    valid.then(|| scheme.to_ascii_lowercase())
}

/// Decodes percent escapes. Invalid escapes, and text that would not be UTF-8, stay unchanged.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_judged() {
        let relative = |path: &str| Link::Relative(path.to_owned());
        assert_eq!(Link::of("../a%20b.png?v=1#x"), relative("../a b.png"));
        assert_eq!(Link::of(".\\assets\\x.wav"), relative("./assets/x.wav"));
        assert_eq!(Link::of("100%.png"), relative("100%.png"));
        assert_eq!(Link::of("图/é.png"), relative("图/é.png"));
        assert_eq!(Link::of("/logo.svg"), Link::Root("logo.svg".to_owned()));
        assert_eq!(Link::of("HTTP://x.example/a"), Link::Remote("http".to_owned()));
        assert_eq!(Link::of("//cdn.example/a.js"), Link::Remote(String::new()));
        for file in ["file:///etc/passwd", "C:\\Users\\a.png", "c:/a.png"] {
            assert_eq!(Link::of(file), Link::File(file.to_owned()));
        }
        for inline in
            ["", "#clip", "?x", "data:image/png;base64,AA", "blob:x", "javascript:void(0)", "about:blank"]
        {
            assert_eq!(Link::of(inline), Link::Inline, "{inline}");
        }
        assert_eq!(Link::of("mailto:a@b.example"), Link::Remote("mailto".to_owned()));
        // Escapes are decoded before the path is resolved; invalid escapes and invalid UTF-8 stay unchanged.
        assert_eq!(Link::of("%2e%2E%2fx"), relative("../x"));
        assert_eq!(Link::of("a%zz%4"), relative("a%zz%4"));
        assert_eq!(Link::of("a%ff%20b"), relative("a%ff%20b"));
    }

    #[test]
    fn media_and_placeholders() {
        for safe in [
            "",
            "a.png",
            "../a b.png",
            "https://x.example/a",
            "HTTP://x",
            "blob:1",
            "data:image/png;base64,A",
        ] {
            assert!(Link::is_safe_media(safe), "{safe}");
        }
        for unsafe_url in ["javascript:1", "java\tscript:1", " file:///a", "data:text/html,x", "C:\\a.png"] {
            assert!(!Link::is_safe_media(unsafe_url), "{unsafe_url}");
        }
        for placeholder in ["__LOGO__", "{{logo}}.png", "a/${x}.png", "<<x>>"] {
            assert!(Link::is_placeholder(placeholder), "{placeholder}");
        }
        for plain in ["a.png", "____", "__logo__", "${}", "{x}", "a__B__.png"] {
            assert!(!Link::is_placeholder(plain), "{plain}");
        }
    }
}
