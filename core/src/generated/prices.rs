//! The price list of the API, July 2026, in US dollars per second.

/// Price of speech.
pub const SPEECH_USD_PER_SECOND: f64 = 0.000_333;

/// Price of a presenter clip.
pub const PRESENTER_USD_PER_SECOND: f64 = 0.1;

/// Price of a translation into one language.
pub const TRANSLATION_USD_PER_SECOND: f64 = 0.05;

/// Price of a translation into one language with `mode = "precision"`.
pub const PRECISE_TRANSLATION_USD_PER_SECOND: f64 = 0.1;
