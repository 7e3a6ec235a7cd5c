//! What speaking returns.

use super::wave::Wave;

/// A pause after a sentence, in seconds.
pub(super) const SENTENCE_PAUSE: f64 = 0.3;

/// A speech.
pub(in crate::emulator) struct Spoken {
    /// The audio file.
    pub(in crate::emulator) wav: Vec<u8>,
    /// Its length in seconds.
    pub(in crate::emulator) seconds: f64,
    /// Words with their start and end in seconds.
    pub(in crate::emulator) words: Vec<(String, f64, f64)>,
}

/// Returns whether a word ends a sentence.
pub(super) fn ends_sentence(word: &str) -> bool {
    word.trim_end_matches(['"', '\'', ')', '”', '’']).ends_with(['.', '!', '?', '…'])
}

impl Spoken {
    /// Returns a speech whose words are those of a wave.
    pub(super) fn new(wave: &Wave, words: Vec<(String, f64, f64)>) -> Self {
        Self { wav: wave.to_bytes(), seconds: wave.seconds(), words }
    }
}
