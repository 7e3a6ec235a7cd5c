//! The manifest of a batch: one JSON object per line with the state of a row, appended as it changes, used to resume.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::fault::{Exit, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::system::gate::{self, Access, Folder, Reach};
use crate::system::lines::{check_kind, each_line, line_at};

/// State of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowState {
    /// The row is invalid.
    Invalid,
    /// The render is billed and has not failed: it is running, or its video is not downloaded yet. `error` has the reason.
    Submitted,
    /// The video exists.
    Completed,
    /// The render failed on the server, or was not submitted.
    Failed,
}

/// An entry of the manifest.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Entry {
    /// Index of the row, from 0.
    pub(crate) row: u64,
    /// Render key of generation 0. A different identity is a different row.
    pub(crate) identity: String,
    /// Generation of the render.
    #[serde(default)]
    pub(crate) generation: u32,
    pub(crate) state: RowState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) render_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asset_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// Duration of the video in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// An error of reading or writing a manifest.
#[derive(Debug)]
pub(crate) struct ManifestError {
    path: PathBuf,
    error: io::Error,
}

impl ManifestError {
    pub(super) fn new(path: PathBuf, error: io::Error) -> Self {
        Self { path, error }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the manifest {}: {}", self.path.display(), self.error)
    }
}

impl Fault for ManifestError {
    fn code(&self) -> &str {
        "manifest_not_usable"
    }

    fn help(&self) -> Option<String> {
        let help = match self.error.kind() {
            io::ErrorKind::InvalidData => "choose another file with --manifest",
            _ => "choose a writable file with --manifest",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// The manifest of a batch.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    /// `None` if the manifest is only read.
    file: Option<File>,
    known: Known,
}

/// Offsets of the last line about each row.
#[derive(Debug, Default)]
struct Known {
    /// `None` if there is no manifest.
    file: Option<File>,
    /// By row: 0 if there is no line, otherwise the offset in bytes plus 1.
    lines: Vec<u64>,
}

impl Manifest {
    /// Checks that the file may be a manifest: see [`check_kind`].
    ///
    /// # Errors
    /// Returns an error if the file has another format or cannot be read.
    pub(super) fn check_kind(path: &Path) -> Result<(), ManifestError> {
        let checked = check_kind(path, |line| row_of(line).is_some());
        checked.map_err(|error| ManifestError { path: path.to_owned(), error })
    }

    /// Opens the manifest of a file of `rows` rows, and creates an empty one if it does not exist. `path` must be one that
    /// [`super::places`] has checked: a link is not followed.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or written, before anything is billed.
    pub(crate) fn open(path: &Path, rows: u64) -> Result<Self, ManifestError> {
        let open = || {
            let folder = Folder::of(path.parent().unwrap_or(Path::new("")))?;
            let name = path.file_name().unwrap_or_default();
            let mut file = gate::regular(folder.file(name, Access::Append)?)?;
            let (known, is_torn) = Known::read(gate::regular(folder.file(name, Access::Read)?)?, rows)?;
            if is_torn {
                file.write_all(b"\n")?;
            }
            Ok(Self { path: path.to_owned(), file: Some(file), known })
        };
        open().map_err(|error| ManifestError { path: path.to_owned(), error })
    }

    /// Reads the manifest if it exists, and writes nothing.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub(crate) fn read(path: &Path, rows: u64, reach: &Reach) -> Result<Self, ManifestError> {
        let known = match gate::open(path, reach) {
            Ok(file) => Known::read(file, rows).map(|(known, _)| known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::default()),
            Err(error) => Err(error),
        };
        let known = known.map_err(|error| ManifestError { path: path.to_owned(), error })?;
        Ok(Self { path: path.to_owned(), file: None, known })
    }

    /// Takes the entries of earlier runs, which can be read while this one writes.
    pub(crate) fn take_known(&mut self) -> Self {
        Self { path: self.path.clone(), file: None, known: std::mem::take(&mut self.known) }
    }

    /// Returns the last entry of a row with this identity.
    pub(crate) fn row(&self, index: u64, identity: &str) -> Option<Entry> {
        self.known.row(index).filter(|entry| entry.identity == identity)
    }

    /// Returns the entries of completed rows, in the order of rows.
    pub(crate) fn completed(&self) -> impl Iterator<Item = Entry> + '_ {
        let rows = (0..).take(self.known.lines.len()).filter_map(|row| self.known.row(row));
        rows.filter(|entry| entry.state == RowState::Completed)
    }

    /// Appends a line.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), ManifestError> {
        let line = format!("{}\n", serde_json::json!(entry));
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()));
        written.map_err(|error| ManifestError { path: self.path.clone(), error })
    }
}

impl Known {
    /// Reads the offsets. Returns also whether the last line is incomplete, as left by a process that was killed.
    fn read(file: File, rows: u64) -> io::Result<(Self, bool)> {
        let mut lines = Vec::new();
        let is_torn = each_line(&file, |line, offset| {
            let row = row_of(line).filter(|row| *row < rows);
            if let Some(row) = row.and_then(|row| usize::try_from(row).ok()) {
                if lines.len() <= row {
                    lines.resize(row + 1, 0);
                }
                lines[row] = offset + 1;
            }
        })?;
        Ok((Self { file: Some(file), lines }, is_torn))
    }

    fn row(&self, index: u64) -> Option<Entry> {
        let offset = self.lines.get(usize::try_from(index).ok()?)?.checked_sub(1)?;
        serde_json::from_slice(&line_at(self.file.as_ref()?, offset).ok()?).ok()
    }
}

/// Returns the row of a line; `None` if it is not an entry.
fn row_of(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Checked {
        row: u64,
        #[serde(rename = "identity")]
        _identity: serde::de::IgnoredAny,
        #[serde(rename = "state")]
        _state: RowState,
    }
    serde_json::from_slice::<Checked>(line).ok().map(|entry| entry.row)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_line_of_a_row_counts_and_a_torn_one_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/manifest.jsonl");
        let entry = |state| Entry {
            row: 3,
            identity: "k".to_owned(),
            generation: 0,
            state,
            render_id: None,
            asset_id: None,
            output: None,
            duration: None,
            error: None,
        };
        let mut manifest = Manifest::open(&path, 9).expect("opened");
        manifest.append(&entry(RowState::Submitted)).expect("written");
        manifest.append(&entry(RowState::Completed)).expect("written");
        let torn = [fs::read(&path).expect("text"), b"{\"row\":3,\"iden".to_vec()].concat();
        fs::write(&path, torn).expect("written");
        let mut manifest = Manifest::open(&path, 9).expect("opened");
        assert_eq!(manifest.row(3, "k").map(|entry| entry.state), Some(RowState::Completed));
        assert!(manifest.row(3, "other").is_none() && manifest.row(4, "k").is_none());
        manifest.append(&entry(RowState::Failed)).expect("written");
        // A row that is whole but for its line feed counts, and the next one begins a line of its own.
        let whole = fs::read(&path).expect("text");
        fs::write(&path, whole.trim_ascii_end()).expect("written");
        let mut manifest = Manifest::open(&path, 9).expect("opened");
        assert_eq!(manifest.row(3, "k").map(|entry| entry.state), Some(RowState::Failed));
        manifest.append(&entry(RowState::Submitted)).expect("written");
        let manifest = Manifest::open(&path, 9).expect("opened");
        assert_eq!(manifest.row(3, "k").map(|entry| entry.state), Some(RowState::Submitted));
        assert!(Manifest::open(&path, 3).expect("opened").row(3, "k").is_none(), "there is no such row");
        fs::write(&path, &whole).expect("written");
        let manifest = Manifest::open(&path, 9).expect("opened");
        assert_eq!(manifest.row(3, "k").map(|entry| entry.state), Some(RowState::Failed));
    }
}
