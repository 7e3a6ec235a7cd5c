//! Ctrl-C and SIGTERM: end child processes, delete temporary files, say how to go on, exit 130 or 143.
//!
//! The handler runs on a thread of its own and ends the process from there, so that no blocking read can hold
//! it up. Destructors do not run then; whatever must not outlive the process is registered here instead.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static STATE: Mutex<State> = Mutex::new(State { next: 0, entries: Vec::new(), resume: None });

struct State {
    next: u64,
    entries: Vec<(u64, Cleanup)>,
    resume: Option<String>,
}

enum Cleanup {
    /// A process group, by the id of its leader.
    #[cfg(unix)]
    ProcessGroup(u32),
    /// A file or a directory tree.
    Path(PathBuf),
}

/// Keeps a cleanup registered; dropping it takes the registration back (it does not run the cleanup).
#[must_use = "the registration ends when this is dropped"]
pub(crate) struct Guard(u64);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = lock();
        state.entries.retain(|(id, _)| *id != self.0);
    }
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register(cleanup: Cleanup) -> Guard {
    let mut state = lock();
    let id = state.next;
    state.next += 1;
    state.entries.push((id, cleanup));
    Guard(id)
}

/// Deletes `path` (a file or a whole directory) if the process is interrupted while the guard lives.
pub(crate) fn guard_path(path: &Path) -> Guard {
    register(Cleanup::Path(path.to_owned()))
}

/// Kills the process group led by `leader` if the process is interrupted while the guard lives.
#[cfg(unix)]
pub(crate) fn guard_process_group(leader: u32) -> Guard {
    register(Cleanup::ProcessGroup(leader))
}

/// Sets the sentence that an interrupted user is left with, such as the command that resumes.
pub(crate) fn set_resume_hint(hint: Option<String>) {
    lock().resume = hint;
}

/// Starts listening for SIGINT and SIGTERM. Call once, before any work begins.
///
/// # Errors
/// When the system refuses the handler or the thread.
#[cfg(unix)]
pub(crate) fn install() -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            clean_up();
            // The shell's convention for a process that a signal ended.
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// Elsewhere the system's default holds: the process ends, and its job object with it.
#[cfg(not(unix))]
pub(crate) fn install() -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn clean_up() {
    let mut state = lock();
    for (_, cleanup) in std::mem::take(&mut state.entries).iter().rev() {
        match cleanup {
            Cleanup::ProcessGroup(leader) => kill_group(*leader),
            // Best effort: the process ends either way, and there is nobody left to tell.
            Cleanup::Path(path) => {
                let _ = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path));
            }
        }
    }
    let mut stderr = anstream::stderr();
    let _ = std::io::Write::write_all(&mut stderr, b"\ninterrupted\n");
    if let Some(hint) = state.resume.take() {
        let _ = std::io::Write::write_all(&mut stderr, format!("{hint}\n").as_bytes());
    }
}

/// Kills the process group led by `leader` at once; a group that is already gone is fine.
#[cfg(unix)]
pub(crate) fn kill_group(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};

    if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
