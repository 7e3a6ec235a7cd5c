//! What is known about each entry.

use hyperframes_ci_core::generated::{LockedMedia, SpeechAction, SpeechKnown, SpeechPermissions, Wanted};
use hyperframes_ci_core::job::{RenderIdentity, RenderState};
use hyperframes_ci_core::report::plain;

use super::super::Declared;
use super::super::error::UNCONFIRMED;
use super::budget::Cost;
use crate::app::config::MediaEntry;
use crate::app::outcome::{GeneratedMedia, GenerationState, MediaState, MediaStatus};
use crate::renderers::{KeptAnswer, LedgerFile, MediaAnswers};

/// Help for a file that a store keeps.
const UNFETCHED: &str = "run `hyperframes-ci media fetch`; if the file is lost, remove its table from hyperframes-ci.lock to generate it again";

/// An entry and what is to be done about it.
pub(super) struct Task {
    pub(super) entry: MediaEntry,
    /// `None` if the entry is invalid.
    pub(super) wanted: Option<Wanted>,
    pub(super) status: MediaStatus,
    pub(super) answer: Option<KeptAnswer>,
    pub(super) action: SpeechAction,
    /// The file of an entry of this run that must be made first.
    pub(super) waits_for: Option<String>,
    /// A file that would be lost.
    foreign: Option<String>,
}

/// What earlier runs have left.
pub(super) type Earlier<'a> = Option<(&'a LedgerFile, &'a MediaAnswers)>;

/// Returns a task for every selected entry.
pub(super) fn tasks(declared: &Declared, earlier: Earlier<'_>, permissions: SpeechPermissions) -> Vec<Task> {
    declared.entries.iter().map(|entry| task(declared, entry, earlier, permissions)).collect()
}

/// Returns the task of an entry.
pub(super) fn task(
    declared: &Declared,
    entry: &MediaEntry,
    earlier: Earlier<'_>,
    permissions: SpeechPermissions,
) -> Task {
    let locked = declared.lock.media.get(&entry.file);
    let mut status = declared.status(entry);
    let mut wanted = declared.wanted(entry).ok().filter(|_| status.status != MediaState::Invalid);
    let source = declared.source(entry);
    let is_unfetched = |status: &MediaStatus| status.status == MediaState::NotFetched;
    if is_unfetched(&status) {
        // It is paid for, whatever the network says.
        status.help = Some(UNFETCHED);
        wanted = None;
    } else if let Some(source) =
        source.as_ref().filter(|source| is_unfetched(source) && status.status.is_due())
    {
        status.message = Some(format!("its audio {} was not fetched", plain(&source.file)));
        status.help = Some(UNFETCHED);
        wanted = None;
    }
    let waits_for = source.filter(|source| source.status.is_due()).map(|source| source.file);
    if let Some(source) = waits_for.as_ref()
        && !declared.entries.iter().any(|other| other.file == *source)
    {
        status.message = Some(format!("its audio {} is not current, and was not selected", plain(source)));
        status.help = Some("select its entry with --entry as well");
        wanted = None;
    }
    let is_waiting = status.status == MediaState::Waiting;
    if is_waiting && declared.is_selected {
        wanted = None;
    }
    let identity = status.identity.clone().unwrap_or_default();
    let is_current = status.status == MediaState::Current;
    let answer = earlier.and_then(|(_, answers)| answers.get(&identity));
    let answer = answer.filter(|answer| !(answer.is_expired && permissions.can_repeat));
    let foreign = foreign_file(declared, entry, locked, answer.as_ref());
    if let Some((_, answers)) = earlier.filter(|_| is_current && answer.is_some()) {
        answers.forget(&identity);
    }
    let is_submitted = waits_for.is_none()
        && earlier.is_some_and(|(ledger, _)| job(wanted.as_ref()).is_some_and(|job| is_paid(ledger, &job)));
    let known = SpeechKnown {
        // What waits for a render is left alone.
        is_current: is_current || is_waiting,
        // A file that cannot be read is foreign.
        is_valid: wanted.is_some(),
        has_foreign_files: foreign.is_some(),
        has_answer: is_submitted || answer.as_ref().is_some_and(KeptAnswer::is_paid),
        state: match &wanted {
            Some(Wanted::Speech(_)) => earlier.and_then(|(ledger, _)| ledger.speech(&identity)),
            _ => None,
        },
    };
    let action = known.action(permissions);
    Task { entry: entry.clone(), wanted, status, answer, action, waits_for, foreign }
}

/// Returns the identity of the job that makes a clip or a translation.
pub(super) fn job(wanted: Option<&Wanted>) -> Option<RenderIdentity> {
    wanted.and_then(Wanted::job_text).map(RenderIdentity::of_media)
}

/// Returns whether the ledger has a clip or a translation that is paid for.
fn is_paid(ledger: &LedgerFile, job: &RenderIdentity) -> bool {
    let known = ledger.render(&job.key(0));
    known.is_some_and(|known| matches!(known.state, RenderState::Submitted | RenderState::Completed))
}

/// Returns the first file of the entry that exists and was neither recorded nor about to be.
pub(super) fn foreign_file(
    declared: &Declared,
    entry: &MediaEntry,
    locked: Option<&LockedMedia>,
    answer: Option<&KeptAnswer>,
) -> Option<String> {
    let is_foreign = |path: &&str| {
        let found = match declared.digest(path) {
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

    /// Refuses it, which prevents every request of the run.
    pub(super) fn refuse(&mut self, message: String, help: &'static str) {
        (self.action, self.status.message, self.status.help) =
            (SpeechAction::Refuse, Some(message), Some(help));
    }

    /// Returns the media key, or nothing if it is not known yet.
    pub(super) fn identity(&self) -> &str {
        self.status.identity.as_deref().unwrap_or_default()
    }

    /// Returns the estimated cost.
    pub(super) fn estimate(&self) -> Cost {
        let seconds = match self.status.status.is_due() {
            // It takes into account that the audio will change.
            true => self.status.estimated_seconds,
            false => self.wanted.as_ref().map_or(0.0, Wanted::estimated_seconds),
        };
        let price = self.wanted.as_ref().map_or(0.0, Wanted::usd_per_second);
        Cost { seconds, usd: seconds * price }
    }

    /// Returns the result with `status`, and the estimate if it is to be requested.
    pub(super) fn result(&self, status: GenerationState) -> GeneratedMedia {
        let is_requested = self.action == SpeechAction::Request;
        let estimate = if is_requested { self.estimate() } else { Cost::default() };
        GeneratedMedia {
            file: self.entry.file.clone(),
            line: self.entry.line,
            kind: self.entry.kind.name(),
            store: self.entry.store.as_str(),
            status,
            code: status.code(),
            message: None,
            help: None,
            identity: self.status.identity.clone(),
            seconds: estimate.seconds,
            usd: estimate.usd,
            is_billed: false,
            http_status: None,
            exit: None,
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

    /// Returns the result of a task that is not run.
    pub(super) fn planned(&self) -> GeneratedMedia {
        match self.action {
            SpeechAction::Keep if self.status.status == MediaState::Waiting => GeneratedMedia {
                message: self.status.message.clone(),
                help: self.status.help.map(str::to_owned),
                ..self.result(GenerationState::Waiting)
            },
            SpeechAction::Keep => self.result(GenerationState::Current),
            SpeechAction::Finish | SpeechAction::Request => self.result(GenerationState::Planned),
            SpeechAction::LeaveUnconfirmed => self.unconfirmed(),
            SpeechAction::Refuse => GeneratedMedia {
                code: match self.status.status {
                    MediaState::NotFetched => self.status.code,
                    _ => MediaState::Invalid.code(),
                },
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
