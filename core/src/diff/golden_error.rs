//! What golden files may be.

use std::fmt;

/// The version of the format. The first one has no frequencies of sounds, and nothing about the display; it is read, too.
pub(super) const VERSION: u32 = 2;
pub(super) const FIRST_VERSION: u32 = 1;

/// The largest size of the numbers of a file in bytes, uncompressed: 40 minutes of 1080p.
pub(super) const MAX_SIZE: u64 = 1024 * 1024 * 1024;

/// Why a golden file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoldenError {
    /// Not a golden file.
    NotGolden,
    /// Of a version that this program does not know.
    Newer(u32),
    /// Incomplete or changed.
    Damaged,
    /// Of a video that is too large or too long.
    TooLarge,
}

impl fmt::Display for GoldenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGolden => f.write_str("not a golden file"),
            Self::Newer(version) => {
                write!(f, "the golden file has version {version}, and this program reads version {VERSION}")
            }
            Self::Damaged => f.write_str("the golden file is damaged"),
            Self::TooLarge => f.write_str("the video is too long for a golden file"),
        }
    }
}

impl std::error::Error for GoldenError {}
