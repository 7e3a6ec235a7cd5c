//! Ctrl-C, SIGTERM and SIGHUP: ends child processes, deletes temporary files, prints how to resume, and exits with 130,
//! 143 or 129.
//!
//! The handler runs on a thread of its own and ends the process from there, so that blocking reads do not delay it.
//! Destructors do not run then: cleanups are registered here instead.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(unix)]
use super::process_tree::ProcessTree;

static STATE: Mutex<State> = Mutex::new(State { next: 0, entries: Vec::new(), resume: None });

struct State {
    next: u64,
    entries: Vec<(u64, Cleanup)>,
    resume: Option<String>,
}

enum Cleanup {
    /// Ends a child and its descendants.
    #[cfg(unix)]
    Processes(ProcessTree),
    /// Deletes a file or a directory.
    Path(PathBuf),
    /// Does something else.
    #[cfg(unix)]
    Call(Box<dyn Fn() + Send>),
    /// Restores the settings of the terminal.
    #[cfg(unix)]
    Terminal(rustix::termios::Termios),
}

/// Keeps a cleanup registered; dropping it cancels the cleanup.
#[must_use = "the registration ends when this is dropped"]
#[derive(Debug)]
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
    register_in(&mut lock(), cleanup)
}

fn register_in(state: &mut State, cleanup: Cleanup) -> Guard {
    let id = state.next;
    state.next += 1;
    state.entries.push((id, cleanup));
    Guard(id)
}

/// Deletes the file or directory `path` if the process is interrupted while the guard exists.
pub(crate) fn guard_path(path: &Path) -> Guard {
    register(Cleanup::Path(path.to_owned()))
}

/// Creates a file or directory with `create` and guards its path as [`guard_path`] does. An interruption comes before or
/// after both, and nothing is created once it has begun.
///
/// # Errors
/// Returns the error of `create`.
pub(crate) fn create_guarded<T>(
    create: impl FnOnce() -> std::io::Result<T>,
    path: impl FnOnce(&T) -> &Path,
) -> std::io::Result<(T, Guard)> {
    let mut state = lock();
    let created = create()?;
    let guard = register_in(&mut state, Cleanup::Path(path(&created).to_owned()));
    Ok((created, guard))
}

/// Restores the settings of the terminal if the process is interrupted while the guard exists.
#[cfg(unix)]
pub(crate) fn guard_terminal(before: &rustix::termios::Termios) -> Guard {
    register(Cleanup::Terminal(before.clone()))
}

/// Ends `tree` if the process is interrupted while the guard exists.
#[cfg(unix)]
pub(crate) fn guard_processes(tree: &ProcessTree) -> Guard {
    register(Cleanup::Processes(tree.clone()))
}

/// Calls `cleanup` if the process is interrupted while the guard exists. Processes that were guarded later have ended by then.
#[cfg(unix)]
pub(crate) fn guard_with(cleanup: Box<dyn Fn() + Send>) -> Guard {
    register(Cleanup::Call(cleanup))
}

/// Sets the hint that is printed after an interruption, such as the command that resumes.
pub(crate) fn set_resume_hint(hint: Option<String>) {
    lock().resume = hint;
}

/// Starts handling SIGINT, SIGTERM and SIGHUP. Call once, before anything else.
///
/// # Errors
/// Returns an error if the system refuses the handler or the thread.
#[cfg(unix)]
pub(crate) fn install() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut handled = vec![SIGINT, SIGTERM];
    if !ignores_hangup() {
        handled.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(handled)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _state = clean_up();
            // The convention of shells for processes that a signal ended.
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// Returns whether SIGHUP is ignored, as under `nohup`, or whether that is unknown: the disposition is not changed then.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is the first signal, in the lowest bit; source: proc(5).
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

/// Does nothing: on other systems the process ends, and its job object with it.
#[cfg(not(unix))]
pub(crate) fn install() -> std::io::Result<()> {
    Ok(())
}

/// Waits for a running cleanup, which ends the process: after an interruption, errors of other threads, such as a child
/// that ended, must not become the outcome. Otherwise ends the child processes and deletes the files of threads that are
/// still at work, such as those of an emulator. Call it before exiting.
pub(crate) fn finish() {
    let mut state = lock();
    #[cfg(unix)]
    for (_, cleanup) in std::mem::take(&mut state.entries).iter().rev() {
        match cleanup {
            Cleanup::Processes(tree) => tree.kill(),
            Cleanup::Path(path) => remove(path),
            Cleanup::Call(cleanup) => cleanup(),
            Cleanup::Terminal(_) => {}
        }
    }
    state.resume = None;
}

/// Runs the cleanups. Returns the locked state: guards and [`finish`] block until it is dropped.
#[cfg(unix)]
#[must_use = "other threads continue when this is dropped"]
fn clean_up() -> MutexGuard<'static, State> {
    let mut state = lock();
    for (_, cleanup) in std::mem::take(&mut state.entries).iter().rev() {
        match cleanup {
            Cleanup::Processes(tree) => tree.end(),
            Cleanup::Path(path) => remove(path),
            Cleanup::Call(cleanup) => cleanup(),
            Cleanup::Terminal(before) => {
                use rustix::termios::{OptionalActions, tcsetattr};
                let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
            }
        }
    }
    let mut stderr = anstream::stderr();
    let _ = std::io::Write::write_all(&mut stderr, b"\ninterrupted\n");
    if let Some(hint) = state.resume.take() {
        let _ = std::io::Write::write_all(&mut stderr, format!("{hint}\n").as_bytes());
    }
    state
}

/// Deletes a file or a directory. Errors are ignored: the process ends in any case.
#[cfg(unix)]
fn remove(path: &Path) {
    for _ in 0..5 {
        let removed = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path));
        if removed.is_ok() || !path.exists() {
            return;
        }
        // A process that is being killed may still have written.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
