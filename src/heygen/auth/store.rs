//! The credentials file, which is shared with other tools: unknown members are preserved.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::CredentialError;
use crate::system::deadline::Deadline;
use crate::system::file;
use crate::system::temporary;

/// How long the lock of another process is waited for: it may be refreshing a token.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The credentials file.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// Returns the file at `path`, which may not exist.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Reads the file. Returns `None` if it does not exist or is empty. The legacy format, one line with the API key, is
    /// returned as `{"api_key": …}`.
    ///
    /// # Errors
    /// Returns [`CredentialError::Unreadable`] if the file cannot be read, and [`CredentialError::Corrupt`] if it has
    /// neither format.
    pub(crate) fn read(&self) -> Result<Option<Value>, CredentialError> {
        let text = match file::read_to_string(&self.path) {
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

    /// Locks the file against changes by other processes of this program, until the lock is dropped. Creates the directory
    /// if it does not exist.
    ///
    /// # Errors
    /// Returns [`CredentialError::Unwritable`] if the directory cannot be written.
    pub(crate) fn lock(&self) -> Result<Lock<'_>, CredentialError> {
        self.lock_by(Deadline::NEVER)
    }

    /// Locks the file as [`Store::lock`] does, and waits for other processes until `deadline`.
    ///
    /// # Errors
    /// As [`Store::lock`].
    pub(crate) fn lock_by(&self, deadline: Deadline) -> Result<Lock<'_>, CredentialError> {
        let open = || {
            if let Some(folder) = self.path.parent() {
                let mut builder = fs::DirBuilder::new();
                builder.recursive(true);
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
                builder.create(folder)?;
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = file::open(&self.path.with_file_name("credentials.lock"), &mut options)?;
            file::lock(&file, Deadline::after(deadline.limit(LOCK_TIMEOUT)))?;
            Ok(file)
        };
        let file = open().map_err(|error| CredentialError::Unwritable(self.path.clone(), error))?;
        Ok(Lock { store: self, _file: file })
    }

    fn replace(&self, stored: &Value) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // Temporary files are private: mode 0600.
        let mut file = temporary::create(folder, ".hyperframes-ci-credentials-", ".part")?.file;
        file.write_all(format!("{stored:#}\n").as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map(|_| ()).map_err(|error| error.error)
    }
}

/// The locked file.
#[derive(Debug)]
pub(crate) struct Lock<'a> {
    store: &'a Store,
    _file: fs::File,
}

/// A JSON object of the file. Members that are not changed are preserved.
pub(crate) struct Object<'a>(&'a mut Map<String, Value>);

impl Lock<'_> {
    /// Changes the file. Deletes it if nothing is left.
    ///
    /// # Errors
    /// Returns [`CredentialError`] if the file cannot be read or replaced, or `change` fails because a member is not an
    /// object. The file is unchanged then.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Object<'_>) -> Result<(), String>,
    ) -> Result<(), CredentialError> {
        let path = &self.store.path;
        let corrupt = |message: String| CredentialError::Corrupt(path.clone(), message);
        let mut stored = match self.store.read()? {
            Some(Value::Object(stored)) => stored,
            Some(_) => return Err(corrupt("not a JSON object".to_owned())),
            None => Map::new(),
        };
        change(&mut Object(&mut stored)).map_err(corrupt)?;
        let changed = if stored.is_empty() {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        } else {
            self.store.replace(&Value::Object(stored))
        };
        changed.map_err(|error| CredentialError::Unwritable(path.clone(), error))
    }
}

impl Object<'_> {
    /// Returns the member `name`, which is created if it is missing.
    ///
    /// # Errors
    /// Returns a message if the member is not an object.
    pub(crate) fn object(&mut self, name: &str) -> Result<Object<'_>, String> {
        let value = self.0.entry(name).or_insert_with(|| Value::Object(Map::new()));
        value.as_object_mut().map(Object).ok_or_else(|| format!("`{name}` is not an object"))
    }

    /// Sets members, and removes those that are null.
    #[expect(clippy::unnecessary_wraps, reason = "it is the last call of a change")]
    pub(crate) fn set(&mut self, fields: Map<String, Value>) -> Result<(), String> {
        for (name, value) in fields {
            match value {
                Value::Null => drop(self.0.shift_remove(&name)),
                value => drop(self.0.insert(name, value)),
            }
        }
        Ok(())
    }

    /// Removes members of the object `name`, and the object itself if it becomes empty.
    ///
    /// # Errors
    /// Returns a message if the member `name` is not an object.
    pub(crate) fn clear(&mut self, name: &str, members: &[&str]) -> Result<(), String> {
        if self.0.contains_key(name) {
            let mut object = self.object(name)?;
            object.set(members.iter().map(|member| ((*member).to_owned(), Value::Null)).collect())?;
            if object.0.is_empty() {
                self.0.shift_remove(name);
            }
        }
        Ok(())
    }
}

/// Returns the text of a JSON value, or `None` if it is not a string or empty.
pub(crate) fn text(member: Option<&Value>) -> Option<&str> {
    member.and_then(Value::as_str).filter(|text| !text.is_empty())
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
        let store = Store::new(&path);
        let lock = store.lock().expect("locked");
        lock.change(|stored| stored.object("oauth")?.set(fields)).expect("replaced");
        let mut expected = before;
        expected["oauth"]["access_token"] = "new".into();
        assert_eq!(Store::new(&path).read().expect("readable"), Some(expected));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        }
        let clear =
            |members: &[&str]| lock.change(|stored| stored.clear("oauth", members)).expect("replaced");
        clear(&["access_token", "refresh_token"]);
        assert_eq!(
            store.read().expect("readable").expect("stored")["oauth"],
            serde_json::json!({"also": true})
        );
        clear(&["also"]);
        assert_eq!(store.read().expect("readable").expect("stored").get("oauth"), None);
        let of_another_shape = lock.change(|stored| stored.object("api_key")?.set(Map::new()));
        assert!(matches!(of_another_shape, Err(CredentialError::Corrupt(..))));
    }

    #[test]
    fn what_is_empty_is_deleted_and_the_folder_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(&folder.path().join("new/credentials"));
        let lock = store.lock().expect("locked");
        let set =
            |value: Value| lock.change(|stored| stored.set(Map::from_iter([("api_key".to_owned(), value)])));
        set("k".into()).expect("stored");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&folder.path().join("new")), mode(&store.path)), (0o700, 0o600));
        }
        set(Value::Null).expect("stored");
        assert!(!store.path.exists());
        set(Value::Null).expect("nothing to do");
    }
}
