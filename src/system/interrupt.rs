//! Ctrl-C, SIGTERM and the end of the terminal: end child processes, delete temporary files, say how to go on, exit
//! 130, 143 or 129.
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
    /// A child and everything it started.
    #[cfg(unix)]
    Processes(ProcessTree),
    /// A file or a directory tree.
    Path(PathBuf),
    /// How the terminal was.
    #[cfg(unix)]
    Terminal(rustix::termios::Termios),
}

/// Keeps a cleanup registered; dropping it takes the registration back (it does not run the cleanup).
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

/// Gives the terminal its settings back if the process is interrupted while the guard lives.
#[cfg(unix)]
pub(crate) fn guard_terminal(before: &rustix::termios::Termios) -> Guard {
    register(Cleanup::Terminal(before.clone()))
}

/// Ends `tree` if the process is interrupted while the guard lives.
#[cfg(unix)]
pub(crate) fn guard_processes(tree: &ProcessTree) -> Guard {
    register(Cleanup::Processes(tree.clone()))
}

/// Sets the sentence that an interrupted user is left with, such as the command that resumes.
pub(crate) fn set_resume_hint(hint: Option<String>) {
    lock().resume = hint;
}

/// Starts listening for SIGINT, SIGTERM and SIGHUP. Call once, before any work begins.
///
/// # Errors
/// When the system refuses the handler or the thread.
#[cfg(unix)]
pub(crate) fn install() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let mut wanted = vec![SIGINT, SIGTERM];
    if !ignores_hangup() {
        wanted.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(wanted)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _state = clean_up();
            // The shell's convention for a process that a signal ended.
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// Whether whoever started this process wants it to outlive the terminal, as `nohup` does. Where that cannot be known,
/// the system's default is left alone.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is the first signal, in the lowest bit; source: proc(5).
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

/// Elsewhere the system's default holds: the process ends, and its job object with it.
#[cfg(not(unix))]
pub(crate) fn install() -> std::io::Result<()> {
    Ok(())
}

/// Waits for the end of a process that was interrupted: what the other threads find then, such as a child that ended,
/// is no outcome. Call it before the process ends by itself.
pub(crate) fn settle() {
    drop(lock());
}

/// The state is given back locked, so that nobody gets past a guard or [`settle`] any more.
#[cfg(unix)]
#[must_use = "others go on when it is dropped"]
fn clean_up() -> MutexGuard<'static, State> {
    let mut state = lock();
    for (_, cleanup) in std::mem::take(&mut state.entries).iter().rev() {
        match cleanup {
            Cleanup::Processes(tree) => tree.end(),
            Cleanup::Path(path) => remove(path),
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

/// Deletes a file or a tree. Best effort: the process ends either way, and there is nobody left to tell.
#[cfg(unix)]
fn remove(path: &Path) {
    for _ in 0..5 {
        let removed = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path));
        if removed.is_ok() || !path.exists() {
            return;
        }
        // Somebody who is just being killed was still writing.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[cfg(unix)]
pub(crate) use tree::ProcessTree;

#[cfg(unix)]
mod tree {
    use std::process::Command;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

    /// The variable that marks a child and, since environments are inherited, whatever it starts: browsers leave
    /// their parent's process group, and some of their helpers their parent.
    const MARK: &str = "HYPERFRAMES_CI_PROCESS_TREE";

    /// How long a child may take to end what it started by itself.
    const GRACE: Duration = Duration::from_millis(1500);

    /// A child process that leads a group, and everything it started.
    #[derive(Clone, Debug)]
    pub(crate) struct ProcessTree {
        leader: Option<Pid>,
        mark: String,
    }

    impl ProcessTree {
        /// Makes `command` the leader of a group of its own and marks it; [`ProcessTree::started`] follows.
        pub(crate) fn prepare(command: &mut Command) -> Self {
            static SERIAL: AtomicU32 = AtomicU32::new(0);
            let mark = format!("{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
            std::os::unix::process::CommandExt::process_group(command, 0);
            command.env(MARK, &mark);
            Self { leader: None, mark: format!("{MARK}={mark}") }
        }

        /// Ends what an earlier process of ours left behind when it was killed and could not.
        pub(crate) fn end_orphans() {
            for (process, mark) in processes_with(&format!("{MARK}=")) {
                let owner =
                    mark.split('-').next().and_then(|owner| owner.parse().ok()).and_then(Pid::from_raw);
                if owner.is_some_and(|owner| test_kill_process(owner).is_err()) {
                    let _ = kill_process(process, Signal::KILL);
                }
            }
        }

        /// The child runs, with this id.
        pub(crate) fn started(&mut self, id: u32) {
            self.leader = i32::try_from(id).ok().and_then(Pid::from_raw);
        }

        /// Asks the child to end, and after a moment ends it and all the others.
        pub(crate) fn end(&self) {
            if let Some(leader) = self.leader {
                let _ = kill_process_group(leader, Signal::TERM);
                let deadline = Instant::now() + GRACE;
                while test_kill_process(leader).is_ok() && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            self.kill();
        }

        /// Ends whatever is left, at once.
        pub(crate) fn kill(&self) {
            if let Some(leader) = self.leader {
                let _ = kill_process_group(leader, Signal::KILL);
            }
            // Twice: what was being started during the first look is there at the second.
            for _ in 0..2 {
                for (process, _) in processes_with(&self.mark).into_iter().filter(|(_, rest)| rest.is_empty())
                {
                    let _ = kill_process(process, Signal::KILL);
                }
            }
        }
    }

    /// The processes in whose environment something starts with `prefix`, and the rest of it, where the system tells
    /// (Linux); elsewhere the grace above is all.
    fn processes_with(prefix: &str) -> Vec<(Pid, String)> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse::<i32>().ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let pairs = environment.split(|byte| *byte == 0);
            let rest = pairs.filter_map(|pair| pair.strip_prefix(prefix.as_bytes())).next()?;
            Some((Pid::from_raw(id)?, String::from_utf8_lossy(rest).into_owned()))
        });
        found.collect()
    }
}
