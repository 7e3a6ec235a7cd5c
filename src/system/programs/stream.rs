//! Child processes whose output is bytes, not lines.

use std::io::{self, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use super::lines::{MAX_LINE, read_lines};
use super::process::{Exited, Group, OutputTail};

/// A running process whose standard output is read as bytes. Dropping it ends it and everything that it started.
pub(crate) struct ByteStream {
    group: Group,
    output: ChildStdout,
    errors: Option<JoinHandle<(OutputTail, Vec<String>)>>,
}

/// Lines of standard error that are kept from its start on.
const MOST_LINES: usize = 2000;

/// The longest line of these, in bytes.
const MOST_LENGTH: usize = 4096;

impl ByteStream {
    /// Starts `command` with `input` as its standard input.
    ///
    /// # Errors
    /// Returns an error if the command cannot be started.
    pub(crate) fn start(mut command: Command, input: Stdio) -> io::Result<Self> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(&mut command)?;
        let outputs = group.child.stdout.take().zip(group.child.stderr.take());
        let (output, errors) = outputs.ok_or(io::ErrorKind::BrokenPipe)?;
        #[cfg(target_os = "linux")]
        widen(&output);
        let errors = std::thread::spawn(move || {
            let output = std::cell::RefCell::new((OutputTail::default(), Vec::new()));
            read_lines(errors, MAX_LINE, &|line| {
                let (tail, head) = &mut *output.borrow_mut();
                tail.push(&line);
                if head.len() < MOST_LINES && line.len() <= MOST_LENGTH {
                    head.push(line);
                }
                true
            });
            output.into_inner()
        });
        Ok(Self { group, output, errors: Some(errors) })
    }

    /// Waits for the end of the process. Its output must have been read.
    ///
    /// # Errors
    /// Returns an error if the system does not know the process.
    pub(crate) fn finish(self) -> io::Result<Exited> {
        self.finish_with_lines().map(|(exited, _)| exited)
    }

    /// Does the same, and returns the first lines of standard error, too.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(crate) fn finish_with_lines(mut self) -> io::Result<(Exited, Vec<String>)> {
        let status = self.group.child.wait()?;
        let (tail, head) = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        Ok((Exited { status, output: tail.into_lines() }, head))
    }
}

impl Read for ByteStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

/// Enlarges the buffer of a pipe to the most that users may have, so that both sides wait for each other less often.
#[cfg(target_os = "linux")]
fn widen(output: &ChildStdout) {
    const SIZE: usize = 1024 * 1024;
    let _ = rustix::pipe::fcntl_setpipe_size(output, SIZE);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_the_exit_are_those_of_the_process() {
        let mut command = Command::new("sh");
        command.args(["-c", "printf 'a\\000b\\n'; echo why >&2; exit 3"]);
        let mut stream = ByteStream::start(command, Stdio::null()).expect("started");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("read");
        let exited = stream.finish().expect("ended");
        assert_eq!((bytes.as_slice(), exited.status.code()), (b"a\0b\n".as_slice(), Some(3)));
        assert_eq!(exited.output, ["why"]);
    }
}
