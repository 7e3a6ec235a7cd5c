//! The times of words: the words file and captions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The longest line of a caption, in characters.
const MAX_CUE: usize = 42;

/// A pause that ends a caption, in seconds.
const PAUSE: f64 = 0.7;

/// A spoken word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word with its punctuation.
    #[serde(rename = "word")]
    pub text: String,
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
}

/// The formats of captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptionFormat {
    /// WebVTT.
    Vtt,
    /// SubRip.
    Srt,
}

impl CaptionFormat {
    /// Returns the format of a file by its extension.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            extension if extension.eq_ignore_ascii_case("vtt") => Some(Self::Vtt),
            extension if extension.eq_ignore_ascii_case("srt") => Some(Self::Srt),
            _ => None,
        }
    }
}

/// Returns the words as HyperFrames projects have them: a flat array of `id`, `text`, `start` and `end`.
#[must_use]
pub fn words_json(words: &[Word]) -> String {
    let lines = words.iter().enumerate().map(|(index, word)| {
        let entry =
            json!({ "id": format!("w{index}"), "text": word.text, "start": word.start, "end": word.end });
        format!("  {}", Value::to_string(&entry))
    });
    format!("[\n{}\n]\n", lines.collect::<Vec<_>>().join(",\n"))
}

/// Returns captions: a cue ends with a sentence, before a pause, and before it is longer than a line.
#[must_use]
pub fn captions(words: &[Word], format: CaptionFormat) -> String {
    let mut cues: Vec<(String, f64, f64)> = Vec::new();
    for word in words {
        // An arrow would end the text of a cue, and players drop one that ends before it starts.
        let text = word.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = text.replace(char::is_control, "").replace("-->", "->");
        let word_end = word.end.max(word.start);
        match cues.last_mut() {
            Some((cue, _, end))
                if !cue.ends_with(['.', '!', '?', '…'])
                    && word.start - *end < PAUSE
                    && cue.chars().count() + 1 + text.chars().count() <= MAX_CUE =>
            {
                cue.push(' ');
                cue.push_str(&text);
                *end = word_end;
            }
            _ => cues.push((text, word.start, word_end)),
        }
    }
    let mut out = String::from(if format == CaptionFormat::Vtt { "WEBVTT\n\n" } else { "" });
    for (index, (text, start, end)) in cues.iter().enumerate() {
        let text = match format {
            CaptionFormat::Vtt => text.replace('&', "&amp;").replace('<', "&lt;"),
            CaptionFormat::Srt => text.clone(),
        };
        let (start, end) = (time(*start, format), time(*end, format));
        out.push_str(&format!("{}\n{start} --> {end}\n{text}\n\n", index + 1));
    }
    out
}

/// Converts captions of the API, which are SubRip; returns `None` if `text` has no times of captions.
#[must_use]
pub fn captions_of_srt(text: &str, format: CaptionFormat) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let is_timing =
        |line: &str| line.contains(" --> ") && line.starts_with(|first: char| first.is_ascii_digit());
    if !text.lines().any(is_timing) {
        return None;
    }
    Some(match format {
        CaptionFormat::Srt => text,
        CaptionFormat::Vtt => {
            let line = |line: &str| match is_timing(line) {
                true => line.replace(',', "."),
                false => line.replace('&', "&amp;").replace('<', "&lt;"),
            };
            format!("WEBVTT\n\n{}\n", text.lines().map(line).collect::<Vec<_>>().join("\n"))
        }
    })
}

fn time(seconds: f64, format: CaptionFormat) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a day")]
    let milliseconds = (seconds.clamp(0.0, 86_399.0) * 1000.0).round() as u64;
    let (rest, millis) = (milliseconds / 1000, milliseconds % 1000);
    let separator = if format == CaptionFormat::Vtt { '.' } else { ',' };
    format!("{:02}:{:02}:{:02}{separator}{millis:03}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<Word> {
        let word = |text: &str, start, end| Word { text: text.to_owned(), start, end };
        vec![word("Hello", 0.1, 0.4), word("<world>.", 0.45, 0.9), word("Again", 61.0, 61.5)]
    }

    #[test]
    fn words_are_a_flat_array() {
        let text = words_json(&words()[..1]);
        assert_eq!(text, "[\n  {\"id\":\"w0\",\"text\":\"Hello\",\"start\":0.1,\"end\":0.4}\n]\n");
    }

    #[test]
    fn captions_of_the_api_are_converted() {
        let srt = captions(&words(), CaptionFormat::Srt);
        let windows = format!("\u{feff}{}", srt.replace('\n', "\r\n"));
        assert_eq!(captions_of_srt(&windows, CaptionFormat::Srt), Some(srt));
        let vtt = captions_of_srt(&windows, CaptionFormat::Vtt).expect("captions");
        assert_eq!(vtt.trim_end(), captions(&words(), CaptionFormat::Vtt).trim_end());
        for odd in ["", "<!doctype html>", "{}", "a --> b"] {
            assert_eq!(captions_of_srt(odd, CaptionFormat::Vtt), None, "{odd}");
        }
    }

    #[test]
    fn captions_end_with_sentences_and_are_escaped() {
        assert_eq!(
            captions(&words(), CaptionFormat::Vtt),
            "WEBVTT\n\n1\n00:00:00.100 --> 00:00:00.900\nHello &lt;world>.\n\n\
             2\n00:01:01.000 --> 00:01:01.500\nAgain\n\n"
        );
        let odd = Word { text: "A\u{0}\u{1b}[31m\n--\u{0}>".to_owned(), start: 3.0, end: 2.0 };
        assert_eq!(
            captions(&[odd], CaptionFormat::Vtt),
            "WEBVTT\n\n1\n00:00:03.000 --> 00:00:03.000\nA[31m ->\n\n"
        );
        assert!(
            captions(&words(), CaptionFormat::Srt)
                .starts_with("1\n00:00:00,100 --> 00:00:00,900\nHello <world>.\n")
        );
    }
}
