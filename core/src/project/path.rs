//! Paths with `/`, relative to a repository or a project.

/// `path` below `folder`, which may be empty.
#[must_use]
pub fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// The folder that `path` is in.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The rest of `path` below `folder`, where it is below.
#[must_use]
pub fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

/// Joins `relative` to the folder `base` and takes out `.` and `..`; `None` where it climbs above the root.
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
