//! The contents of blobs, from one Git process.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::project::changes::{ChangesError, command};

/// Processes that answer for blobs: one with their contents, one with their sizes.
#[derive(Debug)]
pub(super) struct Blobs {
    contents: Answers,
    sizes: Answers,
}

impl Blobs {
    /// Starts the processes.
    ///
    /// # Errors
    /// Returns [`ChangesError::NoGit`] if Git cannot be started.
    pub(super) fn open(root: &Path) -> Result<Self, ChangesError> {
        Ok(Self { contents: Answers::start(root, "--batch")?, sizes: Answers::start(root, "--batch-check")? })
    }

    /// Returns the content of a blob of at most `limit` bytes; `None` if it does not exist or is larger.
    ///
    /// # Errors
    /// Returns [`ChangesError::Failed`] if Git does not answer.
    pub(super) fn read(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ChangesError> {
        self.contents.content(name, limit, limit).map_err(|error| failed(&error))
    }

    /// Returns the first bytes of a blob; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns [`ChangesError::Failed`] if Git does not answer.
    pub(super) fn head(&mut self, name: &str, length: usize) -> Result<Option<Vec<u8>>, ChangesError> {
        self.contents.content(name, length as u64, u64::MAX).map_err(|error| failed(&error))
    }

    /// Returns the size of a blob in bytes; `None` if it does not exist.
    ///
    /// # Errors
    /// Returns [`ChangesError::Failed`] if Git does not answer.
    pub(super) fn size(&mut self, name: &str) -> Result<Option<u64>, ChangesError> {
        self.sizes.size(name).map_err(|error| failed(&error))
    }
}

fn failed(error: &io::Error) -> ChangesError {
    ChangesError::Failed(format!("cannot read the index: {error}"))
}

/// A process that answers questions.
#[derive(Debug)]
struct Answers {
    child: Child,
    /// Closed when dropped, which ends the process.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Answers {
    fn start(root: &Path, mode: &str) -> Result<Self, ChangesError> {
        let mut command = command(root);
        command.args(["cat-file", mode]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(ChangesError::NoGit)?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ChangesError::NoGit(io::Error::other("no pipes")));
        };
        Ok(Self { child, questions: Some(questions), answers: BufReader::new(answers) })
    }

    /// Asks for an object and returns the size of the blob; `None` if there is no such blob.
    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        // A line feed would end the question.
        let Some(questions) = self.questions.as_mut().filter(|_| !name.contains('\n')) else {
            return Ok(None);
        };
        writeln!(questions, "{name}")?;
        questions.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // <id> SP <type> SP <size>, or <name> SP "missing"
        let words = line.trim_end().rsplitn(3, ' ').collect::<Vec<_>>();
        Ok(match words[..] {
            [size, "blob", _] => size.parse().ok(),
            _ => None,
        })
    }

    /// Returns the first `length` bytes of a blob of at most `limit` bytes.
    fn content(&mut self, name: &str, length: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(size) = self.size(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let wanted = if size > limit { 0 } else { size.min(length) };
        (&mut self.answers).take(wanted).read_to_end(&mut bytes)?;
        // The rest, and the line feed after it.
        io::copy(&mut (&mut self.answers).take(size - wanted + 1), &mut io::sink())?;
        Ok((size <= limit).then_some(bytes))
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
