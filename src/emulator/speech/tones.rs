//! Speech as tones: one for each word, as long as a voice would speak it.

use super::script::Piece;
use super::spoken::{SENTENCE_PAUSE, Spoken, ends_sentence};
use super::wave::Wave;

/// Samples in a second.
const RATE: u32 = 16_000;

/// Characters in a second, with the pause after the word.
const CHARACTERS_PER_SECOND: f64 = 14.5;

/// Part of the time of a word that is silent.
const SILENT: f64 = 0.2;

/// The loudest sample.
const LOUDNESS: f64 = 8000.0;

/// Length of a fade in seconds: without one, tones click.
const FADE: f64 = 0.01;

/// Returns the pieces as tones.
pub(super) fn speak(pieces: &[Piece], speed: f64) -> Spoken {
    let mut wave = Wave::new(RATE);
    let mut words = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Break(seconds) => wave.silence(*seconds),
            Piece::Word(word) => {
                let length = (word.chars().count() + 1) as f64 / CHARACTERS_PER_SECOND / speed;
                let start = wave.seconds();
                let samples = tone(&wave, word, length * (1.0 - SILENT));
                wave.extend(samples);
                words.push((word.clone(), start, wave.seconds()));
                wave.silence(length * SILENT);
                if ends_sentence(word) {
                    wave.silence(SENTENCE_PAUSE / speed);
                }
            }
        }
    }
    Spoken::new(&wave, words)
}

/// Notes of a melody, which are tones like words.
const NOTES: [&str; 4] = ["do", "mi", "sol", "mi"];

/// Length of a note in seconds.
const NOTE: f64 = 0.4;

/// Returns a WAV file with a melody of this length in seconds.
pub(in crate::emulator) fn melody(seconds: f64) -> Vec<u8> {
    let mut wave = Wave::new(RATE);
    for note in NOTES.iter().cycle() {
        let left = seconds - wave.seconds();
        let samples = tone(&wave, note, left.clamp(0.0, NOTE));
        if samples.is_empty() {
            break;
        }
        wave.extend(samples);
    }
    wave.to_bytes()
}

/// Returns a tone whose pitch depends on the word.
#[expect(clippy::cast_possible_truncation, reason = "within the loudness")]
fn tone(wave: &Wave, word: &str, seconds: f64) -> Vec<i16> {
    let pitch = 180.0 + f64::from(word.bytes().fold(0_u8, u8::wrapping_add) % 24) * 10.0;
    let count = wave.count(seconds);
    let fade = wave.count(FADE).max(1);
    let sample = |index: usize| {
        let time = index as f64 / f64::from(RATE);
        let fading = index.min(count - 1 - index).min(fade) as f64 / fade as f64;
        ((std::f64::consts::TAU * pitch * time).sin() * LOUDNESS * fading) as i16
    };
    (0..count).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_melody_has_its_length() {
        let seconds = Wave::parse(&melody(1.3)).expect("a file").seconds();
        assert!((seconds - 1.3).abs() < 1e-3, "{seconds}");
    }

    #[test]
    fn words_sound_when_their_times_say_so() {
        let pieces = super::super::pieces("Hello, world. <break time=\"1s\"/>Again", true).expect("pieces");
        let spoken = speak(&pieces, 1.0);
        let samples = Wave::parse(&spoken.wav).expect("a file").into_samples();
        let at = |seconds: f64| Wave::new(RATE).count(seconds);
        let loud = |start: f64, end: f64| samples[at(start)..at(end)].iter().any(|sample| *sample != 0);
        assert_eq!(spoken.words.len(), 3);
        for pair in spoken.words.windows(2) {
            assert!(loud(pair[0].1, pair[0].2) && !loud(pair[0].2, pair[1].1));
        }
        assert!(spoken.words[2].1 - spoken.words[1].2 > 1.0);
        let fast = speak(&pieces, 2.0).seconds;
        assert!(fast < spoken.seconds && spoken.seconds < 4.0);
    }
}
