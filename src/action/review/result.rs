//! The comparison of a preview, as reports show it.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::Status;
use serde_json::{Value, json};

use crate::action::markdown::short_code;
use crate::app::outcome::ComparisonOutcome;
use crate::ci::Media;
use crate::system::digest;

/// Longest title from another run, in characters.
const MAX_TITLE: usize = 160;

/// Ranges of time in the summary of the job.
const MAX_RANGES: usize = 20;

/// The comparison of a preview with the base.
#[derive(Debug)]
pub(in crate::action) struct Review {
    pub(super) status: Status,
    /// What differs, as Markdown: `9 of 60 frames, 1.20–1.50 s`; empty if nothing does.
    pub(super) title: String,
    /// Why it was not compared, as text of anybody.
    pub(super) reason: Option<String>,
    /// Remarks, as text of anybody.
    pub(super) notes: Vec<String>,
    /// Ranges of time that differ, as rows of a table.
    pub(super) ranges: Vec<String>,
    /// The strip and the filmstrip in one picture.
    pub(super) sheet: Option<PathBuf>,
    /// All pictures.
    files: Vec<PathBuf>,
    /// URL of the published picture.
    pub(super) url: Option<String>,
    /// The result in `report.json`.
    pub(in crate::action) json: Value,
}

impl Review {
    /// Returns the review of a comparison of this run.
    pub(super) fn of(outcome: &ComparisonOutcome) -> Self {
        let known = format!("{}: {}", outcome.name, outcome.status);
        let title = outcome.summary.strip_prefix(&known).unwrap_or_default().trim_start_matches(", ");
        let title = if outcome.reason.is_some() { String::new() } else { plain(title) };
        let images = outcome.images.as_ref();
        let file = |path: Option<&PathBuf>| path.cloned();
        let pictures = images.map(|images| [&images.strip, &images.filmstrip, &images.sheet]);
        let picture = outcome.picture.as_ref();
        let ranges = picture.iter().flat_map(|picture| &picture.ranges).map(|range| {
            let place = range.boxes.first();
            let place =
                place.map(|place| format!("{}x{}+{}+{}", place.width, place.height, place.x, place.y));
            format!(
                "| {:.2}–{:.2} s | {} | {} | {:.1} | {} |",
                range.start,
                range.end,
                range.kind,
                range.frames,
                range.instant.max(range.sustained),
                place.unwrap_or_default()
            )
        });
        Self {
            status: outcome.status.parse().unwrap_or(Status::Failed),
            title,
            reason: outcome.reason.clone(),
            notes: outcome.notes.clone(),
            ranges: ranges.take(MAX_RANGES).collect(),
            sheet: images.and_then(|images| file(images.sheet.as_ref())),
            files: pictures.into_iter().flatten().filter_map(Clone::clone).collect(),
            url: None,
            json: json!(outcome),
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
        let has_title = !title.is_empty() && report["reason"].is_null();
        let sheet = report.pointer("/images/sheet").and_then(Value::as_str);
        let sheet = sheet.and_then(|path| find(Path::new(path).file_name()?.to_str()?));
        Some(Self {
            status,
            title: if has_title { short_code(title, MAX_TITLE) } else { String::new() },
            reason: report["reason"].as_str().map(str::to_owned),
            notes: Vec::new(),
            ranges: Vec::new(),
            files: sheet.iter().cloned().collect(),
            sheet,
            url: None,
            // Of a report that anybody wrote, nothing is repeated.
            json: Value::Null,
        })
    }

    /// Returns the change since a release, for the provenance of a video.
    pub(in crate::action) fn since(&self, tag: &str) -> Value {
        json!({ "since": tag, "status": self.status, "summary": self.json["summary"] })
    }

    /// Returns whether nothing has changed visibly.
    pub(in crate::action) fn is_unchanged(&self) -> bool {
        self.status == Status::Unchanged
    }

    /// Returns the files that this run has made for it.
    pub(in crate::action) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Returns the picture to publish. Its name depends on its contents.
    pub(in crate::action) fn media(&self) -> Option<Media> {
        let path = self.sheet.clone()?;
        let digest = digest::of_file(&path).ok()?;
        Some(Media { name: format!("{}.png", digest.get(..24)?), path })
    }

    /// Sets the URL from names and URLs of published files.
    pub(in crate::action) fn set_url(&mut self, published: &[(String, String)]) {
        let name = self.media().map(|media| media.name);
        let found = published.iter().find(|(known, _)| Some(known) == name.as_ref());
        self.url = found.map(|(_, url)| url.clone());
    }
}

/// Returns a text as it is if it has words and numbers only, and as code otherwise.
fn plain(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || " .,–%-".contains(character);
    if text.chars().all(is_plain) { text.to_owned() } else { short_code(text, MAX_TITLE) }
}
