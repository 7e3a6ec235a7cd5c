//! Outcomes of packing.

use std::path::PathBuf;

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// An archive in figures.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ArchiveOutcome {
    /// The project's name.
    pub(crate) project: String,
    /// The manifest digest.
    pub(crate) digest: String,
    /// Files.
    pub(crate) file_count: usize,
    /// Their size in bytes.
    pub(crate) content_bytes: u64,
    /// The archive's size in bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of the archive, in hexadecimal.
    pub(crate) sha256: String,
    /// What the API takes, in bytes.
    pub(crate) upload_limit_bytes: u64,
    /// Whether it is larger.
    pub(crate) exceeds_upload_limit: bool,
    /// The largest files.
    pub(crate) largest_files: Vec<FileSize>,
    /// All files, with `--list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<Vec<FileDigest>>,
    /// Where the archive was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_path: Option<PathBuf>,
}

/// A file of an archive.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FileSize {
    /// Its path in the archive.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
}

/// A file of an archive, with its hash.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FileDigest {
    /// Its path in the archive.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of its contents, in hexadecimal.
    pub(crate) sha256: String,
}

/// A project that was packed for itself.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PackOutcome {
    /// The archive.
    pub(crate) archive: ArchiveOutcome,
    /// Findings short of errors.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}
