//! Errors of one entry of the configuration.

use std::fmt;

use hyperframes_ci_core::findings::Findings;
use serde_json::{Map, Value};

use crate::app::config::{Entry, Settings};
use crate::fault::{Error, Exit, Fault, Location};

/// An error about an entry, with its place in the configuration.
#[derive(Debug)]
struct EntryError {
    name: String,
    location: Location,
    error: Error,
}

/// Adds the place of `entry` to an error that it causes, such as a project that does not exist. Findings have places of
/// their own.
pub(crate) fn located(error: Error, entry: &Entry, settings: &Settings) -> Error {
    if error.exit() != Exit::Usage || error.location().is_some() {
        return error;
    }
    let location = Location { path: settings.file.path.clone(), line: entry.line };
    EntryError { name: entry.name.clone(), location, error }.into()
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, location: Location { path, line }, error } = self;
        let message = error.to_string();
        // The message may name the line of a key.
        if message.starts_with(&format!("{}:", path.display())) {
            return f.write_str(&message);
        }
        write!(f, "{}:{line}: entry {name:?}: {message}", path.display())
    }
}

impl Fault for EntryError {
    fn code(&self) -> &str {
        self.error.code()
    }

    fn help(&self) -> Option<String> {
        self.error.help()
    }

    fn exit(&self) -> Exit {
        self.error.exit()
    }

    fn members(&self) -> Map<String, Value> {
        self.error.members()
    }

    fn findings(&self) -> Option<&Findings> {
        self.error.findings()
    }

    fn location(&self) -> Option<Location> {
        Some(self.location.clone())
    }
}
