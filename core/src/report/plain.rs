//! Escapes untrusted text.

/// Escapes untrusted text for terminals and workflow logs: control characters are escaped, and no line can start a
/// workflow command.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\n  "),
            '\t' => safe.push(' '),
            control if control.is_control() => safe.extend(control.escape_default()),
            deceiving if is_misleading(deceiving) => safe.extend(deceiving.escape_unicode()),
            other => safe.push(other),
        }
    }
    // Runners execute `::command::` at the start of a line, and `##[command]` anywhere. Other colons, such as in IPv6
    // addresses, stay unchanged so that they can be copied.
    let lines = disarm(&safe);
    lines.split('\n').map(disarm_start).collect::<Vec<_>>().join("\n")
}

/// Escapes untrusted text of several lines like [`plain`], but keeps its line ends and tabs.
#[must_use]
pub fn plain_lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\r', '\n']);
        let mut clean = String::with_capacity(line.len());
        for character in line.chars() {
            match character {
                '\t' => clean.push('\t'),
                control if control.is_control() => clean.extend(control.escape_default()),
                deceiving if is_misleading(deceiving) => clean.extend(deceiving.escape_unicode()),
                other => clean.push(other),
            }
        }
        safe.push_str(&disarm_start(&disarm(&clean)));
        safe.push_str(&whole[line.len()..]);
    }
    safe
}

/// Returns whether a character is a bidirectional override, which can disguise a name.
pub(super) fn is_misleading(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Disables `##[command]`.
pub(super) fn disarm(text: &str) -> String {
    text.replace("##[", "#\u{200b}#[")
}

/// Disables `##[command]` in JSON, and characters that control a terminal or disguise a name: an escape stands for the same
/// text.
#[must_use]
pub fn disarm_json(json: &str) -> String {
    let json = json.replace("##[", "#\\u0023[");
    // Those below U+0020 are escaped by every writer; line feeds stand between values.
    let is_active = |character| matches!(character, '\u{7f}'..='\u{9f}') || is_misleading(character);
    if !json.contains(is_active) {
        return json;
    }
    let mut disarmed = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if is_active(character) {
            disarmed.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            disarmed.push(character);
        }
    }
    disarmed
}

/// Escapes what controls a terminal or starts a command in the middle of a line, and keeps lines.
pub(super) fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => safe.push(character),
            '\t' => safe.push(' '),
            control if control.is_control() => safe.extend(control.escape_default()),
            deceiving if is_misleading(deceiving) => safe.extend(deceiving.escape_unicode()),
            other => safe.push(other),
        }
    }
    disarm(&safe)
}

fn disarm_start(line: &str) -> String {
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
    fn text_from_outside_commands_nothing() {
        let hostile = plain("x\n::set-output name=a::b\r\u{1b}[31m##[error]\u{202e}gpj");
        assert!(hostile.lines().all(|line| !line.trim_start().starts_with("::")), "{hostile:?}");
        assert!(!hostile.contains('\r') && !hostile.contains('\u{1b}'), "{hostile:?}");
        assert!(!hostile.contains("##[") && !hostile.contains('\u{202e}'), "{hostile:?}");
        assert_eq!(plain_lines(" a\tb\r\n \u{1b}[0m\n ::x"), " a\tb\r\n \\u{1b}[0m\n :\u{200b}:x");
        let json = disarm_json("{\"a\":\"x##[error]y\"}");
        assert!(!json.contains("##["));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).expect("JSON")["a"], "x##[error]y");
        let json = disarm_json("{\"a\":\"\u{9b}31m\u{7f}\u{202e}é\"}");
        assert_eq!(json, "{\"a\":\"\\u009b31m\\u007f\\u202eé\"}");
        assert_eq!(plain("Grüße, 中文, [::1]"), "Grüße, 中文, [::1]");
    }
}
