//! Options of all distributed renderers.

/// How a video is divided into chunks, which does not change the video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkOptions {
    /// Frames per chunk; the tooling's default if absent.
    pub(crate) size: Option<u32>,
    /// Maximum number of chunks; the tooling's default if absent.
    pub(crate) max_parallel: Option<u32>,
}

impl ChunkOptions {
    /// Maximum number of frames per chunk; source: the validation of the official tooling.
    pub(crate) const MAX_SIZE: u16 = 3600;

    /// Maximum number of chunks; source: the validation of the official tooling.
    pub(crate) const MAX_PARALLEL: u16 = 256;
}
