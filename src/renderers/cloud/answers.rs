//! What was paid for, kept beside the ledger until its files are recorded: answers to requests for speech, which the API returns
//! only once, and clips that were downloaded.
//!
//! Each is a file that only this user can read, since its URL is presigned. It is replaced at once, so that a kill leaves the old one
//! or the new one.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::generated::SpeechAnswer;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ledger::LedgerError;
use crate::system::deadline::Deadline;
use crate::system::file;
use crate::system::temporary;

/// Maximum time to wait for another process that generates media with the same ledger.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// What is kept of generated media, and the files that were made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    /// The answer to a request for speech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) speech: Option<SpeechAnswer>,
    /// A clip that was downloaded; see [`MediaAnswers::clip`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clip: Option<KeptClip>,
    /// SHA-256 of the files that were about to be written, by their paths.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Whether the storage refused the URL, which has probably expired.
    #[serde(default)]
    pub(crate) is_expired: bool,
}

impl KeptAnswer {
    /// Returns whether it has what its files are made of.
    pub(crate) fn is_paid(&self) -> bool {
        self.speech.is_some() || self.clip.is_some()
    }
}

/// A clip that was downloaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptClip {
    /// The API's ID.
    pub(crate) video_id: String,
    /// Length in seconds.
    pub(crate) duration: Option<f64>,
    /// The captions, in the form of SubRip.
    pub(crate) captions: Option<String>,
}

/// The answers of one API. While it is open, no other process generates media with the same ledger.
#[derive(Debug)]
pub(crate) struct MediaAnswers {
    folder: PathBuf,
    /// Distinguishes APIs.
    api: String,
    _lock: fs::File,
}

impl MediaAnswers {
    /// Opens the answers beside a ledger.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be written, or another process keeps it for longer than 30 s.
    pub(crate) fn open(ledger: &Path, api: &str) -> Result<Self, LedgerError> {
        let folder = ledger.with_extension("media");
        let open = || {
            fs::create_dir_all(&folder)?;
            let mut options = OpenOptions::new();
            let lock = file::open(&folder.join("lock"), options.write(true).create(true))?;
            file::lock(&lock, Deadline::after(LOCK_TIMEOUT))?;
            Ok(lock)
        };
        let lock = open().map_err(|error| LedgerError::new(&folder, error))?;
        let api = hex(&Sha256::digest(api))[..8].to_owned();
        Ok(Self { folder, api, _lock: lock })
    }

    /// Returns the answer to the request with this media key. One that cannot be read is none, and a clip without its file
    /// is fetched again.
    pub(crate) fn get(&self, identity: &str) -> Option<KeptAnswer> {
        let text = file::read_to_string(&self.path(identity)).ok()?;
        let kept: KeptAnswer = serde_json::from_str(&text).ok()?;
        let clip = kept.clip.filter(|_| self.clip(identity).is_file());
        Some(KeptAnswer { clip, ..kept })
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(crate) fn keep(&self, identity: &str, answer: &KeptAnswer) -> io::Result<()> {
        let mut part = temporary::create(&self.folder, ".answer-", ".part")?.file;
        part.write_all(serde_json::to_string(answer)?.as_bytes())?;
        part.as_file().sync_all()?;
        part.persist(self.path(identity)).map(|_| ()).map_err(|error| error.error)
    }

    /// Deletes an answer whose files are recorded, with its clip.
    pub(crate) fn forget(&self, identity: &str) {
        // One that stays is ignored while the files are current.
        let _ = fs::remove_file(self.path(identity));
        let _ = fs::remove_file(self.clip(identity));
    }

    /// Returns the path of the clip with this media key.
    pub(crate) fn clip(&self, identity: &str) -> PathBuf {
        self.path(identity).with_extension("clip")
    }

    fn path(&self, identity: &str) -> PathBuf {
        self.folder.join(format!("{identity}-{}.json", self.api))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_its_api_until_it_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.jsonl");
        let answer = KeptAnswer {
            speech: Some(SpeechAnswer {
                audio_url: "https://x.example/a?sig=s".to_owned(),
                duration: Some(1.5),
                request_id: None,
                words: None,
            }),
            clip: None,
            files: BTreeMap::from([("a.mp3".to_owned(), "00".to_owned())]),
            is_expired: true,
        };
        let answers = MediaAnswers::open(&ledger, "one").expect("opened");
        answers.keep("hfcm_0", &answer).expect("kept");
        answers.keep("hfcm_0", &answer).expect("kept again");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(answers.path("hfcm_0")).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(answers);
        assert_eq!(MediaAnswers::open(&ledger, "two").expect("opened").get("hfcm_0"), None);
        let answers = MediaAnswers::open(&ledger, "one").expect("opened");
        assert_eq!(answers.get("hfcm_0"), Some(answer));
        answers.forget("hfcm_0");
        assert_eq!(answers.get("hfcm_0"), None);
        let clip = KeptClip { video_id: "v1".to_owned(), duration: None, captions: None };
        let kept = KeptAnswer { clip: Some(clip), ..KeptAnswer::default() };
        answers.keep("hfcm_1", &kept).expect("kept");
        assert_eq!(answers.get("hfcm_1"), Some(KeptAnswer::default()), "without its file");
        fs::write(answers.clip("hfcm_1"), "clip").expect("written");
        assert_eq!(answers.get("hfcm_1"), Some(kept));
        answers.forget("hfcm_1");
        assert!(!answers.clip("hfcm_1").exists());
    }
}
