//! Parses a configuration. All mistakes are reported, each with its position.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use hyperframes_ci_core::findings::{CheckConfig, Level, Rule, Text, limited};
use hyperframes_ci_core::options::FrameRate;
use hyperframes_ci_core::report::excerpt;
use hyperframes_ci_core::text::{Span, nearest};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diff::DiffConfig;
use super::error::ConfigError;
use super::file::{EVENTS, Entry, File, Setting, is_inside};
use super::translate;
use crate::app::options::{Kind, OPTIONS, RenderOption, Scope};
use crate::fault::Location;
use crate::ui::counted;

/// The tables of a file.
const TABLES: &[&str] = &["check", "defaults", "media", "publish", "render"];

/// Keys of entries other than options.
const ENTRY_KEYS: &[&str] = &["name", "project", "rows", "on", "check"];

/// The key of comparisons, in defaults and in entries.
const DIFF: &str = "diff";

/// Mistakes that are reported in words.
const MOST_REPORTED: usize = 50;

/// Maximum length of a name in bytes.
const MAX_NAME_LENGTH: usize = 100;

/// Parses the text of the file at `path`.
///
/// # Errors
/// Returns [`ConfigError::Invalid`] with all mistakes.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, ConfigError> {
    let name = path.display().to_string();
    let text = &with_line_feeds(text);
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut reader = Reader { starts, mistakes: Vec::new() };
    let file = match DeTable::parse(text) {
        Ok(table) => reader.file(table.get_ref(), path),
        Err(error) => {
            reader.report(error.span().unwrap_or_default(), error.message());
            File::default()
        }
    };
    if reader.mistakes.is_empty() {
        Ok(file)
    } else {
        let first = reader.mistakes.iter().map(|(range, _)| reader.line(range)).min().unwrap_or(1);
        let location = Location { path: path.to_owned(), line: first };
        Err(ConfigError::Invalid(reader.describe(&name, text), location))
    }
}

/// Returns the messages about the first mistakes of the file at `path`, and how many more there are.
pub(super) fn reported<M>(path: &str, mistakes: &[M], message: impl Fn(&M) -> String) -> Vec<String> {
    let mut messages = mistakes.iter().take(MOST_REPORTED).map(message).collect::<Vec<_>>();
    if let Some(more) = mistakes.len().checked_sub(MOST_REPORTED).filter(|more| *more > 0) {
        messages.push(format!("{path}: and {}", counted(more, "more mistake")));
    }
    messages
}

/// Replaces carriage returns that end a line on their own with line feeds, which TOML requires.
fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if !text.replace("\r\n", "").contains('\r') {
        return Cow::Borrowed(text);
    }
    let lines = text.split("\r\n").map(|part| part.replace('\r', "\n"));
    Cow::Owned(lines.collect::<Vec<_>>().join("\r\n"))
}

/// Converts tables to a configuration and collects all mistakes.
pub(super) struct Reader {
    /// Byte offsets of the lines.
    starts: Vec<usize>,
    /// Ranges and messages.
    mistakes: Vec<(ByteRange, String)>,
}

/// A range of bytes of the file.
pub(super) type ByteRange = std::ops::Range<usize>;

impl Reader {
    /// Records a mistake.
    pub(super) fn report(&mut self, range: ByteRange, message: impl Display) {
        self.mistakes.push((range, limited(message.to_string())));
    }

    /// Returns the messages about the first mistakes, with their positions and excerpts, and how many more there are.
    fn describe(mut self, path: &str, source: &str) -> Vec<String> {
        self.mistakes.sort_by_key(|(range, _)| range.start);
        let text = Text::new(path, source);
        reported(path, &self.mistakes, |(range, message)| {
            let at = text.position(range.start);
            let excerpt = excerpt(source, Span { start: range.start, end: range.end });
            let excerpt = excerpt.map(|excerpt| format!("\n{excerpt}")).unwrap_or_default();
            format!("{path}:{}:{}: {message}{excerpt}", at.line, at.column)
        })
    }

    /// Returns the line of a range, from 1.
    pub(super) fn line(&self, range: &ByteRange) -> usize {
        self.starts.partition_point(|start| *start <= range.start)
    }

    /// Records a mistake of an entry that starts on `line`.
    pub(super) fn report_line(&mut self, line: usize, message: impl Display) {
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        self.report(start..start, message);
    }

    /// Records an unknown key.
    pub(super) fn report_unknown<'k>(
        &mut self,
        key: &Spanned<impl AsRef<str>>,
        known: impl Iterator<Item = &'k str>,
    ) {
        let name = key.get_ref().as_ref();
        let near = nearest(name, known).map(|near| format!("; did you mean {near}?"));
        self.report(key.span(), format!("unknown key {name:?}{}", near.unwrap_or_default()));
    }

    /// Reads the whole file.
    fn file(&mut self, table: &DeTable<'_>, path: &Path) -> File {
        let mut file = File { path: path.to_owned(), ..File::default() };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("check", DeValue::Table(table)) => file.check = self.check(table),
                ("defaults", DeValue::Table(table)) => (file.defaults, file.diff) = self.defaults(table),
                ("render", DeValue::Array(entries)) => {
                    for entry in entries {
                        match entry.get_ref() {
                            DeValue::Table(table) => file.entries.extend(self.entry(table, entry.span())),
                            _ => self.report(entry.span(), "each [[render]] entry must be a table"),
                        }
                    }
                }
                ("publish", DeValue::Table(table)) => {
                    file.publish = self.publish(self.line(&key.span()), table);
                }
                ("check" | "defaults" | "publish", _) => {
                    self.report(value.span(), format!("{} must be a table", key.get_ref()));
                }
                ("media", DeValue::Array(entries)) => {
                    for entry in entries {
                        match entry.get_ref() {
                            DeValue::Table(table) => {
                                file.media.extend(self.media_entry(table, &entry.span()));
                            }
                            _ => self.report(entry.span(), "each [[media]] entry must be a table"),
                        }
                    }
                }
                (name @ ("media" | "render"), _) => {
                    self.report(
                        key.span(),
                        format!("{name} must be an array of tables, written as [[{name}]] with two brackets"),
                    );
                }
                _ => self.report_unknown(key, TABLES.iter().copied()),
            }
        }
        self.check_names(&file.entries);
        file.translations = self.translations(&file);
        self.check_media(&file.media, &file.translations);
        file
    }

    /// Reads the table of defaults.
    fn defaults(&mut self, table: &DeTable<'_>) -> (Vec<Setting>, Option<DiffConfig>) {
        let (mut defaults, mut diff) = (Vec::new(), None);
        for (key, value) in table {
            let name = key.get_ref();
            if name == DIFF {
                diff = self.diff(self.line(&key.span()), value);
            } else if [ENTRY_KEYS, &translate::KEYS].concat().contains(&name.as_ref()) {
                self.report(key.span(), format!("{name} is not allowed in [defaults], only in [[render]]"));
            } else {
                defaults.extend(self.setting(key, value, &[DIFF]));
            }
        }
        (defaults, diff)
    }

    /// Records entries whose name is that of an earlier one.
    fn check_names(&mut self, entries: &[Entry]) {
        let mut lines = HashMap::new();
        for entry in entries {
            let other = *lines.entry(entry.name.as_str()).or_insert(entry.line);
            if other != entry.line {
                let message = format!(
                    "duplicate entry name {:?}, also used on line {other}; set a different name = \"...\"",
                    entry.name
                );
                self.report_line(entry.line, message);
            }
        }
    }

    /// Reads a table of severities.
    fn check(&mut self, table: &DeTable<'_>) -> CheckConfig {
        const LEVELS: [(&str, Level); 3] =
            [("deny", Level::Deny), ("warn", Level::Warn), ("allow", Level::Allow)];
        let mut check = CheckConfig::default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let level = LEVELS.iter().find(|(known, _)| *known == name).map(|(_, level)| *level);
            match (level, value.get_ref()) {
                (Some(level), DeValue::Array(codes)) => {
                    for code in codes {
                        let rule = code.get_ref().as_str().ok_or_else(|| "must be a string".to_owned());
                        let rule =
                            rule.and_then(|code| code.parse::<Rule>().map_err(|error| error.to_string()));
                        match rule {
                            // Each entry gets a copy, so a rule is kept once.
                            Ok(rule) if check.levels.contains(&(rule, level)) => {}
                            Ok(rule) => check.levels.push((rule, level)),
                            Err(message) => self.report(code.span(), message),
                        }
                    }
                }
                (Some(_), _) => self.report(value.span(), format!("{name} must be an array of check codes")),
                (None, DeValue::Boolean(strict)) if name == "strict" => check.strict = *strict,
                (None, _) if name == "strict" => {
                    self.report(value.span(), "strict must be true or false");
                }
                _ => self.report_unknown(key, ["deny", "warn", "allow", "strict"].into_iter()),
            }
        }
        check
    }

    /// Reads an entry; returns `None` if it is incomplete.
    fn entry(&mut self, table: &DeTable<'_>, range: ByteRange) -> Option<Entry> {
        let line = self.line(&range);
        let (mut name, mut project) = (None, None);
        let mut entry = Entry {
            name: String::new(),
            project: String::new(),
            on: Vec::new(),
            check: CheckConfig::default(),
            settings: Vec::new(),
            diff: None,
            translate: self.translate(table),
            line,
        };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", DeValue::String(text)) if is_name(text) => name = Some(text.to_string()),
                ("name", _) => {
                    let rule = "name must start with a letter or digit and contain only letters, digits, -, _ and . (up to 100)";
                    self.report(value.span(), rule);
                }
                ("project", DeValue::String(path)) if is_inside(path) => project = Some(path.to_string()),
                ("project", _) => {
                    let message = "project must be the path of a directory inside the repository";
                    self.report(value.span(), message);
                }
                ("check", DeValue::Table(table)) => entry.check = self.check(table),
                ("check", _) => self.report(value.span(), "check must be a table"),
                (DIFF, _) => entry.diff = self.diff(self.line(&key.span()), value),
                (name, _) if translate::KEYS.contains(&name) => {}
                ("on", DeValue::Array(events)) => {
                    entry.on = events.iter().filter_map(|event| self.event(event)).collect();
                }
                ("on", DeValue::String(_)) => entry.on.extend(self.event(value)),
                ("on", _) => self.report(value.span(), "on must be an event or an array of events"),
                (name, _) => match OPTIONS
                    .iter()
                    .find(|known| known.scope == Scope::Entry("rows") && known.key() == name)
                {
                    Some(rows) => entry.settings.extend(self.value(rows, value, &key.span())),
                    None => {
                        let others = [ENTRY_KEYS, &translate::KEYS].concat();
                        entry.settings.extend(self.setting(key, value, &others));
                    }
                },
            }
        }
        self.check_conflicts(&entry.settings, &range);
        let Some(project) = project else {
            if !table.contains_key("project") {
                self.report(range, "the entry has no project; add project = \"...\"");
            }
            return None;
        };
        let composition = entry.settings.iter().find(|setting| setting.option.key() == "composition");
        let composition = composition.map_or("", |setting| setting.value.as_str());
        entry.name = name.unwrap_or_else(|| slug(&format!("{project}/{composition}")));
        entry.project = project;
        Some(entry)
    }

    /// Records settings of an entry that exclude each other.
    fn check_conflicts(&mut self, settings: &[Setting], entry: &ByteRange) {
        for (one, other) in [("variables", "variables-file"), ("fail-fast", "max-failures")] {
            let is_set = |name: &str| settings.iter().any(|setting| setting.option.key() == name);
            if is_set(one) && is_set(other) {
                self.report(entry.clone(), format!("{one} and {other} cannot be used together"));
            }
        }
    }

    /// Reads the name of an event.
    fn event(&mut self, event: &Spanned<DeValue<'_>>) -> Option<String> {
        let given = event.get_ref().as_str().unwrap_or_default();
        if EVENTS.contains(&given) {
            return Some(given.to_owned());
        }
        let near = nearest(given, EVENTS.iter().copied());
        let near = near.map_or_else(
            || format!("; must be {}", one_of(EVENTS)),
            |near| format!("; did you mean {near}?"),
        );
        self.report(event.span(), format!("unknown event {given:?}{near}"));
        None
    }

    /// Reads an option by its key; `others` are keys to suggest besides options.
    fn setting(
        &mut self,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
        others: &[&str],
    ) -> Option<Setting> {
        let name = key.get_ref().as_ref();
        let known = OPTIONS.iter().find(|known| known.scope.is_key() && known.name == name);
        let Some(known) = known else {
            let names = OPTIONS.iter().filter(|known| known.scope.is_key()).map(|known| known.name);
            self.report_unknown(key, names.chain(others.iter().copied()));
            return None;
        };
        self.value(known, value, &key.span())
    }

    /// Reads the value of an option.
    fn value(
        &mut self,
        option: &'static RenderOption,
        value: &Spanned<DeValue<'_>>,
        key: &ByteRange,
    ) -> Option<Setting> {
        match text(option.kind, value.get_ref()) {
            Ok(text) => Some(Setting { option, value: text, line: self.line(key) }),
            Err(reason) => {
                let reason = reason.map(|reason| format!("; {reason}")).unwrap_or_default();
                self.report(
                    value.span(),
                    format!("{} must be {}{reason}", option.key(), option.kind.description()),
                );
                None
            }
        }
    }
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}

/// Converts a value to the form of the flag. Errors have a reason if the kind of the option does not explain it.
fn text(kind: Kind, value: &DeValue<'_>) -> Result<String, Option<String>> {
    match (kind, value) {
        (Kind::Switch, DeValue::Boolean(is_set)) => Ok(is_set.to_string()),
        (Kind::Integer { min, max }, DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| None)?;
            if (min..=max).contains(&number) { Ok(number.to_string()) } else { Err(None) }
        }
        (Kind::Number(min), DeValue::Integer(_) | DeValue::Float(_)) => {
            let number = json(value)?.as_f64().filter(|number| *number >= min).ok_or(None)?;
            Ok(number.to_string())
        }
        (Kind::FrameRate, DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| None)?;
            number.to_string().parse::<FrameRate>().map(|rate| rate.to_string()).map_err(|_| None)
        }
        (Kind::FrameRate, DeValue::String(text)) if text.contains('/') => {
            text.parse::<FrameRate>().map(|rate| rate.to_string()).map_err(|_| None)
        }
        (Kind::Text, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Path, DeValue::String(path)) if is_inside(path) => Ok(path.to_string()),
        (Kind::OneOf(words), DeValue::String(text)) if words().contains(&text.as_ref()) => {
            Ok(text.to_string())
        }
        (Kind::OneOf(words), DeValue::String(text)) => {
            Err(nearest(text, words().iter().copied()).map(|near| format!("did you mean {near}?")))
        }
        (Kind::Values, DeValue::Table(_)) => json(value).map(|value| value.to_string()),
        _ => Err(None),
    }
}

/// Converts a value to JSON; numbers keep their spelling.
pub(super) fn json(value: &DeValue<'_>) -> Result<Value, Option<String>> {
    let number = |text: &str| serde_json::from_str::<serde_json::Number>(text).map(Value::from);
    Ok(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(is_set) => Value::from(*is_set),
        DeValue::Integer(integer) => {
            let integer = i64::from_str_radix(integer.as_str(), integer.radix());
            Value::from(integer.map_err(|_| Some("an integer is too large".to_owned()))?)
        }
        DeValue::Float(float) => number(float.as_str().trim_start_matches('+'))
            .map_err(|_| Some(format!("{} cannot be represented in JSON", float.as_str())))?,
        DeValue::Datetime(date) => return Err(Some(format!("{date} is a date; write it as a string"))),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(item.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let members =
                table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)));
            Value::Object(members.collect::<Result<Map<_, _>, Option<String>>>()?)
        }
    })
}

fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(plain)
        && text.len() <= MAX_NAME_LENGTH
}

/// Returns a file name for a path: `videos-launch-intro` for `videos/launch/intro.html`.
pub(crate) fn slug(path: &str) -> String {
    let path = path.trim_end_matches('/').trim_end_matches(".html").trim_end_matches("index");
    let kept =
        path.chars().map(|kept| if kept.is_ascii_alphanumeric() { kept.to_ascii_lowercase() } else { '-' });
    let slug = kept.collect::<String>().trim_matches('-').chars().take(60).collect::<String>();
    if slug.is_empty() { "video".to_owned() } else { slug }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
