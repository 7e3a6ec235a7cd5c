//! Limits of the engine: disk, memory and processes. Time is limited by the deadline of the render.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::system::memory;
use crate::system::programs::process::RunningProcess;

/// Interval between two measurements. Longer where a measurement takes long, so that it costs at most 2 %.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of processes. A browser with its helpers, Node and FFmpeg are about 20 for each worker of the engine.
const MAX_PROCESSES: usize = 512;

/// Maximum size of the files where the free space is unknown, in bytes.
const DEFAULT_DISK: u64 = 64 << 30;

/// A limit that the engine has exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Size of its files, in bytes.
    Disk(u64),
    /// Memory of all processes, in bytes.
    Memory(u64),
    /// Number of processes.
    Processes(usize),
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gigabytes = |bytes: u64| match bytes >> 30 {
            0 => format!("{} MB", bytes >> 20),
            whole => format!("{whole}.{} GB", ((bytes >> 20) & 1023) * 10 / 1024),
        };
        match self {
            Self::Disk(limit) => write!(f, "more than {} of temporary files", gigabytes(*limit)),
            Self::Memory(limit) => write!(f, "more than {} of memory", gigabytes(*limit)),
            Self::Processes(limit) => write!(f, "more than {limit} processes"),
        }
    }
}

/// Watches a running engine.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: PathBuf,
    max_disk: u64,
    max_memory: u64,
    next: Instant,
    excess: Option<Excess>,
}

impl Watch {
    /// Watches the files in `folder`. They may take three quarters of the space that is free now, and the processes nine
    /// tenths of the memory: the machine must stay usable.
    pub(crate) fn new(folder: &Path) -> Self {
        let max_disk = free_space(folder).map_or(DEFAULT_DISK, |free| free / 4 * 3);
        let max_memory = memory::total().map_or(u64::MAX, |memory| memory / 10 * 9);
        Self {
            folder: folder.to_owned(),
            max_disk,
            max_memory,
            next: Instant::now() + INTERVAL,
            excess: None,
        }
    }

    /// Measures, if it is time to; returns whether the engine may continue.
    pub(crate) fn may_continue(&mut self, process: &RunningProcess) -> bool {
        let began = Instant::now();
        if began < self.next {
            return true;
        }
        self.excess = self.measure(process);
        self.next = Instant::now() + INTERVAL.max(began.elapsed() * 50);
        self.excess.is_none()
    }

    /// Returns the limit that was exceeded.
    pub(crate) fn excess(&self) -> Option<Excess> {
        self.excess
    }

    fn measure(&self, process: &RunningProcess) -> Option<Excess> {
        if size(&self.folder) > self.max_disk {
            return Some(Excess::Disk(self.max_disk));
        }
        let (count, memory) = process.usage();
        if count > MAX_PROCESSES {
            return Some(Excess::Processes(MAX_PROCESSES));
        }
        (memory > self.max_memory).then_some(Excess::Memory(self.max_memory))
    }
}

/// Returns the space that the files in a directory take, in bytes. Links are not followed; files vanish meanwhile.
fn size(folder: &Path) -> u64 {
    let mut total = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            #[cfg(unix)]
            let taken = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
            #[cfg(not(unix))]
            let taken = metadata.len();
            total += taken;
        }
    }
    total
}

/// Returns the free space of the file system of a directory, in bytes.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let file_system = rustix::fs::statvfs(folder).ok()?;
    Some(file_system.f_bavail.saturating_mul(file_system.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn files_beyond_the_limit_are_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = RunningProcess::start(Command::new("true"), Stdio::null()).expect("started");
        let mut watch = Watch { max_disk: 1 << 20, next: Instant::now(), ..Watch::new(folder.path()) };
        assert!(watch.may_continue(&process));
        fs::create_dir(folder.path().join("a")).expect("created");
        fs::write(folder.path().join("a/b"), vec![1; 2 << 20]).expect("written");
        assert!(watch.may_continue(&process), "it is not time yet");
        watch.next = Instant::now();
        assert!(!watch.may_continue(&process));
        assert_eq!(watch.excess(), Some(Excess::Disk(1 << 20)));
        let text = |bytes| Excess::Disk(bytes).to_string();
        assert_eq!(text(1 << 20), "more than 1 MB of temporary files");
        assert_eq!(text(3 << 29), "more than 1.5 GB of temporary files");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn processes_and_their_memory_are_counted() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60"]);
        let process = RunningProcess::start(command, Stdio::null()).expect("started");
        let began = Instant::now();
        while process.usage().0 < 3 && began.elapsed().as_secs() < 10 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let (count, memory) = process.usage();
        assert!(count >= 3 && memory > 0, "{count} {memory}");
    }
}
