//! Converts the rows of a file to requests.

use std::path::Path;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::{Diagnostic, Levels, Rule, Severity};
use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::variables::{Declarations, Row, RowError, ValueIssue, fill, type_fields};
use serde_json::{Map, Value};

use super::places::{BatchPlaces, refused};
use super::rows_file::{RowsFile, manifest_path};
use crate::app::prepare::PreparedProject;
use crate::app::request::{RequestBody, check_options, invalid_option};
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::renderers::{Renderer, check_support};
use crate::system::gate::Reach;
use crate::system::hash::hash;
use crate::system::output_place::{OutputRefusal, OutputTarget, ResolvedFolders};

/// Default output pattern of a batch.
const OUTPUT: &str = "renders/{index}.{ext}";

/// The rows of a batch, and the settings that they share.
pub(crate) struct BatchRows<'a> {
    pub(super) spec: &'a RenderSpec,
    pub(super) file: &'a RowsFile,
    pub(super) declarations: &'a Declarations,
    /// The severities of findings about values.
    levels: &'a Levels,
    /// The request of every row, overridden by its own options.
    body: &'a Map<String, Value>,
    /// Declared duration of the composition in seconds.
    pub(super) duration: Option<f64>,
    /// Declared width and height of the composition in pixels.
    size: Option<(f64, f64)>,
    /// Base values, overridden by those of the rows.
    variables: Map<String, Value>,
    pattern: String,
    places: BatchPlaces,
    pub(super) renderer: Option<&'static dyn Renderer>,
    /// Rows with an output that must not be written, from 0, sorted.
    refused: &'a [u64],
}

/// A valid row.
pub(super) struct ValidRow {
    pub(super) row: Row,
    pub(super) body: Map<String, Value>,
    pub(super) options: RenderRequest,
    pub(super) output: String,
    /// Findings about its values that are not errors.
    pub(super) issues: Vec<(ValueIssue, Severity)>,
}

impl ValidRow {
    /// Returns the format of its video.
    pub(super) fn format(&self) -> Format {
        self.options.format.unwrap_or(Format::Mp4)
    }

    /// Returns a hash that identical rows have in common: those that may share a render.
    pub(super) fn hash(&self) -> u64 {
        hash(RenderIdentity::new(ProjectIdentity::Digest(""), &self.body).key(0).as_str())
    }
}

/// An invalid row.
pub(super) struct InvalidRow {
    /// Index of the row, from 0.
    pub(super) index: u64,
    /// Line of the row, from 1.
    pub(super) line: u64,
    pub(super) message: String,
}

impl<'a> BatchRows<'a> {
    /// Returns the rows of `file`.
    ///
    /// # Errors
    /// Returns an error if the folder of the outputs leads through a link without a target, or if the manifest must not be
    /// written where it is.
    pub(crate) fn new(
        spec: &'a RenderSpec,
        request: &'a RequestBody,
        project: &'a PreparedProject,
        renderer: Option<&'static dyn Renderer>,
        file: &'a RowsFile,
    ) -> Result<Self, Error> {
        let pattern = spec.output.as_ref().map(|path| path.display().to_string());
        let pattern = pattern.unwrap_or_else(|| OUTPUT.to_owned());
        let manifest = manifest_path(spec, spec.batch.rows.as_deref().unwrap_or(file.name()));
        Ok(Self {
            spec,
            file,
            declarations: &project.declarations,
            levels: &project.levels,
            body: &request.body,
            duration: project.duration,
            size: project.size(),
            variables: request.options.variables.clone().unwrap_or_default(),
            places: BatchPlaces::new(spec, project, &pattern, &manifest)?,
            pattern,
            renderer,
            refused: &[],
        })
    }

    /// Returns the path of the manifest, which has been checked.
    pub(super) fn manifest(&self) -> &Path {
        self.places.manifest()
    }

    /// Marks the rows at these indexes, which are sorted, as invalid because of their outputs.
    pub(super) fn refusing(self, refused: &'a [u64]) -> Self {
        Self { refused, ..self }
    }

    /// Reads the file from the start.
    ///
    /// # Errors
    /// Returns a usage error if it cannot be read.
    pub(super) fn read(
        &self,
    ) -> Result<impl Iterator<Item = Result<ValidRow, InvalidRow>> + use<'_, 'a>, Error> {
        let valid = |row: Result<Row, RowError>| {
            let row = self.validate(row)?;
            match self.refused.binary_search(&row.row.index) {
                Ok(_) => Err(self.refusal(&row)),
                Err(_) => Ok(row),
            }
        };
        Ok(self.file.read()?.map(valid))
    }

    /// Checks the output of a row, and returns the file that it resolves to.
    ///
    /// # Errors
    /// Returns the reason why it must not be written.
    pub(super) fn target(
        &self,
        row: &ValidRow,
        folders: &mut ResolvedFolders,
    ) -> Result<OutputTarget, OutputRefusal> {
        self.places.check(&row.row, (&row.output, row.format()), folders)
    }

    /// Returns where the output of a row may lead.
    pub(super) fn reach(&self, row: &ValidRow) -> Reach {
        self.places.reach(&row.row)
    }

    /// Returns folders to check outputs with; a run that writes videos also checks that they are writable.
    pub(super) fn folders(&self) -> ResolvedFolders {
        if self.spec.is_dry_run || !self.spec.run.is_waiting {
            ResolvedFolders::default()
        } else {
            ResolvedFolders::trying()
        }
    }

    /// Returns the row as invalid because of its output.
    fn refusal(&self, row: &ValidRow) -> InvalidRow {
        let message = match self.target(row, &mut self.folders()) {
            Err(refusal) => refused(&row.row, &row.output, &refusal),
            Ok(_) => format!("output {} is also the output of another row", row.output),
        };
        InvalidRow { index: row.row.index, line: row.row.line, message }
    }

    /// Converts a row to a request, or describes its first mistake. The output is not compared with files and other rows.
    pub(super) fn validate(&self, row: Result<Row, RowError>) -> Result<ValidRow, InvalidRow> {
        let invalid = |RowError { index, line, message, is_fatal }| {
            let subject = if is_fatal { "the file" } else { "the row" };
            InvalidRow { index, line, message: format!("{subject} {message}") }
        };
        let mut row = row.map_err(invalid)?;
        let (index, line) = (row.index, row.line);
        let wrong = |message: String| InvalidRow { index, line, message };
        if self.file.is_table() {
            type_fields(&mut row.variables, self.declarations);
        }
        let issues = self.issues(&row.variables).map_err(wrong)?;
        let mut variables = self.variables.clone();
        variables.extend(std::mem::take(&mut row.variables));
        row.variables = variables;
        let mut body = self.body.clone();
        body.extend(row.options.clone());
        body.insert("variables".to_owned(), Value::Object(row.variables.clone()));
        let options: RenderRequest = serde_json::from_value(Value::Object(body.clone()))
            .map_err(|error| wrong(format!("invalid option: {}", invalid_option(&body, &error))))?;
        check_options(&options).map_err(|error| wrong(error.to_string()))?;
        if let Some(renderer) = self.renderer {
            check_support(renderer.description(), &options, &self.spec.run)
                .map_err(|error| wrong(error.to_string()))?;
            renderer.accept(&options, &self.spec.run, self.size).map_err(|error| wrong(error.to_string()))?;
        }
        let ext = options.format.unwrap_or(Format::Mp4).as_str();
        let output = match &row.output {
            Some(output) => output.clone(),
            None => fill(&self.pattern, &row, ext).map_err(wrong)?,
        };
        Ok(ValidRow { row, body, options, output, issues })
    }

    /// Returns findings about the values of a row, without help texts, which would be slow for many rows.
    ///
    /// # Errors
    /// Returns the message of the first one that is an error.
    fn issues(&self, values: &Map<String, Value>) -> Result<Vec<(ValueIssue, Severity)>, String> {
        let mut issues = Vec::new();
        for (id, value) in values {
            let Some(issue) = self.declarations.check_one(id, value, false) else { continue };
            match self.severity(issue.rule) {
                Some(Severity::Error) => return Err(issue.message),
                Some(severity) => issues.push((issue, severity)),
                None => {}
            }
        }
        Ok(issues)
    }

    fn severity(&self, rule: Rule) -> Option<Severity> {
        self.levels.severity(&Diagnostic::new(rule, String::new(), String::new()))
    }
}
