//! From the repository's file to a configuration.

use std::path::Path;

use hyperframes_ci_core::findings::CONFIG_FILE;

use super::error::ConfigError;
use super::file::File;
use super::read::parse;

/// Reads the configuration of the repository at `root`, or another for it; empty where the repository has none.
///
/// # Errors
/// See [`ConfigError`].
pub(crate) fn read(root: &Path, other: Option<&Path>) -> Result<File, ConfigError> {
    let path = other.map_or_else(|| root.join(CONFIG_FILE), Path::to_owned);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path).and_then(|file| inside(root, &file, &text).map(|()| file)),
        Err(error) if other.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(File { path, ..File::default() })
        }
        Err(error) => Err(ConfigError::Unreadable(path, error)),
    }
}

/// Refuses paths that a link leads out of the repository: who writes the file need not be who runs it.
fn inside(root: &Path, file: &File, text: &str) -> Result<(), ConfigError> {
    let Ok(root) = root.canonicalize() else { return Ok(()) };
    let leads_out = |path: &str| {
        let whole = root.join(path);
        // Of a path that does not exist yet, the part that does.
        let known = whole.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        known.is_some_and(|known| !known.starts_with(&root))
    };
    let settings = file.entries.iter().flat_map(|entry| &entry.settings).chain(&file.defaults);
    let settings = settings.filter(|setting| setting.option.kind.is_path());
    let paths = settings.map(|setting| (setting.value.as_str(), setting.line));
    let paths = paths.chain(file.entries.iter().map(|entry| (entry.project.as_str(), entry.line)));
    let wrong = paths.filter(|(path, _)| leads_out(path));
    let wrong = wrong.map(|(path, line)| {
        let excerpt = text.lines().nth(line - 1).unwrap_or_default();
        format!(
            "{}:{line}: {path:?} is a link that leads out of the repository\n  {excerpt}",
            file.path.display()
        )
    });
    let wrong = wrong.collect::<Vec<_>>();
    if wrong.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(wrong)) }
}
