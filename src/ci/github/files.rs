//! The runner's files for outputs and the summary; source: docs.github.com, "Workflow commands for GitHub Actions".

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::ci::error::ProviderError;

/// The largest summary of a step, in bytes. GitHub rejects a larger one.
const MAX_SUMMARY: usize = 1024 * 1024;

/// Appends an output. The delimiter is random and not part of the value, so that a value cannot set another output.
pub(super) fn output(
    file: &Path,
    name: &str,
    value: &str,
    random: &mut dyn FnMut() -> u64,
) -> Result<(), ProviderError> {
    let delimiter = loop {
        let delimiter = format!("hfci_{:016x}{:016x}", random(), random());
        if !value.contains(&delimiter) {
            break delimiter;
        }
    };
    append(file, &format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// Appends Markdown to the summary, cut to the limit.
pub(super) fn summary(file: &Path, markdown: &str) -> Result<(), ProviderError> {
    let length =
        std::fs::metadata(file).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let room = MAX_SUMMARY.saturating_sub(length + 2);
    let end = (0..=markdown.len().min(room)).rev().find(|end| markdown.is_char_boundary(*end)).unwrap_or(0);
    append(file, &format!("{}\n", &markdown[..end]))
}

fn append(file: &Path, text: &str) -> Result<(), ProviderError> {
    let written = OpenOptions::new().create(true).append(true).open(file);
    written
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| ProviderError::Runner(file.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_become_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("output");
        let mut numbers = [1, 1, 2, 2].into_iter().cycle();
        let mut random = || numbers.next().unwrap_or_default();
        let first = format!("hfci_{:016x}{:016x}", 1, 1);
        output(&file, "title", &format!("a\n{first}\nevil<<x\ny\nx"), &mut random).expect("written");
        let written = std::fs::read_to_string(&file).expect("text");
        let delimiter =
            written.lines().next().and_then(|line| line.strip_prefix("title<<")).expect("a delimiter");
        assert_ne!(delimiter, first);
        assert_eq!(written.matches(delimiter).count(), 2);
    }
}
