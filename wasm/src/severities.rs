//! Severities as JSON: an array of renders, each an array of layers, of which later ones override earlier ones.

use hyperframes_ci_core::findings::{Level, Levels, Rule};
use hyperframes_ci_core::lang::json::json_value;
use serde_json::Value;

use crate::problem::Problem;

/// Parses severities. Layers are objects with `deny`, `warn` and `allow` (arrays of codes) and `strict`.
///
/// # Errors
/// Returns `invalid_options` if a code is unknown. `api.js` checks the types.
pub(crate) fn parse(json: &str) -> Result<Vec<Levels>, Problem> {
    let all = json_value(json).map_err(|error| invalid(&error))?;
    all.as_array().into_iter().flatten().map(levels).collect()
}

fn invalid(error: &dyn std::fmt::Display) -> Problem {
    Problem::new("invalid_options", error.to_string())
}

fn levels(set: &Value) -> Result<Levels, Problem> {
    let mut levels = Levels::default();
    for layer in set.as_array().into_iter().flatten() {
        // The later of two severities of a code counts, in the order of hyperframes-ci.toml, whose keys are sorted.
        for (name, level) in [("allow", Level::Allow), ("deny", Level::Deny), ("warn", Level::Warn)] {
            for code in layer[name].as_array().into_iter().flatten().filter_map(Value::as_str) {
                levels.set(code.parse::<Rule>().map_err(|error| invalid(&error))?, level);
            }
        }
        if layer["strict"] == true {
            levels.set_strict();
        }
    }
    Ok(levels)
}
