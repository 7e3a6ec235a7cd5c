//! The comparison of two video files.

use hyperframes_ci_core::diff::{
    Alignment, ChangeKind, Picture, Region, Sensitivity, Sound, Status, Thresholds, Timeline,
};
use hyperframes_ci_core::video::Video;

use super::display::DisplayDifference;
use super::error::DiffError;
use super::file::VideoFile;
use super::frames::PictureOrder;
use super::packets::Packets;
use super::sound;
use crate::system::programs::Ffmpeg;
use crate::ui::Console;

/// Share of the frames' area above which ignored regions are a warning.
const MAX_IGNORED: f64 = 0.25;

/// How videos are compared.
#[derive(Clone, Debug)]
pub(crate) struct DiffOptions {
    /// From which differences on a video counts as changed.
    pub(crate) thresholds: Thresholds,
    /// What is not compared.
    pub(crate) ignore: Vec<Region>,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self { thresholds: Sensitivity::Normal.into(), ignore: Vec::new() }
    }
}

/// How far a comparison had to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The files have the same bytes.
    Files,
    /// The tracks have the same packets.
    Packets,
    /// Frames or sounds were decoded.
    Frames,
    /// The video was compared with a golden file.
    Golden,
}

/// A property that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Frames.
    Picture,
    /// Levels of the sound, or whether there is any.
    Sound,
    /// Width or height.
    Size,
    /// Length of the video.
    Duration,
    /// Frame rate.
    Fps,
    /// Whether there is an alpha channel.
    Alpha,
    /// How players show equal frames: orientation, shape of pixels, crop, colors, or when the file starts.
    Display,
}

impl Difference {
    /// Returns its name in results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Sound => "sound",
            Self::Size => "size",
            Self::Duration => "duration",
            Self::Fps => "fps",
            Self::Alpha => "alpha",
            Self::Display => "display",
        }
    }
}

/// One of the videos.
#[derive(Clone, Debug)]
pub(crate) struct DiffSide {
    /// Properties from the headers.
    pub(crate) video: Video,
    /// The frames in time; `None` if they did not have to be read.
    pub(crate) timeline: Option<Timeline>,
    /// Integrated loudness in LUFS, if the sound differs.
    pub(crate) loudness: Option<f64>,
}

/// The differences of two videos.
#[derive(Clone, Debug)]
pub(crate) struct VideoDiff {
    /// The result in a word.
    pub(crate) status: Status,
    /// How far the comparison had to look.
    pub(crate) method: Method,
    /// The base and the head.
    pub(crate) sides: [DiffSide; 2],
    /// What differs.
    pub(crate) differences: Vec<Difference>,
    /// Differences of what players do with the frames.
    pub(crate) display: Vec<DisplayDifference>,
    /// Which frames were compared; without its steps.
    pub(crate) alignment: Alignment,
    /// Differences of the frames; `None` if the sizes differ or the packets are equal.
    pub(crate) picture: Option<Picture>,
    /// Differences of the sound; `None` if there is none to compare, or the packets are equal.
    pub(crate) sound: Option<Sound>,
    /// What a reader should know about the result.
    pub(crate) notes: Vec<String>,
}

/// Compares two video files.
///
/// # Errors
/// Returns [`DiffError`] if FFmpeg is needed and missing, or a file cannot be decoded.
pub(super) fn compare(
    base: &VideoFile,
    head: &VideoFile,
    options: &DiffOptions,
    console: &mut Console,
) -> Result<VideoDiff, DiffError> {
    if base.equals(head)? {
        return Ok(VideoDiff::equal(base, head, Method::Files));
    }
    let ffmpeg = Ffmpeg::find().map_err(DiffError::Program)?;
    let (base_packets, head_packets) = (Packets::read(&ffmpeg, base)?, Packets::read(&ffmpeg, head)?);
    for (file, packets) in [(base, &base_packets), (head, &head_packets)] {
        if packets.timeline.is_empty() {
            return Err(DiffError::NoFrames(file.input.path.clone()));
        }
    }
    let mut diff = VideoDiff::equal(base, head, Method::Packets);
    diff.sides[0].timeline = Some(base_packets.timeline.clone());
    diff.sides[1].timeline = Some(head_packets.timeline.clone());
    if base_packets.video != head_packets.video || diff.has_other_size() {
        let equal = base_packets.equal_frames(&head_packets);
        diff.compare_pictures([base, head], equal, options, &ffmpeg, console)?;
    }
    diff.compare_displays([&base_packets, &head_packets]);
    if base_packets.sound != head_packets.sound {
        diff.method = Method::Frames;
        if base_packets.sound.is_some() && head_packets.sound.is_some() {
            console.status("comparing the sound");
            let sound = sound::compare(&ffmpeg, base, head, options.thresholds.sound)?;
            if sound.is_changed {
                diff.sides[0].loudness = sound::loudness(&ffmpeg, base);
                diff.sides[1].loudness = sound::loudness(&ffmpeg, head);
                diff.differences.push(Difference::Sound);
            }
            diff.sound = Some(sound);
            console.end_bar();
        } else {
            diff.differences.push(Difference::Sound);
        }
    }
    diff.set_status();
    diff.set_notes([base, head]);
    Ok(diff)
}

impl VideoDiff {
    /// Returns the result of two videos whose frames need not be decoded.
    pub(super) fn equal(base: &VideoFile, head: &VideoFile, method: Method) -> Self {
        let side = |file: &VideoFile| DiffSide { video: file.video.clone(), timeline: None, loudness: None };
        Self {
            status: Status::Unchanged,
            method,
            sides: [side(base), side(head)],
            differences: Vec::new(),
            display: Vec::new(),
            alignment: Alignment::default(),
            picture: None,
            sound: None,
            notes: Vec::new(),
        }
    }

    /// Returns whether nothing but frames differs.
    pub(super) fn has_only_picture(&self) -> bool {
        self.differences.iter().all(|difference| *difference == Difference::Picture)
    }

    /// Returns whether frames differ in a way that has no measure.
    pub(super) fn has_no_metric(&self) -> bool {
        self.has_other_size() || !self.display.is_empty()
    }

    /// Compares how players show the frames.
    fn compare_displays(&mut self, packets: [&Packets; 2]) {
        let [base, head] = packets.map(|packets| &packets.display);
        let rate = packets.map(|packets| packets.timeline.rate()).into_iter().fold(1.0, f64::max);
        self.display = base.differences(head, 0.5 / rate);
        if !self.display.is_empty() {
            self.differences.push(Difference::Display);
        }
        if !(base.is_described() && head.is_described()) {
            self.notes.push("colors are not compared: FFmpeg does not describe the files".to_owned());
        }
    }

    fn has_other_size(&self) -> bool {
        let size = |side: &DiffSide| (side.video.width, side.video.height);
        size(&self.sides[0]) != size(&self.sides[1])
    }

    /// Compares the frames, of which the first `equal` ones need not be decoded, and the properties of the videos that concern
    /// them.
    fn compare_pictures(
        &mut self,
        [base, head]: [&VideoFile; 2],
        equal: usize,
        options: &DiffOptions,
        ffmpeg: &Ffmpeg,
        console: &mut Console,
    ) -> Result<(), DiffError> {
        self.method = Method::Frames;
        let empty = Timeline::default();
        let [base_frames, head_frames] =
            [0, 1].map(|side| self.sides[side].timeline.as_ref().unwrap_or(&empty));
        let mut alignment = Alignment::new(base_frames, head_frames);
        let interval = 1.0 / base_frames.rate().min(head_frames.rate());
        let has_other_end = (base_frames.end() - head_frames.end()).abs() > interval / 2.0;
        let has_rest = alignment.only_base + alignment.only_head > 0;
        let differences = [
            (Difference::Size, self.has_other_size()),
            (Difference::Duration, has_other_end || has_rest),
            (Difference::Fps, alignment.has_other_rate),
            (Difference::Alpha, base.video.alpha != head.video.alpha),
        ];
        self.differences.extend(differences.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name));
        if !self.has_other_size() {
            let order = PictureOrder {
                base,
                head,
                format: base.format(base.video.alpha || head.video.alpha),
                alignment: &alignment,
                frames: [base_frames, head_frames],
                equal,
                thresholds: options.thresholds,
                regions: &options.ignore,
            };
            let picture = order.compare(ffmpeg, console)?;
            if picture.changed + picture.faint > 0 {
                self.differences.insert(0, Difference::Picture);
            }
            self.picture = Some(picture);
        }
        alignment.steps.clear();
        self.alignment = alignment;
        Ok(())
    }

    fn set_status(&mut self) {
        let is_faint = |range: &hyperframes_ci_core::diff::ChangedRange| range.kind == ChangeKind::Faint;
        let is_only_faint = self.picture.as_ref().is_some_and(|picture| picture.ranges.iter().all(is_faint));
        self.status = match self.differences.as_slice() {
            [] => Status::Unchanged,
            [Difference::Picture] if is_only_faint => Status::Faint,
            _ => Status::Changed,
        };
    }

    fn set_notes(&mut self, files: [&VideoFile; 2]) {
        let [base, head] = &self.sides;
        if base.video.codec != head.video.codec || base.video.container != head.video.container {
            let name = |side: &DiffSide| format!("{} in {}", side.video.codec, side.video.container);
            self.notes.push(format!("settings differ: {} and {}", name(base), name(head)));
        } else if let [Some(first), Some(second)] = files.map(|file| file.settings.as_deref())
            && first != second
        {
            self.notes.push(format!("settings differ: {}", different_options(first, second)));
        }
        let sides = [("base", base), ("head", head)];
        let is_variable = |side: &DiffSide| side.timeline.as_ref().is_some_and(Timeline::is_variable);
        for (name, _) in sides.iter().filter(|(_, side)| is_variable(side)) {
            self.notes.push(format!("the {name} has a variable frame rate"));
        }
        self.note_ignored();
    }

    /// Adds a note if much of the area is ignored.
    pub(super) fn note_ignored(&mut self) {
        let ignored = self.picture.as_ref().map_or(0.0, |picture| picture.ignored);
        if ignored > MAX_IGNORED {
            self.notes.push(format!("{:.0} % of the area is ignored", ignored * 100.0));
        }
    }
}

/// Returns the options that differ: `crf=18.0 and crf=28.0`.
fn different_options(first: &str, second: &str) -> String {
    const MAX_OPTIONS: usize = 4;
    let (first, second) = (first.split(' ').collect::<Vec<_>>(), second.split(' ').collect::<Vec<_>>());
    let only = |these: &[&str], others: &[&str]| {
        let only = these.iter().filter(|option| !others.contains(option)).copied();
        only.take(MAX_OPTIONS).collect::<Vec<_>>().join(" ")
    };
    format!("{} and {}", only(&first, &second), only(&second, &first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_options_that_differ_are_named() {
        assert_eq!(different_options("cabac=1 crf=18.0", "cabac=1 crf=28.0"), "crf=18.0 and crf=28.0");
    }
}
