//! Layers of values: flags or inputs override the environment, which overrides an entry of the configuration, which
//! overrides its defaults.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::option::{Heading, RenderOption};
use crate::app::spec::RenderSpec;
use crate::fault::Error;

/// The origin of a value.
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

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} ({})", self.option.name, self.value.to_string_lossy(), self.origin)
    }
}

/// Applies `given` to `spec` in the order of precedence, and returns the values that were applied. A value is skipped if
/// an earlier one sets or excludes its option. Options of batches are skipped without rows, unless they are flags or
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
        applied.push(value);
    }
    Ok(applied)
}

/// Returns the error of two values of the same origin that exclude each other.
fn contradiction(one: &Given, other: &Given) -> Error {
    let what = if one.origin == Origin::Input { "the inputs " } else { "--" };
    let message = format!("{what}{} and {} exclude each other", one.option.name, other.option.name);
    Error::usage(message, "leave one of them out")
}

/// Returns the error of an invalid value, whose message ends with `rule`.
fn invalid(given: &Given, rule: &str) -> Error {
    let name = given.option.key();
    match given.origin {
        Origin::Input => {
            let value = given.value.to_string_lossy();
            Error::usage(format!("the input {name} cannot be {value:?}"), format!("it {rule}"))
        }
        Origin::Flag => Error::usage(format!("--{name} {rule}"), "see `hyperframes-ci render --help`"),
        _ => Error::usage(format!("{}: {name} {rule}", given.origin), "see `hyperframes-ci render --help`"),
    }
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
    fn inputs_that_exclude_each_other_are_refused() {
        let given =
            vec![given("variables", "{}", Origin::Input), given("variables-file", "v.json", Origin::Input)];
        let error = apply_layers(&mut RenderSpec::default(), given).expect_err("refused").to_string();
        assert_eq!(error, "the inputs variables and variables-file exclude each other");
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
        assert_eq!(spec.request.fps, Some(24));
        assert_eq!(spec.variables, Some(VariableSource::Inline("{}".to_owned())));
        assert_eq!(spec.run.concurrency, None, "there are no rows");
    }

    #[test]
    fn errors_name_the_origin_of_the_value() {
        let message = |given: Given| {
            apply_layers(&mut RenderSpec::default(), vec![given]).expect_err("refused").to_string()
        };
        let environment = Origin::Environment("HYPERFRAMES_CI_FPS".to_owned());
        assert_eq!(
            message(given("fps", "x", environment)),
            "HYPERFRAMES_CI_FPS: fps must be a whole number from 1 to 240"
        );
        assert_eq!(message(given("fps", "x", Origin::Input)), "the input fps cannot be \"x\"");
    }
}
