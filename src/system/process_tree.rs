//! Child processes together with everything that they start.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

/// Environment variable that marks a child and its descendants, which inherit it: browsers leave the process group of
/// their parent, and some of their helpers leave their parent.
const MARK: &str = "HYPERFRAMES_CI_PROCESS_TREE";

/// How long a child may take to end its descendants on its own.
const GRACE_PERIOD: Duration = Duration::from_millis(1500);

/// A child process, which leads a process group, and its descendants.
#[derive(Clone, Debug)]
pub(crate) struct ProcessTree {
    leader: Option<Pid>,
    mark: String,
}

impl ProcessTree {
    /// Makes `command` start in a new process group, and marks it. Call [`ProcessTree::started`] afterwards.
    pub(crate) fn prepare(command: &mut Command) -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        std::os::unix::process::CommandExt::process_group(command, 0);
        command.env(MARK, &mark);
        Self { leader: None, mark: format!("{MARK}={mark}") }
    }

    /// Ends the descendants of earlier processes of this program that were killed.
    pub(crate) fn end_orphans() {
        for (process, mark) in processes_with(&format!("{MARK}=")) {
            let owner = mark.split('-').next().and_then(|owner| owner.parse().ok()).and_then(Pid::from_raw);
            if owner.is_some_and(|owner| test_kill_process(owner).is_err()) {
                let _ = kill_process(process, Signal::KILL);
            }
        }
    }

    /// Records the process id of the child.
    pub(crate) fn started(&mut self, id: u32) {
        self.leader = i32::try_from(id).ok().and_then(Pid::from_raw);
    }

    /// Asks the child to end; after a grace period kills it and its descendants.
    pub(crate) fn end(&self) {
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, Signal::TERM);
            let deadline = Instant::now() + GRACE_PERIOD;
            while test_kill_process(leader).is_ok() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.kill();
    }

    /// Returns the number of processes and the memory that they do not share, in bytes; zero except on Linux.
    pub(crate) fn usage(&self) -> (usize, u64) {
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let own = processes_with(&self.mark).into_iter().filter(|(_, rest)| rest.is_empty());
        let memory = own.map(|(process, _)| {
            let path = format!("/proc/{}/statm", process.as_raw_nonzero());
            let text = std::fs::read_to_string(path).unwrap_or_default();
            // Size, resident pages, resident pages of files and shared memory.
            let mut pages = text.split_whitespace().skip(1).map_while(|number| number.parse::<u64>().ok());
            let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
            resident.saturating_sub(shared) * page
        });
        memory.fold((0, 0), |(count, total), memory| (count + 1, total + memory))
    }

    /// Kills the child and its descendants.
    pub(crate) fn kill(&self) {
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
        // Twice, for processes that started during the first scan.
        for _ in 0..2 {
            for (process, _) in processes_with(&self.mark).into_iter().filter(|(_, rest)| rest.is_empty()) {
                let _ = kill_process(process, Signal::KILL);
            }
        }
    }
}

/// Returns the processes with an environment entry that starts with `prefix`, and the rest of the entry. Only Linux
/// lists them; elsewhere the result is empty.
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
