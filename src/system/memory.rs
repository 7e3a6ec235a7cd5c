//! The memory of the machine, which only Linux reports.

use std::fs;

/// Returns the memory of the machine, or of the container if it has less, in bytes.
pub(crate) fn total() -> Option<u64> {
    let machine = figure("MemTotal:")?;
    let container =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    Some(container.unwrap_or(machine).min(machine))
}

/// Returns the memory of the machine that programs can use now, in bytes.
pub(crate) fn available() -> Option<u64> {
    figure("MemAvailable:")
}

/// Returns a figure of `/proc/meminfo` in bytes.
fn figure(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}
