//! GitHub's GraphQL API: one query reads what takes many requests of the REST API, and one mutation updates a reference only
//! if it has the expected value.

use serde_json::{Value, json};

use super::client::Client;
use crate::ci::error::ProviderError;
use crate::ci::rest::Body;

/// An error in a response.
#[derive(Clone, Debug)]
pub(super) struct GraphError {
    /// The type, such as `FORBIDDEN`, or the code of a query that the server does not understand.
    kind: String,
    pub(super) message: String,
}

impl GraphError {
    /// Returns whether the server does not know the operation, or does not allow it to this token.
    pub(super) fn is_unavailable(&self) -> bool {
        ["FORBIDDEN", "INSUFFICIENT_SCOPES", "undefinedField", "argumentNotAccepted"]
            .contains(&self.kind.as_str())
            || self.message.contains("doesn't exist on type")
    }

    /// Returns whether the rules of the repository forbid the operation, so that it fails however often it is tried.
    pub(super) fn is_final(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        message.contains("rule violation") || message.contains("protected")
    }
}

impl Client {
    /// Sends a query or a mutation, and returns its data and errors. `subject` names it in errors.
    ///
    /// # Errors
    /// Returns [`ProviderError`] if the response is missing or invalid.
    pub(super) fn graph(
        &self,
        query: &str,
        variables: &Value,
        subject: &str,
    ) -> Result<(Value, Vec<GraphError>), ProviderError> {
        let body = json!({ "query": query, "variables": variables });
        let mut json = self.api.call("POST", &self.graph, &Body::Query(&body))?.ok(subject)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = json["errors"].as_array().into_iter().flatten().map(|error| {
            let kind = if error["type"].is_string() { &error["type"] } else { &error["extensions"]["code"] };
            GraphError { kind: text(kind), message: text(&error["message"]) }
        });
        let errors = errors.collect();
        Ok((json["data"].take(), errors))
    }
}
