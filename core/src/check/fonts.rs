//! Checks of font families: those that the renderer cannot supply.

use std::collections::BTreeSet;

use super::page::{Page, Pages};
use crate::findings::{Diagnostic, Rule};
use crate::lang::style::Sheet;
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
    let message = format!("Lambda and Cloud Run do not have {names}, and use a font of their system instead");
    let help = "add the font file and an @font-face rule, or use a font of the renderer, such as Inter";
    Some(page.text().finding(Rule::FontSubstituted, span, message).help(help))
}

/// Returns the families in the style sheets of a page: those that it uses, and those that `@font-face`
/// declares.
fn families(page: &Page) -> Vec<(String, Span, bool)> {
    page.facts.sheets.iter().flat_map(in_sheet).collect()
}

fn in_sheet(sheet: &Sheet) -> Vec<(String, Span, bool)> {
    let mut found = Vec::new();
    for rule in sheet.rules() {
        let is_declared = rule.selector().eq_ignore_ascii_case("@font-face");
        for declaration in rule.declarations().filter(|declaration| declaration.is("font-family")) {
            for part in declaration.value.split(',') {
                let name = part.trim().trim_end_matches("!important").trim().trim_matches(['"', '\'']).trim();
                if !name.is_empty() && !name.contains(['(', ')']) {
                    found.push((name.to_owned(), declaration.value_span, is_declared));
                }
            }
        }
    }
    found
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
        let found = in_sheet(&Sheet::parse(css, 100));
        let names = found.iter().map(|(name, _, declared)| (name.as_str(), *declared)).collect::<Vec<_>>();
        assert_eq!(names, [("My Font", true), ("A B", false), ("serif", false)]);
        let span = found[1].1;
        assert_eq!(&css[span.start - 100..span.end - 100], "\"A B\", var(--x), serif !important");
        assert_eq!(
            hosted("https://fonts.googleapis.com/css2?family=Bricolage+Grotesque:wght@400&family=X%20Y"),
            ["bricolage grotesque", "x y"]
        );
    }
}
