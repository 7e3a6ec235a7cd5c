//! Decoding of two videos at the same time. Frames are reduced to the sums of their blocks where they are decoded, so that
//! both processors work and little is kept.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use hyperframes_ci_core::diff::{
    Alignment, BlockSums, Comparison, FrameFormat, Part, Picture, Region, Thresholds,
};

use super::error::DiffError;
use super::file::VideoFile;
use crate::system::programs::{ByteStream, Ffmpeg, FfmpegError};
use crate::ui::Console;

/// Number of frames that one video may be ahead of the other.
const MAX_AHEAD: usize = 8;

/// Number of frames between two reports of progress.
const PROGRESS_INTERVAL: usize = 15;

/// What is compared.
pub(super) struct PictureOrder<'a> {
    pub(super) base: &'a VideoFile,
    pub(super) head: &'a VideoFile,
    /// Of both videos.
    pub(super) format: FrameFormat,
    pub(super) alignment: &'a Alignment,
    /// Number of frames of each.
    pub(super) frames: [usize; 2],
    pub(super) thresholds: Thresholds,
    pub(super) regions: &'a [Region],
}

impl PictureOrder<'_> {
    /// Compares the frames of both videos.
    ///
    /// # Errors
    /// Returns [`DiffError`] if FFmpeg cannot decode one of them.
    pub(super) fn compare(&self, ffmpeg: &Ffmpeg, console: &mut Console) -> Result<Picture, DiffError> {
        std::thread::scope(|scope| {
            let mut base = Frames::start(scope, ffmpeg, self.base, self.format, self.frames[0])?;
            let mut head = Frames::start(scope, ffmpeg, self.head, self.format, self.frames[1])?;
            let mut comparison = Comparison::new(self.format, self.thresholds, self.regions);
            let steps = &self.alignment.steps;
            for (number, step) in steps.iter().enumerate() {
                base.advance(step.base)?;
                head.advance(step.head)?;
                comparison.push(step, &base.current, &head.current);
                if number % PROGRESS_INTERVAL == 0 {
                    console.progress("comparing", number as u64, steps.len() as u64, false);
                }
            }
            // Files that end in the middle are found at their end.
            base.drain()?;
            head.drain()?;
            console.end_bar();
            Ok(comparison.finish())
        })
    }
}

/// Calls `read` with each of the `count` frames of a video.
///
/// # Errors
/// Returns [`DiffError`] if FFmpeg cannot decode it.
pub(super) fn reduce(
    ffmpeg: &Ffmpeg,
    file: &VideoFile,
    format: FrameFormat,
    count: usize,
    console: &mut Console,
    read: &mut dyn FnMut(&BlockSums),
) -> Result<(), DiffError> {
    std::thread::scope(|scope| {
        let mut frames = Frames::start(scope, ffmpeg, file, format, count)?;
        for number in 0..count {
            frames.advance(u32::try_from(number).unwrap_or(u32::MAX))?;
            read(&frames.current);
            if number % PROGRESS_INTERVAL == 0 {
                console.progress("reading", number as u64, count as u64, false);
            }
        }
        frames.drain()?;
        console.end_bar();
        Ok(())
    })
}

/// Starts decoding a video.
fn decode(ffmpeg: &Ffmpeg, file: &VideoFile, format: FrameFormat) -> io::Result<ByteStream> {
    let FrameFormat { width, height, has_alpha } = format;
    let pixels = if has_alpha { "yuva420p" } else { "yuv420p" };
    let filter = format!("scale={width}:{height},format={pixels}");
    let [passthrough, all] = ffmpeg.passthrough();
    // The decoder of FFmpeg drops the alpha channel of VP9.
    let is_vp9 = has_alpha && file.video.alpha && file.video.codec == "vp9";
    let threads = threads();
    let mut options = vec!["-noautorotate", "-threads", &threads];
    if is_vp9 {
        options.extend(["-c:v", "libvpx-vp9"]);
    }
    let arguments = [
        "-map",
        "0:v:0",
        "-vf",
        &filter,
        passthrough,
        all,
        "-xerror",
        "-f",
        "rawvideo",
        "-pix_fmt",
        pixels,
        "pipe:1",
    ];
    ffmpeg.start((&options, &file.input), &arguments)
}

/// Returns the number of threads that decode one of two videos. More of them than there are processors cost time.
fn threads() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / 2).max(1).to_string()
}

/// A thread that reads the frames of a video.
struct Reader {
    stream: ByteStream,
    format: FrameFormat,
    path: PathBuf,
    /// Number of frames that the file has.
    frames: usize,
}

impl Reader {
    /// Reads the sums of the next frame, part by part: what has just been read is still in the cache of the processor.
    fn read(&mut self, parts: &[Part], frame: &mut [u8], sums: &mut BlockSums) -> io::Result<()> {
        let mut start = 0;
        for part in parts {
            self.stream.read_exact(&mut frame[start..part.end()])?;
            sums.read_part(&self.format, part, frame);
            start = part.end();
        }
        Ok(())
    }

    /// Sends the sums of all frames, and an error if there are fewer than expected.
    fn run(mut self, sums: &SyncSender<Result<BlockSums, DiffError>>, recycle: &Receiver<BlockSums>) {
        let mut frame = vec![0; self.format.size()];
        let parts = self.format.parts();
        let mut decoded = 0;
        loop {
            let mut read = recycle.try_recv().unwrap_or_default();
            match self.read(&parts, &mut frame, &mut read) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => {
                    let _ = sums.send(Err(DiffError::Unreadable(self.path, error)));
                    return;
                }
            }
            decoded += 1;
            if sums.send(Ok(read)).is_err() {
                return;
            }
        }
        let error = match self.stream.finish() {
            Ok(exited) if !exited.status.success() => {
                DiffError::of_ffmpeg(&self.path, FfmpegError::Failed(exited.output))
            }
            Ok(_) if decoded < self.frames => {
                DiffError::MissingFrames { path: self.path, decoded, expected: self.frames }
            }
            Ok(_) => return,
            Err(error) => DiffError::Unreadable(self.path, error),
        };
        let _ = sums.send(Err(error));
    }
}

/// The frames of a video, in their order.
struct Frames {
    receiver: Receiver<Result<BlockSums, DiffError>>,
    /// Returns memory to the reader.
    recycled: Sender<BlockSums>,
    current: BlockSums,
    /// Number of the frame after the current one.
    next: u32,
}

impl Frames {
    /// Starts reading a video in a thread; `count` is the number of its frames.
    fn start<'s>(
        scope: &'s std::thread::Scope<'s, '_>,
        ffmpeg: &Ffmpeg,
        file: &VideoFile,
        format: FrameFormat,
        count: usize,
    ) -> Result<Self, DiffError> {
        let stream = decode(ffmpeg, file, format)
            .map_err(|error| DiffError::Unreadable(file.input.path.clone(), error))?;
        let (sums, receiver) = mpsc::sync_channel(MAX_AHEAD);
        let (recycled, recycle) = mpsc::channel();
        let reader = Reader { stream, format, path: file.input.path.clone(), frames: count };
        scope.spawn(move || reader.run(&sums, &recycle));
        Ok(Self { receiver, recycled, current: BlockSums::default(), next: 0 })
    }

    /// Advances to the frame with this number.
    fn advance(&mut self, number: u32) -> Result<(), DiffError> {
        while self.next <= number {
            match self.receiver.recv() {
                Ok(sums) => {
                    let last = std::mem::replace(&mut self.current, sums?);
                    let _ = self.recycled.send(last);
                    self.next += 1;
                }
                // The reader has more to say only if frames are missing, which it has said.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Reads the remaining frames.
    fn drain(&mut self) -> Result<(), DiffError> {
        while let Ok(sums) = self.receiver.recv() {
            let _ = self.recycled.send(sums?);
        }
        Ok(())
    }
}
