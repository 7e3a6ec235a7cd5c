//! Speech by `espeak-ng`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::script::Piece;
use super::spoken::{SENTENCE_PAUSE, Spoken, ends_sentence};
use super::wave::Wave;
use crate::system::deadline::Deadline;
use crate::system::programs::process;

/// The longest time for a sentence.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Words in a minute at normal speed.
const WORDS_PER_MINUTE: f64 = 160.0;

/// Speaks the pieces.
///
/// # Errors
/// Returns an error if the program fails or writes anything but a mono WAV file.
pub(super) fn speak(
    pieces: &[Piece],
    speed: f64,
    language: &str,
    program: &Path,
    folder: &Path,
) -> io::Result<Spoken> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut wave: Option<Wave> = None;
    let (mut words, mut sentence, mut pause) = (Vec::new(), Vec::new(), 0.0);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Break(seconds) => pause += seconds,
            Piece::Word(word) => sentence.push(word.as_str()),
        }
        let is_end = match (piece, pieces.get(index + 1)) {
            (Piece::Word(word), Some(Piece::Word(_))) => ends_sentence(word),
            (Piece::Word(_), _) => true,
            (Piece::Break(_), _) => false,
        };
        if !is_end {
            continue;
        }
        let spoken = sentence_of(&sentence, speed, language, program, folder.path())?;
        let wave = wave.get_or_insert_with(|| Wave::new(spoken.rate()));
        wave.silence(std::mem::take(&mut pause));
        apportion(&sentence, wave.seconds(), spoken.seconds(), &mut words);
        wave.extend(spoken.into_samples());
        wave.silence(SENTENCE_PAUSE / speed);
        sentence.clear();
    }
    let mut wave = wave.ok_or(io::ErrorKind::InvalidInput)?;
    wave.silence(pause);
    Ok(Spoken::new(&wave, words))
}

/// Returns one sentence as samples.
fn sentence_of(
    words: &[&str],
    speed: f64,
    language: &str,
    program: &Path,
    folder: &Path,
) -> io::Result<Wave> {
    let (text, audio) = (folder.join("text"), folder.join("audio.wav"));
    fs::write(&text, words.join(" "))?;
    let rate = format!("{:.0}", (WORDS_PER_MINUTE * speed).clamp(80.0, 450.0));
    let mut command = process::without_secrets(Command::new(program));
    // The text is in a file: as an argument, it could be an option.
    command.args(["-v", &language.to_ascii_lowercase(), "-s", &rate, "-b", "1", "-z"]);
    command.arg("-f").arg(&text).arg("-w").arg(&audio);
    let exited = process::run(command, Deadline::after(TIMEOUT), &mut |_| true)?;
    if !exited.status.success() {
        return Err(io::Error::other(exited.output.join("\n")));
    }
    let wave = Wave::parse(&fs::read(audio)?).ok_or(io::ErrorKind::InvalidData)?;
    if wave.seconds() > 0.0 { Ok(wave) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Adds the words of a sentence that starts at `start` and takes `seconds`, each with a time in proportion to its characters.
fn apportion(sentence: &[&str], start: f64, seconds: f64, words: &mut Vec<(String, f64, f64)>) {
    let weight = |word: &&str| word.chars().count() as f64 + 1.0;
    let total = sentence.iter().map(weight).sum::<f64>();
    let mut at = start;
    for word in sentence {
        let end = at + seconds * weight(word) / total;
        words.push(((*word).to_owned(), at, end));
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_words_fill_their_sentence() {
        let mut words = Vec::new();
        apportion(&["One", "three."], 2.0, 1.1, &mut words);
        assert_eq!(words[0], ("One".to_owned(), 2.0, 2.4));
        assert!((words[1].1 - 2.4).abs() < 1e-9 && (words[1].2 - 3.1).abs() < 1e-9);
    }

    /// Runs a program with the arguments of `espeak-ng` that copies a known file.
    #[cfg(unix)]
    #[test]
    fn sentences_are_spoken_one_by_one_and_pauses_are_silent() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let mut second = Wave::new(8000);
        second.extend(std::iter::repeat_n(100, 8000));
        fs::write(folder.path().join("second.wav"), second.to_bytes()).expect("written");
        let program = folder.path().join("speak");
        let script = format!(
            "#!/bin/sh\n[ \"$2\" = en-us ] || exit 1\ncp {}/second.wav \"${{11}}\"\n",
            folder.path().display()
        );
        fs::write(&program, script).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        let pieces = super::super::pieces("<speak>One. <break time=\"2s\"/>Two three</speak>", true);
        let pieces = pieces.expect("pieces");
        let spoken = speak(&pieces, 1.0, "en-US", &program, folder.path()).expect("spoken");
        let starts = spoken.words.iter().map(|word| word.1).collect::<Vec<_>>();
        assert!((starts[0]).abs() < 1e-6 && (starts[1] - 3.3).abs() < 1e-6, "{starts:?}");
        assert!((spoken.seconds - 4.6).abs() < 1e-6);
        assert!(speak(&pieces, 1.0, "xx", &program, folder.path()).is_err());
    }
}
