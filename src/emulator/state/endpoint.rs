//! Registered webhook endpoints.

use crate::system::secret::Secret;

/// An endpoint that events are delivered to.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) url: String,
    /// The types of events that it wants; all if `None`.
    pub(crate) events: Option<Vec<String>>,
    /// Signs the events.
    pub(crate) secret: Secret,
}

impl Endpoint {
    /// Returns whether events of this type are delivered to it.
    pub(crate) fn wants(&self, event_type: &str) -> bool {
        self.events.as_ref().is_none_or(|events| events.iter().any(|event| event == event_type))
    }
}
