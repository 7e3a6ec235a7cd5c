//! FFmpeg, as it reads files of strangers: without secrets, without the network, and one container only.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hyperframes_ci_core::video::Container;

use super::error::ProgramError;
use super::ffmpeg_package::find_ffmpeg;
use super::find::find;
use super::process::without_secrets;
use super::stream::ByteStream;
use crate::system::gate::{self, Reach};

/// How FFmpeg is installed, with its name.
pub(crate) const FFMPEG_REMEDY: (&str, &str) =
    ("FFmpeg", "install it (Debian: apt install ffmpeg; macOS: brew install ffmpeg)");

/// FFmpeg on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Ffmpeg {
    program: PathBuf,
    /// The option that keeps every frame as it is.
    passthrough: [&'static str; 2],
}

/// A video that FFmpeg reads.
#[derive(Clone, Debug)]
pub(crate) struct FfmpegInput {
    pub(crate) path: PathBuf,
    pub(crate) reach: Reach,
    /// The only container that is tried: a playlist would name other files.
    pub(crate) container: Container,
}

/// Why FFmpeg has no result.
#[derive(Debug)]
pub(crate) enum FfmpegError {
    /// It cannot be started, or the file cannot be opened.
    Io(io::Error),
    /// It failed; the last lines of its output.
    Failed(Vec<String>),
}

impl From<io::Error> for FfmpegError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Ffmpeg {
    /// Finds FFmpeg on `PATH`, or in the cache.
    ///
    /// # Errors
    /// Returns [`ProgramError::Missing`] if it is not installed.
    pub(crate) fn find() -> Result<Self, ProgramError> {
        let (name, remedy) = FFMPEG_REMEDY;
        let missing = || ProgramError::Missing(vec![(name.to_owned(), remedy.to_owned())]);
        let in_cache = || find_ffmpeg(&super::cache().ok()?);
        let program = find("ffmpeg").or_else(in_cache).ok_or_else(missing)?;
        let mut command = without_secrets(Command::new(&program));
        command.arg("-version").stdin(Stdio::null());
        let printed = command.output().map(|output| output.stdout).unwrap_or_default();
        let passthrough =
            if has_fps_mode(&String::from_utf8_lossy(&printed)) { "-fps_mode" } else { "-vsync" };
        Ok(Self { program, passthrough: [passthrough, "passthrough"] })
    }

    /// Returns the options of an output with every frame at its own time.
    pub(crate) fn passthrough(&self) -> [&'static str; 2] {
        self.passthrough
    }

    /// Starts FFmpeg with `inputs`, each with options before it, and then `arguments`. Its standard output is read.
    ///
    /// # Errors
    /// Returns an error if a file cannot be opened or FFmpeg cannot be started.
    pub(crate) fn start(&self, input: (&[&str], &FfmpegInput), arguments: &[&str]) -> io::Result<ByteStream> {
        self.start_at("error", input, arguments)
    }

    /// Starts FFmpeg as [`Self::start`] does. On standard error it describes its input; each line begins with its level.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) fn start_describing(
        &self,
        input: (&[&str], &FfmpegInput),
        arguments: &[&str],
    ) -> io::Result<ByteStream> {
        self.start_at("level+info", input, arguments)
    }

    fn start_at(
        &self,
        level: &str,
        (options, video): (&[&str], &FfmpegInput),
        arguments: &[&str],
    ) -> io::Result<ByteStream> {
        let mut command = without_secrets(Command::new(&self.program));
        command.args(["-nostdin", "-nostats", "-hide_banner", "-v", level]);
        command.args(["-protocol_whitelist", "file,pipe"]);
        command.args(["-f", demuxer(video.container)]).args(options).arg("-i");
        let file = gate::open(&video.path, &video.reach)?;
        // The file that was opened, whatever has its name by now.
        #[cfg(unix)]
        let stdin = {
            command.arg("file:/dev/stdin");
            Stdio::from(file)
        };
        #[cfg(not(unix))]
        let stdin = {
            drop(file);
            let mut name = std::ffi::OsString::from("file:");
            name.push(&video.path);
            command.arg(name);
            Stdio::null()
        };
        command.args(arguments);
        ByteStream::start(command, stdin)
    }

    /// Runs FFmpeg as [`Self::start`] does, and returns its standard output and the lines of its standard error.
    ///
    /// # Errors
    /// As [`Self::start`], and [`FfmpegError::Failed`] if it fails.
    pub(crate) fn run(
        &self,
        input: (&[&str], &FfmpegInput),
        arguments: &[&str],
    ) -> Result<(Vec<u8>, Vec<String>), FfmpegError> {
        let mut stream = self.start(input, arguments)?;
        let mut output = Vec::new();
        stream.read_to_end(&mut output)?;
        let exited = stream.finish()?;
        if exited.status.success() {
            Ok((output, exited.output))
        } else {
            Err(FfmpegError::Failed(exited.output))
        }
    }

    /// Encodes an image with samples in the order red, green, blue and opacity as a PNG.
    ///
    /// # Errors
    /// Returns an error if FFmpeg cannot be started or fails.
    pub(crate) fn encode_png(&self, width: usize, height: usize, samples: &[u8]) -> io::Result<Vec<u8>> {
        let mut command = without_secrets(Command::new(&self.program));
        command.args([
            "-nostdin",
            "-v",
            "error",
            "-protocol_whitelist",
            "pipe",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgba",
        ]);
        command.args([
            "-s",
            &format!("{width}x{height}"),
            "-i",
            "pipe:0",
            "-frames:v",
            "1",
            "-f",
            "image2pipe",
        ]);
        command.args(["-c:v", "png", "-compression_level", "9", "-pred", "mixed", "pipe:1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        // Both pipes are served, whoever fills first.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || input.write_all(samples));
            child.wait_with_output()
        })?;
        let is_image = output.status.success() && output.stdout.starts_with(b"\x89PNG");
        if is_image { Ok(output.stdout) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

fn demuxer(container: Container) -> &'static str {
    match container {
        Container::Mp4 | Container::Mov => "mov",
        Container::Webm => "matroska",
        Container::Gif => "gif",
        // Directories are not read by FFmpeg here.
        Container::PngSequence => "image2",
        Container::Hls => "hls",
    }
}

/// Returns whether this version has the option `-fps_mode`, which replaces `-vsync` since 5.1. Builds without a version
/// number are recent.
fn has_fps_mode(printed: &str) -> bool {
    let version = printed.split_whitespace().nth(2).unwrap_or_default();
    let mut numbers = version.split(|character: char| !character.is_ascii_digit());
    let mut number = || numbers.next().and_then(|text| text.parse::<u32>().ok());
    match (number(), number()) {
        (Some(major), minor) => (major, minor.unwrap_or(0)) >= (5, 1),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_have_another_option() {
        for (printed, expected) in [
            ("ffmpeg version 5.1.9-0+deb12u1 Copyright", true),
            ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", false),
            ("ffmpeg version 5.0 Copyright", false),
            ("ffmpeg version 7 Copyright", true),
            ("ffmpeg version N-109468-gd39b34123d Copyright", true),
            ("", true),
        ] {
            assert_eq!(has_fps_mode(printed), expected, "{printed}");
        }
    }
}
