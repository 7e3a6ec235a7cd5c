//! From a presigned URL to a file: all of it under its name, or nothing.
//!
//! Bytes go to a temporary file beside the target, which is there before anything is billed: a folder that
//! cannot be written is found out early. A cut transfer goes on where it ended. Length and container are checked,
//! and only then the file gets its name.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::heygen::transport::Transport;
use crate::system::temporary;
use crate::system::temporary::Temporary;
use hyperframes_ci_core::job::{Remedy, SaveError};
use hyperframes_ci_core::video::{Video, VideoError, signature};

/// Bytes moved at a time.
const CHUNK: usize = 64 * 1024;

/// Why there is nowhere to write to.
#[derive(Debug)]
pub(crate) struct TargetError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    IsDirectory,
    NotWritable(io::Error),
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::IsDirectory => write!(f, "the output path {path} is a directory"),
            Problem::NotWritable(error) => write!(f, "cannot write to {path}: {error}"),
        }
    }
}

impl TargetError {
    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self.problem {
            Problem::IsDirectory => "name a file, such as -o out.mp4",
            Problem::NotWritable(_) => {
                "check the permissions and the free space, or choose another path with -o"
            }
        }
    }
}

/// Where a video goes: a temporary file in the folder of its final name.
#[derive(Debug)]
pub(crate) struct Target {
    temporary: Temporary,
    folder: PathBuf,
    /// The final name, where it is known from the start.
    path: Option<PathBuf>,
    /// Bytes in the file, and what the server called this version of the video.
    received: u64,
    validator: Option<String>,
}

impl Target {
    /// Makes ready to write `output`, or a file in the folder `renders` that is named later.
    ///
    /// # Errors
    /// When `output` is a directory or its folder cannot be written.
    pub(crate) fn prepare(output: Option<&Path>) -> Result<Self, TargetError> {
        let path = output.map(Path::to_owned);
        let folder = match &path {
            Some(path) if path.is_dir() || path.file_name().is_none() => {
                return Err(TargetError { path: path.clone(), problem: Problem::IsDirectory });
            }
            Some(path) => match path.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => PathBuf::from("."),
            },
            None => PathBuf::from("renders"),
        };
        let not_writable = |error| TargetError { path: folder.clone(), problem: Problem::NotWritable(error) };
        fs::create_dir_all(&folder).map_err(not_writable)?;
        let temporary = temporary::create(&folder, ".hyperframes-ci-", ".part").map_err(not_writable)?;
        Ok(Self { temporary, folder, path, received: 0, validator: None })
    }

    /// The temporary file, for whoever writes the video without downloading it.
    pub(crate) fn temporary_path(&self) -> &Path {
        self.temporary.file.path()
    }

    /// Downloads `url`, going on after what an earlier try left; `progress` hears of bytes so far and in all.
    ///
    /// # Errors
    /// See [`SaveError`]: whether a fresh URL may help.
    pub(crate) fn download(
        &mut self,
        transport: &Transport,
        url: &str,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), SaveError> {
        let answer = transport.open(url, self.received, self.validator.as_deref()).map_err(transient)?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let length = header("content-length").and_then(|value| value.parse::<u64>().ok());
        match status {
            206 if range_start(header("content-range")) == Some(self.received) => {}
            // The server sends the whole, or another part than was asked for: start over.
            200 => self.restart().map_err(|error| on_disk(&error))?,
            206 | 416 => {
                self.restart().map_err(|error| on_disk(&error))?;
                return Err(transient("the server did not go on where the transfer ended".to_owned()));
            }
            _ => {
                let message = format!("the storage answered with HTTP {status}");
                let remedy = match status {
                    408 | 425 | 429 | 500..=599 => Remedy::Retry,
                    // What expired URLs give.
                    401 | 403 | 404 | 410 => Remedy::FreshUrl,
                    _ => Remedy::None,
                };
                return Err(SaveError { message, remedy, progressed: false });
            }
        }
        let strong = |tag: &&str| !tag.starts_with("W/");
        self.validator = header("etag").filter(strong).or_else(|| header("last-modified")).map(str::to_owned);
        let before = self.received;
        let total = length.map(|length| before + length);
        let copied = self.copy(&mut answer.into_body().into_reader(), total, progress);
        let progressed = self.received > before;
        copied.map_err(|error| SaveError { progressed, ..error })?;
        if let Some(total) = total.filter(|total| self.received != *total) {
            let message = format!("the transfer ended after {} of {total} bytes", self.received);
            return Err(SaveError { progressed, ..transient(message) });
        }
        self.check_container().inspect_err(|_| {
            // What is no video is not worth going on with.
            let _ = self.restart();
        })
    }

    fn copy(
        &mut self,
        body: &mut dyn Read,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), SaveError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) => return Err(transient(format!("the transfer was cut: {error}"))),
            };
            self.temporary.file.as_file_mut().write_all(&buffer[..count]).map_err(|error| on_disk(&error))?;
            self.received += count as u64;
            progress(self.received, total);
        }
    }

    fn restart(&mut self) -> io::Result<()> {
        self.received = 0;
        self.validator = None;
        self.temporary.file.as_file_mut().set_len(0)?;
        self.temporary.file.as_file_mut().rewind()
    }

    /// Whether the file begins like a video that a render can be: MP4, QuickTime or WebM.
    fn check_container(&mut self) -> Result<(), SaveError> {
        let mut head = Vec::new();
        let file = self.temporary.file.as_file_mut();
        file.rewind()
            .and_then(|()| file.take(16).read_to_end(&mut head))
            .and_then(|_| self.temporary.file.as_file_mut().seek(SeekFrom::End(0)))
            .map_err(|error| on_disk(&error))?;
        match signature(&head) {
            Ok(_) => Ok(()),
            Err(what) => Err(transient(format!("the server sent no MP4, MOV or WebM video but {what}"))),
        }
    }

    /// What the video is, by its headers.
    ///
    /// # Errors
    /// See [`VideoError`].
    pub(crate) fn video(&mut self) -> Result<Video, VideoError> {
        // Opened by its name: whoever wrote through the path may have put another file in its place.
        Video::read(&mut io::BufReader::new(File::open(self.temporary.file.path())?))
    }

    /// Gives the file its final name, `renders/<name>` where no path was set, and says which and how large.
    ///
    /// # Errors
    /// A message about what the disk refused.
    pub(crate) fn keep(self, name: &str) -> Result<(PathBuf, u64), String> {
        let path = self.path.unwrap_or_else(|| self.folder.join(name));
        let failed = |error: &io::Error| format!("cannot write {}: {error}", path.display());
        // Whoever wrote through the path left the length on the disk, not in `received`.
        let size = fs::metadata(self.temporary.file.path()).map_err(|error| failed(&error))?.len();
        File::open(self.temporary.file.path())
            .and_then(|file| file.sync_all())
            .map_err(|error| failed(&error))?;
        let kept = self.temporary.file.persist(&path).map_err(|error| failed(&error.error))?;
        make_readable(&kept).map_err(|error| failed(&error))?;
        Ok((path, size))
    }
}

/// Temporary files are private; a video is as public as any file that its user creates.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}

/// The first byte of a `Content-Range: bytes 5-9/10`.
fn range_start(value: Option<&str>) -> Option<u64> {
    value?.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

fn transient(message: String) -> SaveError {
    SaveError { message, remedy: Remedy::Retry, progressed: false }
}

fn on_disk(error: &io::Error) -> SaveError {
    SaveError {
        message: format!("the file cannot be written: {error}"),
        remedy: Remedy::None,
        progressed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heygen::transport::ApiBase;

    const VIDEO: &[u8] = b"\0\0\0\x18ftypmp42 and the rest of the film";

    struct Case {
        server: mockito::ServerGuard,
        folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            Self { server: mockito::Server::new(), folder: tempfile::tempdir().expect("a folder") }
        }

        fn target(&self) -> Target {
            Target::prepare(Some(&self.folder.path().join("out/v.mp4"))).expect("writable")
        }

        fn fetch(&self, target: &mut Target) -> Result<(), SaveError> {
            let tokens = crate::heygen::auth::Provider::from_environment(&|_| None);
            let base = ApiBase::parse(&self.server.url()).expect("loopback");
            let transport = Transport::new(base, None, tokens, crate::heygen::transport::SILENCE);
            target.download(&transport, &format!("{}/v?sig=1", self.server.url()), &mut |_, _| {})
        }

        fn left_over(&self) -> Vec<String> {
            fs::read_dir(self.folder.path().join("out"))
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
                .collect()
        }
    }

    #[test]
    fn a_video_gets_its_name_only_when_it_is_whole() {
        let mut case = Case::new();
        case.server.mock("GET", "/v?sig=1").with_body(VIDEO).create();
        let mut target = case.target();
        case.fetch(&mut target).expect("fetched");
        assert!(!case.folder.path().join("out/v.mp4").exists());
        let (path, size) = target.keep("unused").expect("kept");
        assert_eq!((fs::read(path).expect("a file"), size), (VIDEO.to_vec(), VIDEO.len() as u64));
        assert_eq!(case.left_over(), ["v.mp4"]);
    }

    #[test]
    fn a_transfer_goes_on_where_it_was_cut() {
        let mut case = Case::new();
        let mut target = case.target();
        target.temporary.file.write_all(&VIDEO[..10]).expect("written");
        target.received = 10;
        target.validator = Some("\"v1\"".to_owned());
        let rest = case
            .server
            .mock("GET", "/v?sig=1")
            .match_header("range", "bytes=10-")
            .match_header("if-range", "\"v1\"")
            .with_status(206)
            .with_header("content-range", &format!("bytes 10-{}/{}", VIDEO.len() - 1, VIDEO.len()))
            .with_body(&VIDEO[10..])
            .create();
        case.fetch(&mut target).expect("fetched");
        rest.assert();
        let (path, _) = target.keep("unused").expect("kept");
        assert_eq!(fs::read(path).expect("a file"), VIDEO);
    }

    #[test]
    fn a_server_that_sends_the_whole_again_is_fine() {
        let mut case = Case::new();
        let mut target = case.target();
        target.temporary.file.write_all(b"something old").expect("written");
        target.received = 13;
        case.server.mock("GET", "/v?sig=1").with_body(VIDEO).create();
        case.fetch(&mut target).expect("fetched");
        assert_eq!(fs::read(target.keep("unused").expect("kept").0).expect("a file"), VIDEO);
    }

    #[test]
    fn a_page_never_becomes_a_video() {
        let mut case = Case::new();
        case.server.mock("GET", "/v?sig=1").with_body("<html>please sign in</html>").create();
        let mut target = case.target();
        let error = case.fetch(&mut target).expect_err("no video");
        assert!(error.message.contains("a page"), "{}", error.message);
        drop(target);
        assert!(case.left_over().is_empty());
    }

    #[test]
    fn an_expired_url_may_be_worth_a_fresh_one() {
        let mut case = Case::new();
        case.server.mock("GET", "/v?sig=1").with_status(403).create();
        assert_eq!(case.fetch(&mut case.target()).expect_err("expired").remedy, Remedy::FreshUrl);
        let mut case = Case::new();
        case.server.mock("GET", "/v?sig=1").with_status(400).create();
        assert_eq!(case.fetch(&mut case.target()).expect_err("refused").remedy, Remedy::None);
    }

    #[test]
    fn bad_targets_are_found_before_anything_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Target::prepare(Some(folder.path())).expect_err("a directory");
        assert!(error.to_string().contains("is a directory"), "{error}");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        assert!(Target::prepare(Some(&file.join("v.mp4"))).is_err());
    }
}
