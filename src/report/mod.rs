//! What a command tells its user: bars on a terminal, one line per change in a log, and with `--json` nothing but
//! JSON. Progress goes to standard error, results to standard output.

mod console;
mod table;

pub(crate) use console::Console;
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

/// Text from outside, safe for a terminal and a workflow log: control characters are shown, not obeyed, and no
/// line can begin a workflow command.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\n  "),
            '\t' => safe.push(' '),
            control if control.is_control() => safe.extend(control.escape_default()),
            // Bidirectional overrides make a name look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.extend(character.escape_unicode()),
            other => safe.push(other),
        }
    }
    // A runner obeys `::command::` at the start of a line, and `##[command]` anywhere. What is in between, such
    // as an IPv6 address, stays as it can be copied.
    let lines = safe.replace("##[", "#\u{200b}#[");
    lines.split('\n').map(disarm).collect::<Vec<_>>().join("\n")
}

fn disarm(line: &str) -> String {
    let text = line.trim_start();
    match text.strip_prefix("::") {
        Some(rest) => format!("{}:\u{200b}:{rest}", &line[..line.len() - text.len()]),
        None => line.to_owned(),
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

    #[test]
    fn text_from_outside_commands_nothing() {
        let hostile = plain("x\n::set-output name=a::b\r\u{1b}[31m##[error]\u{202e}gpj");
        assert!(hostile.lines().all(|line| !line.trim_start().starts_with("::")), "{hostile:?}");
        assert!(!hostile.contains('\r') && !hostile.contains('\u{1b}'), "{hostile:?}");
        assert!(!hostile.contains("##[") && !hostile.contains('\u{202e}'), "{hostile:?}");
        assert_eq!(plain("Grüße, 中文, [::1]"), "Grüße, 中文, [::1]");
    }
}
