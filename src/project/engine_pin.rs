//! The version of the HyperFrames engine that a project requires in its `package.json`.

use std::path::Path;

use serde_json::Value;

use crate::system::gate::{self, Reach};

/// Largest `package.json` that is read, in bytes.
const MAX_SIZE: u64 = 1024 * 1024;

/// Returns a note if `package.json` in one of the directories requires a version of the package `hyperframes` that is not
/// `version`. The first directory with a requirement counts. Ranges that are not an exact version, `^` or `~` are not
/// evaluated.
pub(crate) fn engine_note(directories: &[&Path], version: &str) -> Option<String> {
    let required = directories.iter().find_map(|directory| requirement(&directory.join("package.json")))?;
    let is_other = !is_satisfied(&required, version)?;
    is_other.then(|| format!("package.json requires hyperframes {required}; local renders use {version}"))
}

fn requirement(path: &Path) -> Option<String> {
    let text = gate::read_text(path, &Reach::inside(path.parent()?, "the project"), MAX_SIZE).ok()?;
    let package = serde_json::from_str::<Value>(&text).ok()?;
    let kinds = ["dependencies", "devDependencies"];
    let found = kinds.iter().find_map(|kind| package.get(kind)?.get("hyperframes")?.as_str());
    found.map(str::to_owned)
}

/// Returns whether a version satisfies a range; `None` if the range has another form. Source: npm's node-semver.
fn is_satisfied(range: &str, version: &str) -> Option<bool> {
    let (operator, wanted) = match range.trim() {
        range if range.starts_with(['^', '~']) => range.split_at(1),
        range => ("", range.trim_start_matches(['=', 'v'])),
    };
    let (wanted, version) = (numbers(wanted)?, numbers(version)?);
    // `^` keeps the first number that is not zero, `~` the first two.
    let kept = match operator {
        "" => 3,
        "^" => wanted.iter().position(|number| *number != 0).map_or(3, |first| first + 1),
        _ => 2,
    };
    Some(wanted[..kept] == version[..kept] && version >= wanted)
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers = version.split('.').map(|number| number.parse().ok()).collect::<Option<Vec<_>>>()?;
    numbers.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_that_the_engine_does_not_satisfy_is_found() {
        for (range, is_other) in [
            ("0.8.170", false),
            ("v0.8.170", false),
            ("0.8.169", true),
            ("^0.8.1", false),
            ("^0.8.171", true),
            ("^0.7.9", true),
            ("^1.0.0", true),
            ("~0.8.0", false),
            ("~0.7.0", true),
            ("latest", false),
            (">=0.1.0 <2", false),
            ("workspace:*", false),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let package = serde_json::json!({ "devDependencies": { "hyperframes": range } });
            std::fs::write(folder.path().join("package.json"), package.to_string()).expect("written");
            let inner = folder.path().join("videos");
            let found = engine_note(&[&inner, folder.path()], "0.8.170");
            let note = format!("package.json requires hyperframes {range}; local renders use 0.8.170");
            assert_eq!(found, is_other.then_some(note), "{range}");
        }
        assert_eq!(engine_note(&[Path::new("/nonexistent")], "0.8.170"), None);
    }
}
