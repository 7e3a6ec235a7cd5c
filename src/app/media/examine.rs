//! Compares an entry with the lock file and its files: the one judgement of `media` and of the checks.

use std::io::{self, ErrorKind};
use std::path::Path;

use hyperframes_ci_core::archive::DIRECT_UPLOAD_LIMIT;
use hyperframes_ci_core::generated::{
    AudioFormat, Lock, LockedFile, MAX_AUDIO, MAX_SCRIPT, MediaStore, Presenter, PresenterVoice, SoundChoice,
    Speech, Translation, Wanted, ssml_mistake,
};
use hyperframes_ci_core::media::Media;
use hyperframes_ci_core::report::plain;

use super::files::Files;
use crate::app::config::{MediaEntry, MediaKind, PresenterEntry, Says, Script, TranslationEntry};
use crate::app::outcome::{MediaState, MediaStatus};

/// The largest script file that is read, in bytes: a script of the maximum length in any language is smaller.
const SCRIPT_LIMIT: u64 = 64 * 1024;

/// Judges entries.
pub(super) struct Judge<'a, F> {
    /// All entries of the configuration.
    pub(super) entries: &'a [MediaEntry],
    /// The lock file.
    pub(super) lock: &'a Lock,
    /// The files of the repository.
    pub(super) files: F,
}

impl<F: Files> Judge<'_, F> {
    /// Returns what an entry asks for.
    ///
    /// # Errors
    /// Returns a message if its script or its audio cannot be read, is empty or is too long.
    pub(super) fn wanted(&self, entry: &MediaEntry) -> Result<Wanted, String> {
        match &entry.kind {
            MediaKind::Speech { script, voice, speed, locale, .. } => {
                let (text, is_ssml) = self.script(script)?;
                let mut speech = Speech::new(&text, voice);
                (speech.is_ssml, speech.speed, speech.locale) = (is_ssml, *speed, locale.clone());
                speech.has_words = entry.words().is_some() || entry.captions.is_some();
                Ok(Wanted::Speech(speech))
            }
            MediaKind::Presenter(clip) => self.presenter(entry, clip).map(Wanted::Presenter),
            MediaKind::Sound { id, query } => {
                Ok(Wanted::Sound(SoundChoice { id: id.clone(), query: query.clone() }))
            }
            MediaKind::Translation(translation) => self.translation(translation).map(Wanted::Translation),
        }
    }

    fn presenter(&self, entry: &MediaEntry, clip: &PresenterEntry) -> Result<Presenter, String> {
        let voice = match &clip.says {
            Says::Script(script, voice) => PresenterVoice::script(&self.script(script)?.0, voice),
            Says::Audio(path) => self.audio(path)?,
        };
        Ok(Presenter {
            avatar: clip.avatar.clone(),
            voice,
            format: clip.format,
            resolution: clip.resolution,
            aspect_ratio: clip.aspect_ratio,
            background: clip.background.clone(),
            engine: clip.engine.clone(),
            has_captions: entry.captions.is_some(),
        })
    }

    /// Returns a script, and whether it is SSML.
    fn script(&self, script: &Script) -> Result<(String, bool), String> {
        let (text, is_ssml) = match script {
            Script::Text(text) => (text.clone(), false),
            Script::Ssml(text) => (text.clone(), true),
            Script::File(path) => {
                let text = self.files.text(path, SCRIPT_LIMIT).map_err(|error| match error.kind() {
                    ErrorKind::NotFound => format!("script not found: {}", plain(path)),
                    _ => format!("cannot read the script {}: {error}", plain(path)),
                })?;
                let extension = Path::new(path).extension();
                (text, extension.is_some_and(|extension| extension.eq_ignore_ascii_case("ssml")))
            }
        };
        let sent = Speech::new(&text, "");
        match sent.length() {
            _ if sent.text().trim().is_empty() => Err("the script is empty".to_owned()),
            length if length > MAX_SCRIPT => {
                Err(format!("the script has {length} characters; at most {MAX_SCRIPT} are allowed"))
            }
            _ => match ssml_mistake(sent.text()).filter(|_| is_ssml) {
                Some(mistake) => Err(format!("the script is not valid SSML: {mistake}")),
                None => Ok((text, is_ssml)),
            },
        }
    }

    /// Returns the audio at `path`, the file of another entry. It need not exist.
    fn audio(&self, path: &str) -> Result<PresenterVoice, String> {
        let unreadable = |error: io::Error| format!("cannot read its audio {}: {error}", plain(path));
        let sha256 = self.files.digest(path).map_err(unreadable)?;
        let locked = self.lock.media.get(path);
        let recorded = locked.and_then(|media| media.duration);
        if sha256.is_none() {
            // What a store keeps has the recorded digest, or it is not fetched.
            let is_stored = |entry: &MediaEntry| entry.file == path && entry.store != MediaStore::Git;
            let is_stored = self.entries.iter().any(is_stored);
            let sha256 = locked.filter(|_| is_stored).map(|media| media.sha256.clone());
            return Ok(PresenterVoice::Audio { sha256, seconds: recorded });
        }
        let edges = self.files.edges(path).map_err(unreadable)?;
        if AudioFormat::of(&edges.head).is_none() {
            return Err(format!("its audio {} is neither MP3 nor WAV", plain(path)));
        }
        let seconds = Media::read(&edges).and_then(|media| media.duration).or(recorded);
        match seconds.filter(|seconds| *seconds > MAX_AUDIO) {
            Some(seconds) => Err(format!(
                "its audio {} is {seconds:.1} s long; at most {MAX_AUDIO} s are allowed",
                plain(path)
            )),
            None => Ok(PresenterVoice::Audio { sha256, seconds }),
        }
    }

    /// Returns the translation of a video, which need not exist.
    fn translation(&self, entry: &TranslationEntry) -> Result<Translation, String> {
        let video = plain(&entry.video);
        let unreadable = |error: io::Error| format!("cannot read its video {video}: {error}");
        let video_sha256 = self.files.digest(&entry.video).map_err(unreadable)?;
        let mut seconds = None;
        if video_sha256.is_some() {
            let edges = self.files.edges(&entry.video).map_err(unreadable)?;
            let size = edges.size;
            if size > DIRECT_UPLOAD_LIMIT {
                return Err(format!(
                    "its video {video} has {size} bytes; at most {DIRECT_UPLOAD_LIMIT} are allowed"
                ));
            }
            let media = Media::read(&edges).filter(|media| media.video.is_some());
            seconds = media.ok_or_else(|| format!("{video} is not a video"))?.duration;
        }
        Ok(Translation { video_sha256, seconds, language: entry.language.clone(), mode: entry.mode })
    }

    /// Returns the state of the entry whose file `entry` is made from.
    pub(super) fn source(&self, entry: &MediaEntry) -> Option<MediaStatus> {
        let audio = entry.audio()?;
        self.entries.iter().find(|other| other.file == audio).map(|other| self.status(other))
    }

    /// Returns the state of an entry.
    pub(super) fn status(&self, entry: &MediaEntry) -> MediaStatus {
        let wanted = self.wanted(entry);
        let source = self.source(entry);
        let (mut status, mut message) = match &wanted {
            Ok(Wanted::Translation(Translation { video_sha256: None, .. })) => {
                let video = entry.translation().map_or("", |translation| &translation.video);
                (MediaState::Waiting, Some(format!("its video {} does not exist", plain(video))))
            }
            Ok(wanted) => self.state(entry, wanted),
            Err(message) => (MediaState::Invalid, Some(message.clone())),
        };
        let mut wanted = wanted.ok();
        match source.as_ref().map(|source| (source, source.status)) {
            Some((source, MediaState::Invalid)) => {
                let reason = source.message.as_deref().unwrap_or_default();
                message = Some(format!("its audio {} is invalid: {reason}", plain(&source.file)));
                status = MediaState::Invalid;
                wanted = None;
            }
            Some((source, state)) if state.is_due() => {
                // The new audio is another one, whatever the present one is.
                if source.estimated_seconds > 0.0
                    && let Some(Wanted::Presenter(Presenter {
                        voice: PresenterVoice::Audio { seconds, .. },
                        ..
                    })) = &mut wanted
                {
                    *seconds = Some(source.estimated_seconds);
                }
                if status == MediaState::Current {
                    status = MediaState::Outdated;
                    message = Some(format!("its audio {} is {}", plain(&source.file), state.as_str()));
                }
            }
            _ => {}
        }
        let estimate = wanted.as_ref().filter(|_| status.is_due());
        MediaStatus {
            file: entry.file.clone(),
            line: entry.line,
            kind: entry.kind.name(),
            status,
            code: status.code(),
            message,
            help: status.help(),
            identity: wanted.as_ref().and_then(Wanted::key).map(|key| key.to_string()),
            estimated_seconds: estimate.map_or(0.0, Wanted::estimated_seconds),
            estimated_usd: estimate.map_or(0.0, Wanted::estimated_usd),
        }
    }

    fn state(&self, entry: &MediaEntry, wanted: &Wanted) -> (MediaState, Option<String>) {
        let digest = |path: &str| self.files.digest(path);
        let unreadable = |path: &str, error: io::Error| {
            (MediaState::Invalid, Some(format!("cannot read {}: {error}", plain(path))))
        };
        let Some(locked) = self.lock.media.get(&entry.file) else {
            return match digest(&entry.file) {
                Ok(None) => (MediaState::Missing, Some("the file does not exist".to_owned())),
                Ok(Some(_)) => {
                    (MediaState::Unlocked, Some("the lock file does not contain the file".to_owned()))
                }
                Err(error) => unreadable(&entry.file, error),
            };
        };
        let main = LockedFile { path: entry.file.clone(), sha256: locked.sha256.clone() };
        // Files that were exchanged come first.
        let (mut missing, mut is_elsewhere) = (None, false);
        let recorded = [Some(&main), locked.words.as_ref(), locked.captions.as_ref()].into_iter().flatten();
        // The lock file may be a stranger's: no other file is looked at.
        for file in recorded.filter(|file| entry.outputs().any(|path| path == file.path)) {
            match digest(&file.path) {
                Ok(Some(found)) if found == file.sha256 => {}
                Ok(Some(_)) => {
                    let message = format!("{} has changed since it was recorded", plain(&file.path));
                    return (MediaState::Changed, Some(message));
                }
                Ok(None) if file.path == entry.file && entry.store != MediaStore::Git => is_elsewhere = true,
                Ok(None) => missing = missing.or(Some(file.path.clone())),
                Err(error) => return unreadable(&file.path, error),
            }
        }
        if wanted.key().is_none_or(|key| locked.identity != key.as_str()) {
            let message = match (entry.audio(), entry.translation()) {
                (_, Some(translation)) => format!(
                    "the video {} or an option has changed since the file was recorded",
                    plain(&translation.video)
                ),
                (Some(audio), None) => {
                    format!("the audio {} or an option has changed since the file was recorded", plain(audio))
                }
                (None, None) => "the script or an option has changed since the file was recorded".to_owned(),
            };
            return (MediaState::Outdated, Some(message));
        }
        // Not every translation has captions.
        let captions = entry.captions.as_ref().filter(|_| entry.translation().is_none());
        let declared = [(entry.words(), &locked.words), (captions, &locked.captions)];
        let unmade = declared.into_iter().find_map(|(path, locked)| {
            let is_made = locked.as_ref().is_some_and(|locked| Some(&locked.path) == path);
            path.filter(|_| !is_made)
        });
        match (missing, unmade) {
            (Some(path), _) => (MediaState::Missing, Some(format!("file not found: {}", plain(&path)))),
            (None, Some(path)) => {
                (MediaState::Missing, Some(format!("the lock file does not contain {}", plain(path))))
            }
            _ if is_elsewhere => {
                let message = format!("the file was not fetched from its store ({})", entry.store);
                (MediaState::NotFetched, Some(message))
            }
            _ => (MediaState::Current, None),
        }
    }
}
