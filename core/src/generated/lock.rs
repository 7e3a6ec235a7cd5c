//! The lock file: what was generated for each file.
//!
//! It is TOML of one form, so that no parser of TOML is needed in the WebAssembly module: `version = 1`, then one table
//! for each file, sorted, with one key on each line. Values are strings and numbers in the form of JSON.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde_json::Value;

/// Name of the lock file, at the root of the repository.
pub const LOCK_FILE: &str = "hyperframes-ci.lock";

/// The version that this program reads and writes.
const VERSION: u64 = 1;

const HEADER: &str = "# Written by `hyperframes-ci media`. Do not edit; commit this file.\n";

/// Starts of lines that Git leaves in a file with merge conflicts.
const CONFLICTS: &[&str] = &["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// A lock file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// Generated media by the path of the file from the root of the repository, with `/`.
    pub media: BTreeMap<String, LockedMedia>,
}

/// A file that belongs to generated media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedFile {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// SHA-256 of its contents, in lowercase hexadecimal.
    pub sha256: String,
}

/// What was generated for a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LockedMedia {
    /// The key of the request; see [`MediaKey`](super::MediaKey).
    pub identity: String,
    /// SHA-256 of the file, in lowercase hexadecimal.
    pub sha256: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Length in seconds.
    pub duration: Option<f64>,
    /// The words file.
    pub words: Option<LockedFile>,
    /// The captions.
    pub captions: Option<LockedFile>,
    /// The API's ID of the request.
    pub request_id: Option<String>,
    /// The API's ID of the presenter clip.
    pub video_id: Option<String>,
    /// When it was generated, in the form of RFC 3339.
    pub created: Option<String>,
    /// Price in US dollars.
    pub cost_usd: Option<f64>,
    /// Keys of later versions of the program, which are kept.
    pub other: BTreeMap<String, Value>,
}

/// An invalid lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub mistake: LockMistake,
}

/// What is wrong with a lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockMistake {
    /// It contains the markers of a merge conflict.
    Conflict,
    /// It was written by a later version of the program.
    Newer(u64),
    /// Two tables are about one file.
    Duplicate(String),
    /// A key that every table has is missing.
    Missing(&'static str),
    /// The line is not in the form of the file.
    Invalid,
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mistake {
            LockMistake::Conflict => f.write_str("the file contains merge conflict markers"),
            LockMistake::Newer(version) => write!(f, "version {version} is newer than this program supports"),
            LockMistake::Duplicate(path) => write!(f, "duplicate table for {path:?}"),
            LockMistake::Missing(key) => write!(f, "the table has no {key}"),
            LockMistake::Invalid => f.write_str("the line is invalid"),
        }
    }
}

impl std::error::Error for LockError {}

impl LockError {
    /// Returns what the user can do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self.mistake {
            LockMistake::Conflict => "keep the tables of both sides, and remove the lines with markers",
            LockMistake::Newer(_) => "update hyperframes-ci",
            LockMistake::Duplicate(_) => "keep the table that belongs to the committed file",
            LockMistake::Missing(_) | LockMistake::Invalid => {
                "restore the file with `git checkout hyperframes-ci.lock`"
            }
        }
    }
}

impl Lock {
    /// Parses a lock file; an empty one is valid.
    ///
    /// # Errors
    /// Returns the first [`LockError`].
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let at = |index: usize, mistake| LockError { line: index + 1, mistake };
        // Before anything else: a conflict may hide the version or repeat a table.
        let lines = || text.lines().map(str::trim).enumerate();
        let is_marker = |line: &str| CONFLICTS.iter().any(|marker| line.starts_with(marker));
        if let Some((index, _)) = lines().find(|(_, line)| is_marker(line)) {
            return Err(at(index, LockMistake::Conflict));
        }
        let mut lock = Self::default();
        let mut table: Option<(usize, String, LockedMedia)> = None;
        let mut has_version = false;
        for (index, line) in lines().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let invalid = || at(index, LockMistake::Invalid);
            if let Some(header) = line.strip_prefix("[file.") {
                lock.add(table.take())?;
                let path = header.strip_suffix(']').ok_or_else(invalid)?;
                let path = serde_json::from_str::<String>(path).map_err(|_| invalid())?;
                table = Some((index, path, LockedMedia::default()));
                continue;
            }
            let (key, value) = line.split_once('=').ok_or_else(invalid)?;
            let value = serde_json::from_str::<Value>(value.trim()).map_err(|_| invalid())?;
            match (&mut table, key.trim()) {
                (None, "version") => match value.as_u64() {
                    Some(VERSION) => has_version = true,
                    Some(version) if version > VERSION => return Err(at(index, LockMistake::Newer(version))),
                    _ => return Err(invalid()),
                },
                (Some((_, _, media)), key) if has_version => media.set(key, value).ok_or_else(invalid)?,
                _ => return Err(invalid()),
            }
        }
        lock.add(table)?;
        Ok(lock)
    }

    fn add(&mut self, table: Option<(usize, String, LockedMedia)>) -> Result<(), LockError> {
        let Some((index, path, media)) = table else { return Ok(()) };
        let mistake = match self.media.entry(path) {
            _ if media.identity.is_empty() => LockMistake::Missing("identity"),
            _ if media.sha256.is_empty() => LockMistake::Missing("sha256"),
            Entry::Occupied(other) => LockMistake::Duplicate(other.key().clone()),
            Entry::Vacant(place) => {
                place.insert(media);
                return Ok(());
            }
        };
        Err(LockError { line: index + 1, mistake })
    }
}

impl LockedMedia {
    /// Sets a key; returns `None` if the value has the wrong type.
    fn set(&mut self, key: &str, value: Value) -> Option<()> {
        let text = || value.as_str().map(str::to_owned);
        match key {
            "identity" => self.identity = text()?,
            "sha256" => self.sha256 = text()?,
            "bytes" => self.bytes = value.as_u64()?,
            "duration" => self.duration = Some(value.as_f64().filter(|seconds| is_amount(*seconds))?),
            "words" => self.words.get_or_insert_default().path = text()?,
            "words-sha256" => self.words.get_or_insert_default().sha256 = text()?,
            "captions" => self.captions.get_or_insert_default().path = text()?,
            "captions-sha256" => self.captions.get_or_insert_default().sha256 = text()?,
            "request-id" => self.request_id = Some(text()?),
            "video-id" => self.video_id = Some(text()?),
            "created" => self.created = Some(text()?),
            "cost-usd" => self.cost_usd = Some(value.as_f64()?),
            _ if value.is_string() || value.is_number() || value.is_boolean() => {
                self.other.insert(key.to_owned(), value);
            }
            _ => return None,
        }
        Some(())
    }

    /// Returns keys and values in the order of the file.
    fn lines(&self) -> Vec<(&str, Value)> {
        let file = |file: &Option<LockedFile>| file.clone().map(|file| (file.path, file.sha256)).unzip();
        let amount = |number: Option<f64>| number.filter(|number| is_amount(*number)).map(Value::from);
        let (words, words_sha256) = file(&self.words);
        let (captions, captions_sha256) = file(&self.captions);
        let optional = [
            // Headers and the API may tell any length, and this file has only those that it can be read with.
            ("duration", amount(self.duration)),
            ("words", words.map(Value::from)),
            ("words-sha256", words_sha256.map(Value::from)),
            ("captions", captions.map(Value::from)),
            ("captions-sha256", captions_sha256.map(Value::from)),
            ("request-id", self.request_id.clone().map(Value::from)),
            ("video-id", self.video_id.clone().map(Value::from)),
            ("created", self.created.clone().map(Value::from)),
            ("cost-usd", amount(self.cost_usd)),
        ];
        let mut lines: Vec<(&str, Value)> = vec![
            ("identity", self.identity.clone().into()),
            ("sha256", self.sha256.clone().into()),
            ("bytes", self.bytes.into()),
        ];
        lines.extend(optional.into_iter().filter_map(|(key, value)| Some((key, value?))));
        lines.extend(self.other.iter().map(|(key, value)| (key.as_str(), value.clone())));
        lines
    }
}

/// Formats the file.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}version = {VERSION}")?;
        for (path, media) in &self.media {
            writeln!(f, "\n[file.{}]", toml(&path.as_str().into()))?;
            for (key, value) in media.lines() {
                writeln!(f, "{key} = {}", toml(&value))?;
            }
        }
        Ok(())
    }
}

/// Returns whether a number can be a length in seconds or a price: values of variables and estimates are made of lengths.
fn is_amount(seconds: f64) -> bool {
    (0.0..=1e9).contains(&seconds)
}

/// Returns a string or number as TOML: as JSON, but for the one control character that JSON does not escape.
fn toml(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match character {
            '\u{7f}' => text.push_str("\\u007f"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn media() -> LockedMedia {
        LockedMedia {
            identity: "hfcm_0".to_owned(),
            sha256: "00".to_owned(),
            bytes: 7,
            ..LockedMedia::default()
        }
    }

    fn error(text: &str) -> (usize, LockMistake) {
        let error = Lock::parse(text).expect_err(text);
        (error.line, error.mistake)
    }

    #[test]
    fn the_file_is_sorted_and_has_one_table_for_each_file() {
        let words = Some(LockedFile { path: "w.json".to_owned(), sha256: "11".to_owned() });
        let full = LockedMedia { words, duration: Some(1.5), cost_usd: Some(0.0005), ..media() };
        let lock =
            Lock { media: BTreeMap::from([("b.mp3".to_owned(), media()), ("a.mp3".to_owned(), full)]) };
        assert_eq!(
            lock.to_string(),
            "# Written by `hyperframes-ci media`. Do not edit; commit this file.\nversion = 1\n\n\
             [file.\"a.mp3\"]\nidentity = \"hfcm_0\"\nsha256 = \"00\"\nbytes = 7\nduration = 1.5\n\
             words = \"w.json\"\nwords-sha256 = \"11\"\ncost-usd = 0.0005\n\n\
             [file.\"b.mp3\"]\nidentity = \"hfcm_0\"\nsha256 = \"00\"\nbytes = 7\n"
        );
        assert_eq!(Lock::parse(&lock.to_string().replace('\n', "\r\n")), Ok(lock));
        for odd in [f64::INFINITY, f64::NAN, -1.0] {
            let media = LockedMedia { duration: Some(odd), cost_usd: Some(odd), ..media() };
            let text = Lock { media: BTreeMap::from([("a".to_owned(), media)]) }.to_string();
            assert!(Lock::parse(&text).is_ok_and(|lock| lock.media["a"].duration.is_none()), "{text}");
        }
    }

    #[test]
    fn mistakes_have_their_lines() {
        let table = "[file.\"a\"]\nidentity = \"x\"\nsha256 = \"y\"\n";
        assert_eq!(Lock::parse(""), Ok(Lock::default()));
        assert_eq!(error("version = 2\n"), (1, LockMistake::Newer(2)));
        assert_eq!(
            error(&format!("version = 1\n{table}{table}")),
            (5, LockMistake::Duplicate("a".to_owned()))
        );
        assert_eq!(error("version = 1\n<<<<<<< HEAD\n"), (2, LockMistake::Conflict));
        assert_eq!(
            error("version = 1\n[file.\"a\"]\nidentity = \"x\"\n"),
            (2, LockMistake::Missing("sha256"))
        );
        assert_eq!(error("version = 1\n[file.\"a\"]\nbytes = -1\n"), (3, LockMistake::Invalid));
        for duration in ["-5", "1e300", "\"1\"", "null"] {
            let text = format!("version = 1\n[file.\"a\"]\nduration = {duration}\n");
            assert_eq!(error(&text), (3, LockMistake::Invalid), "{duration}");
        }
        assert_eq!(error(table), (2, LockMistake::Invalid));
        assert_eq!(error("version = 1\nx\n"), (2, LockMistake::Invalid));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(path in "\\PC{0,8}|[\\x00-\\x7f]{0,4}", id in ".{0,6}", bytes in any::<u64>(), cost in 0.0..1e6_f64) {
            let other = BTreeMap::from([("later-key".to_owned(), Value::from("x"))]);
            let full = LockedMedia { bytes, request_id: Some(id), cost_usd: Some(cost), other, ..media() };
            let lock = Lock { media: BTreeMap::from([(path, full)]) };
            prop_assert_eq!(Lock::parse(&lock.to_string()), Ok(lock));
        }

        #[test]
        fn no_text_is_a_panic(text in "(version = 1\n)?(\\PC{0,10}\n|\\[file\\.\"a\"\\]\n|[a-z]{1,4} = [0-9\"]{0,3}\n){0,6}") {
            let _ = Lock::parse(&text);
        }
    }
}
