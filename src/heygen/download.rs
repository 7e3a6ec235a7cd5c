//! Downloads a video or audio from a presigned URL to an output file.
//!
//! An interrupted transfer resumes if a validator shows that the rest belongs to the same version; otherwise it starts
//! over. Length and container are checked before the file gets its final name: every box and cluster must end inside it.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use hyperframes_ci_core::generated::AudioFormat;
use hyperframes_ci_core::job::{Remedy, SaveError};
use hyperframes_ci_core::video::{VideoError, check_complete};
use ureq::Body;
use ureq::http::Response;

use super::source::Source;
use crate::system::deadline::Deadline;
use crate::system::output::{OutputError, OutputFile};

/// Bytes of audio that tell its format.
const AUDIO_HEAD: u64 = 64;

/// Bytes copied at a time.
const CHUNK: usize = 64 * 1024;

/// A download into an output file.
#[derive(Debug)]
pub(crate) struct Download {
    output: OutputFile,
    /// Bytes in the file.
    received: u64,
    /// The highest number of bytes of one version that the file has had.
    most: u64,
    /// The strong `ETag` or the date of the version in the file; without one the transfer cannot be resumed.
    validator: Option<String>,
    expected: Expected,
}

/// What a download must be.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A whole video, of this duration in seconds if the API reports it.
    Video(Option<f64>),
    /// MP3 or WAV.
    Audio,
}

impl Download {
    /// Creates a download into an empty file.
    pub(crate) fn new(output: OutputFile) -> Self {
        Self { output, received: 0, most: 0, validator: None, expected: Expected::Video(None) }
    }

    /// Sets the expected duration of the video in seconds.
    pub(crate) fn of_length(self, duration: Option<f64>) -> Self {
        Self { expected: Expected::Video(duration), ..self }
    }

    /// Expects audio instead of a video.
    pub(crate) fn of_audio(self) -> Self {
        Self { expected: Expected::Audio, ..self }
    }

    /// Returns the output file.
    pub(crate) fn output(&self) -> &OutputFile {
        &self.output
    }

    /// Returns the output file, which does not have its name yet.
    pub(crate) fn into_output(self) -> OutputFile {
        self.output
    }

    /// Gives the file its final name; see [`OutputFile::keep`].
    ///
    /// # Errors
    /// Returns [`OutputError::NotKept`] if the disk refuses it.
    pub(crate) fn keep(self, name: &str) -> Result<(PathBuf, u64), OutputError> {
        self.output.keep(name)
    }

    /// Downloads `url`, resuming after the bytes of an earlier call. `progress` receives the number of bytes so far and in
    /// total. A transfer that is not complete at `deadline` fails.
    ///
    /// # Errors
    /// Returns [`SaveError`] if the transfer fails or is incomplete, the body is not a video, or the file cannot be
    /// written. Its remedy says whether a retry or a fresh URL may help.
    pub(crate) fn fetch(
        &mut self,
        source: &dyn Source,
        url: &str,
        deadline: Deadline,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), SaveError> {
        if self.received > 0 && self.validator.is_none() {
            // Without a validator, the rest may belong to another version.
            self.restart().map_err(|error| on_disk(&error))?;
        }
        let response =
            source.open(url, self.received, self.validator.as_deref(), deadline).map_err(transient)?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let length = header("content-length").and_then(|value| value.parse::<u64>().ok());
        let strong = |tag: &&str| !tag.starts_with("W/");
        let validator = header("etag").filter(strong).or_else(|| header("last-modified")).map(str::to_owned);
        let total = match status {
            206 => {
                let range = header("content-range").and_then(ContentRange::parse);
                let range = range.filter(|range| {
                    // Another version must not be put behind the beginning of this one.
                    let is_same = self.received == 0 || validator.is_none() || validator == self.validator;
                    range.start == self.received && is_same
                });
                let Some(range) = range else {
                    self.restart().map_err(|error| on_disk(&error))?;
                    return Err(transient(
                        "the server did not resume the transfer at the requested offset".to_owned(),
                    ));
                };
                range.total
            }
            // The server sends the whole file: start over.
            200 => {
                self.restart().map_err(|error| on_disk(&error))?;
                length
            }
            416 => {
                self.restart().map_err(|error| on_disk(&error))?;
                return Err(transient(
                    "the server did not resume the transfer at the requested offset".to_owned(),
                ));
            }
            _ => {
                let message = format!("the storage responded with HTTP {status}");
                let remedy = match status {
                    408 | 425 | 429 | 500..=599 => Remedy::Retry,
                    // The status of an expired URL.
                    401 | 403 | 404 | 410 => Remedy::FreshUrl,
                    _ => Remedy::None,
                };
                return Err(SaveError { message, remedy, progressed: false });
            }
        };
        if self.received == 0 {
            self.validator = validator;
        }
        self.receive(response, total, progress)
    }

    /// Writes the body of a response with a video, of `total` bytes if the length is known, after the bytes that were
    /// received before.
    ///
    /// # Errors
    /// As [`Download::fetch`].
    pub(crate) fn receive(
        &mut self,
        response: Response<Body>,
        total: Option<u64>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<(), SaveError> {
        let before = self.most.max(self.received);
        let copied = self.copy(&mut response.into_body().into_reader(), total, progress);
        // Bytes that cannot be resumed, or that an earlier try had as well, are not progress.
        let progressed = self.received > before && self.validator.is_some();
        self.most = before.max(self.received);
        copied.map_err(|error| SaveError { progressed, ..error })?;
        if let Some(total) = total.filter(|total| self.received != *total) {
            let message = format!("the transfer ended after {} of {total} bytes", self.received);
            if self.received > total {
                self.restart().map_err(|error| on_disk(&error))?;
            }
            return Err(SaveError { progressed, ..transient(message) });
        }
        self.check_whole().inspect_err(|_| {
            // A body that is not a whole video must not be resumed.
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
                Err(error) => return Err(transient(format!("the transfer was interrupted: {error}"))),
            };
            self.output.file().write_all(&buffer[..count]).map_err(|error| on_disk(&error))?;
            self.received += count as u64;
            progress(self.received, total);
        }
    }

    fn restart(&mut self) -> io::Result<()> {
        self.received = 0;
        self.validator = None;
        self.output.file().set_len(0)?;
        self.output.file().rewind()
    }

    /// Checks that the file is a whole MP4, QuickTime or WebM video, or MP3 or WAV audio.
    fn check_whole(&mut self) -> Result<(), SaveError> {
        let duration = match self.expected {
            Expected::Video(duration) => duration,
            Expected::Audio => return self.check_audio(),
        };
        let file = self.output.file();
        let checked = check_complete(file, duration);
        file.seek(SeekFrom::End(0)).map_err(|error| on_disk(&error))?;
        checked.map_err(|error| match error {
            VideoError::NoVideo(what) => {
                transient(format!("expected an MP4, MOV or WebM video, but the server sent {what}"))
            }
            error => transient(error.to_string()),
        })
    }
}

impl Download {
    /// Checks the first bytes of audio.
    fn check_audio(&mut self) -> Result<(), SaveError> {
        let mut head = Vec::new();
        let file = self.output.file();
        let read = file.rewind().and_then(|()| Read::by_ref(file).take(AUDIO_HEAD).read_to_end(&mut head));
        read.and_then(|_| file.seek(SeekFrom::End(0))).map_err(|error| on_disk(&error))?;
        if AudioFormat::of(&head).is_some() {
            return Ok(());
        }
        let is_page = head.trim_ascii_start().first() == Some(&b'<');
        let what = match head.as_slice() {
            [] => "an empty file",
            _ if is_page => "an HTML page, possibly from a proxy",
            _ => "another file",
        };
        Err(transient(format!("expected MP3 or WAV audio, but the server sent {what}")))
    }
}

/// A `Content-Range: bytes 5-9/10`.
struct ContentRange {
    start: u64,
    /// Total length; `None` if the server does not report it.
    total: Option<u64>,
}

impl ContentRange {
    fn parse(value: &str) -> Option<Self> {
        let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let start = range.split('-').next()?.trim().parse().ok()?;
        Some(Self { start, total: total.trim().parse().ok() })
    }
}

fn transient(message: String) -> SaveError {
    SaveError { message, remedy: Remedy::Retry, progressed: false }
}

fn on_disk(error: &io::Error) -> SaveError {
    SaveError { message: format!("cannot write the file: {error}"), remedy: Remedy::None, progressed: false }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::heygen::transport::{ApiBase, Transport};

    const VIDEO: &[u8] = include_bytes!("../emulator/clips/placeholder.mp4");

    struct Case {
        server: mockito::ServerGuard,
        folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Self {
            Self { server: mockito::Server::new(), folder: tempfile::tempdir().expect("a folder") }
        }

        fn target(&self) -> Download {
            let path = self.folder.path().join("out/v.mp4");
            Download::new(
                OutputFile::prepare(Some(&path), &crate::system::gate::Reach::anywhere()).expect("writable"),
            )
        }

        fn fetch(&self, target: &mut Download) -> Result<(), SaveError> {
            let tokens = crate::heygen::auth::Provider::from_environment(&|_| None);
            let base = ApiBase::parse(&self.server.url()).expect("loopback");
            let transport = Transport::new(base, None, tokens, crate::heygen::transport::IDLE_TIMEOUT);
            let url = format!("{}/v?sig=1", self.server.url());
            target.fetch(&transport, &url, Deadline::NEVER, &mut |_, _| {})
        }

        fn left_over(&self) -> Vec<String> {
            // A folder that was created for an output goes with it.
            fs::read_dir(self.folder.path().join("out"))
                .into_iter()
                .flatten()
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
        target.output.file().write_all(&VIDEO[..10]).expect("written");
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
        target.output.file().write_all(b"something old").expect("written");
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
        assert!(error.message.contains("an HTML page"), "{}", error.message);
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

    /// A target that holds the first ten bytes of version `v1`.
    fn begun(case: &Case) -> Download {
        let mut target = case.target();
        target.output.file().write_all(&VIDEO[..10]).expect("written");
        target.received = 10;
        target.validator = Some("\"v1\"".to_owned());
        target
    }

    #[test]
    fn a_part_is_not_the_whole() {
        let mut case = Case::new();
        let end = VIDEO.len() - 1;
        let part = case.server.mock("GET", "/v?sig=1").with_status(206);
        let part = part.with_header("content-range", &format!("bytes 10-99/{}", VIDEO.len()));
        let _part = part.with_header("etag", "\"v1\"").with_body(&VIDEO[10..100]).create();
        let mut target = begun(&case);
        let error = case.fetch(&mut target).expect_err("a part");
        assert!(error.progressed && error.message.contains("100 of"), "{}", error.message);
        let rest = case.server.mock("GET", "/v?sig=1").match_header("range", "bytes=100-").with_status(206);
        let rest = rest.with_header("content-range", &format!("bytes 100-{end}/{}", VIDEO.len()));
        let _rest = rest.with_body(&VIDEO[100..]).create();
        case.fetch(&mut target).expect("fetched");
        assert_eq!(fs::read(target.keep("unused").expect("kept").0).expect("a file"), VIDEO);
    }

    #[test]
    fn two_versions_are_never_put_together() {
        // Another version than asked for.
        let mut case = Case::new();
        let other = case.server.mock("GET", "/v?sig=1").with_status(206).with_header("etag", "\"v2\"");
        let range = format!("bytes 10-{}/{}", VIDEO.len() - 1, VIDEO.len());
        let _other = other.with_header("content-range", &range).with_body(&VIDEO[10..]).create();
        let mut target = begun(&case);
        assert!(!case.fetch(&mut target).expect_err("another version").progressed);
        assert_eq!(target.received, 0, "it starts over");
        // Without a validator the whole is asked for.
        let mut case = Case::new();
        let whole = case.server.mock("GET", "/v?sig=1").match_header("range", mockito::Matcher::Missing);
        let _whole = whole.with_body(VIDEO).create();
        let mut target = begun(&case);
        target.validator = None;
        case.fetch(&mut target).expect("fetched");
        assert_eq!(target.received, VIDEO.len() as u64);
    }

    #[test]
    fn a_transfer_that_starts_over_makes_no_progress_until_it_gets_further() {
        let folder = tempfile::tempdir().expect("a folder");
        let output =
            OutputFile::prepare(Some(&folder.path().join("v.mp4")), &crate::system::gate::Reach::anywhere())
                .expect("writable");
        let mut target = Download::new(output);
        for (version, start, end, progressed) in [
            ("v1", 0, 100, true),
            // Another version: the next try starts over.
            ("v2", 100, 200, false),
            ("v2", 0, 100, false),
            ("v3", 100, 200, false),
            ("v3", 0, 90, false),
            ("v3", 90, 100, false),
            ("v3", 100, 110, true),
            ("v4", 110, 120, false),
            ("v4", 0, 120, true),
        ] {
            let mut case = Case::new();
            let part = case.server.mock("GET", "/v?sig=1").with_status(206).with_header("etag", version);
            let range = format!("bytes {start}-{}/{}", end - 1, VIDEO.len());
            part.with_header("content-range", &range).with_body(&VIDEO[start..end]).create();
            let error = case.fetch(&mut target).expect_err("a part");
            assert_eq!(error.progressed, progressed, "{version} {range}: {}", error.message);
        }
    }

    #[test]
    fn a_body_without_a_length_is_whole_if_the_container_says_so() {
        for cut in [0, 1, 100, VIDEO.len() / 2, VIDEO.len() - 20] {
            let mut case = Case::new();
            let body = &VIDEO[..VIDEO.len() - cut];
            case.server
                .mock("GET", "/v?sig=1")
                .with_chunked_body(move |writer| writer.write_all(body))
                .create();
            assert_eq!(case.fetch(&mut case.target()).is_ok(), cut == 0, "{cut} bytes less");
            // A length that is that of the cut body is no better.
            let mut case = Case::new();
            case.server.mock("GET", "/v?sig=1").with_body(body).create();
            assert_eq!(case.fetch(&mut case.target()).is_ok(), cut == 0, "{cut} bytes less");
        }
    }
}
