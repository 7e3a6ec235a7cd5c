//! Media that HeyGen generates: what an entry asks for, its identity, and the lock file.

mod lock;
mod speech;
mod words;

pub use lock::{LOCK_FILE, Lock, LockError, LockMistake, LockedFile, LockedMedia};
pub use speech::{MAX_SCRIPT, MediaKey, SPEECH_USD_PER_SECOND, Speech};
pub use words::{CaptionFormat, Word, captions, words_json};
