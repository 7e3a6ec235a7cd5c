//! Golden files: what a repository keeps of a video, so that later ones can be compared without the video.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::{Alignment, Golden, GoldenBuilder, Status, compare_sound};

use super::compare::{DiffOptions, Difference, Method, VideoDiff};
use super::display::Display;
use super::error::DiffError;
use super::file::VideoFile;
use super::packets::Packets;
use super::run::DiffRun;
use super::{DiffInput, frames, outcome, sound};
use crate::app::config::slug;
use crate::fault::{Error, Fault};
use crate::system::gate::{self, Reach};
use crate::system::output::OutputFile;
use crate::system::programs::Ffmpeg;
use crate::ui::{Console, bytes};

/// The largest golden file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Stills in a row of the picture.
const STILLS_IN_ROW: usize = 10;

/// A directory of golden files, and what is done with them.
#[derive(Clone, Debug)]
pub(crate) struct GoldenDirectory {
    path: PathBuf,
    reach: Reach,
    /// Whether the files are written.
    is_updating: bool,
    /// File names that are used.
    names: BTreeSet<String>,
}

/// A golden file of the directory.
enum Earlier {
    Missing,
    Read(Box<Golden>, Vec<u8>),
}

impl GoldenDirectory {
    /// Returns a directory whose files are written if it `is_updating`, and compared with otherwise.
    pub(crate) fn new(path: &Path, reach: &Reach, is_updating: bool) -> Self {
        Self { path: path.to_owned(), reach: reach.clone(), is_updating, names: BTreeSet::new() }
    }

    /// Returns whether the files are written.
    pub(super) fn is_updating(&self) -> bool {
        self.is_updating
    }

    /// Compares a video with its golden file, which is named after `stem`, or writes the file. Without FFmpeg a comparison is
    /// skipped. `name` is that of the result.
    ///
    /// # Errors
    /// Returns an error if the video or the golden file cannot be read, or the file cannot be written.
    pub(crate) fn compare(
        &mut self,
        run: &mut DiffRun,
        (name, stem): (&str, &str),
        (video, is_temporary): (DiffInput<'_>, bool),
        options: &DiffOptions,
        console: &mut Console,
    ) -> Result<(), Error> {
        let stem = slug(stem);
        if !self.names.insert(stem.clone()) {
            return Err(DiffError::SameGolden(name.to_owned()).into());
        }
        let path = self.path.join(format!("{stem}.golden"));
        let file = VideoFile::open(video.path, video.reach)?;
        let earlier = match self.read(&path) {
            Ok(earlier) => earlier,
            // A damaged file is replaced.
            Err(_) if self.is_updating => Earlier::Missing,
            Err(error) => return Err(error.into()),
        };
        if let (Earlier::Missing, false) = (&earlier, self.is_updating) {
            return Err(DiffError::NoGolden(path).into());
        }
        let ffmpeg = match Ffmpeg::find() {
            Ok(ffmpeg) => ffmpeg,
            Err(error) if !self.is_updating => {
                console.warning(&format!("{error}; {}", error.help().unwrap_or_default()));
                run.add_status(name, Status::Skipped, &error.to_string(), options);
                return Ok(());
            }
            Err(error) => return Err(DiffError::Program(error).into()),
        };
        let golden = reduce(&ffmpeg, &file, console)?;
        let unwritable = |error| DiffError::Golden(path.clone(), error);
        let encoded = golden.encode().map_err(unwritable)?;
        let mut outcome = match &earlier {
            Earlier::Missing => outcome::not_compared(name, Status::New, "there was no golden file", options),
            Earlier::Read(earlier, _) => {
                let diff = VideoDiff::of_golden(&file, earlier, &golden, options);
                let head = Some(video.path).filter(|_| !is_temporary);
                let mut outcome = outcome::comparison(name, [None, head], &diff, options);
                outcome.base = None;
                outcome
            }
        };
        if self.is_updating {
            let is_equal = matches!(&earlier, Earlier::Read(_, bytes) if *bytes == encoded);
            if !is_equal {
                self.write(&path, &encoded)?;
                let still = path.with_extension("png");
                let (width, height, samples) = golden.stills(STILLS_IN_ROW);
                let image = ffmpeg.encode_png(width, height, &samples);
                self.write(&still, &image.map_err(|error| DiffError::Report(still.clone(), error))?)?;
                let size = bytes(encoded.len() as u64);
                outcome.notes.push(format!("wrote {} ({size})", path.display()));
            }
        }
        let status = outcome.status.parse().unwrap_or(Status::Failed);
        run.push(status, outcome);
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Earlier, DiffError> {
        let bytes = match gate::read(path, &self.reach, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Earlier::Missing),
            Err(error) => return Err(DiffError::Unreadable(path.to_owned(), error)),
        };
        let golden = Golden::decode(&bytes).map_err(|error| DiffError::Golden(path.to_owned(), error))?;
        Ok(Earlier::Read(Box::new(golden), bytes))
    }

    fn write(&self, path: &Path, contents: &[u8]) -> Result<(), Error> {
        use std::io::Write as _;

        let mut output = OutputFile::prepare(Some(path), &self.reach)?;
        output.file().write_all(contents).map_err(|error| DiffError::Report(path.to_owned(), error))?;
        output.keep("golden")?;
        Ok(())
    }
}

/// Reduces a video to its golden file.
fn reduce(ffmpeg: &Ffmpeg, file: &VideoFile, console: &mut Console) -> Result<Golden, DiffError> {
    let packets = Packets::read(ffmpeg, file)?;
    if packets.timeline.is_empty() {
        return Err(DiffError::NoFrames(file.input.path.clone()));
    }
    let format = file.format(file.video.alpha);
    let builder = GoldenBuilder::new(format, &packets.timeline);
    let mut builder = builder.map_err(|error| DiffError::Golden(file.input.path.clone(), error))?;
    frames::reduce(ffmpeg, file, format, packets.timeline.len(), console, &mut |sums| builder.push(sums))?;
    let sound = match packets.sound {
        Some(_) => sound::levels(ffmpeg, file, sound::channels(file))?,
        None => Vec::new(),
    };
    let mut golden = builder.finish(&sound);
    golden.display = packets.display.to_lines();
    Ok(golden)
}

impl VideoDiff {
    /// Returns the differences of a video, reduced to `head`, from a golden file.
    fn of_golden(file: &VideoFile, base: &Golden, head: &Golden, options: &DiffOptions) -> Self {
        let found = base.compare(head, &options.thresholds, &options.ignore);
        let mut diff = Self::equal(file, file, Method::Golden);
        for (side, golden) in diff.sides.iter_mut().zip([base, head]) {
            side.timeline = Some(golden.timeline());
            side.video.width = golden.format.width;
            side.video.height = golden.format.height;
            side.video.alpha = golden.format.has_alpha;
        }
        let Alignment { only_base, only_head, has_other_rate, .. } = found.alignment;
        let (base_sound, head_sound) = (base.sound(), head.sound());
        let has_sounds = !base_sound.is_empty() && !head_sound.is_empty();
        diff.sound = has_sounds.then(|| compare_sound(&base_sound, &head_sound, options.thresholds.sound));
        let has_other_sound = match &diff.sound {
            Some(sound) => sound.is_changed,
            None => base_sound.is_empty() != head_sound.is_empty(),
        };
        let rate = base.timeline().rate().max(head.timeline().rate());
        let tolerance = 0.5 / rate;
        let displays = [base, head].map(|golden| Display::of_lines(golden.display.as_ref()?));
        if let [Some(base), Some(head)] = displays {
            diff.display = base.differences(&head, tolerance);
        }
        if base.is_outdated() {
            let missing = "frequencies of the sound and the display are not compared";
            let remedy = "`hyperframes-ci diff --update <DIR>` writes it again";
            diff.notes.push(format!("the golden file is of an older version: {missing}; {remedy}"));
        }
        let differences = [
            (Difference::Picture, found.picture.as_ref().is_some_and(|picture| picture.changed > 0)),
            (Difference::Size, found.picture.is_none()),
            (Difference::Duration, found.has_other_end || only_base + only_head > 0),
            (Difference::Fps, has_other_rate),
            (Difference::Alpha, base.format.has_alpha != head.format.has_alpha),
            (Difference::Display, !diff.display.is_empty()),
            (Difference::Sound, has_other_sound),
        ];
        diff.differences.extend(differences.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name));
        diff.status = if diff.differences.is_empty() { Status::Unchanged } else { Status::Changed };
        diff.alignment = found.alignment;
        diff.picture = found.picture;
        diff.note_ignored();
        diff
    }
}
