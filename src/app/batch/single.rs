//! The rows of a batch as single renders.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};
use serde_json::Value;

use super::rows::BatchRows;
use crate::app::spec::{BatchOptions, RenderSpec, VariableSource};
use crate::fault::Error;

/// A row as a render of its own.
#[derive(Clone, Debug)]
pub(crate) struct RowRender {
    /// Index of the row, from 0.
    pub(crate) row: u64,
    /// Render key of generation 0.
    pub(crate) identity: String,
    /// How it is rendered.
    pub(crate) spec: RenderSpec,
}

impl BatchRows<'_> {
    /// Returns the first `limit` valid rows as renders of the project with this digest.
    ///
    /// # Errors
    /// Returns a usage error if the file cannot be read.
    pub(crate) fn renders(&self, digest: &str, limit: usize) -> Result<Vec<RowRender>, Error> {
        let rows = self.read()?.flatten().take(limit);
        let render = |row: super::rows::ValidRow| RowRender {
            row: row.row.index,
            identity: RenderIdentity::new(ProjectIdentity::Digest(digest), &row.body).key(0).to_string(),
            spec: RenderSpec {
                request: RenderRequest { variables: None, ..row.options },
                variables: Some(VariableSource::Inline(Value::Object(row.row.variables).to_string())),
                output: None,
                // The project does not contain the file of rows, as in the batch.
                reports: self.spec.own_files().into_iter().map(ToOwned::to_owned).collect(),
                batch: BatchOptions::default(),
                ..self.spec.clone()
            },
        };
        Ok(rows.map(render).collect())
    }
}
