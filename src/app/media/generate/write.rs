//! Writes the files of a speech, and records them.

use std::io::Seek;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::generated::{
    AudioFormat, CaptionFormat, LOCK_FILE, LockedFile, LockedMedia, SPEECH_USD_PER_SECOND, captions,
    words_json,
};
use hyperframes_ci_core::job::{Remedy, retry_delay};
use hyperframes_ci_core::media::Media;
use hyperframes_ci_core::report::plain;
use hyperframes_ci_core::time::format_rfc3339;
use sha2::{Digest, Sha256};

use super::entry::{Task, foreign_file};
use super::run::{OtherFormat, Problem, Run, locked};
use crate::app::media::examine;
use crate::heygen::download::Download;
use crate::renderers::KeptAnswer;
use crate::system::abort::abort_at;
use crate::system::clock::{pause, unix_now};
use crate::system::deadline::Deadline;
use crate::system::digest::Hasher;
use crate::system::gate;
use crate::system::output::{self, OutputFile};
use crate::system::random;

/// Help for files that cannot be written.
const AGAIN: &str = "the speech is paid for; correct the cause and run the same command again, which does not request it again";

/// Help for audio that can no longer be downloaded.
const LOST: &str = "add --repeat-unconfirmed to request the speech again, which is billed again";

fn not_saved(message: impl Into<String>) -> Problem {
    Problem::NotSaved { message: message.into(), help: AGAIN }
}

impl Run<'_> {
    /// Downloads the audio, writes all files and records them; returns the length in seconds.
    pub(super) fn save(
        &self,
        task: &Task,
        mut kept: KeptAnswer,
        warn: &mut dyn FnMut(OtherFormat),
    ) -> Result<f64, Problem> {
        let Some(speech) = &task.speech else { return Err(Problem::Skipped) };
        let identity = speech.key();
        let texts = texts(task, &kept)?;
        let root = self.declared.settings.root.as_path();
        let path = root.join(&task.entry.file);
        let found = examine::digest(&path, &self.declared.reach).ok().flatten();
        let is_there = found.is_some() && kept.files.get(&task.entry.file) == found.as_ref();
        let audio = if is_there { None } else { Some(self.download(task, identity.as_str(), &kept)?) };
        kept.files.extend(texts.iter().map(|(path, text)| (path.clone(), hex(&Sha256::digest(text)))));
        if let Some((_, sha256)) = &audio {
            kept.files.insert(task.entry.file.clone(), sha256.clone());
        }
        // A file that is found later with such a digest is not somebody else's.
        // Where it cannot be kept, the files are worth more: they are paid for.
        let _ = self.answers.keep(identity.as_str(), &kept);
        abort_at("digested");
        let lock = self.declared.lock.media.get(&task.entry.file);
        let foreign = foreign_file(self.declared, &task.entry, lock, Some(&kept));
        if let Some(path) = foreign.filter(|_| !self.permissions.can_overwrite) {
            return Err(not_saved(format!("{} has changed meanwhile", plain(&path))));
        }
        if let Some((output, _)) = audio {
            output.keep("").map_err(|error| not_saved(error.to_string()))?;
        }
        abort_at("audio");
        for (path, text) in &texts {
            output::write_in(&root.join(path), &self.declared.reach, "", text.as_bytes())
                .map_err(|error| not_saved(error.to_string()))?;
        }
        abort_at("written");
        let edges = gate::edges(&path, &self.declared.reach).map_err(|error| not_saved(error.to_string()))?;
        let format = AudioFormat::of(&edges.head).map_or("", AudioFormat::extension);
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        if extension
            .is_some_and(|extension| ["mp3", "wav"].contains(&extension.as_str()) && extension != format)
        {
            warn(OtherFormat { file: task.entry.file.clone(), format });
        }
        let measured = Media::read(&edges).and_then(|media| media.duration);
        let duration = measured.or(kept.answer.duration);
        let file = |path: &Option<String>| {
            let path = path.clone()?;
            Some(LockedFile { sha256: kept.files.get(&path)?.clone(), path })
        };
        let media = LockedMedia {
            identity: identity.to_string(),
            sha256: kept.files.get(&task.entry.file).cloned().unwrap_or_default(),
            bytes: edges.size,
            duration,
            words: file(&task.entry.words),
            captions: file(&task.entry.captions),
            request_id: kept.answer.request_id.clone(),
            created: Some(format_rfc3339(unix_now())),
            cost_usd: kept.answer.duration.map(price_of),
            ..LockedMedia::default()
        };
        self.record(task, media)?;
        abort_at("recorded");
        self.answers.forget(identity.as_str());
        Ok(duration.unwrap_or_default())
    }

    /// Downloads the audio into a file that does not have its name yet; returns its SHA-256.
    fn download(
        &self,
        task: &Task,
        identity: &str,
        kept: &KeptAnswer,
    ) -> Result<(OutputFile, String), Problem> {
        let path = self.declared.settings.root.join(&task.entry.file);
        let output = OutputFile::prepare(Some(&path), &self.declared.reach);
        let mut download = Download::new(output.map_err(|error| not_saved(error.to_string()))?).of_audio();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let fetched =
                download.fetch(self.transport, &kept.answer.audio_url, Deadline::NEVER, &mut |_, _| {});
            let Err(error) = fetched else { break };
            let message = format!("cannot download the audio: {}", error.message);
            match error.remedy {
                Remedy::FreshUrl => {
                    let expired = KeptAnswer { is_expired: true, ..kept.clone() };
                    // Without the mark, the request cannot be repeated: the user is told on every run.
                    let _ = self.answers.keep(identity, &expired);
                    return Err(Problem::NotSaved { message, help: LOST });
                }
                Remedy::None => return Err(not_saved(message)),
                Remedy::Retry if attempt > self.retries => return Err(not_saved(message)),
                Remedy::Retry => std::thread::sleep(pause(retry_delay(attempt, None, random()))),
            }
        }
        let mut output = download.into_output();
        let mut hasher = Hasher::default();
        let hashed = output.file().rewind().and_then(|()| hasher.read(output.file()));
        hashed.map_err(|error| not_saved(error.to_string()))?;
        Ok((output, hasher.finish().1))
    }

    /// Adds the files to the lock file. It is read again: somebody may have changed it meanwhile.
    fn record(&self, task: &Task, mut media: LockedMedia) -> Result<(), Problem> {
        let _guard = locked(&self.lock);
        let root = self.declared.settings.root.as_path();
        let lock = examine::read_lock(&self.declared.lock_path, &self.declared.reach);
        let mut lock = lock.map_err(|error| not_saved(error.to_string()))?;
        if let Some(known) = lock.media.get(&task.entry.file) {
            media.other.clone_from(&known.other);
        }
        lock.media.insert(task.entry.file.clone(), media);
        let written = output::write(root, LOCK_FILE, lock.to_string().as_bytes());
        written.map(drop).map_err(|error| not_saved(error.to_string()))
    }
}

/// Returns the price of a speech in whole millionths of a dollar.
fn price_of(seconds: f64) -> f64 {
    (seconds * SPEECH_USD_PER_SECOND * 1e6).round() / 1e6
}

/// Returns the words file and the captions.
fn texts(task: &Task, kept: &KeptAnswer) -> Result<Vec<(String, String)>, Problem> {
    let entry = &task.entry;
    if entry.words.is_none() && entry.captions.is_none() {
        return Ok(Vec::new());
    }
    let words = kept.answer.words.as_deref().filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| Problem::NotSaved {
        message: "the API sent no times of words".to_owned(),
        help: "choose another voice, or remove `words` and `captions` from the entry",
    })?;
    let text = entry.words.clone().map(|path| (path, words_json(words)));
    let captions = entry.captions.clone().map(|path| {
        let format = CaptionFormat::of_path(&path).unwrap_or(CaptionFormat::Vtt);
        (path, captions(words, format))
    });
    Ok(text.into_iter().chain(captions).collect())
}
