//! Checks of font families: those that the renderer cannot supply.

use std::collections::BTreeSet;

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};
use crate::project::percent_decode;
use crate::text::Span;

/// Generic families and keywords; source: CSS Fonts Level 4, section 2.1.
const GENERIC: &[&str] = &[
    "-apple-system",
    "blinkmacsystemfont",
    "cursive",
    "emoji",
    "fangsong",
    "fantasy",
    "inherit",
    "initial",
    "math",
    "monospace",
    "revert",
    "revert-layer",
    "sans-serif",
    "serif",
    "system-ui",
    "ui-monospace",
    "ui-rounded",
    "ui-sans-serif",
    "ui-serif",
    "unset",
];

/// The families that the renderer has, or replaces with a similar one; observed of release 0.8.170.
const SUPPLIED: &[&str] = &[
    "andale mono",
    "archivo black",
    "arial",
    "arial black",
    "avenir",
    "avenir next",
    "bebas neue",
    "book antiqua",
    "calibri",
    "cambria",
    "candara",
    "consolas",
    "corbel",
    "courier",
    "courier new",
    "dejavu sans",
    "dejavu sans mono",
    "dejavu serif",
    "din alternate",
    "eb garamond",
    "futura",
    "garamond",
    "geneva",
    "georgia",
    "helvetica",
    "helvetica bold",
    "helvetica neue",
    "ibm plex mono",
    "inter",
    "jetbrains mono",
    "lato",
    "league gothic",
    "liberation mono",
    "liberation sans",
    "liberation serif",
    "lucida console",
    "lucida grande",
    "lucida sans",
    "lucida sans typewriter",
    "lucida sans unicode",
    "menlo",
    "monaco",
    "montserrat",
    "noto sans",
    "noto sans japanese",
    "noto sans jp",
    "nunito",
    "open sans",
    "optima",
    "oswald",
    "outfit",
    "palatino",
    "palatino linotype",
    "playfair display",
    "poppins",
    "roboto",
    "segoe ui",
    "sf mono",
    "sf pro",
    "sf pro display",
    "sf pro rounded",
    "sf pro text",
    "source code pro",
    "space mono",
    "tahoma",
    "times",
    "times new roman",
    "trebuchet ms",
    "verdana",
];

/// The families that the renderer has itself; observed of release 0.8.170. It replaces the others of [`SUPPLIED`].
const OWN: &[&str] = &[
    "archivo black",
    "eb garamond",
    "ibm plex mono",
    "inter",
    "jetbrains mono",
    "lato",
    "league gothic",
    "montserrat",
    "noto sans jp",
    "nunito",
    "open sans",
    "oswald",
    "outfit",
    "playfair display",
    "poppins",
    "roboto",
    "source code pro",
    "space mono",
];

/// The families that any file of the project declares, in lower case.
pub(super) struct Fonts(BTreeSet<String>);

impl Fonts {
    pub(super) fn of(pages: &Pages<'_>) -> Self {
        let mut declared = BTreeSet::new();
        for page in pages.all() {
            for (family, _, is_declared) in families(page) {
                if is_declared {
                    declared.insert(family.to_lowercase());
                }
            }
            for (reference, _) in &page.references {
                declared.extend(hosted(&reference.target));
            }
        }
        Self(declared)
    }
}

/// Finds families that the renderer does not have and no `@font-face` declares: one finding per file.
pub(super) fn check(page: &Page, fonts: &Fonts) -> Option<Diagnostic> {
    // Others may declare fonts.
    if page.facts.has_remote_style || page.facts.usage.words.contains("FontFace") {
        return None;
    }
    let (mut unknown, mut told) = (Vec::<String>::new(), BTreeSet::new());
    let mut place = None;
    for (family, span, is_declared) in families(page) {
        let folded = family.to_lowercase();
        let is_known = is_declared
            || fonts.0.contains(&folded)
            || GENERIC.contains(&folded.as_str())
            || SUPPLIED.contains(&folded.as_str());
        if !is_known && told.insert(family.clone()) {
            place.get_or_insert(span);
            unknown.push(family);
        }
    }
    let names = unknown.iter().map(|family| format!("{family:?}")).collect::<Vec<_>>().join(", ");
    let message = match unknown.len() {
        1 => format!("the renderer does not have the font {names}, and no @font-face declares it"),
        _ => format!("the renderer does not have the fonts {names}, and no @font-face declares them"),
    };
    let help = "add the font file and an @font-face rule, or use a font of the renderer, such as Inter";
    Some(page.text().finding(Rule::FontUnavailable, place?, message).help(help))
}

/// Finds families that other renderers replace with a similar one: one finding per file.
pub(super) fn substituted(page: &Page, fonts: &Fonts) -> Option<Diagnostic> {
    let is_replaced =
        |family: &str| SUPPLIED.contains(&family) && !OWN.contains(&family) && !fonts.0.contains(family);
    let used = families(page).into_iter().filter(|(_, _, is_declared)| !is_declared);
    let mut replaced = used.filter(|(family, ..)| is_replaced(&family.to_lowercase()));
    let (first, span, _) = replaced.next()?;
    let mut names = vec![first];
    for (family, ..) in replaced {
        if !names.contains(&family) {
            names.push(family);
        }
    }
    let names = names.iter().map(|family| format!("{family:?}")).collect::<Vec<_>>().join(", ");
    let message = format!("Lambda does not have {names}, and uses a font of its system instead");
    let help = "add the font file and an @font-face rule, or use a font of the renderer, such as Inter";
    Some(page.text().finding(Rule::FontSubstituted, span, message).help(help))
}

/// Returns the families in the style sheets of a page: those that it uses, and those that `@font-face`
/// declares.
fn families(page: &Page) -> Vec<(String, Span, bool)> {
    let mut found = Vec::new();
    let whole = [Span { start: 0, end: page.source.len() }];
    let is_css = page.outline.nodes.is_empty() && page.path.to_ascii_lowercase().ends_with(".css");
    for style in if is_css { &whole[..] } else { &page.facts.styles } {
        in_css(&page.source[style.start..style.end], style.start, &mut found);
    }
    found
}

fn in_css(source: &str, offset: usize, found: &mut Vec<(String, Span, bool)>) {
    const PROPERTY: &[u8] = b"font-family";
    let plain = without_comments(source);
    let bytes = plain.as_bytes();
    let is_mark = |byte: &u8| matches!(byte, b'{' | b'}' | b';');
    // What has been read, and whether it ends in an `@font-face` block. Each byte is read once.
    let (mut read, mut is_declared) = (0, false);
    for at in memchr::memmem::find_iter(bytes, b"font-") {
        // Inside of the value of the last declaration.
        if at < read {
            continue;
        }
        if let Some(last) = bytes[read..at].iter().rposition(|byte| matches!(byte, b'{' | b'}')) {
            let prelude = bytes[..read + last].trim_ascii_end();
            let start = prelude.len().saturating_sub(b"@font-face".len());
            is_declared = bytes[read + last] == b'{' && prelude[start..].eq_ignore_ascii_case(b"@font-face");
        }
        read = at;
        let end = at + PROPERTY.len();
        if !bytes.get(at..end).is_some_and(|name| name.eq_ignore_ascii_case(PROPERTY))
            || at
                .checked_sub(1)
                .is_some_and(|before| bytes[before] == b'-' || bytes[before].is_ascii_alphanumeric())
        {
            continue;
        }
        let rest = &plain[end..];
        let Some(value) = rest.trim_start().strip_prefix(':') else { continue };
        let start = end + rest.len() - rest.trim_start().len() + 1;
        let length = bytes[start..].iter().position(is_mark).unwrap_or(value.len());
        let value = &value[..length];
        read = start + length;
        let span = Span { start: offset + start, end: offset + start + value.trim_end().len() };
        for part in value.split(',') {
            let name = part.trim().trim_end_matches("!important").trim().trim_matches(['"', '\'']).trim();
            if !name.is_empty() && !name.contains(['(', ')']) {
                found.push((name.to_owned(), span, is_declared));
            }
        }
    }
}

/// Replaces comments with spaces, so that offsets stay the same.
pub(super) fn without_comments(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("/*") {
        let end = rest[start + 2..].find("*/").map_or(rest.len(), |end| start + 2 + end + 2);
        plain.push_str(&rest[..start]);
        plain.extend(std::iter::repeat_n(' ', end - start));
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

/// Returns the families in the URL of a font service, such as Google Fonts, in lower case.
fn hosted(target: &str) -> Vec<String> {
    let is_service = target.split_once("//").is_some_and(|(_, rest)| rest.starts_with("fonts."));
    let Some((_, query)) = target.split_once('?').filter(|_| is_service) else { return Vec::new() };
    let values = query.split(['&', '#']).filter_map(|pair| pair.strip_prefix("family="));
    let names =
        values.flat_map(|value| value.split('|').map(|family| family.split(':').next().unwrap_or(family)));
    names.map(|name| percent_decode(&name.replace('+', " ")).trim().to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_read_with_their_places() {
        let css = "/* font-family: No */ @font-face{font-family:'My Font';src:url(a)}\n\
                   p { font-family : \"A B\", var(--x), serif !important } .x{--font-family:Y}";
        let mut found = Vec::new();
        in_css(css, 100, &mut found);
        let names = found.iter().map(|(name, _, declared)| (name.as_str(), *declared)).collect::<Vec<_>>();
        assert_eq!(names, [("My Font", true), ("A B", false), ("serif", false)]);
        let span = found[1].1;
        assert!(css[span.start - 100..span.end - 100].contains("\"A B\", var(--x), serif"));
        assert_eq!(
            hosted("https://fonts.googleapis.com/css2?family=Bricolage+Grotesque:wght@400&family=X%20Y"),
            ["bricolage grotesque", "x y"]
        );
    }
}
