//! Files of this program, such as ledgers and credentials; those that somebody names are opened by [`super::gate`].

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::deadline::Deadline;
use super::gate::PathRefusal;

/// The pause between two attempts to lock a file.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Opens a regular file with `options`. Opening does not block, as it would for a named pipe without a writer.
///
/// # Errors
/// Returns an error if it cannot be opened or is not a regular file.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    set_flags(options, rustix::fs::OFlags::NONBLOCK);
    open_regular(path, options)
}

#[cfg(unix)]
fn set_flags(options: &mut OpenOptions, flags: rustix::fs::OFlags) {
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
}

fn open_regular(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(file) } else { Err(PathRefusal::NotAFile(kind(&metadata)).into()) }
}

/// Returns what something is that is not a regular file, with an article.
pub(crate) fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() { "a directory" } else { special_kind(metadata) }
}

#[cfg(unix)]
fn special_kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special_kind(_: &Metadata) -> &'static str {
    "a special file"
}

/// Writes a new file that only this user can read.
///
/// # Errors
/// Returns an error if the file exists or cannot be written.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, contents)
}

/// Reads the text of a regular file.
///
/// # Errors
/// Returns an error as [`open`] does, and if the file is not UTF-8.
pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path, OpenOptions::new().read(true))?.read_to_string(&mut text)?;
    Ok(text)
}

/// Opens and reads a pipe with `read`, which may wait forever, and waits for it no longer than `limit`.
///
/// # Errors
/// Returns the error of `read`, and one of the kind `TimedOut` if the pipe does not end in time.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, result) = mpsc::channel();
    // The thread ends with the process.
    std::thread::spawn(move || sender.send(read()));
    result.recv_timeout(limit).unwrap_or_else(|_| {
        let message = format!("timed out after {} s waiting for the pipe", limit.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    })
}

/// Locks `file`, and waits for other processes until `deadline`. Does nothing if the file system does not support locks.
///
/// # Errors
/// Returns an error of the kind `TimedOut` if another process keeps the lock, and if the system refuses it.
pub(crate) fn lock(file: &File, deadline: Deadline) -> io::Result<()> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(());
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
            Err(std::fs::TryLockError::WouldBlock) if deadline.is_over() => {
                let message = "locked by another process";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(deadline.limit(LOCK_PAUSE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_until_the_deadline() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = File::create(&path).expect("created");
        held.lock().expect("locked");
        let other = File::open(&path).expect("opened");
        let began = std::time::Instant::now();
        let error = lock(&other, Deadline::after(Duration::from_millis(200))).expect_err("held");
        assert!(error.kind() == io::ErrorKind::TimedOut && began.elapsed() < Duration::from_secs(2));
        drop(held);
        lock(&other, Deadline::after(Duration::ZERO)).expect("free");
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_is_never_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("started");
        assert!(made.success());
        assert!(read_to_string(&path).is_err());
        assert!(open(&path, OpenOptions::new().read(true).append(true)).is_err());
        let read = move || std::fs::read_to_string(path);
        let error = within(Duration::from_millis(100), read).expect_err("nobody writes");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(open(folder.path(), OpenOptions::new().read(true)).is_err());
    }
}
