//! What the official engine must not be asked to read: references that leave the unpacked project, addresses that are
//! not public, and media files that refer to other files.
//!
//! The engine copies every file that a reference names outside of the project, fetches scripts without the rules that
//! bind a browser, and lets FFmpeg decide by content what a file is. So a project is inspected before the engine starts,
//! and no configuration allows what is found.
//!
//! There are two readings of a text. [`references`] reads it as a browser does, and decides by the text alone.
//! [`suspects`] takes everything that any parser could take for a path; since most of it is harmless, it is refused only
//! if it names an existing file outside of the project.

mod host;
mod media;
mod path;
mod reference;
mod suspect;

pub use host::{is_public, is_public_address};
pub use media::{MEDIA_HEAD, refers_to_files};
pub use reference::{Reason, Refusal, references};
pub use suspect::{Suspect, suspects};
