//! Speech: an audible WAV file and the times of its words.
//!
//! With Debian's `espeak-ng`, every sentence is spoken on its own, so that its times are those of the audio. The program does
//! not print the times of words: they are apportioned within the sentence by the number of their characters. Without it, every word
//! is a tone, and all times are exact.

mod espeak;
mod script;
mod spoken;
mod tones;
mod wave;

use std::path::Path;

pub(super) use script::{Piece, pieces};
pub(super) use spoken::Spoken;
pub(super) use tones::melody;

/// Speaks `pieces` at `speed` with the `espeak-ng` at `program`, or as tones. `language` is a BCP 47 tag; `folder` holds temporary
/// files.
pub(super) fn speak(
    pieces: &[Piece],
    speed: f64,
    language: &str,
    program: Option<&Path>,
    folder: &Path,
) -> Spoken {
    // A language that the program does not have is spoken as tones as well.
    let spoken = program.and_then(|program| espeak::speak(pieces, speed, language, program, folder).ok());
    spoken.unwrap_or_else(|| tones::speak(pieces, speed))
}
