//! The properties of a rendered video, read from its headers: MP4, QuickTime, WebM, GIF and HLS, without a decoder.
//!
//! Only the boxes and elements with these properties are read; all others are skipped by their size. The time to read a
//! malicious file is bounded: no count or size may exceed the length of the file.

mod ebml;
mod expect;
mod fragments;
mod gif;
mod input;
mod model;
mod mp4;
mod placement;
mod playlist;
mod read;
mod signature;
mod webm;

pub use expect::Expected;
pub use model::{Audio, Container, Video, VideoError};
pub use placement::Placement;
pub use playlist::{Playlist, PlaylistError, sound_of_segment};
pub(crate) use read::tracks;
pub use read::{check_complete, check_whole, sound};
pub use signature::{Signature, is_gif, signature};
