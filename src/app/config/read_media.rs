//! Parses the entries of generated media.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use hyperframes_ci_core::findings::CONFIG_FILE;
use hyperframes_ci_core::generated::{
    Background, CaptionFormat, ClipFormat, ClipResolution, ClipShape, LOCK_FILE, MAX_SCRIPT, MediaStore,
    Speech, ssml_mistake,
};
use hyperframes_ci_core::options::UnknownValue;
use hyperframes_ci_core::text::case_fold;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::is_inside;
use super::media::{
    MediaEntry, MediaKind, PRESENTER_KEYS, PresenterEntry, SOUND_KEYS, SPEECH_KEYS, SPEEDS, Says, Script,
};
use super::read::{ByteRange, Reader, json};

/// The values of an entry, before its kind is known.
#[derive(Default)]
struct Values {
    file: Option<String>,
    scripts: Vec<Script>,
    voice: Option<String>,
    speed: Option<f64>,
    locale: Option<String>,
    words: Option<String>,
    captions: Option<String>,
    avatar: Option<String>,
    audio: Option<String>,
    format: Option<ClipFormat>,
    resolution: Option<ClipResolution>,
    aspect_ratio: Option<ClipShape>,
    background: Option<Background>,
    engine: Option<String>,
    sound: Option<String>,
    query: Option<String>,
    store: Option<MediaStore>,
}

impl Reader {
    /// Reads an entry `[[media]]`; returns `None` if it is incomplete.
    pub(super) fn media_entry(&mut self, table: &DeTable<'_>, range: &ByteRange) -> Option<MediaEntry> {
        let has = |key: &str| table.contains_key(key);
        let (kind, keys) = match (has("sound"), has("avatar")) {
            (true, _) => ("a sound", SOUND_KEYS),
            (false, true) => ("a presenter", PRESENTER_KEYS),
            (false, false) => ("speech", SPEECH_KEYS),
        };
        let mut values = Values::default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !keys.contains(&name) && [SPEECH_KEYS, PRESENTER_KEYS, SOUND_KEYS].concat().contains(&name) {
                self.report(key.span(), format!("{name} cannot be used for {kind}"));
                continue;
            }
            match name {
                "file" => values.file = self.path("file", value),
                "text" => values.scripts.extend(self.script("text", value).map(Script::Text)),
                "ssml" => values.scripts.extend(self.script("ssml", value).map(Script::Ssml)),
                "script" => values.scripts.extend(self.path("script", value).map(Script::File)),
                "voice" => values.voice = self.non_empty("voice", value),
                "speed" => values.speed = self.speed(value),
                "locale" => values.locale = self.locale(value),
                "words" => values.words = self.path("words", value),
                "captions" => values.captions = self.captions(value),
                "avatar" => values.avatar = self.non_empty("avatar", value),
                "audio" => values.audio = self.path("audio", value),
                "format" => values.format = self.one_of("format", value),
                "resolution" => values.resolution = self.one_of("resolution", value),
                "aspect-ratio" => values.aspect_ratio = self.one_of("aspect-ratio", value),
                "background" => values.background = self.background(value),
                "engine" => values.engine = self.engine(value),
                "sound" => values.sound = self.non_empty("sound", value),
                "query" => values.query = self.non_empty("query", value),
                "store" => values.store = self.one_of("store", value),
                _ => self.report_unknown(key, keys.iter().copied()),
            }
        }
        let example = match keys {
            PRESENTER_KEYS => "assets/presenter.mp4",
            _ => "assets/voice.mp3",
        };
        self.require(table, range, "file", example);
        let kind = match kind {
            "a sound" => values.sound.take().map(|id| MediaKind::Sound { id, query: values.query.take() }),
            "speech" => self.speech(table, range, &mut values),
            _ => self.presenter(table, range, &mut values),
        };
        let (file, kind) = (values.file?, kind?);
        let store = values.store.unwrap_or(MediaStore::Git);
        Some(MediaEntry { file, kind, captions: values.captions, store, line: self.line(range) })
    }

    fn speech(&mut self, table: &DeTable<'_>, range: &ByteRange, values: &mut Values) -> Option<MediaKind> {
        self.require(table, range, "voice", "<ID of a voice>");
        match ["text", "ssml", "script"].iter().filter(|key| table.contains_key(**key)).count() {
            0 => self.report(range.clone(), "the entry has no script; add text, ssml or script"),
            1 => {}
            _ => self.report(range.clone(), "text, ssml and script cannot be used together"),
        }
        Some(MediaKind::Speech {
            script: values.scripts.pop()?,
            voice: values.voice.take()?,
            speed: values.speed.unwrap_or(1.0),
            locale: values.locale.take(),
            words: values.words.take(),
        })
    }

    fn presenter(
        &mut self,
        table: &DeTable<'_>,
        range: &ByteRange,
        values: &mut Values,
    ) -> Option<MediaKind> {
        let has = |key: &&&str| table.contains_key(**key);
        match ["audio", "text", "script"].iter().filter(has).count() {
            0 => self
                .report(range.clone(), "the presenter says nothing; add audio, or text or script with voice"),
            1 => {}
            _ => self.report(range.clone(), "audio, text and script cannot be used together"),
        }
        match table.contains_key("audio") {
            true if table.contains_key("voice") => {
                self.report(range.clone(), "voice cannot be used with audio");
            }
            true => {}
            false => self.require(table, range, "voice", "<ID of a voice>"),
        }
        if let Some(Script::File(path)) = values.scripts.last()
            && Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ssml"))
        {
            self.report(
                range.clone(),
                "the script of a presenter cannot be SSML; generate a speech, and use its file as audio",
            );
        }
        let extension = values.file.as_deref().and_then(|file| Path::new(file).extension()?.to_str());
        let of_file =
            extension.and_then(|extension| extension.to_ascii_lowercase().parse::<ClipFormat>().ok());
        match (of_file, values.format) {
            (None, _) if values.file.is_some() => {
                self.report(range.clone(), "the file of a presenter must have the extension .mp4 or .webm");
            }
            (Some(of_file), Some(format)) if of_file != format => {
                self.report(
                    range.clone(),
                    format!("format {format} does not match the extension of the file"),
                );
            }
            _ => {}
        }
        let says = match values.audio.take() {
            Some(path) => Says::Audio(path),
            None => Says::Script(values.scripts.pop()?, values.voice.take()?),
        };
        Some(MediaKind::Presenter(Box::new(PresenterEntry {
            avatar: values.avatar.take()?,
            says,
            format: of_file?,
            resolution: values.resolution,
            aspect_ratio: values.aspect_ratio,
            background: values.background.take(),
            engine: values.engine.take(),
        })))
    }

    /// Reports a key that is missing.
    fn require(&mut self, table: &DeTable<'_>, range: &ByteRange, key: &str, example: &str) {
        if !table.contains_key(key) {
            self.report(range.clone(), format!("the entry has no {key}; add {key} = \"{example}\""));
        }
    }

    /// Records files that two entries generate, that an entry both generates and reads, and audio that no entry generates.
    pub(super) fn check_media(&mut self, entries: &[MediaEntry], translations: &[MediaEntry]) {
        let mut lines: HashMap<String, usize> = HashMap::new();
        for entry in entries.iter().chain(translations) {
            for output in entry.outputs() {
                let name = normalized(output);
                if is_reserved(&name) {
                    let message =
                        format!("{output:?} is a file of this program or of Git; set a different path");
                    self.report_line(entry.line, message);
                }
                // Not every file system distinguishes cases.
                let Some(other) = lines.insert(case_fold(&name), entry.line) else { continue };
                let place = if other == entry.line {
                    "is written twice by this entry".to_owned()
                } else {
                    format!("is also written by the entry on line {other}")
                };
                self.report_line(entry.line, format!("{output:?} {place}; set a different path"));
            }
        }
        for entry in entries {
            if let Some(Script::File(script)) = entry.script()
                && let Some(other) = lines.get(&case_fold(&normalized(script)))
            {
                let message = format!("the script {script:?} is generated by the entry on line {other}");
                self.report_line(entry.line, message);
            }
            let Some(audio) = entry.audio() else { continue };
            let made = entries.iter().find(|other| other.file == audio);
            // A presenter is never the audio of another one, so that there are no cycles.
            let problem = match made.map(|other| (&other.kind, other.line)) {
                None => "is not the file of an entry; declare it as speech or a sound".to_owned(),
                Some((MediaKind::Presenter(_), line)) if line == entry.line => {
                    "is the file of the same entry".to_owned()
                }
                Some((MediaKind::Presenter(_), line)) => {
                    format!("is the clip of the entry on line {line}, not speech or a sound")
                }
                Some(_) => continue,
            };
            self.report_line(entry.line, format!("audio {audio:?} {problem}"));
        }
    }

    fn one_of<T: FromStr<Err = UnknownValue>>(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<T> {
        let parsed = match value.get_ref().as_str() {
            Some(text) => text.parse().map_err(|error: UnknownValue| error.to_string()),
            None => Err("must be a string".to_owned()),
        };
        parsed.map_err(|problem| self.report(value.span(), format!("{name} {problem}"))).ok()
    }

    fn background(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Background> {
        let background = value.get_ref().as_str().and_then(Background::parse);
        if background.is_none() {
            self.report(
                value.span(),
                "background must be a color such as \"#00ff00\", or an HTTPS URL of an image",
            );
        }
        background
    }

    fn engine(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let is_name = |text: &&str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let engine = value.get_ref().as_str().filter(is_name);
        if engine.is_none() {
            self.report(value.span(), "engine must be a name such as \"avatar_iv\"");
        }
        engine.map(str::to_owned)
    }

    fn path(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let path = value.get_ref().as_str().filter(|path| is_inside(path) && !path.ends_with(['/', '\\']));
        if path.is_none() {
            self.report(value.span(), format!("{name} must be a path inside the repository"));
        }
        path.map(normalized)
    }

    fn non_empty(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = value.get_ref().as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.report(value.span(), format!("{name} must be a string that is not empty"));
        }
        text.map(str::to_owned)
    }

    /// Reads a script, which must be short enough and, if it is SSML, valid.
    fn script(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = self.non_empty(name, value)?;
        let length = Speech::new(&text, "").length();
        if length > MAX_SCRIPT {
            let message = format!("{name} has {length} characters; at most {MAX_SCRIPT} are allowed");
            self.report(value.span(), message);
        }
        if let Some(mistake) = ssml_mistake(&text).filter(|_| name == "ssml") {
            self.report(value.span(), format!("ssml is not valid: {mistake}"));
        }
        Some(text)
    }

    fn speed(&mut self, value: &Spanned<DeValue<'_>>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(_) | DeValue::Float(_) => {
                json(value.get_ref()).ok().and_then(|json| json.as_f64())
            }
            _ => None,
        };
        let number = number.filter(|number| SPEEDS.contains(number));
        if number.is_none() {
            self.report(value.span(), "speed must be a number from 0.5 to 2.0");
        }
        number
    }

    fn locale(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let is_part = |part: &str| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let is_language = |locale: &str| {
            let language = locale.split('-').next().unwrap_or_default();
            language.len() <= 3 && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let locale = value.get_ref().as_str();
        let locale = locale.filter(|locale| is_language(locale) && locale.split('-').all(is_part));
        if locale.is_none() {
            self.report(value.span(), "locale must be a language and a region, such as \"en-US\"");
        }
        locale.map(str::to_owned)
    }

    fn captions(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let path = self.path("captions", value)?;
        if CaptionFormat::of_path(&path).is_none() {
            self.report(value.span(), "captions must be a file with the extension .vtt or .srt");
            return None;
        }
        Some(path)
    }
}

/// Returns a path without `./` and repeated slashes.
fn normalized(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

/// Returns whether a file would be lost if media had its name: the lock file is written after the media is paid for.
fn is_reserved(path: &str) -> bool {
    let path = case_fold(path);
    [LOCK_FILE, CONFIG_FILE].contains(&path.as_str())
        || path.ends_with(".media/manifest.jsonl")
        || path.split('/').any(|part| part == ".git")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read::parse;
    use super::*;

    fn read(text: &str) -> Result<Vec<MediaEntry>, String> {
        let file = parse(text, Path::new("hyperframes-ci.toml"));
        file.map(|file| file.media).map_err(|error| error.to_string())
    }

    #[test]
    fn a_speech_is_read() {
        let text = "[[media]]\nfile = \"./a//voice.mp3\"\nscript = \"a.txt\"\nvoice = \"v\"\nspeed = 1.25\n\
            locale = \"en-GB\"\nwords = \"a/t.json\"\ncaptions = \"a/c.VTT\"\n";
        let entries = read(text).expect("valid");
        assert_eq!(
            entries,
            [MediaEntry {
                file: "a/voice.mp3".to_owned(),
                kind: MediaKind::Speech {
                    script: Script::File("a.txt".to_owned()),
                    voice: "v".to_owned(),
                    speed: 1.25,
                    locale: Some("en-GB".to_owned()),
                    words: Some("a/t.json".to_owned()),
                },
                captions: Some("a/c.VTT".to_owned()),
                store: MediaStore::Git,
                line: 1,
            }]
        );
    }

    #[test]
    fn clips_and_sounds_are_read() {
        let text = "[[media]]\nfile = \"s.mp3\"\nsound = \"s1\"\nquery = \"calm\"\n\
            [[media]]\nfile = \"c.WEBM\"\navatar = \"look\"\naudio = \"./s.mp3\"\nresolution = \"720p\"\n\
            aspect-ratio = \"9:16\"\nbackground = \"#00FF00\"\nengine = \"avatar_iv\"\ncaptions = \"c.srt\"\nstore = \"branch\"\n\
            [[media]]\nfile = \"d.mp4\"\navatar = \"look\"\ntext = \"Hello\"\nvoice = \"v\"\n";
        let entries = read(text).expect("valid");
        let [sound, clip, other] = entries.as_slice() else { unreachable!("three entries") };
        let kind = MediaKind::Sound { id: "s1".to_owned(), query: Some("calm".to_owned()) };
        assert_eq!((&sound.kind, sound.line), (&kind, 1));
        assert_eq!(
            serde_json::Value::Object(clip.to_json()),
            serde_json::json!({ "file": "c.WEBM", "avatar": "look", "audio": "s.mp3", "format": "webm", "resolution": "720p",
                "aspect-ratio": "9:16", "background": "#00ff00", "engine": "avatar_iv", "captions": "c.srt",
                "store": "branch" })
        );
        assert_eq!((clip.audio(), other.audio()), (Some("s.mp3"), None));
        assert!(matches!(&other.kind, MediaKind::Presenter(clip) if clip.format == ClipFormat::Mp4));
    }

    #[test]
    fn every_mistake_has_its_place() {
        let entry = "[[media]]\nfile = \"a.mp3\"\nvoice = \"v\"\n";
        let too_long = format!("text = \"{}\"", "é".repeat(5001));
        for (rest, message) in [
            ("", ":1:1: the entry has no script"),
            ("text = \"\"", ":4:8: text must be a string that is not empty"),
            (too_long.as_str(), ":4:8: text has 5001 characters; at most 5000 are allowed"),
            ("ssml = \"<speak>A\"", ":4:8: ssml is not valid: line 1: <speak> is not closed"),
            ("text = \"a\"\nssml = \"b\"", ":1:1: text, ssml and script cannot be used together"),
            ("text = \"a\"\nstore = \"s3\"", ":5:9: store must be one of git, branch, release, not \"s3\""),
            ("text = \"a\"\nspeed = 3", ":5:9: speed must be a number from 0.5 to 2.0"),
            ("text = \"a\"\nlocale = \"english\"", ":5:10: locale must be"),
            ("text = \"a\"\nvoise = \"v\"", ":5:1: unknown key \"voise\"; did you mean voice?"),
            ("script = \"../a.txt\"", ":4:10: script must be a path inside the repository"),
            ("text = \"a\"\nwords = \"a.mp3\"", ":1:1: \"a.mp3\" is written twice by this entry"),
            ("text = \"a\"\ncaptions = \"a.ass\"", ":5:12: captions must be a file with"),
            (
                "text = \"a\"\nwords = \"./hyperframes-ci.lock\"",
                ":1:1: \"hyperframes-ci.lock\" is a file of this program",
            ),
            ("text = \"a\"\nwords = \".git/hooks/pre-commit\"", "is a file of this program or of Git"),
            ("text = \"a\"\nwords = \"A.MP3\"", ":1:1: \"A.MP3\" is written twice by this entry"),
            ("script = \"a.mp3\"", ":1:1: the script \"a.mp3\" is generated by the entry on line 1"),
            (
                "text = \"a\"\n[[media]]\nfile = \"./a.mp3\"\nvoice = \"v\"\ntext = \"b\"",
                ":5:1: \"a.mp3\" is also written by the entry on line 1",
            ),
        ] {
            let error = read(&format!("{entry}{rest}")).expect_err(rest);
            assert!(error.contains(message), "{rest}\n{error}");
        }
        let clip = "[[media]]\nfile = \"b.mp4\"\navatar = \"a\"\n";
        let speech = format!("{entry}text = \"a\"\n");
        for (rest, message) in [
            ("", ":5:1: the presenter says nothing; add audio"),
            ("audio = \"a.mp3\"\nvoice = \"v\"", ":5:1: voice cannot be used with audio"),
            ("audio = \"a.mp3\"\ntext = \"b\"", ":5:1: audio, text and script cannot be used together"),
            ("audio = \"x.mp3\"", ":5:1: audio \"x.mp3\" is not the file of an entry"),
            ("audio = \"b.mp4\"", ":5:1: audio \"b.mp4\" is the file of the same entry"),
            (
                "audio = \"c.mp4\"\n[[media]]\nfile = \"c.mp4\"\navatar = \"a\"\naudio = \"b.mp4\"",
                ":5:1: audio \"c.mp4\" is the clip of the entry on line 9, not speech or a sound",
            ),
            ("text = \"b\"", ":5:1: the entry has no voice"),
            ("ssml = \"b\"", ":8:1: ssml cannot be used for a presenter"),
            ("script = \"b.ssml\"\nvoice = \"v\"", ":5:1: the script of a presenter cannot be SSML"),
            ("audio = \"a.mp3\"\nresolution = \"8k\"", ":9:14: resolution must be one of 720p, 1080p, 4k"),
            ("audio = \"a.mp3\"\naspect-ratio = \"4:3\"", ":9:16: aspect-ratio must be one of"),
            ("audio = \"a.mp3\"\nformat = \"webm\"", ":5:1: format webm does not match the extension"),
            ("audio = \"a.mp3\"\nbackground = \"red\"", ":9:14: background must be a color"),
            ("audio = \"a.mp3\"\nengine = \"IV\"", ":9:10: engine must be a name"),
            ("audio = \"a.mp3\"\nspeed = 1.0", ":9:1: speed cannot be used for a presenter"),
            ("audio = \"a.mp3\"\nsound = \"s\"", "cannot be used for a sound"),
            ("audio = \"a.mp3\"\navatars = \"a\"", ":9:1: unknown key \"avatars\"; did you mean avatar?"),
        ] {
            let error = read(&format!("{speech}{clip}{rest}")).expect_err(rest);
            assert!(error.contains(message), "{rest}\n{error}");
        }
        let error = read(&clip.replace("b.mp4", "b.mov")).expect_err("the extension");
        assert!(error.contains("must have the extension .mp4 or .webm"), "{error}");
        let error = read("[[media]]\nfile = \"s.mp3\"\nsound = \"s\"\nvoice = \"v\"").expect_err("a voice");
        assert!(error.contains(":4:1: voice cannot be used for a sound"), "{error}");
        let error = read("[[media]]\ntext = \"a\"").expect_err("incomplete");
        assert!(
            error.contains("the entry has no file") && error.contains("the entry has no voice"),
            "{error}"
        );
        assert!(read("[media]\nfile = \"a\"").expect_err("a table").contains("two brackets"));
    }
}
