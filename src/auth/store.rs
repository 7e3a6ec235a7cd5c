//! The credentials file, which other tools read and write as well: whatever this one does not know is kept.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::CredentialError;

/// The credentials file.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// The file at `path`, whether or not there is one.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// What is stored; `None` where there is no file or an empty one. The legacy form, one line with the API key, reads
    /// as `{"api_key": …}`.
    ///
    /// # Errors
    /// When the file cannot be read, or is neither.
    pub(crate) fn read(&self) -> Result<Option<Value>, CredentialError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CredentialError::Unreadable(self.path.clone(), error)),
        };
        let corrupt = |message: String| CredentialError::Corrupt(self.path.clone(), message);
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.starts_with('{') {
            return serde_json::from_str(text).map(Some).map_err(|error| corrupt(error.to_string()));
        }
        if text.lines().count() > 1 {
            return Err(corrupt("neither JSON nor a single line".to_owned()));
        }
        Ok(Some(serde_json::json!({ "api_key": text })))
    }

    /// Keeps other processes of this program from changing the file, until the guard is dropped.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn lock(&self) -> io::Result<fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.path.with_file_name("credentials.lock"))?;
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
            _ => Ok(file),
        }
    }

    /// Puts `fields` into the stored `oauth` object, takes those out of it that are null, and keeps everything else as it
    /// is.
    ///
    /// # Errors
    /// When the file cannot be read or replaced; it is as it was then.
    pub(crate) fn update_session(&self, fields: Map<String, Value>) -> Result<(), CredentialError> {
        let mut stored = self.read()?.unwrap_or_else(|| Value::Object(Map::new()));
        let session = stored
            .as_object_mut()
            .map(|stored| stored.entry("oauth").or_insert_with(|| Value::Object(Map::new())));
        match session.and_then(Value::as_object_mut) {
            Some(session) => {
                for (name, value) in fields {
                    match value {
                        Value::Null => drop(session.shift_remove(&name)),
                        value => drop(session.insert(name, value)),
                    }
                }
            }
            None => {
                let message = "`oauth` is no object".to_owned();
                return Err(CredentialError::Corrupt(self.path.clone(), message));
            }
        }
        self.replace(&stored).map_err(|error| CredentialError::Unwritable(self.path.clone(), error))
    }

    fn replace(&self, stored: &Value) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Temporary files are private: mode 0600.
        let mut file = tempfile::Builder::new().prefix(".credentials-").tempfile_in(folder)?;
        file.write_all(format!("{stored:#}\n").as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map(|_| ()).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_stored_is_kept_at_every_level() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let before = serde_json::json!({
            "api_key": "k", "theirs": {"a": [1]}, "user": {"email": "e", "more": 2},
            "oauth": {"access_token": "old", "refresh_token": "r", "also": true}
        });
        fs::write(&path, before.to_string()).expect("written");
        let fields = Map::from_iter([("access_token".to_owned(), "new".into())]);
        Store::new(&path).update_session(fields).expect("replaced");
        let mut expected = before;
        expected["oauth"]["access_token"] = "new".into();
        assert_eq!(Store::new(&path).read().expect("readable"), Some(expected));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        }
    }
}
