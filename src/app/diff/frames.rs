//! Decoding of two videos at the same time. Frames are reduced to the sums of their blocks where they are decoded, so that
//! both processors work and little is kept.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use hyperframes_ci_core::diff::{
    Alignment, BlockSums, Comparison, FrameFormat, Part, Picture, Region, Step, Thresholds, Timeline,
};
use hyperframes_ci_core::video::Container;

use super::error::DiffError;
use super::file::VideoFile;
use crate::system::programs::{ByteStream, Ffmpeg, FfmpegError};
use crate::ui::Console;

/// Number of frames that one video may be ahead of the other.
const MAX_AHEAD: usize = 8;

/// Number of equal frames at the start that are worth skipping: half a second.
const LEAST_SKIPPED: usize = 15;

/// Number of frames between two reports of progress.
const PROGRESS_INTERVAL: usize = 15;

/// What is compared.
pub(super) struct PictureOrder<'a> {
    pub(super) base: &'a VideoFile,
    pub(super) head: &'a VideoFile,
    /// Of both videos.
    pub(super) format: FrameFormat,
    pub(super) alignment: &'a Alignment,
    /// The frames of each.
    pub(super) frames: [&'a Timeline; 2],
    /// Number of frames at the start that are equal for certain.
    pub(super) equal: usize,
    pub(super) thresholds: Thresholds,
    pub(super) regions: &'a [Region],
}

impl PictureOrder<'_> {
    /// Compares the frames of both videos.
    ///
    /// # Errors
    /// Returns [`DiffError`] if FFmpeg cannot decode one of them.
    pub(super) fn compare(&self, ffmpeg: &Ffmpeg, console: &mut Console) -> Result<Picture, DiffError> {
        let skipped = self.skipped();
        match self.compare_from(skipped, ffmpeg, console) {
            // A file whose frames are not where its packets say.
            Err(DiffError::MissingFrames { .. }) if skipped > 0 => self.compare_from(0, ffmpeg, console),
            compared => compared,
        }
    }

    /// Returns the number of frames that are not decoded.
    fn skipped(&self) -> usize {
        let is_seekable = |file: &VideoFile| matches!(file.input.container, Container::Mp4 | Container::Mov);
        let is_equal = |(number, step): &(usize, &Step)| {
            step.is_matched && step.base as usize == *number && step.head as usize == *number
        };
        let aligned = self.alignment.steps.iter().enumerate().take_while(is_equal).count();
        // The last frame is decoded: a file that ends in the middle is found at its end.
        let most = self.frames.iter().map(|frames| frames.len().saturating_sub(1)).min().unwrap_or(0);
        let skipped = self.equal.min(aligned).min(most);
        if skipped >= LEAST_SKIPPED && is_seekable(self.base) && is_seekable(self.head) { skipped } else { 0 }
    }

    /// Compares the frames; the first `skipped` ones are equal.
    fn compare_from(
        &self,
        skipped: usize,
        ffmpeg: &Ffmpeg,
        console: &mut Console,
    ) -> Result<Picture, DiffError> {
        std::thread::scope(|scope| {
            let start = |side: usize, file| {
                let part =
                    FramePart { total: self.frames[side].len(), skipped, start: self.start(side, skipped) };
                Frames::start(scope, ffmpeg, file, self.format, part)
            };
            let (mut base, mut head) = (start(0, self.base)?, start(1, self.head)?);
            let mut comparison = Comparison::new(self.format, self.thresholds, self.regions);
            let steps = &self.alignment.steps;
            let equal = BlockSums::of(&self.format, &[]);
            for (number, step) in steps.iter().enumerate() {
                if number < skipped {
                    comparison.push(step, &equal, &equal);
                    continue;
                }
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

    /// Returns the time of the frame behind the skipped ones of a side, in seconds; `None` if none is skipped.
    fn start(&self, side: usize, skipped: usize) -> Option<f64> {
        self.frames[side].times().get(skipped).copied().filter(|_| skipped > 0)
    }
}

/// What is before each frame in the layout of YUV4MPEG.
const FRAME_HEAD: &[u8; 6] = b"FRAME\n";

/// Which frames of a video are decoded.
#[derive(Clone, Copy, Debug)]
struct FramePart {
    /// Number of frames of the video.
    total: usize,
    /// Number of frames at the start that are not decoded.
    skipped: usize,
    /// Time of the first decoded frame in seconds; `None` for the first one of the video.
    start: Option<f64>,
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
        let part = FramePart { total: count, skipped: 0, start: None };
        let mut frames = Frames::start(scope, ffmpeg, file, format, part)?;
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

/// Starts decoding a video at a time in seconds.
fn decode(
    ffmpeg: &Ffmpeg,
    file: &VideoFile,
    format: FrameFormat,
    start: Option<f64>,
) -> io::Result<ByteStream> {
    let FrameFormat { width, height, has_alpha } = format;
    // YUV4MPEG writes frames from where the decoder has put them, and raw video a copy. The former has no alpha channel.
    let (pixels, layout) = if has_alpha { ("yuva420p", "rawvideo") } else { ("yuv420p", "yuv4mpegpipe") };
    let filter = format!("scale={width}:{height},format={pixels}");
    let [passthrough, all] = ffmpeg.passthrough();
    // The decoder of FFmpeg drops the alpha channel of VP9.
    let is_vp9 = has_alpha && file.video.alpha && file.video.codec == "vp9";
    let threads = threads();
    let mut options = vec!["-noautorotate", "-threads", &threads];
    if is_vp9 {
        options.extend(["-c:v", "libvpx-vp9"]);
    }
    let start = start.map(|start| format!("{start:.6}"));
    if let Some(start) = &start {
        options.extend(["-ss", start]);
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
        layout,
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
    part: FramePart,
    /// Whether the line before all frames was read.
    has_begun: bool,
}

impl Reader {
    /// Reads the sums of the next frame, part by part: what has just been read is still in the cache of the processor.
    fn read(&mut self, parts: &[Part], frame: &mut [u8], sums: &mut BlockSums) -> io::Result<()> {
        if !self.format.has_alpha {
            self.read_head()?;
        }
        let mut start = 0;
        for part in parts {
            self.stream.read_exact(&mut frame[start..part.end()])?;
            sums.read_part(&self.format, part, frame);
            start = part.end();
        }
        Ok(())
    }

    /// Reads the line before a frame, and before the first one also the line before all frames.
    fn read_head(&mut self) -> io::Result<()> {
        let mut byte = [0];
        while !self.has_begun {
            self.stream.read_exact(&mut byte)?;
            self.has_begun = byte == *b"\n";
        }
        let mut head = [0; FRAME_HEAD.len()];
        self.stream.read_exact(&mut head)?;
        if head == *FRAME_HEAD { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
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
        let FramePart { total, skipped, .. } = self.part;
        let expected = total - skipped;
        let error = match self.stream.finish() {
            Ok(exited) if !exited.status.success() => {
                DiffError::of_ffmpeg(&self.path, FfmpegError::Failed(exited.output))
            }
            Ok(_) if decoded < expected || (skipped > 0 && decoded != expected) => {
                DiffError::MissingFrames { path: self.path, decoded, expected }
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
    /// Starts reading a part of a video in a thread.
    fn start<'s>(
        scope: &'s std::thread::Scope<'s, '_>,
        ffmpeg: &Ffmpeg,
        file: &VideoFile,
        format: FrameFormat,
        part: FramePart,
    ) -> Result<Self, DiffError> {
        let stream = decode(ffmpeg, file, format, part.start)
            .map_err(|error| DiffError::Unreadable(file.input.path.clone(), error))?;
        let (sums, receiver) = mpsc::sync_channel(MAX_AHEAD);
        let (recycled, recycle) = mpsc::channel();
        let reader = Reader { stream, format, path: file.input.path.clone(), part, has_begun: false };
        scope.spawn(move || reader.run(&sums, &recycle));
        let next = u32::try_from(part.skipped).unwrap_or(u32::MAX);
        Ok(Self { receiver, recycled, current: BlockSums::default(), next })
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
