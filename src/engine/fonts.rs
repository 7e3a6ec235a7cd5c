//! The fonts of this machine: text in a script without a font renders as boxes.

use std::process::Command;
use std::time::Duration;

use crate::system::deadline::Deadline;
use crate::system::programs::{find, process};

/// Time limit of fontconfig, which reads every font if it has no cache.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A kind of text, a character of it, and Debian's package of fonts for it.
const SCRIPTS: [(&str, char, &str); 3] = [
    ("Latin letters", 'A', "fonts-liberation"),
    ("Chinese, Japanese and Korean", '\u{4e2d}', "fonts-noto-cjk"),
    ("emoji", '\u{1f600}', "fonts-noto-color-emoji"),
];

/// The fonts of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fonts {
    /// Number of families.
    pub(crate) families: usize,
    /// Kinds of text without a font, and Debian's package for each.
    pub(crate) missing: Vec<(&'static str, &'static str)>,
}

impl Fonts {
    /// Asks fontconfig; returns `None` where it is not installed.
    pub(crate) fn find() -> Option<Self> {
        let program = find("fc-list")?;
        let list = |arguments: &[&str]| {
            let mut command = process::without_secrets(Command::new(&program));
            command.args(arguments);
            let (exited, output) = process::capture(command, Deadline::after(TIMEOUT)).ok()?;
            exited.status.success().then_some(output)
        };
        let families = count(&list(&[":", "family"])?);
        let has_font = |character: char| {
            let pattern = format!(":charset={:x}", u32::from(character));
            list(&[&pattern, "family"]).is_none_or(|fonts| count(&fonts) > 0)
        };
        let missing = SCRIPTS.iter().filter(|(_, character, _)| !has_font(*character));
        Some(Self { families, missing: missing.map(|(script, _, package)| (*script, *package)).collect() })
    }
}

/// Returns the number of different lines.
fn count(list: &str) -> usize {
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn families_are_counted_once() {
    assert_eq!(count("Noto Sans\nNoto Sans\n\nDejaVu Sans,DejaVu Sans Light\n"), 2);
}
