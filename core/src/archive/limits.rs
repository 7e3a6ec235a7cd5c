//! Upload limits.

/// The largest archive that a direct upload takes, in bytes (200 MB; source: the API's `max_bytes`).
pub const DIRECT_UPLOAD_LIMIT: u64 = 200 * 1024 * 1024;

/// The largest archive that `POST /v3/assets` takes, in bytes (32 MB).
pub const PROXY_UPLOAD_LIMIT: u64 = 32 * 1024 * 1024;

/// The largest archive that is sent as a part of the submission, in bytes (1 MB). The API documents no limit of its own.
pub const INLINE_UPLOAD_LIMIT: u64 = 1024 * 1024;
