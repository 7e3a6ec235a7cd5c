//! What a command tells its user: bars on a terminal, one line per change in a log, and with `--json` nothing but
//! JSON. Progress goes to standard error, results to standard output.

mod console;
mod table;

pub(crate) use console::Console;
pub(crate) use hyperframes_ci_core::report::plain;
pub(crate) use table::table;

/// A size for people: `1.5 MB`, in powers of 1024 as the API counts its limits.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 3] = ["KB", "MB", "GB"];
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    if count < 1024 {
        return format!("{count} B");
    }
    // 1023.95 would be shown as "1024.0".
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number of things: `1 file`, `2 files`, `2 entries`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix("ry")) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ries"),
        _ => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MB");
        assert_eq!(bytes(200 * 1024 * 1024), "200.0 MB");
    }
}
