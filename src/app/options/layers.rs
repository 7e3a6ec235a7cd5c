//! Layers of values: flags or inputs override the environment, which overrides an entry of the configuration, which
//! overrides its defaults.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::option::{Heading, RenderOption};
use crate::app::spec::RenderSpec;
use crate::fault::{Error, Location};

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// An input of the action.
    Input,
    /// An environment variable.
    Environment(String),
    /// A file of the configuration and a line, from 1.
    File(PathBuf, usize),
    /// Not set.
    Default,
}

impl Origin {
    /// Returns the line of the configuration.
    fn location(&self) -> Option<Location> {
        match self {
            Self::File(path, line) => Some(Location { path: path.clone(), line: *line }),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Input => f.write_str("the inputs"),
            Self::Environment(name) => f.write_str(name),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value of an option.
#[derive(Clone)]
pub(crate) struct Given {
    /// The option.
    pub(crate) option: &'static RenderOption,
    /// The value in the form of the flag.
    pub(crate) value: OsString,
    /// The origin.
    pub(crate) origin: Origin,
}

impl Given {
    /// Returns the name of the option where it was set, for messages: `--fps`, `input fps`, `HYPERFRAMES_CI_FPS` or
    /// `hyperframes-ci.toml:3: fps`.
    pub(crate) fn label(&self) -> String {
        match &self.origin {
            Origin::Flag | Origin::Default => format!("--{}", self.option.name),
            Origin::Input => format!("input {}", self.option.key()),
            Origin::Environment(name) => name.clone(),
            Origin::File(..) => format!("{}: {}", self.origin, self.option.key()),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} ({})", self.option.name, self.value.to_string_lossy(), self.origin)
    }
}

/// Applies `given` to `spec` in the order of precedence, and returns the values that were applied. A value is skipped if
/// an earlier one sets its option or cannot be used with it. Options of batches are skipped without rows, unless they are flags or
/// inputs.
///
/// # Errors
/// Returns a usage error with the origin of the first invalid value.
pub(crate) fn apply_layers(spec: &mut RenderSpec, given: Vec<Given>) -> Result<Vec<Given>, Error> {
    let has_rows = given.iter().any(|given| given.option.name == "batch");
    let mut applied: Vec<Given> = Vec::new();
    for value in given {
        let is_own = matches!(value.origin, Origin::Flag | Origin::Input);
        let is_for_batches = value.option.heading == Heading::Batches && !is_own;
        let excluding = applied
            .iter()
            .find(|known| known.option.name == value.option.name || known.option.excludes(value.option));
        if let Some(other) = excluding.filter(|other| is_own && other.origin == value.origin) {
            return Err(contradiction(other, &value));
        }
        if excluding.is_some() || (is_for_batches && !has_rows) {
            continue;
        }
        (value.option.set)(spec, &value.value).map_err(|rule| invalid(&value, &rule))?;
        spec.labels.insert(value.option.name, value.label());
        applied.push(value);
    }
    Ok(applied)
}

/// Returns the error for two values of the same origin that cannot be used together.
fn contradiction(one: &Given, other: &Given) -> Error {
    let message = match one.origin {
        Origin::Input => {
            format!("inputs {} and {} cannot be used together", one.option.name, other.option.name)
        }
        _ => format!("--{} and --{} cannot be used together", one.option.name, other.option.name),
    };
    Error::usage(message, "remove one of them")
}

/// Returns the error for an invalid value; `rule` completes a sentence that starts with the option.
fn invalid(given: &Given, rule: &str) -> Error {
    let (label, value) = (given.label(), given.value.to_string_lossy());
    let help = format!("see `hyperframes-ci render --help` for --{}", given.option.name);
    Error::usage_at(given.origin.location(), format!("{label} {rule} (got {value:?})"), help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::options::option;
    use crate::app::spec::VariableSource;

    fn given(name: &str, value: &str, origin: Origin) -> Given {
        Given { option: option(name).expect("an option"), value: value.into(), origin }
    }

    #[test]
    fn a_switch_that_is_off_overrides_and_excludes_as_well() {
        let file = |line| Origin::File("x.toml".into(), line);
        let mut spec = RenderSpec::default();
        let applied = apply_layers(
            &mut spec,
            vec![
                given("batch", "rows.jsonl", file(1)),
                given("fail-fast", "false", file(2)),
                given("fail-fast", "true", file(3)),
                given("max-failures", "1", file(4)),
            ],
        );
        assert_eq!(applied.expect("valid").len(), 2);
        assert_eq!(spec.batch.max_failures, None);
    }

    #[test]
    fn inputs_that_cannot_be_combined_are_rejected() {
        let given =
            vec![given("variables", "{}", Origin::Input), given("variables-file", "v.json", Origin::Input)];
        let error = apply_layers(&mut RenderSpec::default(), given).expect_err("rejected").to_string();
        assert_eq!(error, "inputs variables and variables-file cannot be used together");
    }

    #[test]
    fn earlier_values_override_and_exclude_later_ones() {
        let file = |line| Origin::File("x.toml".into(), line);
        let environment = Origin::Environment("HYPERFRAMES_CI_FPS".to_owned());
        let mut spec = RenderSpec::default();
        let applied = apply_layers(
            &mut spec,
            vec![
                given("variables", "{}", Origin::Flag),
                given("fps", "24", environment),
                given("variables-file", "v.json", file(1)),
                given("fps", "60", file(2)),
                given("concurrency", "3", file(3)),
            ],
        )
        .expect("valid");
        let names = applied.iter().map(|given| given.option.name).collect::<Vec<_>>();
        assert_eq!(names, ["variables", "fps"]);
        assert_eq!(spec.request.fps, Some(24.into()));
        assert_eq!(spec.variables, Some(VariableSource::Inline("{}".to_owned())));
        assert_eq!(spec.run.concurrency, None, "there are no rows");
    }

    #[test]
    fn errors_name_the_origin_of_the_value() {
        let message = |given: Given| {
            apply_layers(&mut RenderSpec::default(), vec![given]).expect_err("rejected").to_string()
        };
        let environment = Origin::Environment("HYPERFRAMES_CI_FPS".to_owned());
        assert_eq!(
            message(given("fps", "x", environment)),
            "HYPERFRAMES_CI_FPS must be a whole number from 1 to 240, or a fraction such as 30000/1001 (got \"x\")"
        );
        let input = message(given("fps", "x", Origin::Input));
        assert_eq!(
            input,
            "input fps must be a whole number from 1 to 240, or a fraction such as 30000/1001 (got \"x\")"
        );
        let file = Origin::File("hyperframes-ci.toml".into(), 3);
        let rows = message(given("batch", "", file));
        assert_eq!(rows, "hyperframes-ci.toml:3: rows must not be empty (got \"\")");
    }
}
