//! Media that HeyGen generates: what an entry asks for, its identity, and the lock file.

mod audio;
mod decision;
mod key;
mod lock;
mod presenter;
mod prices;
mod reply;
mod speech;
mod ssml;
mod store;
mod translation;
mod wanted;
mod words;

pub use audio::AudioFormat;
pub use decision::{SpeechAction, SpeechKnown, SpeechPermissions, SpeechState};
pub use key::MediaKey;
pub use lock::{LOCK_FILE, Lock, LockError, LockMistake, LockedFile, LockedMedia};
pub use presenter::{
    Background, ClipFormat, ClipResolution, ClipShape, MAX_AUDIO, Presenter, PresenterVoice,
};
pub use prices::{
    PRECISE_TRANSLATION_USD_PER_SECOND, PRESENTER_USD_PER_SECOND, SPEECH_USD_PER_SECOND,
    TRANSLATION_USD_PER_SECOND,
};
pub use reply::{SpeechAnswer, SpeechReply};
pub use speech::{MAX_SCRIPT, Speech};
pub use ssml::ssml_mistake;
pub use store::{
    MediaStore, PREVIEW_MESSAGE, STORE_FOLDER, STORE_TAG, is_preview_branch, is_stored_name, stored_name,
};
pub use translation::{Translation, TranslationMode};
pub use wanted::{SoundChoice, Wanted};
pub use words::{CaptionFormat, Word, captions, captions_of_srt, words_json};
