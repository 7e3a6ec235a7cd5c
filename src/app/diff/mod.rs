//! The use case `diff`: what differs between videos.
//!
//! [`compare_files`] compares two files; [`Compared`] has the differences, and makes a result and pictures of them. A
//! [`DiffRun`] collects the results of several compositions and their report.

mod compare;
mod display;
mod error;
mod file;
mod frames;
mod golden;
mod outcome;
mod packets;
mod pictures;
mod project;
mod project_golden;
mod report;
mod run;
mod sound;

use std::path::Path;

pub(crate) use compare::{DiffOptions, VideoDiff};
pub(crate) use error::DiffError;
pub(crate) use golden::GoldenDirectory;
pub(crate) use pictures::DiffPictures;
pub(crate) use project::{BaseVideo, KnownVideo, Pair, ProjectDiff, Side};
pub(crate) use project_golden::{GoldenDiff, golden_name};
pub(crate) use run::{DiffResult, DiffRun};

use crate::app::outcome::ComparisonOutcome;
use crate::system::gate::Reach;
use crate::system::programs::Ffmpeg;
use crate::ui::Console;
use file::VideoFile;

/// A video file that the user names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiffInput<'a> {
    /// Its path.
    pub(crate) path: &'a Path,
    /// Where the path may lead.
    pub(crate) reach: &'a Reach,
}

/// Two videos and their differences.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    files: [VideoFile; 2],
    /// Whether the files are deleted after the comparison.
    are_temporary: [bool; 2],
    /// The differences.
    pub(crate) diff: VideoDiff,
}

/// Compares two video files.
///
/// # Errors
/// Returns [`DiffError`] if a file is not a complete video, both are the same file, FFmpeg is needed and missing, or it
/// cannot decode a file.
pub(crate) fn compare_files(
    base: DiffInput<'_>,
    head: DiffInput<'_>,
    options: &DiffOptions,
    console: &mut Console,
) -> Result<Compared, DiffError> {
    let open = |input: DiffInput<'_>| VideoFile::open(input.path, input.reach);
    let files = [open(base)?, open(head)?];
    if same_file::is_same_file(base.path, head.path).unwrap_or(false) {
        return Err(DiffError::SameFile(head.path.to_owned()));
    }
    let diff = compare::compare(&files[0], &files[1], options, console)?;
    Ok(Compared { files, are_temporary: [false; 2], diff })
}

impl Compared {
    /// Returns the result for people and programs.
    pub(crate) fn outcome(&self, name: &str, options: &DiffOptions) -> ComparisonOutcome {
        let path = |side: usize| (!self.are_temporary[side]).then_some(&*self.files[side].input.path);
        let paths = [path(0), path(1)];
        outcome::comparison(name, paths, &self.diff, options)
    }

    /// Draws the pictures of the differences, a sheet only if `has_sheet`; none without FFmpeg.
    pub(crate) fn pictures(&self, options: &DiffOptions, has_sheet: bool) -> DiffPictures {
        let [base, head] = &self.files;
        let draw = |ffmpeg| DiffPictures::draw(&ffmpeg, [base, head], &self.diff, &options.ignore, has_sheet);
        Ffmpeg::find().map(draw).unwrap_or_default()
    }
}
