//! The file of rows. Rows are read several times, so the contents of a pipe are copied first.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, IsTerminal, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::variables::{RowError, RowFormat, Rows};

use crate::app::spec::RenderSpec;
use crate::fault::{Error, Exit, Fault};
use crate::system::file;
use crate::system::gate::{self, PathRefusal, Reach, limit};
use crate::system::temporary::{self, Temporary};

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// A file of rows, or a copy of the contents of a pipe.
#[derive(Debug)]
pub(crate) struct RowsFile {
    /// The name in messages.
    name: PathBuf,
    /// The option in messages, such as `--batch`.
    label: String,
    path: PathBuf,
    /// Where the path may lead.
    reach: Reach,
    format: RowFormat,
    /// Deleted with the value.
    _copy: Option<Temporary>,
}

/// A pipe did not end in time.
#[derive(Debug)]
struct PipeTimedOut {
    label: String,
    name: PathBuf,
    limit: Duration,
}

impl fmt::Display for PipeTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, seconds) = (self.name.display(), self.limit.as_secs_f64().round());
        write!(f, "{}: timed out after {seconds} s waiting for the end of {name}", self.label)
    }
}

impl Fault for PipeTimedOut {
    fn code(&self) -> &str {
        "timeout"
    }

    fn help(&self) -> Option<String> {
        let help = "nothing was submitted; check the command that writes the rows, or increase --max-wait";
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Timeout
    }
}

impl RowsFile {
    /// Finds the file at `path`, which may be anywhere in `reach`. Copies standard input (`-`), and pipes such as
    /// `<(command)`, until they end.
    ///
    /// # Errors
    /// Returns a usage error if there is no such file, standard input is a terminal, or the copy fails, and a timeout if a
    /// pipe does not end within `timeout`.
    pub(crate) fn open(path: &Path, label: &str, timeout: Duration, reach: Reach) -> Result<Self, Error> {
        let is_input = path == Path::new(STANDARD_INPUT);
        let name = if is_input { Path::new("standard input") } else { path };
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::TimedOut => {
                PipeTimedOut { label: label.to_owned(), name: name.to_owned(), limit: timeout }.into()
            }
            _ => {
                let help = match label.starts_with("--") {
                    true => "pass a JSON Lines, JSON, CSV or TSV file, or - for standard input",
                    false => "check that the file exists and is readable",
                };
                let help = gate::help_of(&error).unwrap_or_else(|| help.to_owned());
                Error::usage(format!("{label}: cannot read {}: {error}", path.display()), help)
            }
        };
        if is_input {
            if io::stdin().is_terminal() {
                return Err(Error::usage(
                    format!("{label}: standard input is a terminal"),
                    "pipe the rows into the command, or pass a file",
                ));
            }
            return Self::copy(name, label, || Ok(io::stdin()), timeout).map_err(unreadable);
        }
        fs::metadata(path).map_err(unreadable)?;
        if is_read_in_place(path) || !reach.is_anywhere(path).map_err(unreadable)? {
            let size = gate::open(path, &reach).and_then(|file| file.metadata()).map_err(unreadable)?.len();
            if size > limit::ROWS {
                return Err(unreadable(PathRefusal::TooLarge(limit::ROWS).into()));
            }
            let format = RowFormat::of(&path.to_string_lossy());
            return Ok(Self {
                name: path.to_owned(),
                label: label.to_owned(),
                path: path.to_owned(),
                reach,
                format,
                _copy: None,
            });
        }
        let pipe = path.to_owned();
        Self::copy(name, label, move || File::open(pipe), timeout).map_err(unreadable)
    }

    /// Copies rows and detects their format by the first character. Fails with `TimedOut` if that takes longer than
    /// `timeout`.
    fn copy<R: Read>(
        name: &Path,
        label: &str,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        timeout: Duration,
    ) -> io::Result<Self> {
        let mut copy = temporary::create(&std::env::temp_dir(), "hyperframes-ci-rows-", ".tmp")?;
        let mut file = copy.file.as_file().try_clone()?;
        let copied = file::within(timeout, move || {
            open().and_then(|rows| io::copy(&mut rows.take(limit::ROWS + 1), &mut file))
        })?;
        if copied > limit::ROWS {
            return Err(PathRefusal::TooLarge(limit::ROWS).into());
        }
        copy.file.rewind()?;
        let format = format_of(&mut copy.file)?;
        Ok(Self {
            name: name.to_owned(),
            label: label.to_owned(),
            path: copy.file.path().to_owned(),
            reach: Reach::anywhere(),
            format,
            _copy: Some(copy),
        })
    }

    /// Returns the name in messages.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// Returns whether values are strings that are converted to the types of their variables.
    pub(super) fn is_table(&self) -> bool {
        self.format.is_table()
    }

    /// Reads the rows from the first one.
    ///
    /// # Errors
    /// Returns a usage error if the file cannot be read.
    pub(super) fn read(&self) -> Result<Rows<BufReader<File>>, Error> {
        let name = self.name.display();
        let unreadable = |message: String| {
            Error::usage(format!("{}: {message}", self.label), "pass a JSON Lines, JSON, CSV or TSV file")
        };
        let file = gate::open(&self.path, &self.reach)
            .map_err(|error| unreadable(format!("cannot read {name}: {error}")))?;
        Rows::new(BufReader::new(file), self.format).map_err(|RowError { line, message, .. }| {
            unreadable(format!("{name}:{line}: the file {message}"))
        })
    }
}

/// Returns the path of the manifest of a batch of the rows at `rows`. All pipes have the same one unless the user names
/// another: it knows rows by what they render.
pub(super) fn manifest_path(spec: &RenderSpec, rows: &Path) -> PathBuf {
    let stem = if is_read_in_place(rows) { rows.file_stem() } else { None };
    let name = stem.map_or_else(|| "rows".into(), |stem| stem.to_string_lossy());
    let default = || PathBuf::from(format!("renders/{name}.manifest.jsonl"));
    spec.batch.manifest.clone().unwrap_or_else(default)
}

/// Returns whether the path is that of a regular file, and not a pipe that can be read once only.
fn is_read_in_place(path: &Path) -> bool {
    path != Path::new(STANDARD_INPUT) && path.is_file() && !is_descriptor(path)
}

/// Returns whether the path refers to an open file of this process: its position is shared by all readers.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Detects the format: JSON starts with a bracket, a table with the name of a column.
fn format_of(rows: &mut impl Read) -> io::Result<RowFormat> {
    let mut head = Vec::new();
    rows.take(64 * 1024).read_to_end(&mut head)?;
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(if matches!(first, None | Some(b'{' | b'[')) { RowFormat::Json } else { RowFormat::Csv })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &'static str) -> RowsFile {
        let limit = Duration::from_secs(60);
        RowsFile::copy(Path::new("pipe"), "--batch", move || Ok(text.as_bytes()), limit).expect("copied")
    }

    #[test]
    fn a_pipe_that_does_not_end_is_not_waited_for() {
        let (reader, _writer) = io::pipe().expect("a pipe");
        let limit = Duration::from_millis(100);
        let error =
            RowsFile::copy(Path::new("pipe"), "--batch", move || Ok(reader), limit).expect_err("no end");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn the_format_of_a_pipe_is_that_of_its_first_character() {
        for (text, is_table) in [
            ("{\"a\":1}\n", false),
            ("\u{feff}\n [\n{}]", false),
            ("", false),
            ("name\tsize\nAda\t1\n", true),
            ("\u{feff}\"{\",b\n", true),
        ] {
            let file = copied(text);
            assert_eq!(file.is_table(), is_table, "{text:?}");
        }
        let file = copied("a,b\n1,2\n3,4\n");
        for _ in 0..2 {
            assert_eq!(file.read().expect("read").filter_map(Result::ok).count(), 2);
        }
        let path = file.path.clone();
        drop(file);
        assert!(!path.exists());
    }
}
