//! How videos are compared: `[defaults.diff]`, and `diff` of an entry.

use hyperframes_ci_core::diff::{FailOn, Region, Sensitivity, Thresholds};
use serde_json::{Map, Value, json};

use crate::app::diff::DiffOptions;

/// The directory of golden files where the configuration does not name one.
const GOLDEN: &str = "golden";

/// Keys of the table.
pub(super) const DIFF_KEYS: &[&str] =
    &["sensitivity", "instant", "sustained", "sound", "ignore", "fail-on-diff", "golden"];

/// Settings of comparisons; `None` where the next layer decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DiffConfig {
    /// Whether videos are not compared.
    pub(crate) is_off: bool,
    /// Sensitivity of the comparison.
    pub(crate) sensitivity: Option<Sensitivity>,
    /// Threshold for a block in a frame.
    pub(crate) instant: Option<f64>,
    /// Threshold for the mean of a block.
    pub(crate) sustained: Option<f64>,
    /// Threshold for levels of the sound.
    pub(crate) sound: Option<f64>,
    /// Regions to ignore.
    pub(crate) ignore: Option<Vec<Region>>,
    /// Differences to fail on.
    pub(crate) fail_on_diff: Option<FailOn>,
    /// Path of the directory of golden files, from the root of the repository.
    pub(crate) golden: Option<String>,
    /// Line of the key, from 1; 0 if it is not from a file.
    pub(crate) line: usize,
}

impl DiffConfig {
    /// Returns these settings, completed by those of the next layer. A threshold of the next layer does not apply where
    /// this one sets the sensitivity.
    pub(crate) fn over(&self, next: Option<&Self>) -> Self {
        let Some(next) = next else { return self.clone() };
        let thresholds = if self.sensitivity.is_some() { &Self::default() } else { next };
        Self {
            is_off: self.is_off,
            sensitivity: self.sensitivity.or(next.sensitivity),
            instant: self.instant.or(thresholds.instant),
            sustained: self.sustained.or(thresholds.sustained),
            sound: self.sound.or(thresholds.sound),
            ignore: self.ignore.clone().or_else(|| next.ignore.clone()),
            fail_on_diff: self.fail_on_diff.or(next.fail_on_diff),
            golden: self.golden.clone().or_else(|| next.golden.clone()),
            line: self.line,
        }
    }

    /// Returns how videos are compared.
    pub(crate) fn options(&self) -> DiffOptions {
        let normal = Thresholds::from(self.sensitivity.unwrap_or(Sensitivity::Normal));
        let thresholds = Thresholds {
            instant: self.instant.unwrap_or(normal.instant),
            sustained: self.sustained.unwrap_or(normal.sustained),
            sound: self.sound.unwrap_or(normal.sound),
        };
        DiffOptions { thresholds, ignore: self.ignore.clone().unwrap_or_default() }
    }

    /// Returns which differences fail.
    pub(crate) fn gate(&self) -> FailOn {
        self.fail_on_diff.unwrap_or(FailOn::Never)
    }

    /// Returns the path of the directory of golden files, from the root of the repository.
    pub(crate) fn golden(&self) -> &str {
        self.golden.as_deref().unwrap_or(GOLDEN)
    }

    /// Returns the settings in the form of the file: `false`, or the keys that are set.
    pub(crate) fn to_json(&self) -> Value {
        if self.is_off {
            return Value::Bool(false);
        }
        let regions = |regions: &Vec<Region>| -> Value {
            let region = |region: &Region| match region.reason() {
                Some(reason) => Value::from(format!("{region}: {reason}")),
                None => Value::from(region.to_string()),
            };
            regions.iter().map(region).collect()
        };
        let values = [
            self.sensitivity.map(|value| value.as_str().into()),
            self.instant.map(Value::from),
            self.sustained.map(Value::from),
            self.sound.map(Value::from),
            self.ignore.as_ref().map(regions),
            self.fail_on_diff.map(|value| value.as_str().into()),
            self.golden.as_deref().map(Value::from),
        ];
        let set = DIFF_KEYS.iter().zip(values).filter_map(|(key, value)| Some(((*key).to_owned(), value?)));
        Value::Object(set.collect::<Map<_, _>>())
    }
}

/// Returns the schema of the table.
pub(super) fn diff_schema() -> Value {
    let threshold =
        |description: &str| json!({ "type": "number", "exclusiveMinimum": 0, "description": description });
    let region = "X,Y,WIDTHxHEIGHT@FROM-TO: REASON; the rectangle in pixels or percent, the times in seconds";
    json!({
        "oneOf": [
            { "const": false },
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "sensitivity": { "enum": Sensitivity::NAMES, "description": "Sensitivity of the comparison [default: normal]" },
                    "instant": threshold("Threshold for a block in a frame, in levels of 0 to 255 [default: 6.0]"),
                    "sustained": threshold("Threshold for the mean of a block over 15 frames, in levels [default: 2.2]"),
                    "sound": threshold("Threshold for sound levels, in dB [default: 0.5]"),
                    "ignore": {
                        "type": "array",
                        "items": { "type": "string" },
                        "description": format!("Regions to ignore: {region}"),
                    },
                    "fail-on-diff": { "enum": FailOn::NAMES, "description": "Differences to fail on [default: never]" },
                    "golden": {
                        "type": "string",
                        "minLength": 1,
                        "description": format!("Directory of golden files, which `diff-baseline: file` of the action reads [default: {GOLDEN}]"),
                    },
                },
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_overrides_the_defaults_key_by_key() {
        let defaults = DiffConfig {
            sensitivity: Some(Sensitivity::Low),
            instant: Some(9.0),
            fail_on_diff: Some(FailOn::Any),
            ..DiffConfig::default()
        };
        let entry = DiffConfig { sound: Some(1.5), ..DiffConfig::default() }.over(Some(&defaults));
        let options = entry.options();
        assert_eq!(options.thresholds, Thresholds { instant: 9.0, sustained: 4.4, sound: 1.5 });
        assert_eq!(entry.gate(), FailOn::Any);
        let entry = DiffConfig { sensitivity: Some(Sensitivity::Normal), ..DiffConfig::default() };
        assert_eq!(entry.over(Some(&defaults)).options().thresholds, Thresholds::default());
        assert_eq!(
            defaults.to_json(),
            json!({ "sensitivity": "low", "instant": 9.0, "fail-on-diff": "any" })
        );
    }
}
