//! Values from several places put over each other: flags or inputs, then the environment, an entry of the configuration,
//! its defaults.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::option::{Heading, RenderOption};
use crate::app::spec::RenderSpec;
use crate::fault::Error;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// An input of the action.
    Input,
    /// A variable of the environment.
    Environment(String),
    /// A line of the configuration.
    File(PathBuf, usize),
    /// Nobody set it.
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

/// A value that somebody set.
#[derive(Clone)]
pub(crate) struct Given {
    /// Of which option.
    pub(crate) option: &'static RenderOption,
    /// The value, as its flag takes it.
    pub(crate) value: OsString,
    /// Where it was set.
    pub(crate) origin: Origin,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} ({})", self.option.name, self.value.to_string_lossy(), self.origin)
    }
}

/// Puts `given` over `spec`, the first values first, and returns those that count. A value does not count where an earlier
/// one sets or excludes its option; options of batches do not where there are no rows.
///
/// # Errors
/// Returns a usage error that says where an invalid value was set.
pub(crate) fn layered(spec: &mut RenderSpec, given: Vec<Given>) -> Result<Vec<Given>, Error> {
    let has_rows = given.iter().any(|given| given.option.name == "batch");
    let mut set: Vec<Given> = Vec::new();
    for one in given {
        let is_own = matches!(one.origin, Origin::Flag | Origin::Input);
        let is_for_batches = one.option.heading == Heading::Batches && !is_own;
        let is_excluded =
            set.iter().any(|known| known.option.name == one.option.name || known.option.excludes(one.option));
        if is_excluded || (is_for_batches && !has_rows) {
            continue;
        }
        // A switch that is off leaves the way free, for what it excludes.
        let is_off = one.option.kind.is_switch() && matches!(one.value.to_str(), Some("false" | "0"));
        (one.option.set)(spec, &one.value).map_err(|rule| refused(&one, &rule))?;
        if !is_off || one.option.name != "fail-fast" {
            set.push(one);
        }
    }
    Ok(set)
}

fn refused(given: &Given, rule: &str) -> Error {
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
    fn what_comes_first_counts_and_excludes() {
        let file = |line| Origin::File("x.toml".into(), line);
        let environment = Origin::Environment("HYPERFRAMES_CI_FPS".to_owned());
        let mut spec = RenderSpec::default();
        let counts = layered(
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
        let names = counts.iter().map(|given| given.option.name).collect::<Vec<_>>();
        assert_eq!(names, ["variables", "fps"]);
        assert_eq!(spec.request.fps, Some(24));
        assert_eq!(spec.variables, Some(VariableSource::Inline("{}".to_owned())));
        assert_eq!(spec.run.concurrency, None, "there are no rows");
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let message =
            |given: Given| layered(&mut RenderSpec::default(), vec![given]).expect_err("refused").to_string();
        let environment = Origin::Environment("HYPERFRAMES_CI_FPS".to_owned());
        assert_eq!(
            message(given("fps", "x", environment)),
            "HYPERFRAMES_CI_FPS: fps must be a whole number from 1 to 240"
        );
        assert_eq!(message(given("fps", "x", Origin::Input)), "the input fps cannot be \"x\"");
    }
}
