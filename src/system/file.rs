//! Opening files that users name, without waiting for whoever is at the other end of a pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::deadline::Deadline;

/// How long a pipe that is read as a file, such as `<(command)`, may take.
const PIPE_TIMEOUT: Duration = Duration::from_secs(60);

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

/// Opens a regular file like [`open`], but not through a link that has the name `path`.
///
/// # Errors
/// Returns an error as [`open`] does, and if `path` is a link.
pub(crate) fn open_unlinked(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    set_flags(options, rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW);
    open_regular(path, options)
}

#[cfg(unix)]
fn set_flags(options: &mut OpenOptions, flags: rustix::fs::OFlags) {
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
}

fn open_regular(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok(file);
    }
    let kind = if metadata.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    Err(io::Error::new(kind, if metadata.is_dir() { "is a directory" } else { "not a regular file" }))
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

/// Reads the first bytes of a regular file, `length` at most.
///
/// # Errors
/// Returns an error as [`open`] does, and if the file cannot be read.
pub(crate) fn read_head(path: &Path, length: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    open(path, OpenOptions::new().read(true))?.take(length).read_to_end(&mut head)?;
    Ok(head)
}

/// Reads the text of a file or of a pipe such as `<(command)`, for which it waits up to a minute.
///
/// # Errors
/// Returns an error if it cannot be read, is not UTF-8, or is a pipe that does not end in time.
pub(crate) fn read_text_or_pipe(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.is_file() {
        return read_to_string(path);
    }
    let path = path.to_owned();
    within(PIPE_TIMEOUT, move || std::fs::read_to_string(path))
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
