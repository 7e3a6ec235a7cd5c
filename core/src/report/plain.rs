//! Text from outside, made harmless.

/// Text from outside, safe for a terminal and a workflow log: control characters are shown, not obeyed, and no
/// line can begin a workflow command.
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
    // A runner obeys `::command::` at the start of a line, and `##[command]` anywhere. What is in between, such
    // as an IPv6 address, stays as it can be copied.
    let lines = disarm(&safe);
    lines.split('\n').map(disarm_start).collect::<Vec<_>>().join("\n")
}

/// Bidirectional overrides make a name look like another.
pub(super) fn is_misleading(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes the meaning from `##[command]`.
pub(super) fn disarm(text: &str) -> String {
    text.replace("##[", "#\u{200b}#[")
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
        assert_eq!(plain("Grüße, 中文, [::1]"), "Grüße, 中文, [::1]");
    }
}
