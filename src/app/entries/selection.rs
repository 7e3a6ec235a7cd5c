//! Which entries of the configuration are selected.

use hyperframes_ci_core::text::nearest;

use crate::app::config::{ConfigError, Entry, Settings};
use crate::fault::Error;

/// A selection of entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Whether all entries are selected.
    pub(crate) is_all: bool,
    /// Names of the selected entries.
    pub(crate) names: Vec<String>,
    /// Selects only the entries for this event.
    pub(crate) event: Option<String>,
}

impl Selection {
    /// Returns whether entries are to be used at all.
    pub(crate) fn is_used(&self) -> bool {
        self.is_all || !self.names.is_empty()
    }

    /// Returns the selected entries in the order of the file.
    ///
    /// # Errors
    /// Returns [`ConfigError::NotFound`] or [`ConfigError::Missing`] if the configuration has no entries, and a usage error if it has none of a
    /// given name.
    pub(crate) fn entries<'a>(&self, settings: &'a Settings) -> Result<Vec<&'a Entry>, Error> {
        let entries = &settings.file.entries;
        if entries.is_empty() {
            let path = settings.file.path.clone();
            let is_there = path.is_file();
            return Err(
                if is_there { ConfigError::Missing(path) } else { ConfigError::NotFound(path) }.into()
            );
        }
        let names = || entries.iter().map(|entry| entry.name.as_str());
        if let Some(unknown) = self.names.iter().find(|name| names().all(|known| known != *name)) {
            let near = nearest(unknown, names()).map(|near| format!("; did you mean {near}?"));
            let message = format!(
                "no entry named {unknown:?} in {}{}",
                settings.file.path.display(),
                near.unwrap_or_default()
            );
            return Err(Error::usage(
                message,
                format!("available entries: {}", names().collect::<Vec<_>>().join(", ")),
            ));
        }
        let is_selected = |entry: &&Entry| match &self.event {
            Some(event) => entry.is_for(event),
            None => self.is_all || self.names.contains(&entry.name),
        };
        Ok(entries.iter().filter(is_selected).collect())
    }

    /// Returns why nothing is selected, for a notice.
    pub(crate) fn nothing(&self, settings: &Settings) -> String {
        let event = self.event.as_deref().unwrap_or_default();
        no_entry_for(event, settings)
    }
}

/// Returns the notice that the configuration has no entry for an event.
pub(crate) fn no_entry_for(event: &str, settings: &Settings) -> String {
    let path = settings.file.path.display();
    format!(
        "nothing to do: no [[render]] entry of {path} is for the event {event}; its `on` does not include it"
    )
}
