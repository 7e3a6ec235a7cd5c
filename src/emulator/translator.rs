//! Translates videos: the same pictures and sound, in tracks that are marked with the language, by FFmpeg. Without it, or with
//! `--placeholder`, a translation is the video itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hyperframes_ci_core::generated::{CaptionFormat, Word, captions};

use super::faults::{Effect, Step};
use super::state::{State, Status, Translation};
use super::webhook;
use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;
use crate::system::programs::{find, process};

/// The longest time for a translation.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Makes a translation and its captions.
///
/// # Errors
/// Returns the message of a failed translation.
pub(super) fn make(state: &State, translation: &Translation) -> Result<(), String> {
    if let Effect::FailRender(message) = state.next_fault(Step::Translate) {
        std::thread::sleep(state.config.placeholder_delay);
        return Err(message);
    }
    let failed = |error: std::io::Error| error.to_string();
    if translation.has_captions {
        let text = format!("({})", translation.language);
        let word = [Word { text, start: 0.0, end: translation.seconds }];
        for (format, extension) in [(CaptionFormat::Srt, "srt"), (CaptionFormat::Vtt, "vtt")] {
            let path = state.path(&translation.captions_name(extension));
            fs::write(path, captions(&word, format)).map_err(failed)?;
        }
    }
    let (video, output) = (state.path(&translation.video), state.path(&translation.video_name()));
    match find("ffmpeg").filter(|_| !state.is_placeholder) {
        Some(program) => marked(&program, translation.language, &video, &output),
        None => {
            std::thread::sleep(state.config.placeholder_delay);
            fs::copy(video, output).map(drop).map_err(failed)
        }
    }
}

/// Copies the streams of a video, and names the language in their metadata.
fn marked(program: &Path, language: &str, video: &Path, output: &Path) -> Result<(), String> {
    let mut command = process::without_secrets(Command::new(program));
    command.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(video);
    command.args(["-map", "0", "-c", "copy", "-metadata", &format!("title={language}")]);
    command.args(["-metadata:s", &format!("handler_name={language}")]).arg(output);
    match process::run(command, Deadline::after(TIMEOUT), &mut |_| true) {
        Ok(exited) if exited.status.success() => Ok(()),
        Ok(exited) => Err(exited.output.join("\n")),
        Err(error) => Err(error.to_string()),
    }
}

/// Records the end of a translation, and announces it. Failed ones are not billed.
pub(super) fn finish(state: &Arc<State>, id: &str, result: Result<(), String>) {
    let mut guard = state.lock();
    let inner = &mut *guard;
    let Some(translation) = inner.translations.iter_mut().find(|translation| translation.id == id) else {
        return;
    };
    translation.completed_at = Some(unix_now());
    match result {
        Ok(()) => {
            translation.status = Status::Completed;
            inner.stats.translations_completed += 1;
            inner.stats.cost_usd += translation.seconds * translation.usd_per_second;
        }
        Err(message) => translation.status = Status::Failed(message),
    }
    let ended = translation.clone();
    drop(guard);
    webhook::translation_ended(state, &ended);
}
