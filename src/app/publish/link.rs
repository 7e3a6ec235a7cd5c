//! Which project to update: IDs, and the file of the project that names one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::PublishError;
use crate::app::config::is_plain_id;
use crate::fault::Error;
use crate::system::gate::{self, Reach, limit};
use crate::system::output;
use crate::system::random;

/// The file, which is that of the official command. It is meant to be committed.
const FILE: &str = ".hyperframes/project.json";

/// The project that is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Its ID.
    pub(super) id: String,
    /// Whether the server has not confirmed the ID: then the project may not exist.
    pub(super) is_pending: bool,
    /// ID of its space.
    pub(super) space: Option<String>,
}

impl Link {
    /// Returns a project that the server has named.
    pub(super) fn known(id: String) -> Self {
        Self { id, is_pending: false, space: None }
    }

    /// Returns a project that does not exist yet, as far as is known.
    pub(super) fn new(id: String) -> Self {
        Self { id, is_pending: true, space: None }
    }
}

/// Returns the ID of a project from its ID or its URL, such as `https://…/p/<ID>`.
///
/// # Errors
/// Returns a usage error if it is neither.
pub(super) fn project_id(target: &str) -> Result<String, Error> {
    let path = target.trim().split(['?', '#']).next().unwrap_or_default();
    let id = match path.split_once("/p/") {
        Some((_, rest)) => rest.split('/').next(),
        None => path.trim_end_matches('/').rsplit('/').next(),
    };
    id.filter(|id| is_plain_id(id)).map(str::to_owned).ok_or_else(|| {
        Error::usage(
            "--update must be the URL or the ID of a published project",
            "copy it from the output of publish",
        )
    })
}

/// Returns a new ID, in the form that the official command uses (a UUID of version 4).
pub(super) fn random_id() -> String {
    uuid(u128::from(random()) << 64 | u128::from(random()))
}

/// Formats bits as a UUID of version 4.
pub(super) fn uuid(bits: u128) -> String {
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The file in a project that names its published project.
pub(super) struct TeamFile {
    path: PathBuf,
    reach: Reach,
}

impl TeamFile {
    /// Returns the file of the project in `directory`, which it must not leave.
    pub(super) fn of(directory: &Path) -> Self {
        Self { path: directory.join(FILE), reach: Reach::inside(directory, "the project") }
    }

    /// Reads the file; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns [`PublishError::TeamFile`] if it cannot be read, or is invalid.
    pub(super) fn read(&self) -> Result<Option<Link>, PublishError> {
        let invalid = |reason: &str| PublishError::TeamFile(self.path.clone(), reason.to_owned());
        let text = match gate::read_text(&self.path, &self.reach, limit::IGNORE) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| invalid(&error.to_string()))?,
        };
        let file = serde_json::from_str::<Value>(&text).map_err(|error| invalid(&error.to_string()))?;
        let id = |name: &str| match &file[name] {
            Value::Null => Ok(None),
            Value::String(id) if is_plain_id(id) => Ok(Some(id.clone())),
            _ => Err(invalid(&format!("{name} is not a valid ID"))),
        };
        let project = id("projectId")?.ok_or_else(|| invalid("projectId is missing"))?;
        Ok(Some(Link { id: project, is_pending: file["pending"] == true, space: id("spaceId")? }))
    }

    /// Writes the file. Members that this version does not know are kept.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(super) fn write(&self, link: &Link) -> Result<(), Error> {
        let text = gate::read_text(&self.path, &self.reach, limit::IGNORE).unwrap_or_default();
        let mut file = serde_json::from_str::<Map<String, Value>>(&text).unwrap_or_default();
        let mut set = |name: &str, value: Option<Value>| match value {
            Some(value) => drop(file.insert(name.to_owned(), value)),
            None => drop(file.remove(name)),
        };
        set("projectId", Some(link.id.as_str().into()));
        set("spaceId", link.space.as_deref().map(Value::from));
        set("pending", link.is_pending.then_some(true.into()));
        let file = Value::Object(file);
        output::write_in(&self.path, &self.reach, FILE, format!("{file:#}\n").as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_by_its_url_or_its_id() {
        for named in [
            "a-1",
            " a-1 ",
            "https://x.example/p/a-1",
            "https://x.example/p/a-1/edit?x=/p/z",
            "https://x.example/a-1/",
        ] {
            assert_eq!(project_id(named).expect("an ID"), "a-1", "{named}");
        }
        for bad in ["", "https://x.example/p/", "a b", "https://x.example/p/%2e%2e", &"x".repeat(65)] {
            assert!(project_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn new_ids_are_uuids() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert!(is_plain_id(&random_id()) && random_id() != random_id());
    }

    #[test]
    fn the_file_is_that_of_the_official_command_and_stays_in_the_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = TeamFile::of(folder.path());
        assert_eq!(file.read().expect("no file"), None);
        let pending = Link { space: Some("s1".to_owned()), ..Link::new("p1".to_owned()) };
        file.write(&pending).expect("written");
        assert_eq!(file.read().expect("a file"), Some(pending));
        let path = folder.path().join(FILE);
        std::fs::write(&path, "{\n  \"projectId\": \"p2\",\n  \"spaceId\": \"\"\n}\n").expect("written");
        assert!(file.read().is_err());
        std::fs::write(&path, "{\"projectId\": \"p1\",\n}").expect("written");
        assert!(file.read().expect_err("refused").to_string().ends_with("at line 2 column 1"));
        std::fs::write(&path, "{\"projectId\": \"p1\", \"pending\": true, \"x\": [1]}").expect("written");
        file.write(&Link::known("p3".to_owned())).expect("written");
        let text = std::fs::read_to_string(&path).expect("a file");
        let known = serde_json::json!({ "projectId": "p3", "x": [1] });
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), known);
        std::fs::write(&path, "{\n  \"projectId\": \"p2\"\n}\n").expect("written");
        assert_eq!(file.read().expect("a file"), Some(Link::known("p2".to_owned())));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_project_is_not_followed() {
        let (folder, outside) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        std::fs::write(outside.path().join("project.json"), "{\"projectId\": \"p\"}").expect("written");
        std::os::unix::fs::symlink(outside.path(), folder.path().join(".hyperframes")).expect("a link");
        let file = TeamFile::of(folder.path());
        assert!(file.read().is_err());
        assert!(file.write(&Link::known("q".to_owned())).is_err());
    }
}
