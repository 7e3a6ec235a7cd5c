//! Operations on paths with `/`, relative to a repository or a project.

/// Joins `path` to `folder`, which may be empty.
#[must_use]
pub fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Returns the directory of `path`.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Returns `path` relative to `folder`; `None` if it is outside.
#[must_use]
pub fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

/// Joins `relative` to the directory `base` and resolves `.` and `..`; `None` if the result is above the root.
#[must_use]
pub fn resolve(base: &str, relative: &str) -> Option<String> {
    let mut segments = Vec::new();
    for segment in base.split('/').chain(relative.split('/')) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_climb_above_the_root() {
        assert_eq!(resolve("a/b", "../c/./d.png").as_deref(), Some("a/c/d.png"));
        assert_eq!(resolve("a", "../../x"), None);
        assert_eq!(resolve("", "a/../../a"), None);
        assert_eq!(resolve("a/../b/", "x").as_deref(), Some("b/x"));
        assert_eq!(resolve("..", "a/b"), None);
    }
}
