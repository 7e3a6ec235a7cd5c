//! The engine of a command: found once for all of its renders.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Engine, Processes};
use crate::system::sandbox::SandboxOptions;

/// The engine that the renders of a command on this machine have in common, with its processes. Clones are the same engine;
/// the processes end when the last one is dropped.
#[derive(Clone, Default)]
pub(crate) struct SharedEngine(Arc<Mutex<Vec<Found>>>);

/// The processes of an engine, and the options of its sandbox.
type Found = (SandboxOptions, Arc<Processes>);

impl SharedEngine {
    /// Returns the processes for these options of the sandbox; `find` is called if there are none.
    ///
    /// # Errors
    /// Returns an error of `find`.
    pub(crate) fn get<E>(
        &self,
        options: SandboxOptions,
        find: impl FnOnce() -> Result<Engine, E>,
    ) -> Result<Arc<Processes>, E> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, processes)) = found.iter().find(|(of, _)| *of == options) {
            return Ok(Arc::clone(processes));
        }
        let processes = Arc::new(Processes::new(find()?));
        found.push((options, Arc::clone(&processes)));
        Ok(processes)
    }
}

impl fmt::Debug for SharedEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedEngine")
    }
}

/// Which engine they share makes no difference between options.
impl PartialEq for SharedEngine {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
