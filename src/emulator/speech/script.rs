//! Scripts: text or SSML, taken apart into words and pauses.

/// The longest pause of a tag, in seconds.
const LONGEST_BREAK: f64 = 10.0;

/// A part of a script.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::emulator) enum Piece {
    /// A word with its punctuation.
    Word(String),
    /// A pause in seconds.
    Break(f64),
}

/// Returns the pieces of a script.
///
/// # Errors
/// Returns a message if SSML has a tag that does not end, or elements that do not match.
pub(in crate::emulator) fn pieces(text: &str, is_ssml: bool) -> Result<Vec<Piece>, String> {
    if !is_ssml {
        return Ok(words(text).collect());
    }
    let (mut pieces, mut open, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        pieces.extend(words(&decode(before)));
        let (tag, after) = after.split_once('>').ok_or("invalid SSML: a tag does not end")?;
        rest = after;
        let name = tag.trim_matches('/').split_whitespace().next().unwrap_or_default().to_owned();
        if name == "break" {
            pieces.push(Piece::Break(break_seconds(tag)));
        }
        if tag.starts_with('/') {
            if open.pop() != Some(name.clone()) {
                return Err(format!("invalid SSML: </{name}> has no start tag"));
            }
        } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
            open.push(name);
        }
    }
    if let Some(name) = open.pop() {
        return Err(format!("invalid SSML: <{name}> has no end tag"));
    }
    pieces.extend(words(&decode(rest)));
    Ok(pieces)
}

fn words(text: &str) -> impl Iterator<Item = Piece> + '_ {
    text.split_whitespace().map(|word| Piece::Word(word.to_owned()))
}

fn decode(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// Returns the length of `<break time="1.5s"/>` or `<break time="500ms"/>`; half a second without a time.
fn break_seconds(tag: &str) -> f64 {
    let time = tag.split_once("time=").map_or("", |(_, value)| value);
    let time = time.trim_start_matches(['"', '\'']).split(['"', '\'']).next().unwrap_or_default();
    let seconds = match time.strip_suffix("ms") {
        Some(milliseconds) => milliseconds.parse::<f64>().map(|milliseconds| milliseconds / 1000.0),
        None => time.trim_end_matches('s').parse::<f64>(),
    };
    seconds.ok().filter(|seconds| seconds.is_finite()).unwrap_or(0.5).clamp(0.0, LONGEST_BREAK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Piece {
        Piece::Word(text.to_owned())
    }

    #[test]
    fn markup_is_not_spoken_and_pauses_are_kept() {
        assert_eq!(pieces("a <b>", false), Ok(vec![word("a"), word("<b>")]));
        let ssml = "<speak>Hi &amp; bye<break time=\"500ms\"/><break/> <b>now</b></speak>";
        let expected =
            [word("Hi"), word("&"), word("bye"), Piece::Break(0.5), Piece::Break(0.5), word("now")];
        assert_eq!(pieces(ssml, true), Ok(expected.to_vec()));
        assert_eq!(pieces("<break time='2s'/>", true), Ok(vec![Piece::Break(2.0)]));
        for invalid in ["<speak>a", "a</speak>", "<speak", "<a><b></a></b>"] {
            assert!(pieces(invalid, true).is_err(), "{invalid}");
        }
    }
}
