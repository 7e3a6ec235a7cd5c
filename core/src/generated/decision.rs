//! What is to be done about a speech: the one place that decides whether it is paid for.

use serde::{Deserialize, Serialize};

/// How far a request for speech is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeechState {
    /// The request was sent, or is about to be. Without a later line, the speech may have been generated and billed.
    Submitted,
    /// The request was refused, or did not reach the API; nothing is billed.
    NotTaken,
    /// The speech was generated, and the answer received.
    Answered,
}

/// What is known about a speech that an entry asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpeechKnown {
    /// The files exist, and the lock file agrees with them and with the entry.
    pub is_current: bool,
    /// The script and the options are valid.
    pub is_valid: bool,
    /// A file exists that was not generated, or has changed since.
    pub has_foreign_files: bool,
    /// An earlier request was answered, and its files are not recorded yet.
    pub has_answer: bool,
    /// What the ledger says about the last request.
    pub state: Option<SpeechState>,
}

/// What the user permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpeechPermissions {
    /// Files that were not generated, or have changed since, may be replaced.
    pub can_overwrite: bool,
    /// A request whose answer was lost may be repeated.
    pub can_repeat: bool,
}

/// What is to be done about a speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeechAction {
    /// Nothing.
    Keep,
    /// The entry is invalid, which prevents every request of the run.
    Refuse,
    /// A file would be lost, which prevents every request of the run.
    Protect,
    /// Finish an earlier request, which is paid for.
    Finish,
    /// Leave it: the last request may have been billed, and its answer was lost.
    LeaveUnconfirmed,
    /// Request it.
    Request,
}

impl SpeechKnown {
    /// Returns what is to be done.
    #[must_use]
    pub fn action(self, permissions: SpeechPermissions) -> SpeechAction {
        match self {
            Self { is_valid: false, .. } => SpeechAction::Refuse,
            Self { is_current: true, .. } => SpeechAction::Keep,
            Self { has_foreign_files: true, .. } if !permissions.can_overwrite => SpeechAction::Protect,
            Self { has_answer: true, .. } => SpeechAction::Finish,
            Self { state: Some(SpeechState::Submitted), .. } if !permissions.can_repeat => {
                SpeechAction::LeaveUnconfirmed
            }
            _ => SpeechAction::Request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speech_is_requested_only_if_nothing_speaks_against_it() {
        let all = |index: u32| {
            let bit = |place: u32| index >> place & 1 == 1;
            let states = [
                None,
                Some(SpeechState::Submitted),
                Some(SpeechState::NotTaken),
                Some(SpeechState::Answered),
            ];
            let state = states[(index >> 6) as usize];
            let known = SpeechKnown {
                is_current: bit(0),
                is_valid: bit(1),
                has_foreign_files: bit(2),
                has_answer: bit(3),
                state,
            };
            (known, SpeechPermissions { can_overwrite: bit(4), can_repeat: bit(5) })
        };
        let mut requests = 0;
        for (known, permissions) in (0..256).map(all) {
            let action = known.action(permissions);
            let is_request = known.is_valid
                && !known.is_current
                && !known.has_answer
                && (!known.has_foreign_files || permissions.can_overwrite)
                && (known.state != Some(SpeechState::Submitted) || permissions.can_repeat);
            assert_eq!(action == SpeechAction::Request, is_request, "{known:?} {permissions:?}");
            if known.has_foreign_files && !permissions.can_overwrite {
                assert!(!matches!(action, SpeechAction::Finish | SpeechAction::Request), "{known:?}");
            }
            requests += u32::from(is_request);
        }
        assert!(requests > 0);
    }
}
