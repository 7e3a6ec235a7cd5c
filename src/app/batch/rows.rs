//! The rows of a file, each made into a request.

use std::fs::File;
use std::io::BufReader;
use std::path::{Component, Path};

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::findings::{Rule, Severity};
use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::variables::{
    Declarations, Outputs, Row, RowError, RowFormat, Rows, fill, type_fields,
};
use serde_json::{Map, Value};

use crate::app::failure::InvalidRows;
use crate::app::prepare::PreparedProject;
use crate::app::request::{RequestBody, check_options};
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::renderers::Renderer;
use crate::ui::Console;

/// Invalid rows that are reported in words.
const MOST_REPORTED: usize = 20;

/// Where videos of a batch go unless the user says otherwise.
const OUTPUT: &str = "renders/{index}.{ext}";

/// The rows of a batch, and what is the same for all of them.
pub(crate) struct BatchRows<'a> {
    pub(super) spec: &'a RenderSpec,
    file: &'a Path,
    declarations: &'a Declarations,
    /// The request of every row, below its own options.
    body: &'a Map<String, Value>,
    /// How long the composition says that it is, in seconds.
    pub(super) duration: Option<f64>,
    /// Base values, below those of the rows.
    variables: Map<String, Value>,
    pattern: String,
    renderer: Option<&'static dyn Renderer>,
}

/// How many rows there are, and how many of them are invalid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowCount {
    pub(super) rows: u64,
    pub(super) invalid: u64,
}

/// A row that can be rendered.
pub(super) struct ValidRow {
    pub(super) row: Row,
    pub(super) body: Map<String, Value>,
    pub(super) options: RenderRequest,
    pub(super) output: String,
}

/// A row that cannot be rendered as it is.
pub(super) struct InvalidRow {
    /// Its place, from 0.
    pub(super) index: u64,
    /// Its line, from 1.
    line: u64,
    pub(super) message: String,
}

impl<'a> BatchRows<'a> {
    /// The rows of `file`.
    pub(crate) fn new(
        spec: &'a RenderSpec,
        request: &'a RequestBody,
        project: &'a PreparedProject,
        renderer: Option<&'static dyn Renderer>,
        file: &'a Path,
    ) -> Self {
        let pattern = spec.output.as_ref().map(|path| path.display().to_string());
        Self {
            spec,
            file,
            declarations: &project.declarations,
            body: &request.body,
            duration: project.duration,
            variables: request.options.variables.clone().unwrap_or_default(),
            pattern: pattern.unwrap_or_else(|| OUTPUT.to_owned()),
            renderer,
        }
    }

    fn format(&self) -> RowFormat {
        RowFormat::of(&self.file.to_string_lossy())
    }

    /// Reads the file from its beginning.
    ///
    /// # Errors
    /// Returns a usage error if it cannot be read.
    pub(super) fn read(
        &self,
    ) -> Result<impl Iterator<Item = Result<ValidRow, InvalidRow>> + use<'_, 'a>, Error> {
        let unreadable = |message: String| {
            Error::usage(format!("--batch: {} {message}", self.file.display()), "name a file of rows")
        };
        let file = File::open(self.file).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        let rows =
            Rows::new(BufReader::new(file), self.format()).map_err(|error| unreadable(error.message))?;
        Ok(rows.map(|row| self.validate(row)))
    }

    /// A row as it is submitted, or what is wrong with it.
    fn validate(&self, row: Result<Row, RowError>) -> Result<ValidRow, InvalidRow> {
        let invalid = |RowError { index, line, message, .. }| InvalidRow { index, line, message };
        let mut row = row.map_err(invalid)?;
        let (index, line) = (row.index, row.line);
        let wrong = |message: String| InvalidRow { index, line, message };
        if self.format() == RowFormat::Csv {
            type_fields(&mut row.variables, self.declarations);
        }
        let mut variables = self.variables.clone();
        variables.extend(row.variables.clone());
        row.variables = variables;
        let issues = self.declarations.check(&row.variables);
        let is_error = |rule: Rule| self.spec.has_strict_variables && rule.severity() == Severity::Error;
        if let Some(issue) = issues.into_iter().find(|issue| is_error(issue.rule)) {
            return Err(wrong(issue.message));
        }
        let mut body = self.body.clone();
        body.extend(row.options.clone());
        body.insert("variables".to_owned(), Value::Object(row.variables.clone()));
        let options: RenderRequest = serde_json::from_value(Value::Object(body.clone()))
            .map_err(|error| wrong(format!("has an option of no use: {error}")))?;
        check_options(&options).map_err(|error| wrong(error.to_string()))?;
        if let Some(renderer) = self.renderer {
            renderer.accept(&options).map_err(|error| wrong(error.to_string()))?;
        }
        let ext = options.format.unwrap_or(Format::Mp4).as_str();
        let output = match &row.output {
            Some(output) if is_beside(output) => output.clone(),
            Some(output) => {
                return Err(wrong(format!(
                    "has the output {output:?}, which leads out of the current directory"
                )));
            }
            None => fill(&self.pattern, &row, ext).map_err(wrong)?,
        };
        Ok(ValidRow { row, body, options, output })
    }

    /// Looks at every row before anything is done.
    ///
    /// # Errors
    /// Returns [`InvalidRows`] if some are invalid, unless the user wants the others.
    pub(crate) fn count(&self, console: &mut Console) -> Result<RowCount, Error> {
        let (mut rows, mut invalid, mut first) = (0, 0, Vec::new());
        let mut outputs = Outputs::default();
        for row in self.read()? {
            rows += 1;
            let problem = match row {
                Ok(valid) => outputs.add(&valid.output, valid.row.index).map(|other| {
                    (valid.row.line, format!("writes to {} like row {}", valid.output, other + 1))
                }),
                Err(InvalidRow { line, message, .. }) => Some((line, message)),
            };
            if let Some((line, message)) = problem {
                invalid += 1;
                if first.len() < MOST_REPORTED {
                    first.push(format!("{}:{line}: {message}", self.file.display()));
                }
            }
        }
        if rows == 0 {
            return Err(Error::usage(format!("{} has no rows", self.file.display()), "name a file of rows"));
        }
        if invalid > 0 && !self.spec.batch.is_keeping_going && !self.spec.is_dry_run {
            return Err(InvalidRows { count: invalid, first }.into());
        }
        first.iter().for_each(|line| console.warning(line));
        Ok(RowCount { rows, invalid })
    }
}

/// Whether the output that a row names stays in the current directory: rows come from elsewhere.
fn is_beside(output: &str) -> bool {
    let path = Path::new(output);
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && path.file_name().is_some()
}
