//! What is known about each entry.

use hyperframes_ci_core::generated::{LockedMedia, Speech, SpeechAction, SpeechKnown, SpeechPermissions};
use hyperframes_ci_core::report::plain;

use super::super::error::UNCONFIRMED;
use super::super::{Declared, examine};
use crate::app::config::MediaEntry;
use crate::app::outcome::{GeneratedMedia, GenerationState, MediaState, MediaStatus};
use crate::renderers::{KeptAnswer, LedgerFile, SpeechAnswers};

/// An entry and what is to be done about it.
pub(super) struct Task {
    pub(super) entry: MediaEntry,
    /// `None` if the script is invalid.
    pub(super) speech: Option<Speech>,
    pub(super) status: MediaStatus,
    pub(super) answer: Option<KeptAnswer>,
    pub(super) action: SpeechAction,
    /// A file that would be lost.
    foreign: Option<String>,
}

/// Returns a task for every selected entry.
pub(super) fn tasks(
    declared: &Declared,
    earlier: Option<(&LedgerFile, &SpeechAnswers)>,
    permissions: SpeechPermissions,
) -> Vec<Task> {
    let task = |entry: &MediaEntry| {
        let (root, reach) = (declared.settings.root.as_path(), &declared.reach);
        let locked = declared.lock.media.get(&entry.file);
        let status = examine::status(entry, locked, root, reach);
        let speech = examine::speech(entry, root, reach).ok();
        let identity = status.identity.clone().unwrap_or_default();
        let is_current = status.status == MediaState::Current;
        let answer = earlier.and_then(|(_, answers)| answers.get(&identity));
        let answer = answer.filter(|answer| !(answer.is_expired && permissions.can_repeat));
        let foreign = foreign_file(declared, entry, locked, answer.as_ref());
        if let Some((_, answers)) = earlier.filter(|_| is_current && answer.is_some()) {
            answers.forget(&identity);
        }
        let known = SpeechKnown {
            is_current,
            // A file that cannot be read is foreign.
            is_valid: speech.is_some(),
            has_foreign_files: foreign.is_some(),
            has_answer: answer.is_some(),
            state: earlier.and_then(|(ledger, _)| ledger.speech(&identity)),
        };
        Task { entry: entry.clone(), speech, status, answer, action: known.action(permissions), foreign }
    };
    declared.entries.iter().map(task).collect()
}

/// Returns the first file of the entry that exists and was neither recorded nor about to be.
pub(super) fn foreign_file(
    declared: &Declared,
    entry: &MediaEntry,
    locked: Option<&LockedMedia>,
    answer: Option<&KeptAnswer>,
) -> Option<String> {
    let is_foreign = |path: &&str| {
        let found = match examine::digest(&declared.settings.root.join(path), &declared.reach) {
            Ok(None) => return false,
            Ok(found) => found,
            Err(_) => return true,
        };
        let recorded = locked.and_then(|locked| {
            let files = [&locked.words, &locked.captions].into_iter().flatten();
            let mut files =
                files.map(|file| (&file.path, &file.sha256)).chain([(&entry.file, &locked.sha256)]);
            files.find(|(known, _)| known.as_str() == *path).map(|(_, sha256)| sha256)
        });
        let intended = answer.and_then(|answer| answer.files.get(*path));
        ![recorded, intended].into_iter().flatten().any(|known| Some(known) == found.as_ref())
    };
    entry.outputs().find(is_foreign).map(str::to_owned)
}

impl Task {
    /// Returns whether it prevents every request.
    pub(super) fn is_blocked(&self) -> bool {
        matches!(self.action, SpeechAction::Refuse | SpeechAction::Protect)
    }

    /// Returns whether files are to be written.
    pub(super) fn is_due(&self) -> bool {
        matches!(self.action, SpeechAction::Request | SpeechAction::Finish)
    }

    /// Returns the estimated length in seconds.
    pub(super) fn estimated_seconds(&self) -> f64 {
        self.speech.as_ref().map_or(0.0, Speech::estimated_seconds)
    }

    /// Returns the result with `status`, and the estimate if it is to be requested.
    pub(super) fn result(&self, status: GenerationState) -> GeneratedMedia {
        let estimate = self.speech.as_ref().filter(|_| self.action == SpeechAction::Request);
        GeneratedMedia {
            file: self.entry.file.clone(),
            line: self.entry.line,
            status,
            code: status.code(),
            message: None,
            help: None,
            identity: self.status.identity.clone(),
            seconds: estimate.map_or(0.0, Speech::estimated_seconds),
            usd: estimate.map_or(0.0, Speech::estimated_usd),
            is_billed: false,
            http_status: None,
        }
    }

    /// Returns the result of an entry that may have been billed before.
    pub(super) fn unconfirmed(&self) -> GeneratedMedia {
        let message = "an earlier request was sent, and its answer was lost: it may have been billed";
        GeneratedMedia {
            message: Some(message.to_owned()),
            help: Some(UNCONFIRMED.to_owned()),
            ..self.result(GenerationState::Unconfirmed)
        }
    }

    fn planned(&self) -> GeneratedMedia {
        match self.action {
            SpeechAction::Keep => self.result(GenerationState::Current),
            SpeechAction::Finish | SpeechAction::Request => self.result(GenerationState::Planned),
            SpeechAction::LeaveUnconfirmed => self.unconfirmed(),
            SpeechAction::Refuse => GeneratedMedia {
                code: MediaState::Invalid.code(),
                message: self.status.message.clone(),
                help: self.status.help.map(str::to_owned),
                ..self.result(GenerationState::Blocked)
            },
            SpeechAction::Protect => {
                let path = self.foreign.as_deref().unwrap_or(&self.entry.file);
                let message = format!("{} was not generated, or has changed since", plain(path));
                let help =
                    "record the files with `hyperframes-ci media adopt`, or add --overwrite to replace them";
                GeneratedMedia {
                    message: Some(message),
                    help: Some(help.to_owned()),
                    ..self.result(GenerationState::Blocked)
                }
            }
        }
    }
}

/// Returns the results of tasks that were not run.
pub(super) fn planned(tasks: &[Task]) -> Vec<GeneratedMedia> {
    tasks.iter().map(Task::planned).collect()
}
