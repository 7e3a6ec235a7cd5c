//! The comparison of a preview, as reports show it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::Status;
use hyperframes_ci_core::findings::Diagnostic;
use serde_json::{Value, json};

use super::row_counts::RowCounts;
use crate::action::markdown::short_code;
use crate::app::outcome::{ComparisonOutcome, DiffRange};
use crate::ci::Media;
use crate::system::digest;

/// Longest title from another run, in characters.
const MAX_TITLE: usize = 160;

/// Ranges of time in the summary of the job.
const MAX_RANGES: usize = 20;

/// Rows of a batch whose pictures are shown, and those that have a line.
const MAX_SHEETS: usize = 3;
const MAX_LINES: usize = 5;

/// Checks that find what differs from run to run.
const UNSTABLE: &[&str] =
    &["nondeterministic-script", "real-time-animation", "css-transition", "unseeked-animation"];

/// Findings that are shown as the cause.
const MAX_CAUSES: usize = 3;

/// Statuses of rows, from the one that says most about the batch.
const ROW_STATUSES: &[Status] = &[
    Status::Changed,
    Status::Unstable,
    Status::Faint,
    Status::Failed,
    Status::Skipped,
    Status::Removed,
    Status::New,
];

/// Heads of the columns of [`ReviewRange::cells`].
pub(in crate::action) const RANGE_COLUMNS: [&str; 5] = ["Time", "Change", "Frames", "Levels", "Place"];

/// A range of time that differs.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct ReviewRange {
    kind: Status,
    start: f64,
    end: f64,
    frames: u64,
    /// Largest difference, in levels of 0 to 255.
    levels: f64,
    /// Width, height, and distances from the left and the upper edge of the largest difference, in pixels.
    place: Option<[u64; 4]>,
    /// Width and height of the frames, in pixels.
    frame: Option<[u64; 2]>,
}

/// The comparison of a preview with the base.
#[derive(Debug)]
pub(in crate::action) struct Review {
    pub(super) status: Status,
    /// What differs, as text of anybody: `9 of 60 frames, 1.20–1.50 s`; empty if nothing does.
    title: String,
    /// Why it was not compared, as text of anybody.
    pub(super) reason: Option<String>,
    /// Remarks, as text of anybody.
    pub(super) notes: Vec<String>,
    /// Ranges of time that differ.
    ranges: Vec<ReviewRange>,
    /// The strip and the filmstrip in one picture; of several rows, those of the first ones.
    sheets: Vec<PathBuf>,
    /// All pictures.
    files: Vec<PathBuf>,
    /// URLs of the published pictures.
    pub(super) urls: Vec<String>,
    /// The result in `report.json`.
    pub(in crate::action) json: Value,
}

impl Review {
    /// Returns the review of a comparison of this run.
    pub(super) fn of(outcome: &ComparisonOutcome) -> Self {
        let known = format!("{}: {}", outcome.name, outcome.status);
        let title = outcome.summary.strip_prefix(&known).unwrap_or_default().trim_start_matches(", ");
        let title = if outcome.reason.is_some() { String::new() } else { title.to_owned() };
        let images = outcome.images.as_ref();
        let pictures = images.map(|images| [&images.strip, &images.filmstrip, &images.sheet]);
        let picture = outcome.picture.as_ref();
        let frame = outcome.head.as_ref().map(|head| [head.video.width, head.video.height].map(u64::from));
        let ranges = picture.iter().flat_map(|picture| &picture.ranges);
        let ranges = ranges.map(|range| ReviewRange { frame, ..ReviewRange::of(range) });
        Self {
            status: outcome.status.parse().unwrap_or(Status::Failed),
            title,
            reason: outcome.reason.clone(),
            notes: outcome.notes.clone(),
            ranges: ranges.take(MAX_RANGES).collect(),
            sheets: images.and_then(|images| images.sheet.clone()).into_iter().collect(),
            files: pictures.into_iter().flatten().filter_map(Clone::clone).collect(),
            urls: Vec::new(),
            json: json!(outcome),
        }
    }

    /// Returns the review of the rows of a batch, of which the first ones with other inputs than in the base were compared.
    pub(super) fn of_rows(name: &str, counts: RowCounts, outcomes: &[ComparisonOutcome]) -> Self {
        let reviews = outcomes.iter().map(Self::of).collect::<Vec<_>>();
        let worst = ROW_STATUSES.iter().find(|status| reviews.iter().any(|review| review.status == **status));
        let status = worst.copied().unwrap_or(Status::Unchanged);
        let title = counts.title(&reviews.iter().map(|review| review.status).collect::<Vec<_>>());
        // Those of rows; the title has the numbers of the others.
        let of_rows = outcomes.iter().filter(|outcome| outcome.name != name);
        let failed = of_rows.filter(|outcome| outcome.status != Status::New.as_str());
        let reasons = failed.filter_map(|outcome| outcome.reason.clone()).collect::<BTreeSet<_>>();
        let lines = outcomes.iter().filter(|outcome| outcome.status != Status::Unchanged.as_str());
        let sheets = reviews.iter().flat_map(|review| &review.sheets).take(MAX_SHEETS).cloned();
        let is_compared = |status: Status| !matches!(status, Status::Skipped | Status::Failed);
        Self {
            status,
            reason: (!is_compared(status))
                .then(|| std::iter::once(title.clone()).chain(reasons).collect::<Vec<_>>().join("; ")),
            notes: lines.take(MAX_LINES).map(|outcome| outcome.summary.clone()).collect(),
            ranges: Vec::new(),
            sheets: sheets.collect(),
            files: reviews.iter().flat_map(|review| &review.files).cloned().collect(),
            urls: Vec::new(),
            json: json!({
                "name": name,
                "status": status,
                "summary": format!("{name}: {status}, {title}"),
                "comparisons": outcomes,
            }),
            title,
        }
    }

    /// Returns the review of an untrusted report; `find` returns a picture of it by its name. `None` if the report has none.
    pub(in crate::action) fn of_report(
        report: &Value,
        find: impl Fn(&str) -> Option<PathBuf>,
    ) -> Option<Self> {
        let status = report["status"].as_str()?.parse().ok()?;
        let (name, summary) = (report["name"].as_str()?, report["summary"].as_str()?);
        let title = summary.strip_prefix(&format!("{name}: {status}")).unwrap_or_default();
        let title = title.trim_start_matches(", ");
        let title =
            if report["reason"].is_null() { title.chars().take(MAX_TITLE).collect() } else { String::new() };
        let edge = |name: &str| report.pointer("/head/video")?.get(name)?.as_u64();
        let frame = edge("width").zip(edge("height")).map(|(width, height)| [width, height]);
        let ranges = report.pointer("/picture/ranges").and_then(Value::as_array);
        let sheet = report.pointer("/images/sheet").and_then(Value::as_str);
        let sheet = sheet.and_then(|path| find(Path::new(path).file_name()?.to_str()?));
        Some(Self {
            status,
            title,
            reason: report["reason"].as_str().map(str::to_owned),
            notes: Vec::new(),
            ranges: ranges
                .into_iter()
                .flatten()
                .filter_map(ReviewRange::of_report)
                .map(|range| ReviewRange { frame, ..range })
                .take(MAX_RANGES)
                .collect(),
            files: sheet.iter().cloned().collect(),
            sheets: sheet.into_iter().collect(),
            urls: Vec::new(),
            // Of a report that anybody wrote, nothing is repeated.
            json: Value::Null,
        })
    }

    /// Adds what may be the cause if the video differs from run to run: findings about the project at `prefix` in the
    /// repository.
    pub(in crate::action) fn explain(&mut self, findings: &[Diagnostic], prefix: &str) {
        if self.status != Status::Unstable {
            return;
        }
        let is_inside = |path: &str| {
            let rest = path.strip_prefix(prefix);
            prefix.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let causes =
            findings.iter().filter(|found| UNSTABLE.contains(&found.rule.code()) && is_inside(&found.path));
        for found in causes.take(MAX_CAUSES) {
            let line = found.position.map(|position| format!(":{}", position.line)).unwrap_or_default();
            self.notes.push(format!("likely cause: {}{line}: {}", found.path, found.message));
        }
    }

    /// Returns the change since a release, for the provenance of a video.
    pub(in crate::action) fn since(&self, tag: &str) -> Value {
        json!({ "since": tag, "status": self.status, "summary": self.json["summary"] })
    }

    /// Returns the status and what differs or why nothing was compared, as text of anybody; `None` if the preview says it.
    pub(in crate::action) fn line(&self) -> Option<String> {
        let what = if self.title.is_empty() { String::new() } else { format!(", {}", self.title) };
        match (self.status, &self.reason) {
            (Status::Unchanged, _) => Some("no visible change".to_owned()),
            (Status::Changed | Status::Faint | Status::Unstable | Status::Removed, _) => {
                Some(format!("{}{what}", self.status))
            }
            (Status::Skipped | Status::Failed, Some(reason)) => Some(format!("not compared: {reason}")),
            _ => None,
        }
    }

    /// Returns what differs, as Markdown; empty if nothing does.
    pub(super) fn title(&self) -> String {
        plain(&self.title)
    }

    /// Returns ranges of time that differ, the first ones of many.
    pub(in crate::action) fn ranges(&self) -> &[ReviewRange] {
        &self.ranges
    }

    /// Returns remarks, as text of anybody.
    pub(in crate::action) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns whether the video differs, or may do so.
    pub(in crate::action) fn is_changed(&self) -> bool {
        matches!(self.status, Status::Changed | Status::Faint | Status::Unstable)
    }

    /// Returns the pictures that reports show.
    pub(in crate::action) fn sheets(&self) -> impl Iterator<Item = &Path> {
        self.sheets.iter().map(PathBuf::as_path)
    }

    /// Returns whether nothing has changed visibly.
    pub(in crate::action) fn is_unchanged(&self) -> bool {
        self.status == Status::Unchanged
    }

    /// Returns the files that this run has made for it.
    pub(in crate::action) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Returns the pictures to publish. Their names depend on their contents.
    pub(in crate::action) fn media(&self) -> Vec<Media> {
        let media = |path: &PathBuf| {
            let digest = digest::of_file(path).ok()?;
            Some(Media { name: format!("{}.png", digest.get(..24)?), path: path.clone() })
        };
        self.sheets.iter().filter_map(media).collect()
    }

    /// Sets the URLs from names and URLs of published files.
    pub(in crate::action) fn set_urls(&mut self, published: &[(String, String)]) {
        let names = self.media().into_iter().map(|media| media.name);
        let url = |name: String| Some(published.iter().find(|(known, _)| *known == name)?.1.clone());
        self.urls = names.filter_map(url).collect();
    }
}

impl ReviewRange {
    fn of(range: &DiffRange) -> Self {
        let place = range.boxes.first();
        Self {
            kind: range.kind.parse().unwrap_or(Status::Changed),
            start: range.start,
            end: range.end,
            frames: range.frames as u64,
            levels: range.instant.max(range.sustained),
            place: place.map(|place| [place.width, place.height, place.x, place.y].map(u64::from)),
            frame: None,
        }
    }

    /// Returns a range of an untrusted report.
    fn of_report(range: &Value) -> Option<Self> {
        let figure = |name: &str| range[name].as_f64();
        let pixels = |name: &str| range.pointer("/boxes/0")?.get(name)?.as_u64();
        let place = || Some([pixels("width")?, pixels("height")?, pixels("x")?, pixels("y")?]);
        Some(Self {
            kind: range["kind"].as_str()?.parse().ok()?,
            start: figure("start")?,
            end: figure("end")?,
            frames: range["frames"].as_u64()?,
            levels: figure("instant")?.max(figure("sustained")?),
            place: place(),
            frame: None,
        })
    }

    /// Returns what the range shows in words and numbers without markup, for those who cannot see a picture:
    /// `1.20–1.50 s: 9 frames differ by up to 34.9 levels in the lower left (344x184 pixels)`.
    pub(in crate::action) fn words(&self) -> String {
        let [time, _, frames, levels, _] = self.cells();
        let what = match (self.kind, self.frames) {
            (Status::Faint, 1) => "frame differs faintly",
            (Status::Faint, _) => "frames differ faintly",
            (_, 1) => "frame differs",
            _ => "frames differ",
        };
        let place = self.place.map(|place| match self.frame {
            Some(frame) => format!(" {} ({}x{} pixels)", place_in(place, frame), place[0], place[1]),
            None => format!(" in {}x{} pixels", place[0], place[1]),
        });
        format!("{time}: {frames} {what} by up to {levels} levels{}", place.unwrap_or_default())
    }

    /// Returns the cells of its row, below [`RANGE_COLUMNS`]: numbers and words without markup.
    pub(in crate::action) fn cells(&self) -> [String; 5] {
        let place = self.place.map(|[width, height, x, y]| format!("{width}x{height}+{x}+{y}"));
        [
            format!("{:.2}–{:.2} s", self.start, self.end),
            self.kind.to_string(),
            self.frames.to_string(),
            format!("{:.1}", self.levels),
            place.unwrap_or_default(),
        ]
    }
}

/// Returns where a box is in a frame, by its middle.
fn place_in([width, height, x, y]: [u64; 4], [frame_width, frame_height]: [u64; 2]) -> &'static str {
    // Figures of a report may be any.
    let is_most = |edge: u64, frame: u64| edge.saturating_mul(10) >= frame.saturating_mul(8);
    if is_most(width, frame_width) && is_most(height, frame_height) {
        return "in the whole frame";
    }
    let third = |start: u64, edge: u64, frame: u64| {
        let middle = start.saturating_add(edge / 2).saturating_mul(3) / frame.max(1);
        usize::try_from(middle).unwrap_or(2).min(2)
    };
    let (column, row) = (third(x, width, frame_width), third(y, height, frame_height));
    [
        ["in the upper left", "at the top", "in the upper right"],
        ["on the left", "in the center", "on the right"],
        ["in the lower left", "at the bottom", "in the lower right"],
    ][row][column]
}

/// Returns a short text unchanged if it has words and numbers only, and as code otherwise.
fn plain(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || " .,–%-".contains(character);
    let is_short = text.chars().nth(MAX_TITLE).is_none();
    if is_short && text.chars().all(is_plain) { text.to_owned() } else { short_code(text, MAX_TITLE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_in_words() {
        let words = |place: Option<[u64; 4]>, frames, kind| {
            let frame = Some([1280, 720]);
            ReviewRange { kind, start: 1.2, end: 1.5, frames, levels: 34.88, place, frame }.words()
        };
        let lower_left = Some([344, 184, 20, 520]);
        assert_eq!(
            words(lower_left, 9, Status::Changed),
            "1.20–1.50 s: 9 frames differ by up to 34.9 levels in the lower left (344x184 pixels)"
        );
        for (place, expected) in [
            ([1280, 720, 0, 0], "in the whole frame"),
            ([1280, 40, 0, 10], "at the top"),
            ([80, 80, 600, 320], "in the center"),
            ([80, 80, 1200, 320], "on the right"),
            ([u64::MAX, 1, u64::MAX, u64::MAX], "in the lower right"),
        ] {
            assert_eq!(place_in(place, [1280, 720]), expected, "{place:?}");
        }
        let faint = words(None, 1, Status::Faint);
        assert_eq!(faint, "1.20–1.50 s: 1 frame differs faintly by up to 34.9 levels");
    }
}
