//! Parses the settings of comparisons.

use std::fmt::Display;
use std::str::FromStr;

use hyperframes_ci_core::diff::Region;
use toml::Spanned;
use toml::de::DeValue;

use super::diff::{DIFF_KEYS, DiffConfig};
use super::read::{Reader, json};

impl Reader {
    /// Reads `diff`: `false`, or a table.
    pub(super) fn diff(&mut self, key: usize, value: &Spanned<DeValue<'_>>) -> Option<DiffConfig> {
        let mut diff = DiffConfig { line: key, ..DiffConfig::default() };
        match value.get_ref() {
            DeValue::Boolean(false) => diff.is_off = true,
            DeValue::Table(table) => {
                for (key, value) in table {
                    match key.get_ref().as_ref() {
                        "sensitivity" => diff.sensitivity = self.word("sensitivity", value),
                        "fail-on-diff" => diff.fail_on_diff = self.word("fail-on-diff", value),
                        "instant" => diff.instant = self.threshold("instant", value),
                        "sustained" => diff.sustained = self.threshold("sustained", value),
                        "sound" => diff.sound = self.threshold("sound", value),
                        "ignore" => diff.ignore = self.regions(value),
                        "golden" => diff.golden = self.directory("golden", value),
                        _ => self.report_unknown(key, DIFF_KEYS.iter().copied()),
                    }
                }
            }
            _ => {
                self.report(value.span(), "diff must be a table or false");
                return None;
            }
        }
        Some(diff)
    }

    fn word<T: FromStr<Err: Display>>(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let word = value.get_ref().as_str().unwrap_or_default().parse::<T>();
        word.map_err(|error| self.report(value.span(), format!("{name} {error}"))).ok()
    }

    fn threshold(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(_) | DeValue::Float(_) => {
                json(value.get_ref()).ok().and_then(|json| json.as_f64())
            }
            _ => None,
        };
        let number = number.filter(|number| *number > 0.0);
        if number.is_none() {
            self.report(value.span(), format!("{name} must be a number greater than 0"));
        }
        number
    }

    fn directory(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let path = value.get_ref().as_str().filter(|path| !path.is_empty());
        if path.is_none() {
            self.report(value.span(), format!("{name} must be the path of a directory"));
        }
        path.map(str::to_owned)
    }

    fn regions(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<Region>> {
        let Some(items) = value.get_ref().as_array() else {
            self.report(value.span(), "ignore must be an array of regions");
            return None;
        };
        let mut regions = Vec::new();
        for item in items {
            match item.get_ref().as_str().unwrap_or_default().parse() {
                Ok(region) => regions.push(region),
                Err(error) => self.report(item.span(), format!("ignore {error}")),
            }
        }
        Some(regions)
    }
}
