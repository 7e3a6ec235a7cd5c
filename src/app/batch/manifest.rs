//! What became of each row: one JSON object a line, appended as things happen, so that a batch can be gone on with.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::fault::{Exit, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowState {
    /// It cannot be rendered as it is.
    Invalid,
    /// Its render is paid for and has not failed: it is running, or its video is not downloaded yet. An error says why.
    Submitted,
    /// Its video is there.
    Completed,
    /// Its render failed at the server, or was never submitted.
    Failed,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Entry {
    /// The row, from 0.
    pub(crate) row: u64,
    /// What it is of: the render key of generation 0. Another identity is another row.
    pub(crate) identity: String,
    /// The generation of its render.
    #[serde(default)]
    pub(crate) generation: u32,
    pub(crate) state: RowState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) render_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asset_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// Length of the video in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A manifest that is of no use.
#[derive(Debug)]
pub(crate) struct ManifestError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the manifest {} cannot be used: {}", self.path.display(), self.error)
    }
}

impl Fault for ManifestError {
    fn code(&self) -> &str {
        "manifest_not_usable"
    }

    fn help(&self) -> Option<String> {
        Some("name a file that can be written with --manifest".to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// The manifest of a batch.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    /// None where it is only looked at.
    file: Option<File>,
    known: HashMap<u64, Entry>,
}

impl Manifest {
    /// Opens the manifest, and makes an empty one where there is none.
    ///
    /// # Errors
    /// When it cannot be read or written: that is found out before anything is paid for.
    pub(crate) fn open(path: &Path) -> Result<Self, ManifestError> {
        let open = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
            let (known, is_torn) = read(&file)?;
            if is_torn {
                file.write_all(b"\n")?;
            }
            Ok(Self { path: path.to_owned(), file: Some(file), known })
        };
        open().map_err(|error| ManifestError { path: path.to_owned(), error })
    }

    /// Reads the manifest, where there is one, and writes nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, ManifestError> {
        let known = match File::open(path) {
            Ok(file) => read(&file).map(|(known, _)| known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(HashMap::new()),
            Err(error) => Err(error),
        };
        let known = known.map_err(|error| ManifestError { path: path.to_owned(), error })?;
        Ok(Self { path: path.to_owned(), file: None, known })
    }

    /// What earlier runs have written, to be looked at while this one writes.
    pub(crate) fn take_known(&mut self) -> Self {
        Self { path: self.path.clone(), file: None, known: std::mem::take(&mut self.known) }
    }

    /// What is known of a row with this identity.
    pub(crate) fn row(&self, index: u64, identity: &str) -> Option<&Entry> {
        self.known.get(&index).filter(|entry| entry.identity == identity)
    }

    /// The rows whose videos are there, in their order.
    pub(crate) fn completed(&self) -> Vec<&Entry> {
        let mut rows =
            self.known.values().filter(|entry| entry.state == RowState::Completed).collect::<Vec<_>>();
        rows.sort_by_key(|entry| entry.row);
        rows
    }

    /// Appends a line.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub(crate) fn append(&mut self, entry: &Entry) -> Result<(), ManifestError> {
        let line = format!("{}\n", serde_json::json!(entry));
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()));
        written.map_err(|error| ManifestError { path: self.path.clone(), error })
    }
}

/// The last line about each row, and whether the file ends in the middle of one: that of a process that was killed.
fn read(file: &File) -> io::Result<(HashMap<u64, Entry>, bool)> {
    let mut known = HashMap::new();
    let mut is_torn = false;
    for line in BufReader::new(file).split(b'\n') {
        is_torn = match serde_json::from_slice::<Entry>(&line?) {
            Ok(entry) => {
                known.insert(entry.row, entry);
                false
            }
            Err(_) => true,
        };
    }
    Ok((known, is_torn))
}

#[cfg(test)]
mod tests {
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
        let mut manifest = Manifest::open(&path).expect("opened");
        manifest.append(&entry(RowState::Submitted)).expect("written");
        manifest.append(&entry(RowState::Completed)).expect("written");
        let torn = [fs::read(&path).expect("text"), b"{\"row\":3,\"iden".to_vec()].concat();
        fs::write(&path, torn).expect("written");
        let mut manifest = Manifest::open(&path).expect("opened");
        assert_eq!(manifest.row(3, "k").map(|entry| entry.state), Some(RowState::Completed));
        assert!(manifest.row(3, "other").is_none() && manifest.row(4, "k").is_none());
        manifest.append(&entry(RowState::Failed)).expect("written");
        let manifest = Manifest::open(&path).expect("opened");
        assert_eq!(manifest.row(3, "k").map(|entry| entry.state), Some(RowState::Failed));
    }
}
