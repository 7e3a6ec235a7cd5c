//! The output of commands: progress bars on a terminal, one line per change in a log, and with `--json` nothing but JSON.
//! Progress goes to standard error, results to standard output.

mod console;
mod diff;
mod table;

pub(crate) use console::{Console, OutputError, PROGRESS_LINES, PROGRESS_VARIABLE};
pub(crate) use diff::unified;
pub(crate) use hyperframes_ci_core::report::{plain, plain_lines};
pub(crate) use table::table;

/// Formats a number of bytes: `1.5 MB`, in powers of 1024, like the limits of the API.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 3] = ["KB", "MB", "GB"];
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    if count < 1024 {
        return format!("{count} B");
    }
    // 1023.95 would be rounded to "1024.0".
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Formats a number with a noun: `1 file`, `2 files`, `2 entries`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix("ry")) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ries"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_formatted_in_powers_of_1024() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MB");
        assert_eq!(bytes(200 * 1024 * 1024), "200.0 MB");
    }
}
