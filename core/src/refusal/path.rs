//! Targets of references as paths, as the engine resolves them.

use std::borrow::Cow;

use crate::project::percent_decode;

/// Directory below which the engine serves files from outside of the project.
const ENGINE_FOLDER: &str = "hf-ext";

/// The readings of a target: percent escapes decoded or not, backslashes as written or as slashes, with tabs and line
/// ends or without. The engine and the browser use one or the other, depending on where the target is.
pub(super) fn readings(target: &str) -> Vec<Cow<'_, str>> {
    let ways: [fn(&str) -> Option<String>; 3] = [
        |text| text.contains('%').then(|| percent_decode(text)),
        // Browsers drop these in URLs; source: URL standard, section 4.4.
        |text| text.contains(['\t', '\n', '\r']).then(|| text.replace(['\t', '\n', '\r'], "")),
        |text| text.contains('\\').then(|| text.replace('\\', "/")),
    ];
    let mut found = vec![Cow::Borrowed(target.trim())];
    for way in ways {
        for index in 0..found.len() {
            if let Some(reading) =
                way(&found[index]).filter(|reading| !found.iter().any(|known| known == reading))
            {
                found.push(Cow::Owned(reading));
            }
        }
    }
    found
}

/// Returns a target without its query and fragment.
pub(super) fn without_query(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or_default()
}

/// Where a path leads, relative to the root of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below the root.
    Inside(String),
    /// Above the root: the rest after the last `..` that leaves it.
    Above(String),
    /// An absolute path, or one that becomes absolute when the engine removes the address of its server.
    Absolute(String),
    /// Below the directory in which the engine serves files from outside.
    EngineFolder,
}

/// Resolves `path` against the directory `folder` of the project.
pub(super) fn place(folder: &str, path: &str) -> Place {
    if path.starts_with('/') {
        return Place::Absolute(normalize(path).1);
    }
    let whole = if folder.is_empty() { Cow::Borrowed(path) } else { Cow::Owned(format!("{folder}/{path}")) };
    if starts_with_empty_segment(&whole) {
        return Place::Absolute(normalize(&whole).1);
    }
    let (is_above, rest) = normalize(&whole);
    if is_above {
        Place::Above(rest)
    } else if rest == ENGINE_FOLDER
        || rest.strip_prefix(ENGINE_FOLDER).is_some_and(|rest| rest.starts_with('/'))
    {
        Place::EngineFolder
    } else {
        Place::Inside(rest)
    }
}

/// Resolves `.`, `..` and empty segments; returns whether the path left the root, and what follows.
fn normalize(path: &str) -> (bool, String) {
    let mut is_above = false;
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => is_above |= segments.pop().is_none(),
            name => segments.push(name),
        }
    }
    (is_above, segments.join("/"))
}

/// Returns whether a browser resolves a relative path to one that starts with `//`, as in `.//etc/x`. The engine removes
/// the address of its server and one slash from URLs that the browser reports, and reads the rest as a path.
fn starts_with_empty_segment(path: &str) -> bool {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    segments.len() > 1 && segments[0].is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_engine_resolves_them() {
        let inside = |path: &str| Place::Inside(path.to_owned());
        let above = |path: &str| Place::Above(path.to_owned());
        assert_eq!(place("", "a/../b.png"), inside("b.png"));
        assert_eq!(place("scenes", "../b.png"), inside("b.png"));
        assert_eq!(place("scenes", "../../etc/passwd"), above("etc/passwd"));
        assert_eq!(place("", "x:/../../etc/passwd"), above("etc/passwd"));
        assert_eq!(place("", "/etc//passwd"), Place::Absolute("etc/passwd".to_owned()));
        assert_eq!(place("", ".//etc/x.mp4"), Place::Absolute("etc/x.mp4".to_owned()));
        assert_eq!(place("", "a/..//etc/x.mp4"), Place::Absolute("etc/x.mp4".to_owned()));
        assert_eq!(place("", "a//b"), inside("a/b"));
        assert_eq!(place("a", "../hf-ext/etc/passwd"), Place::EngineFolder);
    }

    #[test]
    fn a_target_has_the_readings_of_every_stage() {
        let found = readings(" %2e%2e\\x ");
        for reading in ["%2e%2e\\x", "..\\x", "%2e%2e/x", "../x"] {
            assert!(found.iter().any(|known| known == reading), "{reading} in {found:?}");
        }
        assert_eq!(readings("a.png"), ["a.png"]);
    }
}
