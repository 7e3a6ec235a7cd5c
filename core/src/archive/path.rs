//! Validates the paths of entries.

/// Returns whether every system reads `path` as the same relative path.
pub(crate) fn is_portable(path: &str) -> bool {
    !path.chars().any(|character| character == '\\' || character.is_control())
        && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}
