//! Parses how projects are published.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::publish::{KEYS, PublishConfig, is_plain_id};
use super::read::Reader;

impl Reader {
    /// Reads the table.
    pub(super) fn publish(&mut self, line: usize, table: &DeTable<'_>) -> PublishConfig {
        let mut publish = PublishConfig { line, ..PublishConfig::default() };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("space", DeValue::String(space)) if is_plain_id(space) => {
                    publish.space = Some(space.to_string());
                }
                ("space", _) => self.mistake(value, "space must be the ID of a space"),
                ("public", DeValue::Boolean(is_public)) => publish.is_public = Some(*is_public),
                ("public", _) => self.mistake(value, "public must be true or false"),
                _ => self.report_unknown(key, KEYS.iter().copied()),
            }
        }
        publish
    }

    fn mistake(&mut self, value: &Spanned<DeValue<'_>>, message: &str) {
        self.report(value.span(), message);
    }
}
