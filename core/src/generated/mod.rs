//! Media that HeyGen generates: what an entry asks for, its identity, and the lock file.

mod audio;
mod decision;
mod lock;
mod prices;
mod reply;
mod speech;
mod words;

pub use audio::AudioFormat;
pub use decision::{SpeechAction, SpeechKnown, SpeechPermissions, SpeechState};
pub use lock::{LOCK_FILE, Lock, LockError, LockMistake, LockedFile, LockedMedia};
pub use reply::{SpeechAnswer, SpeechReply};
pub use prices::{
    PRECISE_TRANSLATION_USD_PER_SECOND, PRESENTER_USD_PER_SECOND, SPEECH_USD_PER_SECOND,
    TRANSLATION_USD_PER_SECOND,
};
pub use speech::{MAX_SCRIPT, MediaKey, Speech};
pub use words::{CaptionFormat, Word, captions, words_json};
