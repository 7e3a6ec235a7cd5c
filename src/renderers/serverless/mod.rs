//! What renderers have in common that render in an account of the user's, with a stack that official tooling has deployed
//! there: several machines render chunks of a video at the same time.
//!
//! The project is uploaded once, and executions are started and followed by child processes with the official SDK. An
//! execution has the render key as its name, and a name is started once, so an existing render is found by its name without
//! a ledger. A platform implements [`Stack`]; the run itself, its messages and the process that follows executions are here.
//!
//! The tooling runs on the packed archive, unpacked to a temporary directory, and is installed to the cache of this tool:
//! nothing that is installed in a checkout is run.

mod error;
mod follower;
mod options;
mod platform;
mod request;
mod run;
mod session;
mod size;
mod stack;
mod state;
mod tooling;

pub(crate) use error::ServerlessError;
pub(super) use follower::Follower;
pub(crate) use options::ChunkOptions;
pub(super) use platform::{Account, Platform};
pub(super) use request::check_request;
pub(super) use session::{Preparation, StackSession};
pub(super) use size::{Unscalable, preset};
pub(super) use stack::{Stack, Start, Started, video_key};
pub(super) use state::{is_name, state_folders};
pub(super) use tooling::{FOLLOW, Packages, RETRY_PAUSE, Tooling, millis};
