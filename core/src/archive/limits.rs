//! Upload limits.

/// The largest archive that a direct upload takes, in bytes (200 MB; source: the API's `max_bytes`).
pub const DIRECT_UPLOAD_LIMIT: u64 = 200 * 1024 * 1024;

/// The largest archive that `POST /v3/assets` takes, in bytes (32 MB).
pub const PROXY_UPLOAD_LIMIT: u64 = 32 * 1024 * 1024;
