//! Differences of texts.

use similar::TextDiff;

/// Returns the unified diff of a file, as `git diff` prints it.
pub(crate) fn unified(path: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    unified.context_radius(3).header(&format!("a/{path}"), &format!("b/{path}"));
    unified.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_kept() {
        let diff = unified("i.html", "a\r\nb\r\nc", "a\r\nB\r\nc");
        assert_eq!(
            diff,
            "--- a/i.html\n+++ b/i.html\n@@ -1,3 +1,3 @@\n a\r\n-b\r\n+B\r\n c\n\\ No newline at end of file\n"
        );
    }
}
