//! Published projects.

use serde::Serialize;

/// A published project, as the statistics show it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PublishedProject {
    pub(crate) project_id: String,
    pub(crate) title: String,
    pub(crate) is_public: bool,
    /// Whether it belongs to the account of a sign-in.
    pub(crate) claimed: bool,
    /// The space of the newest version.
    pub(crate) space: Option<String>,
    /// Number of files of the newest version.
    pub(crate) file_count: usize,
    /// How often it was published.
    pub(crate) versions: u32,
}
