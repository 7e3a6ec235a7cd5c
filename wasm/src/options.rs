//! `CheckOptions` of `index.d.ts`.

use hyperframes_ci_core::{
    AspectRatio, CheckOptions, Config, Level, Levels, ReportFormat, Rule, Values, resolve,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// As JavaScript writes them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Written {
    project: String,
    composition: Option<String>,
    aspect_ratio: Option<AspectRatio>,
    variables: Option<Map<String, Value>>,
    values: Vec<ValuesFile>,
    config: Config,
    strict: bool,
    deny: Vec<String>,
    warn: Vec<String>,
    allow: Vec<String>,
    format: Option<ReportFormat>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValuesFile {
    path: String,
    text: String,
    #[serde(default)]
    rows: bool,
}

/// What is to be checked, and how it is told.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) project: String,
    pub(crate) checks: CheckOptions,
    pub(crate) levels: Levels,
    pub(crate) format: ReportFormat,
}

impl Options {
    /// Reads options.
    ///
    /// # Errors
    /// `invalid_options`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let problem = |message: String| Problem::new("invalid_options", message);
        let written: Written = serde_json::from_str(text).map_err(|error| {
            // The position in a text that nobody wrote helps nobody.
            let message = error.to_string();
            problem(
                message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message).to_owned(),
            )
        })?;
        let project = resolve("", &written.project)
            .ok_or_else(|| problem(format!("the project {:?} lies outside of the files", written.project)))?;
        let mut levels = Levels::default();
        written.config.check.apply(&mut levels);
        let lists =
            [(&written.deny, Level::Deny), (&written.warn, Level::Warn), (&written.allow, Level::Allow)];
        for (codes, level) in lists {
            for code in codes {
                let rule = code.parse::<Rule>().map_err(|error| problem(error.to_string()))?;
                levels.set(rule, level);
            }
        }
        if written.strict {
            levels.set_strict();
        }
        let files = written.values.into_iter().map(|ValuesFile { path, text, rows }| {
            if rows { Values::Rows { path, text } } else { Values::Object { path, text } }
        });
        let checks = CheckOptions {
            compositions: written.composition.into_iter().collect(),
            values: written.variables.map(Values::Inline).into_iter().chain(files).collect(),
            aspect_ratio: written.aspect_ratio,
        };
        Ok(Self { project, checks, levels, format: written.format.unwrap_or(ReportFormat::Human) })
    }
}
