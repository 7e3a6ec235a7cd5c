//! Options of all distributed renderers.

/// How a video is divided into chunks, which changes its keyframes only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkOptions {
    /// Frames per chunk; the tooling's default if absent.
    pub(crate) size: Option<u32>,
    /// Frames that a chunk has at most, as long as there are not too many chunks.
    pub(crate) target: Option<u32>,
    /// Maximum number of chunks; the tooling's default if absent.
    pub(crate) max_parallel: Option<u32>,
}

impl ChunkOptions {
    /// Maximum number of frames per chunk; source: the validation of the official tooling.
    pub(crate) const MAX_SIZE: u16 = 3600;

    /// Maximum number of chunks; source: the validation of the official tooling.
    pub(crate) const MAX_PARALLEL: u16 = 256;
}
