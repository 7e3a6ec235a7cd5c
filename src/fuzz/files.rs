//! Ignore patterns, archives and the configuration.

use std::fs;
use std::io::Cursor;
use std::path::{Component, Path};

use hyperframes_ci_core::archive::ArchiveWriter;
use hyperframes_ci_core::project::{Exclusion, IgnoreRules};

use crate::app::config::{self, ConfigError};
use crate::system::gate::Reach;
use crate::system::unpack::unpack;

/// The longest path of Linux, in bytes. Each directory of a path is compared with each pattern.
const MAX_PATH: usize = 4096;

/// An ignore file, and after a NUL paths that it is applied to, one a line.
pub(super) fn ignore(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (patterns, paths) = text.split_once('\0').unwrap_or((&text, "a/b.png\nb/a/index.html\n.hidden\nx"));
    let rules = IgnoreRules::new(Some(patterns));
    let paths = || paths.split('\n').filter(|path| path.len() <= MAX_PATH);
    for path in paths().take(64) {
        let found =
            [rules.exclusion_of_file(path), rules.exclusion(path, true), rules.exclusion(path, false)];
        for found in found.into_iter().flatten() {
            if let Exclusion::Rule { line, text } = found {
                let written = patterns.trim_start_matches('\u{feff}').lines().nth(line - 1);
                assert_eq!(written.map(str::trim_end), Some(text.as_str()), "line {line}");
            }
        }
    }
    // Outputs are files of the command, whatever the patterns say.
    let outputs = paths().take(8).map(str::to_owned).collect::<Vec<_>>();
    let rules = rules.with_outputs(&outputs);
    for path in &outputs {
        let _ = rules.exclusion_of_file(path);
    }
}

/// A ZIP archive; and files that become one.
pub(super) fn archive(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (archive, into) = (folder.path().join("a.zip"), folder.path().join("in"));
    let unpacked = |bytes: &[u8]| {
        let _ = fs::remove_dir_all(&into);
        fs::create_dir(&into).expect("a directory");
        fs::write(&archive, bytes).expect("written");
        let result = unpack(&archive, &into);
        // Nothing is written beside the directory, whatever the archive contains.
        assert_eq!(fs::read_dir(folder.path()).expect("a directory").count(), 2);
        result.map_err(|error| error.to_string())
    };
    if input.starts_with(b"PK") {
        let _ = unpacked(input);
        return;
    }
    let (mut files, mut writer) = (Vec::new(), ArchiveWriter::new(Cursor::new(Vec::new())));
    for file in input.split(|byte| *byte == 0).take(8) {
        let (name, contents) = file.split_at(file.len().min(12));
        let name = String::from_utf8_lossy(name).into_owned();
        if writer.add(&name, contents.len() as u64, &mut &*contents).is_ok() {
            files.push((name, contents));
        }
    }
    let (bytes, manifest) = writer.finish().expect("memory takes everything");
    assert_eq!(manifest.entries().len(), files.len());
    if unpacked(bytes.get_ref()).is_ok() {
        for (name, contents) in files {
            assert_eq!(fs::read(into.join(&name)).ok().as_deref(), Some(contents), "{name:?}");
        }
    }
}

/// A configuration.
pub(super) fn config(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("hyperframes-ci.toml");
    fs::write(&path, input).expect("written");
    let text = String::from_utf8_lossy(input);
    let lines = 1 + text.matches(['\n', '\r']).count();
    match config::read(folder.path(), None, &Reach::inside(folder.path(), "the repository")) {
        Ok(file) => {
            for entry in &file.entries {
                assert!(is_inside(&entry.project), "{entry:?}");
                assert!((1..=lines).contains(&entry.line) && !entry.name.is_empty(), "{entry:?}");
            }
            let settings = file.entries.iter().flat_map(|entry| &entry.settings).chain(&file.defaults);
            for setting in settings {
                assert!((1..=lines).contains(&setting.line), "{setting:?}");
                assert!(!setting.option.kind.is_path() || is_inside(&setting.value), "{setting:?}");
            }
        }
        Err(ConfigError::Invalid(mistakes, location)) => {
            assert!((1..=lines).contains(&location.line), "line {} of {lines}", location.line);
            assert!(mistakes.len() <= 51, "{} mistakes", mistakes.len());
            for mistake in mistakes {
                let length = mistake.len() - path.as_os_str().len();
                assert!(length <= 4096, "{length} bytes: {mistake}");
                let unsafe_character = |character: char| character.is_control() && character != '\n';
                assert!(!mistake.contains(unsafe_character), "{mistake:?}");
            }
        }
        // Not UTF-8.
        Err(error) => assert!(std::str::from_utf8(input).is_err(), "{error}"),
    }
}

/// Whether a path is relative and stays inside its directory.
fn is_inside(path: &str) -> bool {
    let parts = Path::new(path).components();
    parts.into_iter().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
