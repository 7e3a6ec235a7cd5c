//! Mistakes in SSML that no voice can speak.

/// The deepest nesting of elements.
const MAX_DEPTH: usize = 64;

/// Returns the first mistake in a script in SSML: what is not well-formed XML, and pauses without a unit.
///
/// ```
/// use hyperframes_ci_core::generated::ssml_mistake;
///
/// assert_eq!(ssml_mistake("<speak>One<break time=\"1s\"/>two</speak>"), None);
/// assert_eq!(ssml_mistake("<speak>One").as_deref(), Some("line 1: <speak> is not closed"));
/// ```
#[must_use]
pub fn ssml_mistake(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut rest = text;
    let mut has_root = false;
    let at = |rest: &str, problem: String| {
        let line = text[..text.len() - rest.len()].matches('\n').count() + 1;
        Some(format!("line {line}: {problem}"))
    };
    loop {
        let end = rest.find('<').unwrap_or(rest.len());
        if let Some(start) = bare_ampersand(&rest[..end]) {
            return at(&rest[start..], "& must be written as &amp;".to_owned());
        }
        if has_root && open.is_empty() && !rest[..end].trim().is_empty() {
            return at(rest.trim_start(), "text follows </speak>".to_owned());
        }
        rest = &rest[end..];
        let Some(inside) = rest.strip_prefix('<') else { break };
        if let Some(skipped) = skipped(rest) {
            let Some(after) = skipped else {
                return at(rest, "the comment or section is not closed".to_owned());
            };
            rest = after;
            continue;
        }
        let tag = match Tag::read(inside) {
            Ok(tag) => tag,
            Err(problem) => return at(rest, problem),
        };
        if has_root && open.is_empty() {
            return at(rest, format!("<{}> follows </speak>", tag.name));
        }
        match tag.kind {
            TagKind::End => match open.pop() {
                Some((name, _)) if name == tag.name => has_root |= open.is_empty() && name == "speak",
                Some((name, _)) => {
                    return at(rest, format!("</{}> does not match <{name}>", tag.name));
                }
                None => return at(rest, format!("</{}> closes nothing", tag.name)),
            },
            TagKind::Start if open.len() >= MAX_DEPTH => {
                return at(rest, format!("elements are nested deeper than {MAX_DEPTH}"));
            }
            TagKind::Start => open.push((tag.name, rest)),
            TagKind::Empty => {}
        }
        if let Some(time) = tag.attribute("time").filter(|time| tag.name == "break" && !is_time(time)) {
            return at(
                rest,
                format!("the time of <break> must be such as \"500ms\" or \"1.5s\", not {time:?}"),
            );
        }
        rest = tag.rest;
    }
    let (name, place) = open.pop()?;
    at(place, format!("<{name}> is not closed"))
}

/// Returns what follows a comment, a CDATA section or an instruction; `None` inside if it does not end.
fn skipped(text: &str) -> Option<Option<&str>> {
    let kinds = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
    let (start, end) = kinds.into_iter().find(|(start, _)| text.starts_with(start))?;
    Some(text[start.len()..].split_once(end).map(|(_, after)| after))
}

/// Returns where an ampersand is that starts no reference.
fn bare_ampersand(text: &str) -> Option<usize> {
    let is_reference = |after: &str| {
        after.split_once(';').is_some_and(|(name, _)| match name.strip_prefix('#') {
            Some(number) => match number.strip_prefix('x') {
                Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
                None => !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()),
            },
            None => ["amp", "lt", "gt", "quot", "apos"].contains(&name),
        })
    };
    text.match_indices('&').map(|(at, _)| at).find(|at| !is_reference(&text[at + 1..]))
}

/// Returns whether a value is a time of SSML.
fn is_time(text: &str) -> bool {
    let number = text.strip_suffix("ms").or_else(|| text.strip_suffix('s')).unwrap_or_default();
    let number = number.strip_prefix('+').unwrap_or(number);
    number.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && number.parse::<f64>().is_ok_and(f64::is_finite)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TagKind {
    Start,
    End,
    Empty,
}

/// A tag.
struct Tag<'a> {
    name: &'a str,
    kind: TagKind,
    attributes: Vec<(&'a str, &'a str)>,
    /// What follows it.
    rest: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads a tag whose `<` was read.
    fn read(text: &'a str) -> Result<Self, String> {
        let (is_end, text) = text.strip_prefix('/').map_or((false, text), |text| (true, text));
        let (name, mut rest) = name(text);
        if name.is_empty() {
            return Err("< must be written as &lt;".to_owned());
        }
        let mut attributes = Vec::new();
        loop {
            let trimmed = rest.trim_start();
            if let Some(rest) = trimmed.strip_prefix('>') {
                let kind = if is_end { TagKind::End } else { TagKind::Start };
                return Ok(Self { name, kind, attributes, rest });
            }
            if let Some(rest) = trimmed.strip_prefix("/>").filter(|_| !is_end) {
                return Ok(Self { name, kind: TagKind::Empty, attributes, rest });
            }
            let (attribute, after) = self::name(trimmed);
            if attribute.is_empty() || is_end || trimmed.len() == rest.len() {
                let tag = if is_end { "/" } else { "" };
                return Err(format!("<{tag}{name} is not closed with >"));
            }
            let value = after.trim_start().strip_prefix('=').map(str::trim_start);
            let quote =
                value.and_then(|value| value.chars().next()).filter(|quote| matches!(quote, '"' | '\''));
            let read = quote.zip(value).and_then(|(quote, value)| value[1..].split_once(quote));
            let Some((value, after)) = read else {
                return Err(format!("the value of {attribute} in <{name}> must be in quotes"));
            };
            if attributes.iter().any(|(other, _)| *other == attribute) {
                return Err(format!("<{name}> has {attribute} twice"));
            }
            if value.contains('<') || bare_ampersand(value).is_some() {
                return Err(format!("the value of {attribute} in <{name}> contains a bare < or &"));
            }
            attributes.push((attribute, value));
            rest = after;
        }
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

/// Splits a name from the start of a text.
fn name(text: &str) -> (&str, &str) {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | ':' | '.');
    let length = text.find(|character| !is_part(character)).unwrap_or(text.len());
    let is_name = text.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | ':'));
    text.split_at(if is_name { length } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_voices_speak_is_accepted() {
        for text in [
            "Hello",
            "<speak>One &amp; two &#38; &#x26; <break time='500ms'/><break time=\"+1.5s\" /> three</speak>\n",
            "<?xml version=\"1.0\"?>\n<!-- a < b -->\n<speak xml:lang=\"en-US\"><p><s>A</s></p><![CDATA[<&]]></speak >",
            "One <break strength=\"weak\"/> two",
        ] {
            assert_eq!(ssml_mistake(text), None, "{text}");
        }
    }

    #[test]
    fn mistakes_have_lines() {
        for (text, mistake) in [
            ("<speak>\nA", "line 1: <speak> is not closed"),
            ("<speak>\n<p>A</speak>", "line 2: </speak> does not match <p>"),
            ("A</speak>", "line 1: </speak> closes nothing"),
            ("<speak>A & B</speak>", "line 1: & must be written as &amp;"),
            ("<speak>A &nbsp; B</speak>", "line 1: & must be written as &amp;"),
            ("<speak>a < b</speak>", "line 1: < must be written as &lt;"),
            ("<speak><break time=1s/></speak>", "line 1: the value of time in <break> must be in quotes"),
            ("<speak><break time=\"1\"/></speak>", "must be such as \"500ms\" or \"1.5s\", not \"1\""),
            ("<speak><break time=\"-1s\"/></speak>", "not \"-1s\""),
            ("<speak><break time=\"1s\" time=\"2s\"/></speak>", "line 1: <break> has time twice"),
            ("<speak><break time=\"1s\"", "line 1: <break is not closed with >"),
            ("<speak>A</speak>\nB", "line 2: text follows </speak>"),
            ("<speak>A</speak><speak>B</speak>", "line 1: <speak> follows </speak>"),
            ("<speak><!-- A</speak>", "line 1: the comment or section is not closed"),
            ("<speak></p x></speak>", "line 1: </p is not closed with >"),
            ("<speak><sub alias=\"a<b\">c</sub></speak>", "contains a bare < or &"),
        ] {
            let found = ssml_mistake(text).unwrap_or_default();
            assert!(found.contains(mistake), "{text}\n{found}");
        }
        assert!(ssml_mistake(&"<p>".repeat(100_000)).is_some_and(|found| found.contains("deeper")));
    }

    #[test]
    fn every_part_of_a_script_is_judged_without_a_panic() {
        let text = "<?x?><speak a='é'>é &amp;<!--é--><break time=\"1s\"/><![CDATA[]]></speak>";
        for (end, _) in text.char_indices() {
            for (start, _) in text[..end].char_indices() {
                let _ = ssml_mistake(&text[start..end]);
            }
        }
    }
}
