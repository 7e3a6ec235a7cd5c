//! The properties of a rendered video, read from its headers: MP4, QuickTime and WebM, without a decoder.
//!
//! Only boxes and elements that say something are read; everything else is passed over by its size. Hostile bytes cost
//! no more than what they are: every count and every size is bounded by the length of the file.

mod ebml;
mod expect;
mod fragments;
mod input;
mod model;
mod mp4;
mod read;
mod signature;
mod webm;

pub use expect::Expected;
pub use model::{Audio, Container, Video, VideoError};
pub use read::{check_complete, check_whole};
pub use signature::{Signature, signature};
