//! Inspects an unpacked project before the engine starts. Nothing that a user or a repository sets skips it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::findings::Text;
use hyperframes_ci_core::project::{DEFAULT_COMPOSITION, TextKind, join};
use hyperframes_ci_core::refusal::{self, MEDIA_HEAD, Suspect, refers_to_files, suspects};
use hyperframes_ci_core::report::plain;
use serde_json::{Map, Value};

use crate::system::gate::{self, Reach};

/// A reference or a file that the engine must not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Path of the file in the project; `None` for values of variables.
    pub(crate) file: Option<String>,
    /// Line of the reference, from 1.
    pub(crate) line: Option<usize>,
    /// What the file contains or is, as a lowercase phrase.
    pub(crate) reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or("variables");
        f.write_str(&plain(file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Inspects the project in the directory `project`, which the archive was unpacked to; returns what leads outside of it:
/// references, files and values of variables.
///
/// # Errors
/// Returns an error if a file cannot be read.
pub(super) fn inspect(
    project: &Path,
    composition: Option<&str>,
    variables: Option<&Map<String, Value>>,
) -> io::Result<Vec<Refused>> {
    let mut inspection = Inspection { project, files: BTreeMap::new(), found: Vec::new() };
    inspection.list(project, "")?;
    inspection.media()?;
    inspection.texts(composition.unwrap_or(DEFAULT_COMPOSITION))?;
    for value in variables.into_iter().flat_map(Map::values) {
        inspection.value(value);
    }
    Ok(inspection.found)
}

struct Inspection<'a> {
    project: &'a Path,
    /// Regular files, by their paths in the project.
    files: BTreeMap<String, PathBuf>,
    found: Vec<Refused>,
}

impl Inspection<'_> {
    fn refuse(&mut self, file: Option<&str>, line: Option<usize>, reason: String) {
        self.found.push(Refused { file: file.map(str::to_owned), line, reason });
    }

    /// Lists the files of a directory. Unpacking writes regular files only; anything else is refused here again.
    fn list(&mut self, folder: &Path, path: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = join(path, &entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.list(&entry.path(), &path)?;
            } else if kind.is_file() {
                self.files.insert(path, entry.path());
            } else {
                self.refuse(Some(&path), None, "is a link or a special file".to_owned());
            }
        }
        Ok(())
    }

    /// Looks for media that make FFmpeg open other files. A script may pass any file to it.
    fn media(&mut self) -> io::Result<()> {
        let mut lists = Vec::new();
        for (path, file) in &self.files {
            let head = gate::head(file, &Reach::anywhere(), MEDIA_HEAD as u64)?;
            lists.extend(refers_to_files(&head).map(|list| (path.clone(), list)));
        }
        for (path, list) in lists {
            self.refuse(Some(&path), None, format!("is {list}, which makes FFmpeg open other files"));
        }
        Ok(())
    }

    /// Inspects pages, style sheets, and what they mount.
    fn texts(&mut self, composition: &str) -> io::Result<()> {
        let texts = self.files.keys().filter_map(|path| Some((path.clone(), TextKind::of_path(path)?)));
        let mut queue = texts.collect::<Vec<_>>();
        queue.push((composition.replace('\\', "/"), TextKind::Html));
        let mut seen = BTreeSet::new();
        while let Some((path, kind)) = queue.pop() {
            let Some(file) =
                self.files.get(&path).filter(|_| seen.insert((path.clone(), kind == TextKind::Html)))
            else {
                continue;
            };
            // The engine decodes invalid UTF-8 in the same way.
            let source = String::from_utf8_lossy(&fs::read(file)?).into_owned();
            let text = Text::new(&path, &source);
            let refused = refusal::references(kind, &path, &source, &|path| self.files.contains_key(path));
            for reference in refused {
                let reason = format!("{:?} {}", plain(&reference.target), reference.reason);
                self.refuse(Some(&path), Some(text.position(reference.span.start).line), reason);
            }
            for suspect in suspects(&source) {
                if let Suspect::Composition(mounted) = suspect {
                    queue.push((mounted, TextKind::Html));
                } else if let Some((target, reason)) = self.judge(&suspect) {
                    let name = target.rsplit('/').next().unwrap_or_default();
                    let line = source.find(name).map(|at| text.position(at).line);
                    let is_known = self.found.iter().any(|known| {
                        known.file.as_deref() == Some(path.as_str()) && known.line == line && line.is_some()
                    });
                    if !is_known {
                        self.refuse(Some(&path), line, reason);
                    }
                }
            }
        }
        Ok(())
    }

    /// Inspects a value: the engine writes values into style sheets.
    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                for suspect in suspects(&format!("{text} '{text}'")) {
                    if let Some((_, reason)) = self.judge(&suspect) {
                        self.refuse(None, None, reason);
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.value(value)),
            Value::Object(members) => members.values().for_each(|value| self.value(value)),
            _ => {}
        }
    }

    /// Returns the path that `suspect` leads to and why it is refused, if a file exists there.
    fn judge(&self, suspect: &Suspect) -> Option<(String, String)> {
        let (folders, rest) = match suspect {
            Suspect::Above(rest) => (self.project.ancestors().skip(1).collect::<Vec<_>>(), rest),
            Suspect::Absolute(rest) => (self.project.ancestors().last().into_iter().collect(), rest),
            Suspect::TooMany => {
                return Some((String::new(), "has too many references in one word to inspect".to_owned()));
            }
            Suspect::Host(host) => {
                return Some((
                    host.clone(),
                    format!("points to {:?}, which is not a public host", plain(host)),
                ));
            }
            Suspect::Composition(_) => return None,
        };
        // A directory cannot be copied, and much that is not a path at all leads to one.
        let exists = |folder: &Path| fs::metadata(folder.join(rest)).is_ok_and(|metadata| !metadata.is_dir());
        let is_refused = is_of_process(rest) || folders.into_iter().any(exists);
        is_refused
            .then(|| (rest.clone(), format!("{:?} leads to a file outside of the project", plain(rest))))
    }
}

/// Returns whether a path below the root is one of a process. Looking for it decides nothing: the process of the engine
/// does not run yet.
fn is_of_process(rest: &str) -> bool {
    let Some((process, file)) = rest.strip_prefix("proc/").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let is_process =
        matches!(process, "self" | "thread-self") || process.bytes().all(|byte| byte.is_ascii_digit());
    is_process && file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte))
}

#[cfg(test)]
mod differential;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(files: &[(&str, &str)], variables: &Value) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("work/project");
        for (path, text) in files {
            let file = project.join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, text).expect("written");
        }
        fs::write(folder.path().join("secret.txt"), "x").expect("written");
        let found = inspect(&project, None, variables.as_object()).expect("readable");
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_project_that_stays_inside_is_rendered() {
        let files = [
            ("index.html", "<link href=css/a.css><img src=/logo.svg><script>import '../../x.js'</script>"),
            ("css/a.css", "p { background: url(../logo.svg) }"),
            ("scenes/a.html", "<p style='background:url(../logo.svg)'><!-- ../../gone.txt -->"),
            ("logo.svg", "<svg/>"),
        ];
        assert_eq!(refused(&files, &Value::Null), [""; 0]);
    }

    #[test]
    fn refusals_name_file_and_line() {
        let files = [("index.html", "<p>\n<a href='../../secret.txt'>"), ("list.mp4", "#EXTM3U\n")];
        assert_eq!(
            refused(&files, &Value::Null),
            [
                "list.mp4: is an HLS or M3U playlist, which makes FFmpeg open other files",
                "index.html:2: \"../../secret.txt\" leads outside of the project",
            ]
        );
    }

    #[test]
    fn what_a_browser_does_not_read_is_refused_if_the_file_exists() {
        let comment = |path: &str| format!("<p>\n<style>/* url(../../{path}) */</style>");
        let found = refused(&[("index.html", &comment("secret.txt"))], &Value::Null);
        assert_eq!(found, ["index.html:2: \"secret.txt\" leads to a file outside of the project"]);
        assert_eq!(refused(&[("index.html", &comment("gone.txt"))], &Value::Null), [""; 0]);
        assert_eq!(refused(&[("index.html", &comment("proc/99999/environ"))], &Value::Null).len(), 1);
    }

    #[test]
    fn a_reference_that_is_inside_for_its_file_only_is_refused_if_the_file_exists() {
        let files = [
            ("a/b/c/index.html", "<p style='background:url(../../secret.txt)'>"),
            ("a/secret.txt", "decoy"),
            ("index.html", ""),
        ];
        assert_eq!(refused(&files, &Value::Null).len(), 1);
    }

    #[test]
    fn mounted_files_are_pages_whatever_their_names_are() {
        let files =
            [("index.html", "<div data-composition-src=a.png>"), ("a.png", "<img src='../../secret.txt'>")];
        assert_eq!(refused(&files, &Value::Null).len(), 1);
    }

    #[test]
    fn values_of_variables_are_inspected() {
        let values = serde_json::json!({ "a": ["url(../../secret.txt)"], "b": "../../gone.txt", "c": 1 });
        let found = refused(&[("index.html", "")], &values);
        assert_eq!(found, ["variables: \"secret.txt\" leads to a file outside of the project"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a.png")).expect("a link");
        assert_eq!(inspect(folder.path(), None, None).expect("readable").len(), 1);
    }
}
