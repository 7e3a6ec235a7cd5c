//! The `[[render]]` entries of a project as the next commit will have them: their values come from the index.

use hyperframes_ci_core::check::{CheckOptions, Values};
use hyperframes_ci_core::findings::CheckConfig;
use hyperframes_ci_core::project::resolve;

use super::config::{Entry, File};
use super::media::{ValuesSource, measured_in};
use crate::fault::Error;
use crate::project::index::Index;
use crate::project::input;

/// What an entry adds to the checks of its project.
#[derive(Debug)]
pub(super) struct StagedEntry {
    /// Composition, aspect ratio and values.
    pub(super) options: CheckOptions,
    /// Severities of the entry.
    pub(super) check: CheckConfig,
    /// Repository paths of the files with values.
    pub(super) sources: Vec<String>,
    /// The commit adds or changes the entry or the defaults.
    pub(super) is_new: bool,
}

/// Returns the entries of the project at a repository path that set values, an aspect ratio or a composition. `before` is the
/// configuration of `HEAD`, if the commit changes it.
///
/// # Errors
/// Returns an error if values are invalid JSON, the index cannot be read, or the commit deletes a file with values.
pub(super) fn of_project(
    index: &Index,
    file: &File,
    before: Option<&File>,
    project: &str,
) -> Result<Vec<StagedEntry>, Error> {
    let mut found = Vec::new();
    for entry in &file.entries {
        if resolve("", &entry.project).as_deref() == Some(project)
            && let Some(mut staged) = staged(index, file, entry)?
        {
            staged.is_new = before.is_some_and(|before| !has_same(before, file, entry));
            found.push(staged);
        }
    }
    Ok(found)
}

/// Returns whether another configuration has an entry with the same options.
fn has_same(before: &File, file: &File, entry: &Entry) -> bool {
    before.entries.iter().any(|other| {
        let is_same = |name: &&str| before.setting(other, name) == file.setting(entry, name);
        other.project == entry.project
            && other.check == entry.check
            && ["composition", "aspect-ratio", "variables", "variables-file", "rows"].iter().all(is_same)
    })
}

fn staged(index: &Index, file: &File, entry: &Entry) -> Result<Option<StagedEntry>, Error> {
    let setting = |name: &str| file.setting(entry, name);
    let mut options = CheckOptions::default();
    options.compositions.extend(setting("composition").map(str::to_owned));
    options.aspect_ratio = setting("aspect-ratio").and_then(|ratio| ratio.parse().ok());
    let mut sources = Vec::new();
    if let Some(text) = setting("variables") {
        let source = ValuesSource { flag: "variables", location: "the value" };
        let text = measured_in(source, text, index)?;
        options.values.push(Values::Inline(input::from_text("variables", &text)?));
    }
    // Rows of standard input are known only when they are rendered.
    let files = ["variables-file", "rows"].into_iter().filter_map(|name| Some((name, setting(name)?)));
    for (name, path) in files.filter(|(_, path)| *path != "-") {
        let Some(path) = resolve("", path) else { continue };
        match index.text(&path)? {
            Some(text) if name == "rows" => options.values.push(Values::Rows { path: path.clone(), text }),
            Some(text) => {
                let source = ValuesSource { flag: name, location: &path };
                let text = measured_in(source, &text, index)?.into_owned();
                options.values.push(Values::Object { path: path.clone(), text });
            }
            None if index.changed.contains(&path) => {
                return Err(Error::usage(
                    format!("{path} is not in the index: {name} of the entry {:?}", entry.name),
                    "add the file with git add, or correct hyperframes-ci.toml",
                ));
            }
            // A file that is not a part of the repository, such as one that another job writes.
            None => {}
        }
        sources.push(path);
    }
    let is_used =
        !options.values.is_empty() || options.aspect_ratio.is_some() || !options.compositions.is_empty();
    Ok(is_used.then(|| StagedEntry { options, check: entry.check.clone(), sources, is_new: false }))
}
