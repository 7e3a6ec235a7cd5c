//! The file of events that were received, one JSON object per line.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::WebhookError;
use super::verify::Verified;
use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;
use crate::system::file;
use crate::system::gate::{self, Access, Folder, Reach, limit};

/// Maximum time to wait for another process that checks an event.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The path of the file.
#[derive(Clone, Debug)]
pub(crate) struct SeenFile {
    path: PathBuf,
    /// With links resolved.
    resolved: PathBuf,
}

/// The events, as long as no other process may add one.
pub(crate) struct Seen<'a> {
    path: &'a Path,
    file: File,
    events: Vec<SeenEvent>,
    /// Whether the last line has no end, because a process was killed.
    is_torn: bool,
}

#[derive(Serialize, Deserialize)]
struct SeenEvent {
    event_id: Option<String>,
    body_sha256: String,
    /// When it was received, in seconds since 1970.
    received_at: i64,
}

impl SeenFile {
    /// Returns the file at `path`, which may not exist yet.
    ///
    /// # Errors
    /// Returns [`WebhookError::Seen`] if the path leads out of `reach`.
    pub(crate) fn new(path: &Path, reach: &Reach) -> Result<Self, WebhookError> {
        let resolved = reach.resolve(path).map_err(|error| WebhookError::Seen(path.to_owned(), error))?;
        Ok(Self { path: path.to_owned(), resolved })
    }

    /// Reads the events, and keeps other processes from adding one until the result is dropped.
    ///
    /// # Errors
    /// Returns [`WebhookError::Seen`] if the file cannot be written, is locked for long, or has other contents.
    pub(crate) fn lock(&self) -> Result<Seen<'_>, WebhookError> {
        self.open().map_err(|error| WebhookError::Seen(self.path.clone(), error))
    }

    /// Records a webhook.
    ///
    /// # Errors
    /// As [`Self::lock`], and [`WebhookError::Repeated`] if it was recorded before.
    pub(crate) fn accept(&self, verified: &Verified) -> Result<(), WebhookError> {
        self.lock()?.check(verified)?.record(verified)
    }

    fn open(&self) -> io::Result<Seen<'_>> {
        let folder = Folder::of(self.resolved.parent().unwrap_or(Path::new("")))?;
        let name = self.resolved.file_name().unwrap_or_default();
        let file = gate::regular(folder.file(name, Access::Append)?)?;
        file::lock(&file, Deadline::after(LOCK_TIMEOUT))?;
        let mut text = String::new();
        (&file).take(limit::LINES).read_to_string(&mut text)?;
        let other = || io::Error::new(io::ErrorKind::InvalidData, "the file has other contents than events");
        let (complete, last) = text.rsplit_once('\n').unwrap_or(("", &text));
        let events = complete.lines().map(serde_json::from_str).collect::<Result<Vec<SeenEvent>, _>>();
        let mut events = events.map_err(|_| other())?;
        let mut is_torn = false;
        match serde_json::from_str(last) {
            _ if last.is_empty() => {}
            Ok(event) => {
                events.push(event);
                is_torn = true;
            }
            Err(_) if events.is_empty() => return Err(other()),
            // The process that was killed has not accepted this event.
            Err(_) => file.set_len((text.len() - last.len()) as u64)?,
        }
        Ok(Seen { path: &self.path, file, events, is_torn })
    }
}

impl Seen<'_> {
    /// Returns the events if they do not contain this one.
    ///
    /// # Errors
    /// Returns [`WebhookError::Repeated`] if they contain its ID or its body.
    pub(crate) fn check(self, verified: &Verified) -> Result<Self, WebhookError> {
        let is_same = |seen: &SeenEvent| {
            seen.body_sha256 == verified.digest || seen.event_id.is_some() && seen.event_id == verified.id
        };
        match self.events.iter().find(|seen| is_same(seen)) {
            None => Ok(self),
            Some(_) => {
                let id = verified.id.as_deref().unwrap_or(&verified.digest);
                Err(WebhookError::Repeated(id.to_owned()))
            }
        }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// Returns [`WebhookError::Seen`] if it cannot be written.
    pub(crate) fn record(mut self, verified: &Verified) -> Result<(), WebhookError> {
        let event = SeenEvent {
            event_id: verified.id.clone(),
            body_sha256: verified.digest.clone(),
            received_at: unix_now(),
        };
        let line = serde_json::to_string(&event).map_err(io::Error::other);
        let start = if self.is_torn { "\n" } else { "" };
        let written = line.and_then(|line| self.file.write_all(format!("{start}{line}\n").as_bytes()));
        written.map_err(|error| WebhookError::Seen(self.path.to_owned(), error))
    }
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::api::WebhookEvent;

    use super::*;

    fn verified(id: Option<&str>, digest: &str) -> Verified {
        Verified {
            event: WebhookEvent::parse(br#"{"event_type":"x"}"#).expect("an event"),
            id: id.map(str::to_owned),
            timestamp: 0,
            digest: digest.to_owned(),
        }
    }

    fn accept(path: &Path, id: Option<&str>, digest: &str) -> Result<(), WebhookError> {
        let verified = verified(id, digest);
        SeenFile::new(path, &Reach::anywhere())?.accept(&verified)
    }

    #[test]
    fn an_event_is_recognized_by_its_id_or_its_body() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("seen.jsonl");
        accept(&path, Some("a"), "1").expect("new");
        accept(&path, None, "2").expect("new");
        for (id, digest) in [(Some("a"), "3"), (Some("b"), "1"), (None, "2")] {
            assert!(matches!(accept(&path, id, digest), Err(WebhookError::Repeated(_))), "{id:?} {digest}");
        }
        // Processes that were killed have written less than a line.
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, &text[..text.len() - 1]).expect("written");
        assert!(matches!(accept(&path, None, "2"), Err(WebhookError::Repeated(_))));
        accept(&path, None, "3").expect("new");
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, &text[..text.len() - 3]).expect("written");
        accept(&path, None, "3").expect("it was not accepted before");
        assert_eq!(std::fs::read_to_string(&path).expect("text").lines().count(), 3);
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        for text in ["important", "important\n", "{}\n"] {
            std::fs::write(&path, text).expect("written");
            assert!(matches!(accept(&path, Some("a"), "1"), Err(WebhookError::Seen(..))), "{text}");
            assert_eq!(std::fs::read_to_string(&path).expect("text"), text);
        }
    }
}
