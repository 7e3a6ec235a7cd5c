//! What a request for speech came to.
//!
//! Speech has neither an idempotency key nor a list of earlier requests. A request is repeated only where it was surely not taken;
//! whatever is in doubt is left to the user, who may be billed for it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Word;
use crate::api::{ApiError, Response, ResponseError};

/// The words that mark the start and the end of a speech.
const SENTINELS: [&str; 2] = ["<start>", "<end>"];

/// A speech that was generated, and is billed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpeechAnswer {
    /// Presigned URL of the audio, which expires.
    pub audio_url: String,
    /// Length in seconds.
    #[serde(default)]
    pub duration: Option<f64>,
    /// The API's ID of the request.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Words; `None` if the API sent none.
    #[serde(default, rename = "word_timestamps", deserialize_with = "words")]
    pub words: Option<Vec<Word>>,
}

/// Reads words, without those that cannot be read: the audio is paid for.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Word>>, D::Error> {
    let words = Option::<Vec<Value>>::deserialize(deserializer)?;
    let word = |value| serde_json::from_value(value).ok();
    Ok(words.map(|words| words.into_iter().filter_map(word).collect()))
}

/// What a request for speech came to.
#[derive(Clone, Debug, PartialEq)]
pub enum SpeechReply {
    /// The speech was generated.
    Answered(Box<SpeechAnswer>),
    /// The request was not taken, and may be repeated.
    NotTaken {
        /// Why.
        message: String,
        /// The delay that the server asks for.
        retry_after: Option<Duration>,
    },
    /// The API refused it; nothing is billed.
    Refused(Box<ApiError>),
    /// The speech may have been generated and billed.
    Unconfirmed(String),
}

impl SpeechReply {
    /// Returns what a response came to.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        let answer = match response.data::<SpeechAnswer>() {
            Ok(answer) if answer.audio_url.is_empty() => {
                return Self::Unconfirmed("the response has no audio_url".to_owned());
            }
            Ok(answer) => answer,
            Err(ResponseError::Api(error)) if error.status == 429 || error.is_in_progress() => {
                return Self::NotTaken { message: error.to_string(), retry_after: error.retry_after };
            }
            // A timeout of the server or a proxy, or a redirect, says nothing about the work.
            Err(ResponseError::Api(error))
                if (400..500).contains(&error.status) && !matches!(error.status, 408 | 409) =>
            {
                return Self::Refused(error);
            }
            Err(error) => return Self::Unconfirmed(error.to_string()),
        };
        let is_spoken = |word: &Word| !SENTINELS.contains(&word.text.as_str());
        let words = answer.words.map(|words| words.into_iter().filter(is_spoken).collect());
        Self::Answered(Box::new(SpeechAnswer { words, ..answer }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> SpeechReply {
        SpeechReply::of(&Response { status, headers: Vec::new(), body: body.into() })
    }

    #[test]
    fn sentinels_are_no_words() {
        let body = r#"{"data":{"audio_url":"https://x/a","duration":1.5,"new":1,"word_timestamps":[
            {"word":"<start>","start":0,"end":0},{"word":"Hi","start":0.1,"end":0.4},{"word":"?","start":null},{"word":"<end>","start":1,"end":1}]}}"#;
        let SpeechReply::Answered(answer) = reply(200, body) else { unreachable!("an answer") };
        let words = answer.words.as_deref().expect("words");
        assert_eq!(words, [Word { text: "Hi".to_owned(), start: 0.1, end: 0.4 }]);
        let kept = serde_json::to_string(&answer).expect("JSON");
        assert_eq!(serde_json::from_str::<SpeechAnswer>(&kept).expect("an answer"), *answer);
    }

    #[test]
    fn only_what_was_surely_not_taken_may_be_repeated() {
        let error = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        for (status, body) in [(429, error("rate_limit_exceeded")), (409, error("request_in_progress"))] {
            assert!(matches!(reply(status, &body), SpeechReply::NotTaken { .. }), "{status}");
        }
        for status in [400, 401, 402, 403, 404, 413, 422] {
            assert!(matches!(reply(status, &error("x")), SpeechReply::Refused(_)), "{status}");
        }
        for (status, body) in [
            (200, "<!doctype html>".to_owned()),
            (200, r#"{"data":{"audio_url":"#.to_owned()),
            (200, r#"{"data":{"audio_url":""}}"#.to_owned()),
            (200, "{}".to_owned()),
            (302, String::new()),
            (408, error("timeout")),
            (409, error("conflict")),
            (500, error("internal")),
            (503, String::new()),
            (504, "<html>".to_owned()),
        ] {
            assert!(matches!(reply(status, &body), SpeechReply::Unconfirmed(_)), "{status} {body}");
        }
    }
}
