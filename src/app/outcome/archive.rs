//! Outcomes of packing.

use std::path::PathBuf;

use hyperframes_ci_core::findings::Diagnostic;
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// Properties of an archive.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ArchiveOutcome {
    /// Name of the project.
    pub(crate) project: String,
    /// Digest of the manifest.
    pub(crate) digest: String,
    /// Number of files.
    pub(crate) file_count: usize,
    /// Total size of the files in bytes.
    pub(crate) content_bytes: u64,
    /// Size of the archive in bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of the archive, in hexadecimal.
    pub(crate) sha256: String,
    /// Upload limit of the API in bytes.
    pub(crate) upload_limit_bytes: u64,
    /// Whether the archive exceeds the upload limit.
    pub(crate) exceeds_upload_limit: bool,
    /// The largest files.
    pub(crate) largest_files: Vec<FileSize>,
    /// All files, with `--list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<Vec<FileDigest>>,
    /// Path of the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_path: Option<PathBuf>,
}

/// A file of an archive.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FileSize {
    /// Path in the archive.
    pub(crate) path: String,
    /// Size in bytes.
    pub(crate) size_bytes: u64,
}

/// A file of an archive, with its hash.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FileDigest {
    /// Path in the archive.
    pub(crate) path: String,
    /// Size in bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of its contents, in hexadecimal.
    pub(crate) sha256: String,
}

/// A packed project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PackOutcome {
    /// The archive.
    pub(crate) archive: ArchiveOutcome,
    /// Warnings and notes.
    #[schemars(schema_with = "parts::diagnostics")]
    pub(crate) diagnostics: Vec<Diagnostic>,
}
