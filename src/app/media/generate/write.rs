//! Writes the files of media, and records them.

use std::io::{self, Seek};
use std::path::Path;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::generated::{
    AudioFormat, CaptionFormat, LOCK_FILE, LockedFile, LockedMedia, Wanted, captions, captions_of_srt,
    words_json,
};
use hyperframes_ci_core::job::{Remedy, retry_delay};
use hyperframes_ci_core::media::Media;
use hyperframes_ci_core::report::plain;
use hyperframes_ci_core::time::format_rfc3339;
use sha2::{Digest, Sha256};

use super::super::Declared;
use super::entry::{Task, foreign_file};
use super::result::Problem;
use super::run::{News, Run, locked};
use crate::app::media::declared::read_lock;
use crate::app::media::manifest;
use crate::heygen::download::Download;
use crate::renderers::KeptAnswer;
use crate::system::abort::abort_at;
use crate::system::clock::{pause, unix_now};
use crate::system::deadline::Deadline;
use crate::system::digest::Hasher;
use crate::system::gate::{self, Reach};
use crate::system::output::{self, OutputFile};
use crate::system::random;

/// Help for files that cannot be written.
const AGAIN: &str =
    "correct the cause and run the same command again; what is paid for is not requested again";

/// Help for audio that can no longer be downloaded.
const LOST: &str = "add --repeat-unconfirmed to request the speech again, which is billed again";

pub(super) fn not_saved(message: impl Into<String>) -> Problem {
    Problem::NotSaved { message: message.into(), help: AGAIN }
}

impl Run<'_> {
    /// Writes all files of a task and records them; returns the length in seconds.
    pub(super) fn save(
        &self,
        declared: &Declared,
        task: &Task,
        mut kept: KeptAnswer,
        news: &mut dyn FnMut(News),
    ) -> Result<f64, Problem> {
        let identity = task.identity();
        let texts = texts(task, &kept)?;
        let root = declared.settings.root.as_path();
        let path = root.join(&task.entry.file);
        let found = declared.digest(&task.entry.file).ok().flatten();
        let is_there = found.is_some() && kept.files.get(&task.entry.file) == found.as_ref();
        let main = if is_there { None } else { Some(self.main(task, &path, &declared.reach, &kept)?) };
        kept.files.extend(texts.iter().map(|(path, text)| (path.clone(), hex(&Sha256::digest(text)))));
        if let Some((_, sha256)) = &main {
            kept.files.insert(task.entry.file.clone(), sha256.clone());
        }
        // A file that is found later with such a digest is not somebody else's.
        // Where it cannot be kept, the files are worth more: they are paid for.
        let _ = self.answers.keep(identity, &kept);
        abort_at("digested");
        let lock = declared.lock.media.get(&task.entry.file);
        let foreign = foreign_file(declared, &task.entry, lock, Some(&kept));
        if let Some(path) = foreign.filter(|_| !self.permissions.can_overwrite) {
            return Err(not_saved(format!("{} has changed meanwhile", plain(&path))));
        }
        if let Some((output, _)) = main {
            output.keep("").map_err(|error| not_saved(error.to_string()))?;
        }
        abort_at("audio");
        for (path, text) in &texts {
            output::write_in(&root.join(path), &declared.reach, "", text.as_bytes())
                .map_err(|error| not_saved(error.to_string()))?;
        }
        abort_at("written");
        let edges = gate::edges(&path, &declared.reach).map_err(|error| not_saved(error.to_string()))?;
        if let Some(format) = other_format(&path, &edges.head) {
            news(News::OtherFormat { file: task.entry.file.clone(), format });
        }
        let measured = Media::read(&edges).and_then(|media| media.duration);
        let (speech, clip) = (kept.speech.as_ref(), kept.clip.as_ref());
        let reported = speech.and_then(|speech| speech.duration).or(clip.and_then(|clip| clip.duration));
        let duration = measured.or(reported);
        let price = task.wanted.as_ref().map_or(0.0, Wanted::usd_per_second);
        let file = |path: Option<&String>| {
            let path = path?.clone();
            Some(LockedFile { sha256: kept.files.get(&path)?.clone(), path })
        };
        let media = LockedMedia {
            identity: identity.to_owned(),
            sha256: kept.files.get(&task.entry.file).cloned().unwrap_or_default(),
            bytes: edges.size,
            duration,
            words: file(task.entry.words()),
            captions: file(task.entry.captions.as_ref()),
            request_id: speech.and_then(|speech| speech.request_id.clone()),
            video_id: clip.map(|clip| clip.video_id.clone()),
            created: Some(format_rfc3339(unix_now())),
            cost_usd: reported.filter(|_| price > 0.0).map(|seconds| price_of(seconds, price)),
            ..LockedMedia::default()
        };
        self.record(declared, task, media)?;
        abort_at("recorded");
        if !self.keeps_answers {
            self.answers.forget(identity);
        }
        Ok(duration.unwrap_or_default())
    }

    /// Returns the audio or the clip in a file that does not have its name yet, and its SHA-256.
    fn main(
        &self,
        task: &Task,
        path: &Path,
        reach: &Reach,
        kept: &KeptAnswer,
    ) -> Result<(OutputFile, String), Problem> {
        let output = OutputFile::prepare(Some(path), reach).map_err(|error| not_saved(error.to_string()))?;
        let mut output = match (&task.wanted, &kept.speech) {
            (_, Some(speech)) => {
                let expired = KeptAnswer { is_expired: true, ..kept.clone() };
                self.download(output, &speech.audio_url, &mut || {
                    // Without the mark, the request cannot be repeated: the user is told on every run.
                    let _ = self.answers.keep(task.identity(), &expired);
                    LOST
                })?
            }
            (Some(Wanted::Sound(sound)), None) => {
                let url = self.sound(sound)?;
                self.download(output, &url, &mut || AGAIN)?
            }
            _ => self.staged(output, task.identity()).map_err(|error| not_saved(error.to_string()))?,
        };
        let mut hasher = Hasher::default();
        let hashed = output.file().rewind().and_then(|()| hasher.read(output.file()));
        hashed.map_err(|error| not_saved(error.to_string()))?;
        Ok((output, hasher.finish().1))
    }

    /// Copies a clip that was downloaded.
    fn staged(&self, mut output: OutputFile, identity: &str) -> io::Result<OutputFile> {
        let mut clip = gate::open(&self.answers.clip(identity), &Reach::anywhere())?;
        io::copy(&mut clip, output.file())?;
        Ok(output)
    }

    /// Downloads audio; `on_expired` returns the help for a URL that is refused.
    fn download(
        &self,
        output: OutputFile,
        url: &str,
        on_expired: &mut dyn FnMut() -> &'static str,
    ) -> Result<OutputFile, Problem> {
        let mut download = Download::new(output).of_audio();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let fetched = download.fetch(self.transport, url, Deadline::NEVER, &mut |_, _| {});
            let Err(error) = fetched else { return Ok(download.into_output()) };
            let message = format!("cannot download the audio: {}", error.message);
            match error.remedy {
                Remedy::FreshUrl => {
                    let message = format!("{message}; its URL has probably expired");
                    return Err(Problem::NotSaved { message, help: on_expired() });
                }
                Remedy::None => return Err(not_saved(message)),
                Remedy::Retry if attempt > self.retries => return Err(not_saved(message)),
                Remedy::Retry => std::thread::sleep(pause(retry_delay(attempt, None, random()))),
            }
        }
    }

    /// Adds the files to the lock file. It is read again: somebody may have changed it meanwhile.
    fn record(&self, declared: &Declared, task: &Task, mut media: LockedMedia) -> Result<(), Problem> {
        let _guard = locked(&self.lock);
        let root = declared.settings.root.as_path();
        let lock = read_lock(&declared.lock_path, &declared.reach);
        let mut lock = lock.map_err(|error| not_saved(error.to_string()))?;
        if let Some(known) = lock.media.get(&task.entry.file) {
            media.other.clone_from(&known.other);
        }
        manifest::add(declared, &task.entry, task.wanted.as_ref(), &media)
            .map_err(|error| not_saved(error.to_string()))?;
        lock.media.insert(task.entry.file.clone(), media);
        let written = output::write(root, LOCK_FILE, lock.to_string().as_bytes());
        written.map(drop).map_err(|error| not_saved(error.to_string()))
    }
}

/// Returns the format of audio if it is not that of the extension of its file.
fn other_format(path: &Path, head: &[u8]) -> Option<&'static str> {
    let format = AudioFormat::of(head)?.extension();
    let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
    let is_other = ["mp3", "wav"].contains(&extension.as_str()) && extension != format;
    is_other.then_some(format)
}

/// Returns a price in whole millionths of a dollar.
fn price_of(seconds: f64, usd_per_second: f64) -> f64 {
    (seconds * usd_per_second * 1e6).round() / 1e6
}

/// Returns the words file and the captions.
fn texts(task: &Task, kept: &KeptAnswer) -> Result<Vec<(String, String)>, Problem> {
    let entry = &task.entry;
    let format = |path: &str| CaptionFormat::of_path(path).unwrap_or(CaptionFormat::Vtt);
    if let Some(clip) = &kept.clip {
        let text = entry.captions.as_ref().zip(clip.captions.as_ref());
        let converted =
            text.and_then(|(path, text)| Some((path.clone(), captions_of_srt(text, format(path))?)));
        return Ok(converted.into_iter().collect());
    }
    if entry.words().is_none() && entry.captions.is_none() {
        return Ok(Vec::new());
    }
    let words = kept.speech.as_ref().and_then(|speech| speech.words.as_deref());
    let words = words.filter(|words| !words.is_empty()).ok_or_else(|| Problem::NotSaved {
        message: "the API sent no times of words".to_owned(),
        help: "choose another voice, or remove `words` and `captions` from the entry",
    })?;
    let text = entry.words().cloned().map(|path| (path, words_json(words)));
    let captions = entry.captions.clone().map(|path| {
        let text = captions(words, format(&path));
        (path, text)
    });
    Ok(text.into_iter().chain(captions).collect())
}
