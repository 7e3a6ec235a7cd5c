//! The ledger on disk: what the core wants remembered, appended before the next step depends on it.
//!
//! A line is written with one call, under a lock, so that processes that run at the same time do not mix theirs; a line
//! that a kill has torn is ended before the next one. Nothing is synced: a killed process loses nothing, and what a
//! machine forgets that loses power is found in the account's list.

use crate::fault::{Exit, Fault};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hyperframes_ci_core::job::{Fact, Ledger, LedgerEntry, compact};

use crate::system::clock::unix_now;

/// A ledger that is longer is compacted when it is opened, in bytes.
const LONG: u64 = 1024 * 1024;

/// What compaction keeps, in seconds: 90 days.
const KEPT: i64 = 90 * 86_400;

/// A ledger cannot be used.
#[derive(Debug)]
pub(crate) struct LedgerError {
    path: PathBuf,
    error: io::Error,
}

impl std::fmt::Display for LedgerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the ledger {} cannot be used: {}", self.path.display(), self.error)
    }
}

impl Fault for LedgerError {
    fn code(&self) -> &str {
        "ledger_not_usable"
    }

    fn help(&self) -> Option<String> {
        Some("name a file that can be written with --ledger".to_owned())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// A ledger, and what it says about one API.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    path: PathBuf,
    api: String,
    account: Option<String>,
    known: Ledger,
}

impl LedgerFile {
    /// Where it is unless the user says otherwise.
    pub(crate) fn default_path() -> Option<PathBuf> {
        Some(crate::system::cache::folder()?.join("ledger.jsonl"))
    }

    /// Opens the ledger, and makes an empty one where there is none.
    ///
    /// # Errors
    /// When it cannot be read or written: that is found out before anything is paid for.
    pub(crate) fn open(path: &Path, api: &str, account: Option<&str>) -> Result<Self, LedgerError> {
        let failed = |error| LedgerError { path: path.to_owned(), error };
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = locked(path).map_err(failed)?;
        let mut text = read(&mut file).map_err(failed)?;
        if text.len() as u64 > LONG {
            text = compact(&text, unix_now() - KEPT);
            replace(path, &text).map_err(failed)?;
        }
        let known = Ledger::read(&text, api, account);
        Ok(Self { path: path.to_owned(), api: api.to_owned(), account: account.map(str::to_owned), known })
    }

    /// What it says.
    pub(crate) fn known(&self) -> &Ledger {
        &self.known
    }

    /// Appends one fact.
    ///
    /// # Errors
    /// When the disk refuses it.
    pub(crate) fn append(&mut self, fact: Fact) -> Result<(), LedgerError> {
        let entry =
            LedgerEntry { at: unix_now(), api: self.api.clone(), account: self.account.clone(), fact };
        let append = || {
            let mut file = locked(&self.path)?;
            let torn = is_torn(&mut file)?;
            let line = format!("{}{}", if torn { "\n" } else { "" }, entry.line());
            file.write_all(line.as_bytes())
        };
        append().map_err(|error| LedgerError { path: self.path.clone(), error })?;
        self.known.learn(entry.fact);
        Ok(())
    }
}

/// The file, for reading and appending, locked until it is closed. Where the file system has no locks, a line is still
/// one write at the end.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        // While this process waited for the lock, another may have put a compacted ledger in the file's place.
        if is_current(&file, path)? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_current(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere a ledger is never replaced; see [`replace`].
#[cfg(not(unix))]
fn is_current(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Puts a compacted ledger in the place of the present one, whose lock is held.
#[cfg(unix)]
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".ledger-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// There is no name for an open file there that could be compared: the ledger grows.
#[cfg(not(unix))]
fn replace(_: &Path, _: &str) -> io::Result<()> {
    Ok(())
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // What is not text is in lines that are passed over.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the last line has no end.
fn is_torn(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyperframes_ci_core::job::{AssetFact, AssetState};

    fn asset(number: usize) -> Fact {
        let (digest, asset_id) = (format!("d{number}"), format!("a{number}"));
        Fact::Asset(AssetFact { digest, asset_id, state: AssetState::Ready })
    }

    #[test]
    fn what_is_appended_is_known_at_once_and_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/ledger.jsonl");
        let mut ledger = LedgerFile::open(&path, "api", None).expect("opened");
        ledger.append(asset(1)).expect("written");
        assert!(ledger.known().asset("d1").is_some());
        assert!(LedgerFile::open(&path, "api", None).expect("opened").known().asset("d1").is_some());
        assert!(LedgerFile::open(&path, "other", None).expect("opened").known().asset("d1").is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = LedgerFile::open(&path, "api", None).expect("opened");
        ledger.append(asset(1)).expect("written");
        let whole = fs::read(&path).expect("bytes");
        for cut in 0..whole.len() {
            fs::write(&path, [&whole, &whole[..cut]].concat()).expect("written");
            LedgerFile::open(&path, "api", None).expect("opened").append(asset(2)).expect("written");
            let known = LedgerFile::open(&path, "api", None).expect("opened");
            assert!(known.known().asset("d1").is_some() && known.known().asset("d2").is_some(), "{cut}");
        }
    }

    #[test]
    fn processes_that_write_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        // A long ledger is compacted by whoever opens it, while the others write.
        let mut line = LedgerEntry { at: 1, api: "api".to_owned(), account: None, fact: asset(0) }.line();
        line = line.repeat(usize::try_from(LONG).expect("small") / line.len() + 1);
        fs::write(&path, line).expect("written");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..25 {
                        let mut ledger = LedgerFile::open(path, "api", None).expect("opened");
                        ledger.append(asset(1 + thread * 25 + number)).expect("written");
                    }
                });
            }
        });
        let ledger = LedgerFile::open(&path, "api", None).expect("opened");
        let lost = (1..=200).filter(|number| ledger.known().asset(&format!("d{number}")).is_none());
        assert_eq!(lost.count(), 0);
        #[cfg(unix)]
        assert!(fs::metadata(&path).expect("a file").len() < LONG / 10, "it was compacted");
    }

    #[test]
    fn a_ledger_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = LedgerFile::open(folder.path(), "api", None).expect_err("a folder is no ledger");
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    }
}
