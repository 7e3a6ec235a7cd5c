//! Rejected requests.

use serde_json::json;

use crate::emulator::envelopes;
use crate::emulator::server::Reply;

/// Why a request is rejected.
#[derive(Debug)]
pub(super) struct Rejection {
    /// HTTP status.
    pub(super) status: u16,
    /// Machine-readable code.
    pub(super) code: &'static str,
    /// Message for people.
    pub(super) message: String,
    /// The field at fault.
    pub(super) param: Option<&'static str>,
}

impl Rejection {
    /// Rejects the value of a field.
    pub(super) fn parameter(param: &'static str, rule: &str) -> Self {
        Self {
            status: 400,
            code: "invalid_parameter",
            message: format!("{param}: {rule}"),
            param: Some(param),
        }
    }

    /// Rejects a reference to something that does not exist.
    pub(super) fn not_found(what: &str) -> Self {
        Self { status: 404, code: "not_found", message: format!("{what} not found"), param: None }
    }

    /// Rejects a project that cannot be rendered.
    pub(super) fn project(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "hyperframes_project_invalid",
            message: message.into(),
            param: Some("project"),
        }
    }

    /// Rejects a project of more than `limit` bytes.
    pub(super) fn too_large(limit: u64) -> Self {
        Self {
            status: 413,
            code: "hyperframes_project_too_large",
            message: format!("the limit is {limit} bytes"),
            param: Some("size_bytes"),
        }
    }

    /// Rejects an upload that the disk refuses.
    pub(super) fn storage() -> Self {
        Self {
            status: 500,
            code: "storage_error",
            message: "the emulator cannot store the request".to_owned(),
            param: None,
        }
    }

    /// Returns the reply as versions of the API before 3 send it: `{"message": …}`.
    pub(super) fn message_reply(&self) -> Reply {
        envelopes::json(self.status, &json!({ "message": self.message }))
    }

    /// Returns the reply.
    pub(super) fn reply(&self) -> Reply {
        envelopes::error(self.status, self.code, &self.message, self.param)
    }
}
