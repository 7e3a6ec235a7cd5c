//! Reads JSON objects from the user: values of variables, and the base request.

use crate::fault::{Exit, Fault};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Text;
use hyperframes_ci_core::report::excerpt;
use hyperframes_ci_core::text::Span;
use hyperframes_ci_core::variables::json_kind;
use serde_json::{Map, Value};

use crate::system::gate::{self, Reach, limit};

/// An error of a JSON input.
#[derive(Debug)]
pub(crate) struct InputError {
    /// The name of the option in messages.
    pub(crate) flag: String,
    problem: Problem,
}

/// The problem of an input.
#[derive(Debug)]
enum Problem {
    Unreadable(PathBuf, std::io::Error),
    Invalid { location: String, message: String, excerpt: Option<String> },
    NotAnObject { location: String, found: &'static str },
    Value { location: String, message: String, excerpt: Option<String> },
}

impl InputError {
    /// Returns an error about a value at `span` of the text of an option.
    pub(crate) fn at(flag: &str, location: &str, text: &str, span: Span, message: String) -> Self {
        let place = Text::new(location, text).position(span.start);
        let location = format!("{location}:{}:{}", place.line, place.column);
        let problem = Problem::Value { location, message, excerpt: excerpt(text, span) };
        Self { flag: flag.to_owned(), problem }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Unreadable(path, error) => {
                write!(f, "{}: cannot read {}: {error}", self.flag, path.display())
            }
            Problem::Invalid { location, message, excerpt } => {
                write!(f, "{}: {location} is not valid JSON: {message}", self.flag)?;
                excerpt.iter().try_for_each(|excerpt| write!(f, "\n{excerpt}"))
            }
            Problem::Value { location, message, excerpt } => {
                write!(f, "{}: {location}: {message}", self.flag)?;
                excerpt.iter().try_for_each(|excerpt| write!(f, "\n{excerpt}"))
            }
            Problem::NotAnObject { location, found } => {
                write!(f, "{}: {location} must be a JSON object, not {found}", self.flag)
            }
        }
    }
}

impl Fault for InputError {
    fn code(&self) -> &str {
        match self.problem {
            Problem::Unreadable(..) => "input_unreadable",
            Problem::Value { .. } => "duration_unknown",
            Problem::Invalid { .. } | Problem::NotAnObject { .. } => "invalid_json",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match &self.problem {
            Problem::Unreadable(_, error) => gate::help_of(error)
                .unwrap_or_else(|| "check that the file exists and is readable".to_owned()),
            Problem::Value { .. } => {
                "correct the path, which is relative to the repository root, or run `hyperframes-ci media generate`"
                    .to_owned()
            }
            Problem::Invalid { .. } | Problem::NotAnObject { .. } if self.flag == "--data" => {
                "pass the body of a render request as a JSON object, for example {\"quality\": \"high\"}"
                    .to_owned()
            }
            Problem::Invalid { .. } | Problem::NotAnObject { .. } => {
                "pass a JSON object of variables and values, for example {\"title\": \"Hello\"}".to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// Parses an object from the value of a flag.
///
/// # Errors
/// Returns an error with line and column if the text is not a JSON object.
pub(crate) fn from_text(flag: &str, text: &str) -> Result<Map<String, Value>, InputError> {
    parse(flag, "the value", text)
}

/// Reads an object from a file.
///
/// # Errors
/// Returns an error with path, line and column if the file cannot be read or is not a JSON object.
fn from_file(flag: &str, path: &Path, reach: &Reach) -> Result<Map<String, Value>, InputError> {
    from_text_of(flag, path, &text_of(flag, path, reach, limit::VALUES)?)
}

/// Parses an object from the text of a file.
///
/// # Errors
/// Returns an error with path, line and column if the text is not a JSON object.
pub(crate) fn from_text_of(flag: &str, path: &Path, text: &str) -> Result<Map<String, Value>, InputError> {
    parse(flag, &path.display().to_string(), text)
}

/// Reads the text of a file of at most `limit` bytes, or of a pipe.
///
/// # Errors
/// Returns an error if the path leads out of `reach`, or the file cannot be read, is too large or is not UTF-8.
pub(crate) fn text_of(flag: &str, path: &Path, reach: &Reach, limit: u64) -> Result<String, InputError> {
    gate::read_text_or_pipe(path, reach, limit).map_err(|error| InputError {
        flag: flag.to_owned(),
        problem: Problem::Unreadable(path.to_owned(), error),
    })
}

/// Reads an object from inline JSON, from standard input (`-`) or from a file, for `--data`.
///
/// # Errors
/// Returns an error if the input cannot be read or is not a JSON object.
pub(crate) fn from_anything(
    flag: &str,
    given: &str,
    reach: &Reach,
) -> Result<Map<String, Value>, InputError> {
    if given == "-" {
        let mut text = String::new();
        let read = std::io::stdin().take(limit::VALUES).read_to_string(&mut text);
        read.map_err(|error| InputError {
            flag: flag.to_owned(),
            problem: Problem::Unreadable(PathBuf::from("standard input"), error),
        })?;
        return parse(flag, "standard input", &text);
    }
    if given.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) {
        from_text(flag, given)
    } else {
        from_file(flag, Path::new(given), reach)
    }
}

/// Returns the absolute path of a file, for findings.
pub(crate) fn absolute(path: &Path) -> String {
    let absolute = path.canonicalize().or_else(|_| std::path::absolute(path));
    absolute.unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn parse(flag: &str, location: &str, text: &str) -> Result<Map<String, Value>, InputError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => {
            let problem = Problem::NotAnObject { location: location.to_owned(), found: json_kind(&other) };
            Err(InputError { flag: flag.to_owned(), problem })
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            // serde_json appends the position, which is in `location` here.
            let message = error.to_string();
            let message =
                message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message).to_owned();
            let problem = Problem::Invalid {
                location: format!("{location}:{line}:{column}"),
                message,
                excerpt: span_of(text, line, column).and_then(|span| excerpt(text, span)),
            };
            Err(InputError { flag: flag.to_owned(), problem })
        }
    }
}

/// Converts a line and a column in bytes, both from 1, to an empty span.
fn span_of(text: &str, line: usize, column: usize) -> Option<Span> {
    let before = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let mut start = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    Some(Span { start, end: start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_json_is_shown_with_an_excerpt() {
        let error =
            from_text("--variables", "{\"title\": \"Grüße\", \"size\": 1,}").expect_err("bad").to_string();
        assert_eq!(
            error,
            "--variables: the value:1:32 is not valid JSON: trailing comma\n  |\n\
             1 | {\"title\": \"Grüße\", \"size\": 1,}\n  |                              ^"
        );
    }

    #[test]
    fn errors_in_files_have_line_and_column() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("v.json");
        std::fs::write(&path, "{\n  \"a\": 1\n  \"b\": 2\n}").expect("written");
        let anywhere = Reach::anywhere();
        let error = from_file("--variables-file", &path, &anywhere).expect_err("bad").to_string();
        assert!(error.contains(&format!("{}:3:3", path.display())), "{error}");
        let error = from_file("--variables-file", &folder.path().join("none.json"), &anywhere);
        let error = error.expect_err("none");
        assert_eq!(error.code(), "input_unreadable");
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        for flag in ["--variables", "--data"] {
            assert!(from_text(flag, "\u{feff}{\"a\": 1}\r").is_ok(), "{flag}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("v.json");
        std::fs::write(&path, "\u{feff}{\r\"a\": 1\r}").expect("written");
        let anywhere = Reach::anywhere();
        assert!(from_file("--variables-file", &path, &anywhere).is_ok());
        assert!(from_anything("--data", &path.display().to_string(), &anywhere).is_ok());
        assert!(from_anything("--data", "\u{feff}{\"a\": 1}", &anywhere).is_ok());
    }

    #[test]
    fn only_objects_are_accepted() {
        for (text, found) in [("[1]", "an array"), ("null", "null"), ("\"x\"", "a string"), ("3", "a number")]
        {
            let error = from_text("--variables", text).expect_err("no object").to_string();
            assert!(error.ends_with(&format!("must be a JSON object, not {found}")), "{error}");
        }
    }
}
