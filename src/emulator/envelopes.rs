//! The forms of reply bodies: JSON on the API's origin, XML on the storage's.

use serde_json::{Value, json};

use super::server::Reply;

/// Returns a JSON reply of any form.
pub(super) fn json(status: u16, body: &Value) -> Reply {
    Reply::new(status, "application/json", body.to_string())
}

/// Returns a successful reply of the API: `{"data": …}`.
pub(super) fn data(value: &Value) -> Reply {
    json(200, &json!({ "data": value }))
}

/// Returns an error of the API: `{"error": …}`; `param` is the field at fault.
pub(super) fn error(status: u16, code: &str, message: &str, param: Option<&str>) -> Reply {
    json(status, &json!({ "error": { "code": code, "message": message, "param": param, "doc_url": null } }))
}

/// Returns an error of the storage.
pub(super) fn storage_error(status: u16, code: &str, message: &str) -> Reply {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply::new(status, "application/xml", body)
}

/// Returns the storage's reply to a presigned URL that has expired.
pub(super) fn url_expired() -> Reply {
    storage_error(403, "AccessDenied", "Request has expired")
}
