//! What renderers have in common that render in an account of the user's, with a stack that official tooling has deployed
//! there: several machines render chunks of a video at the same time.

mod options;
mod size;

pub(crate) use options::ChunkOptions;
pub(super) use size::{Unscalable, preset};
