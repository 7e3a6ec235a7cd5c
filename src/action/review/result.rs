//! The comparison of a preview, as reports show it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::diff::Status;
use hyperframes_ci_core::findings::Diagnostic;
use serde_json::{Value, json};

use crate::action::markdown::short_code;
use crate::app::outcome::ComparisonOutcome;
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
        let title = if outcome.reason.is_some() { String::new() } else { plain(title) };
        let images = outcome.images.as_ref();
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
            sheets: images.and_then(|images| images.sheet.clone()).into_iter().collect(),
            files: pictures.into_iter().flatten().filter_map(Clone::clone).collect(),
            urls: Vec::new(),
            json: json!(outcome),
        }
    }

    /// Returns the review of the rows of a batch: `changed` of them and of all have other inputs than in the base, and the
    /// first ones of these were compared.
    pub(super) fn of_rows(name: &str, changed: (usize, usize), outcomes: &[ComparisonOutcome]) -> Self {
        let reviews = outcomes.iter().map(Self::of).collect::<Vec<_>>();
        let worst = ROW_STATUSES.iter().find(|status| reviews.iter().any(|review| review.status == **status));
        let status = worst.copied().unwrap_or(Status::Unchanged);
        let title = format!("{} of {} rows have other inputs", changed.0, changed.1);
        let reasons = reviews.iter().filter_map(|review| review.reason.clone()).collect::<BTreeSet<_>>();
        let lines = outcomes.iter().filter(|outcome| outcome.status != Status::Unchanged.as_str());
        let sheets = reviews.iter().flat_map(|review| &review.sheets).take(MAX_SHEETS).cloned();
        let is_compared = |status: Status| !matches!(status, Status::Skipped | Status::Failed);
        Self {
            status,
            reason: (!is_compared(status)).then(|| reasons.into_iter().collect::<Vec<_>>().join("; ")),
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

    /// Returns the status and what differs, as text; `None` if it was not compared.
    pub(in crate::action) fn line(&self) -> Option<String> {
        let what = if self.title.is_empty() { String::new() } else { format!(", {}", self.title) };
        match self.status {
            Status::Unchanged => Some("no visible change".to_owned()),
            Status::Changed | Status::Faint | Status::Unstable => Some(format!("{}{what}", self.status)),
            _ => None,
        }
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

/// Returns a text unchanged if it has words and numbers only, and as code otherwise.
fn plain(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || " .,–%-".contains(character);
    if text.chars().all(is_plain) { text.to_owned() } else { short_code(text, MAX_TITLE) }
}
