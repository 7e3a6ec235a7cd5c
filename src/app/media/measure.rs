//! Values that are lengths of media files: `"@duration:FILE"` stands for the length of a file in seconds.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::path::Path;

use hyperframes_ci_core::generated::{LOCK_FILE, Lock};
use hyperframes_ci_core::media::Media;
use hyperframes_ci_core::text::Span;

use super::declared::lock_of;
use super::files::{Files, OnDisk};
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::project::collect;
use crate::project::index::Index;
use crate::project::input::InputError;
use crate::system::gate::{Reach, limit};

/// How such a value starts.
const PREFIX: &str = "@duration:";

/// Where the values of an option come from.
#[derive(Clone, Copy)]
pub(crate) struct ValuesSource<'a> {
    /// The option, in messages.
    pub(crate) flag: &'a str,
    /// The file, or words for the value of a flag, in messages.
    pub(crate) location: &'a str,
}

/// Replaces lengths of files of the repository around `directory` in JSON text.
///
/// # Errors
/// Returns an error with line and column if a length is unknown, and an error if the lock file is invalid.
pub(crate) fn measured<'t>(
    source: ValuesSource<'_>,
    text: &'t str,
    directory: &Path,
    workspace: Option<&Path>,
) -> Result<Cow<'t, str>, Error> {
    if !text.contains(PREFIX) {
        return Ok(Cow::Borrowed(text));
    }
    let root = collect::boundary(directory, workspace);
    let reach = Reach::inside(&root, "the repository");
    replaced(source, text, &root, &OnDisk { root: &root, reach }).map(Cow::Owned)
}

/// Replaces lengths of files in the values of an option of a render.
///
/// # Errors
/// See [`measured`].
pub(crate) fn measured_of<'t>(
    spec: &RenderSpec,
    flag: &str,
    location: &str,
    text: &'t str,
) -> Result<Cow<'t, str>, Error> {
    measured(ValuesSource { flag, location }, text, spec.directory(), spec.workspace.as_deref())
}

/// Replaces lengths of staged files in JSON text.
///
/// # Errors
/// See [`measured`].
pub(crate) fn measured_in<'t>(
    source: ValuesSource<'_>,
    text: &'t str,
    index: &Index,
) -> Result<Cow<'t, str>, Error> {
    match text.contains(PREFIX) {
        true => replaced(source, text, index.root(), index).map(Cow::Owned),
        false => Ok(Cow::Borrowed(text)),
    }
}

/// Replaces lengths. Spaces keep every other character in its place, for the places of findings.
fn replaced(source: ValuesSource<'_>, text: &str, root: &Path, files: &impl Files) -> Result<String, Error> {
    let lock = lock_of(&root.join(LOCK_FILE), files.text(LOCK_FILE, limit::CONFIG))?;
    let mut made = String::with_capacity(text.len());
    let mut end = 0;
    for span in references(text) {
        let literal = &text[span.start..span.end];
        let value = serde_json::from_str::<String>(literal).unwrap_or_default();
        let file = value.strip_prefix(PREFIX).unwrap_or_default();
        let seconds = seconds(file, &lock, files).map_err(|reason| {
            let message = format!("the length of {file:?} is unknown: {reason}");
            InputError::at(source.flag, source.location, text, span, message)
        })?;
        let number = format!("{}", (seconds * 1000.0).round() / 1000.0);
        made.push_str(&text[end..span.start]);
        made.push_str(&format!("{number:width$}", width = literal.len()));
        end = span.end;
    }
    made.push_str(&text[end..]);
    Ok(made)
}

/// Returns the length of a file: the recorded one, or that in its header.
fn seconds(file: &str, lock: &Lock, files: &impl Files) -> Result<f64, String> {
    if let Some(seconds) = lock.media.get(file).and_then(|media| media.duration) {
        return Ok(seconds);
    }
    let edges = files.edges(file).map_err(|error: io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "file not found".to_owned(),
        _ => error.to_string(),
    })?;
    let media = Media::read(&edges).ok_or("it is not a media file that can be measured")?;
    media.duration.ok_or_else(|| "its header has no length".to_owned())
}

/// Returns the places of values that are lengths: strings that start with the prefix and are no names of members.
fn references(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find('"').map(|at| rest + at) {
        let mut is_escaped = false;
        let end = text[start + 1..].bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        });
        let Some(end) = end.map(|at| start + 1 + at + 1) else { break };
        let is_name = text[end..].trim_start().starts_with(':');
        if text[start + 1..].starts_with(PREFIX) && !is_name {
            found.push(Span { start, end });
        }
        rest = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_are_lengths() {
        let text = r#"{"@duration:a": "@duration:b\"c", "x\\": ["@duration:é", "a @duration:d", "\u0040duration:e"], "f": "@duration:"#;
        let found = references(text);
        let found = found.iter().map(|span| &text[span.start..span.end]).collect::<Vec<_>>();
        assert_eq!(found, [r#""@duration:b\"c""#, "\"@duration:é\""]);
    }
}
