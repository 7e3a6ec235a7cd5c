//! Reads the configuration of a repository.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use hyperframes_ci_core::findings::CONFIG_FILE;

use super::error::ConfigError;
use super::file::File;
use super::media::DeclaredMedia;
use super::read::{parse, reported};
use crate::fault::Location;
use crate::system::gate::{self, Reach, limit};

/// Reads the configuration of the repository at `root`, or the file `other`, which may be anywhere in `reach`. A
/// repository without one has an empty configuration.
///
/// # Errors
/// Returns [`ConfigError::Unreadable`] if the file cannot be read, and [`ConfigError::Invalid`] if it is invalid.
pub(crate) fn read(root: &Path, other: Option<&Path>, reach: &Reach) -> Result<File, ConfigError> {
    let path = other.map_or_else(|| root.join(CONFIG_FILE), Path::to_owned);
    let read = if other.is_some() {
        gate::read_text_or_pipe(&path, reach, limit::CONFIG)
    } else {
        gate::read_text(&path, &Reach::inside(root, "the repository"), limit::CONFIG)
    };
    match read {
        Ok(text) => {
            let file = parse(&text, &path)?;
            check_links(root, &file, &text)?;
            Ok(with_text(file, text))
        }
        // A directory that is a file has no configuration; the command itself reports it.
        Err(error)
            if other.is_none() && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Ok(File { path, ..File::default() })
        }
        Err(error) => Err(ConfigError::Unreadable(path, error)),
    }
}

/// Parses the text of the configuration of the repository at `root`, such as one that is staged.
///
/// # Errors
/// Returns [`ConfigError::Invalid`] if it is invalid.
pub(crate) fn of_text(text: String, root: &Path) -> Result<File, ConfigError> {
    Ok(with_text(parse(&text, &root.join(CONFIG_FILE))?, text))
}

/// Keeps the text of a configuration for the findings about its media.
fn with_text(mut file: File, text: String) -> File {
    if !file.media.is_empty() {
        let (path, entries) = (file.path.clone(), file.media.clone());
        file.declared = Arc::new(DeclaredMedia { path, text, entries });
    }
    file
}

/// Checks that no path of the configuration leads outside the repository through a link: its author may be untrusted.
fn check_links(root: &Path, file: &File, text: &str) -> Result<(), ConfigError> {
    let Ok(root) = root.canonicalize() else { return Ok(()) };
    let leads_out = |path: &str| {
        let absolute = root.join(path);
        // The part that exists: a path may not exist yet.
        let existing = absolute.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        existing.is_some_and(|existing| !existing.starts_with(&root))
    };
    let settings = file.entries.iter().flat_map(|entry| &entry.settings).chain(&file.defaults);
    let settings = settings.filter(|setting| setting.option.kind.is_path());
    let paths = settings.map(|setting| (setting.value.as_str(), setting.line));
    let paths = paths.chain(file.entries.iter().map(|entry| (entry.project.as_str(), entry.line)));
    let media = file.generated().flat_map(|entry| entry.paths().map(|path| (path, entry.line)));
    let paths = paths.chain(media);
    let escaping = paths.filter(|(path, _)| leads_out(path)).collect::<Vec<_>>();
    let Some(first) = escaping.iter().map(|(_, line)| *line).min() else { return Ok(()) };
    let name = file.path.display().to_string();
    let mistakes = reported(&name, &escaping, |(path, line)| {
        let excerpt = text.lines().nth(line - 1).unwrap_or_default();
        format!("{name}:{line}: {path:?} is a symbolic link that points outside the repository\n  {excerpt}")
    });
    Err(ConfigError::Invalid(mistakes, Location { path: file.path.clone(), line: first }))
}
