//! The ledger on disk: facts of the core, appended before the next step depends on them. Only the offsets of its lines are
//! kept in memory; a line is read when it is needed.
//!
//! A line is written with one call, under a lock, so that concurrent processes do not mix their lines. A line that is
//! incomplete because a process was killed is ended before the next one. Writes are not synced: a killed process loses
//! nothing, and after a power failure, renders are found in the account's list.

use crate::fault::{Exit, Fault};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::api::IdempotencyKey;
use hyperframes_ci_core::generated::SpeechState;
use hyperframes_ci_core::job::{
    AssetFact, Compaction, Fact, Ledger, LedgerEntry, LedgerIndex, LineRef, RenderFact, RenderKey,
    RenderState,
};

use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;
use crate::system::file;
use crate::system::lines::{check_kind, each_line, line_at};
use crate::system::temporary;

/// Size in bytes from which a ledger is compacted when it is opened, if that makes it much shorter.
const LONG: u64 = 1024 * 1024;

/// Size in bytes from which only batches compact a ledger, so that a single render does not wait for it.
const LONG_FOR_ONE: u64 = 4 * LONG;

/// Maximum age in seconds of entries that compaction keeps: 90 days.
const KEPT: i64 = 90 * 86_400;

/// Maximum time to wait for the lock of another process, which holds it while it writes a line.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum time to wait for the lock once a render is billed, where a missing line only costs the next run a search.
/// After one such wait, lines are no longer written.
const APPEND_TIMEOUT: Duration = Duration::from_secs(2);

/// An error of reading or writing the ledger.
#[derive(Debug)]
pub(crate) struct LedgerError {
    path: PathBuf,
    error: io::Error,
}

impl LedgerError {
    pub(super) fn new(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), error }
    }
}

impl std::fmt::Display for LedgerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot use the ledger {}: {}", self.path.display(), self.error)
    }
}

impl Fault for LedgerError {
    fn code(&self) -> &str {
        "ledger_not_usable"
    }

    fn help(&self) -> Option<String> {
        let help = match self.error.kind() {
            io::ErrorKind::TimedOut => {
                "nothing was submitted; end the process that holds the lock, then run the same command again to resume"
            }
            io::ErrorKind::InvalidData => "choose another file with --ledger",
            _ => "choose a writable file with --ledger",
        };
        Some(help.to_owned())
    }

    fn exit(&self) -> Exit {
        if self.error.kind() == io::ErrorKind::TimedOut { Exit::Timeout } else { Exit::Usage }
    }
}

/// The entries of a ledger about one API and one account.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    path: PathBuf,
    api: String,
    account: Option<String>,
    /// The entries that existed when the ledger was opened.
    found: Lines,
    /// The entries that this process has appended; several files if another process has compacted the ledger meanwhile.
    appended: Vec<Lines>,
    /// Whether writing a line has failed.
    is_broken: bool,
}

/// Lines of an open file, which stays readable after another one replaces it.
#[derive(Debug)]
struct Lines {
    file: File,
    index: LedgerIndex,
}

impl LedgerFile {
    /// Returns the default path.
    pub(crate) fn default_path() -> Option<PathBuf> {
        Some(crate::system::cache::folder()?.join("ledger.jsonl"))
    }

    /// Checks that the file may be a ledger: see [`check_kind`].
    ///
    /// # Errors
    /// Returns an error if it is a file of another kind, or cannot be read.
    pub(crate) fn check_kind(path: &Path) -> Result<(), LedgerError> {
        let checked = check_kind(path, |line| LineRef::new(line, 0).is_some());
        checked.map_err(|error| LedgerError { path: path.to_owned(), error })
    }

    /// Opens the ledger, and creates an empty one if it does not exist. `is_batch` allows a compaction that takes seconds.
    ///
    /// # Errors
    /// Returns an error if it cannot be read or written, before anything is billed.
    pub(crate) fn open(
        path: &Path,
        api: &str,
        account: Option<&str>,
        is_batch: bool,
        deadline: Deadline,
    ) -> Result<Self, LedgerError> {
        let failed = |error| LedgerError { path: path.to_owned(), error };
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let open = || {
            let file = locked(path, Deadline::after(deadline.limit(LOCK_TIMEOUT)))?;
            let length = file.metadata()?.len();
            if length > LONG && (is_batch || length <= LONG_FOR_ONE) {
                compact(path, &file)?;
            }
            drop(file);
            let file = File::open(path)?;
            let mut lines = Vec::new();
            each_line(&file, |line, offset| lines.extend(LineRef::new(line, offset)))?;
            Ok(Lines { file, index: lines.into_iter().collect() })
        };
        let found = open().map_err(failed)?;
        let (api, account) = (api.to_owned(), account.map(str::to_owned));
        Ok(Self { path: path.to_owned(), api, account, found, appended: Vec::new(), is_broken: false })
    }

    /// Returns the upload with this manifest digest, unless the server refuses it.
    pub(crate) fn asset(&self, digest: &str) -> Option<AssetFact> {
        self.ask(digest, &self.appended).asset(digest).cloned()
    }

    /// Returns the render of the highest generation with this identity, named by its key of generation 0.
    pub(crate) fn render(&self, identity: &RenderKey) -> Option<RenderFact> {
        self.ask(identity.as_str(), &self.appended).render(identity).cloned()
    }

    /// Returns the render key of generation 0 of the first submission with this idempotency key.
    pub(crate) fn key(&self, key: &IdempotencyKey) -> Option<String> {
        self.ask(key.as_str(), &self.appended).key(key).map(str::to_owned)
    }

    /// Returns how far the last request for the speech with this media key is.
    pub(crate) fn speech(&self, identity: &str) -> Option<SpeechState> {
        self.ask(identity, &self.appended).speech(identity)
    }

    /// Returns the render as [`Self::render`] does, but without entries of this process.
    pub(crate) fn found_render(&self, identity: &RenderKey) -> Option<RenderFact> {
        self.ask(identity.as_str(), &[]).render(identity).cloned()
    }

    /// Returns the last entry about a digest or an identity. An unreadable line is ignored: the account's list
    /// is searched next.
    fn ask(&self, subject: &str, appended: &[Lines]) -> Ledger {
        let mut text = Vec::new();
        for Lines { file, index } in std::iter::once(&self.found).chain(appended) {
            for line in index.offsets(subject).filter_map(|offset| line_at(file, offset).ok()) {
                text.extend_from_slice(&line);
                text.push(b'\n');
            }
        }
        Ledger::read(&String::from_utf8_lossy(&text), &self.api, self.account.as_deref())
    }

    /// Returns the renders that were submitted and have not ended, in the order of their submission.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(crate) fn submitted(&self) -> Result<Vec<RenderFact>, LedgerError> {
        let mut order = Vec::new();
        let mut last = HashMap::new();
        let read = each_line(&self.found.file, |line, _| {
            let Ok(LedgerEntry { api, account, fact: Fact::Render(fact), .. }) = serde_json::from_slice(line)
            else {
                return;
            };
            let is_other = account.zip(self.account.as_deref()).is_some_and(|(theirs, ours)| theirs != ours);
            // Presenter clips are collected by `media generate`, which knows their entry.
            if api == self.api
                && !is_other
                && fact.is_plausible()
                && fact.identity.starts_with(RenderKey::PREFIX)
            {
                order.extend((!last.contains_key(&fact.render_id)).then(|| fact.render_id.clone()));
                last.insert(fact.render_id.clone(), fact);
            }
        });
        read.map_err(|error| LedgerError::new(&self.path, error))?;
        let facts = order.iter().filter_map(|id| last.remove(id));
        Ok(facts.filter(|fact| fact.state == RenderState::Submitted).collect())
    }

    /// Appends one fact. After an error, facts are no longer written.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(crate) fn append(&mut self, fact: Fact) -> Result<(), LedgerError> {
        if self.is_broken {
            return Ok(());
        }
        let entry =
            LedgerEntry { at: unix_now(), api: self.api.clone(), account: self.account.clone(), fact };
        self.write(&entry.line()).map_err(|error| {
            self.is_broken = true;
            LedgerError { path: self.path.clone(), error }
        })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let mut file = locked(&self.path, Deadline::after(APPEND_TIMEOUT))?;
        let end = file.metadata()?.len();
        let offset = if is_torn(&mut file)? { end + 1 } else { end };
        let separator = if offset > end { "\n" } else { "" };
        file.write_all(format!("{separator}{line}").as_bytes())?;
        let last = self.appended.last().unwrap_or(&self.found);
        if self.appended.is_empty() || !is_same(&last.file, &file)? {
            self.appended.push(Lines { file: File::open(&self.path)?, index: LedgerIndex::default() });
        }
        if let (Some(Lines { index, .. }), Some(line)) =
            (self.appended.last_mut(), LineRef::new(line.trim_end().as_bytes(), offset))
        {
            index.insert(line);
        }
        Ok(())
    }
}

/// Opens the file for reading and appending, locked until it is closed. If the file system has no locks, a line is still
/// one write at the end.
fn locked(path: &Path, deadline: Deadline) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = file::open(path, &mut options)?;
        file::lock(&file, deadline)?;
        // Another process may have replaced the file with a compacted ledger while this one waited for the lock.
        if is_current(&file, path)? {
            return Ok(file);
        }
    }
}

/// Returns whether the open file is still the one at the path.
fn is_current(file: &File, path: &Path) -> io::Result<bool> {
    match File::open(path) {
        Ok(there) => is_same(file, &there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn is_same(one: &File, other: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let [one, other] = [one.metadata()?, other.metadata()?];
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Returns true: on this system, a ledger is never replaced; see [`compact`].
#[cfg(not(unix))]
fn is_same(_: &File, _: &File) -> io::Result<bool> {
    Ok(true)
}

/// Replaces the ledger, whose lock is held, with one without superseded lines, if that is much shorter.
#[cfg(unix)]
fn compact(path: &Path, file: &File) -> io::Result<()> {
    let mut compaction = Compaction::new(unix_now() - KEPT);
    each_line(file, |line, _| compaction.line(line))?;
    let Some(kept) = compaction.kept() else { return Ok(()) };
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let mut shorter = temporary::create(folder, ".hyperframes-ci-ledger-", ".part")?.file;
    let mut writer = BufWriter::new(&mut shorter);
    let (mut kept, mut written) = (kept.into_iter(), Ok(()));
    each_line(file, |line, _| {
        if kept.next() == Some(true) && written.is_ok() {
            written = writer.write_all(line).and_then(|()| writer.write_all(b"\n"));
        }
    })?;
    written.and_then(|()| writer.flush())?;
    drop(writer);
    shorter.as_file().sync_all()?;
    shorter.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// Does nothing: open files cannot be compared on this system, so the ledger grows.
#[cfg(not(unix))]
fn compact(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// Returns whether the last line is incomplete.
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
    use hyperframes_ci_core::job::{AssetState, ProjectIdentity, RenderIdentity, RenderState};

    fn asset(number: usize) -> Fact {
        let (digest, asset_id) = (format!("d{number}"), format!("a{number}"));
        Fact::Asset(AssetFact { digest, asset_id, state: AssetState::Ready })
    }

    #[test]
    fn what_is_appended_is_known_at_once_and_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/ledger.jsonl");
        let mut ledger = LedgerFile::open(&path, "api", None, true, Deadline::NEVER).expect("opened");
        ledger.append(asset(1)).expect("written");
        assert!(ledger.asset("d1").is_some());
        assert!(
            LedgerFile::open(&path, "api", None, true, Deadline::NEVER)
                .expect("opened")
                .asset("d1")
                .is_some()
        );
        assert!(
            LedgerFile::open(&path, "other", None, true, Deadline::NEVER)
                .expect("opened")
                .asset("d1")
                .is_none()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_this_process_appends_is_told_apart_and_outlives_a_compaction_by_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        let key = |digest: &str| {
            RenderIdentity::new(ProjectIdentity::Digest(digest), &serde_json::Map::new()).key(0)
        };
        let render = |digest: &str| {
            let identity = key(digest).to_string();
            let (render_id, state) = (digest.to_owned(), RenderState::Submitted);
            Fact::Render(RenderFact { identity, generation: 0, render_id, state })
        };
        let mut ledger = LedgerFile::open(&path, "api", None, true, Deadline::NEVER).expect("opened");
        ledger.append(render("r1")).expect("written");
        assert!(ledger.render(&key("r1")).is_some() && ledger.found_render(&key("r1")).is_none());
        let other = folder.path().join("compacted");
        fs::copy(&path, &other).expect("copied");
        fs::rename(&other, &path).expect("replaced");
        ledger.append(render("r2")).expect("written");
        for known in ["r1", "r2"] {
            assert_eq!(ledger.render(&key(known)).map(|fact| fact.render_id).as_deref(), Some(known));
        }
        let ledger = LedgerFile::open(&path, "api", None, true, Deadline::NEVER).expect("opened");
        assert!(ledger.found_render(&key("r1")).is_some() && ledger.found_render(&key("r2")).is_some());
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = LedgerFile::open(&path, "api", None, true, Deadline::NEVER).expect("opened");
        ledger.append(asset(1)).expect("written");
        let whole = fs::read(&path).expect("bytes");
        for cut in 0..whole.len() {
            fs::write(&path, [&whole, &whole[..cut]].concat()).expect("written");
            LedgerFile::open(&path, "api", None, true, Deadline::NEVER)
                .expect("opened")
                .append(asset(2))
                .expect("written");
            let known = LedgerFile::open(&path, "api", None, true, Deadline::NEVER).expect("opened");
            assert!(known.asset("d1").is_some() && known.asset("d2").is_some(), "{cut}");
        }
    }

    #[test]
    fn processes_that_write_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.jsonl");
        // The process that opens a long ledger compacts it while the others write.
        let mut line = LedgerEntry { at: 1, api: "api".to_owned(), account: None, fact: asset(0) }.line();
        line = line.repeat(usize::try_from(LONG).expect("small") / line.len() + 1);
        fs::write(&path, line).expect("written");
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..25 {
                        let mut ledger =
                            LedgerFile::open(path, "api", None, true, Deadline::NEVER).expect("opened");
                        ledger.append(asset(1 + thread * 25 + number)).expect("written");
                    }
                });
            }
        });
        let ledger = LedgerFile::open(&path, "api", None, true, Deadline::NEVER).expect("opened");
        let lost = (1..=200).filter(|number| ledger.asset(&format!("d{number}")).is_none());
        assert_eq!(lost.count(), 0);
        #[cfg(unix)]
        assert!(fs::metadata(&path).expect("a file").len() < LONG / 10, "it was compacted");
    }

    #[test]
    fn a_ledger_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = LedgerFile::open(folder.path(), "api", None, true, Deadline::NEVER)
            .expect_err("a folder is no ledger");
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    }
}
