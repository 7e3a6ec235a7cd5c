//! Makes presenter clips: a test card with the audio, by FFmpeg. Without it, or with `--placeholder`, each is the built-in clip.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hyperframes_ci_core::generated::PRESENTER_USD_PER_SECOND;
use hyperframes_ci_core::options::Format;

use super::faults::{Effect, Step};
use super::placeholder;
use super::state::{State, Status, Video};
use super::webhook;
use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;
use crate::system::programs::{find, process};

/// The longest time for a clip.
const TIMEOUT: Duration = Duration::from_secs(600);

/// What was made: the length in seconds, and whether it is the built-in clip.
pub(super) struct Made {
    seconds: f64,
    is_placeholder: bool,
}

/// Makes a clip and its captions.
///
/// # Errors
/// Returns the message of a failed clip.
pub(super) fn make(state: &State, video: &Video) -> Result<Made, String> {
    if let Effect::FailRender(message) = state.next_fault(Step::MakeVideo) {
        std::thread::sleep(state.config.placeholder_delay);
        return Err(message);
    }
    if let Some(captions) = &video.captions {
        fs::write(state.path(&video.captions_name()), captions).map_err(|error| error.to_string())?;
    }
    let output = state.path(&video.video_name());
    match find("ffmpeg").filter(|_| !state.is_placeholder) {
        Some(program) => {
            test_card(&program, video, &state.path(&video.audio), &output)?;
            Ok(Made { seconds: video.seconds, is_placeholder: false })
        }
        None => {
            std::thread::sleep(state.config.placeholder_delay);
            fs::write(output, placeholder::clip(video.format)).map_err(|error| error.to_string())?;
            Ok(Made { seconds: placeholder::SECONDS, is_placeholder: true })
        }
    }
}

/// Makes a test card with sound.
fn test_card(program: &Path, video: &Video, audio: &Path, output: &Path) -> Result<(), String> {
    let (width, height) = video.size;
    let card = format!("testsrc2=size={width}x{height}:rate=25:duration={}", video.seconds);
    let mut command = process::without_secrets(Command::new(program));
    command.args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &card, "-i"]).arg(audio);
    command.args(["-map", "0:v", "-map", "1:a", "-pix_fmt", "yuv420p"]);
    command.args(match video.format {
        Format::Webm => ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"].as_slice(),
        // Clips have no other formats.
        Format::Mp4 | Format::Mov | Format::Gif | Format::PngSequence | Format::Hls => {
            &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]
        }
    });
    command.arg(output);
    let exited = process::run(command, Deadline::after(TIMEOUT), &mut |_| true);
    match exited {
        Ok(exited) if exited.status.success() => Ok(()),
        Ok(exited) => Err(exited.output.join("\n")),
        Err(error) => Err(error.to_string()),
    }
}

/// Records the end of a clip, and announces it. Failed ones are not billed.
pub(super) fn finish(state: &Arc<State>, id: &str, result: Result<Made, String>) {
    let mut guard = state.lock();
    let inner = &mut *guard;
    let Some(video) = inner.videos.iter_mut().find(|video| video.id == id) else { return };
    video.completed_at = Some(unix_now());
    match result {
        Ok(made) => {
            video.status = Status::Completed;
            video.duration = Some(made.seconds);
            video.placeholder = made.is_placeholder;
            inner.stats.videos_completed += 1;
            inner.stats.cost_usd += made.seconds * PRESENTER_USD_PER_SECOND;
        }
        Err(message) => video.status = Status::Failed(message),
    }
    let ended = video.clone();
    drop(guard);
    webhook::video_ended(state, &ended);
}
