//! Comparisons in the comment and in the summary.

use std::collections::BTreeMap;

use hyperframes_ci_core::diff::Status;

use super::result::{RANGE_COLUMNS, Review};
use crate::action::markdown::{attribute, short_code};
use crate::action::preview::Preview;
use crate::ui::counted;

/// Longest name in characters.
const MAX_NAME: usize = 120;

/// Longest reason in characters.
const MAX_REASON: usize = 200;

/// Longest description of a picture in characters.
const MAX_ALT: usize = 400;

/// Ranges that are told in words.
const MAX_TOLD: usize = 5;

/// How ranges of time are shown below a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::action) enum RangesAs<'a> {
    /// As a table, where there is room for it.
    Table,
    /// In words, if no picture shows them to everybody who reads the text; with the URL of the files of the run.
    Words {
        /// Whether pictures are shown to those only who can open the repository in a browser.
        is_private: bool,
        /// The URL of the run's files.
        files: &'a str,
    },
}

/// Returns the status and what differs, for the line of a preview: `**changed**, 9 of 60 frames, 1.20–1.50 s`.
pub(in crate::action) fn title(review: &Review) -> Option<String> {
    let status = review.status;
    let is_shown = matches!(status, Status::Changed | Status::Faint | Status::Unstable | Status::Removed);
    let title = review.title();
    let separator = if title.is_empty() { "" } else { ", " };
    is_shown.then(|| format!("**{status}**{separator}{title}"))
}

/// Returns the picture of a comparison, and what differs when and where.
pub(in crate::action) fn pictures(preview: &Preview, ranges_as: RangesAs<'_>) -> String {
    let Some(review) = &preview.review else { return String::new() };
    let ranges = review.ranges();
    let mut text = String::new();
    for url in &review.urls {
        let name = attribute(&preview.display_name, MAX_NAME);
        let words = ranges.first().map(|range| format!("; {}", range.words())).unwrap_or_default();
        let alt = attribute(&format!("base left, head right{words}"), MAX_ALT);
        text.push_str(&format!("<img src=\"{url}\" width=\"640\" alt=\"Changes of {name}: {alt}\">\n\n"));
    }
    match ranges_as {
        _ if ranges.is_empty() => {}
        RangesAs::Table => {
            text.push_str(&format!("| {} |\n|---|---|---|---|---|\n", RANGE_COLUMNS.join(" | ")));
            for range in ranges {
                text.push_str(&format!("| {} |\n", range.cells().join(" | ")));
            }
            text.push('\n');
        }
        RangesAs::Words { is_private, files } if is_private || review.urls.is_empty() => {
            for range in ranges.iter().take(MAX_TOLD) {
                text.push_str(&format!("- {}\n", range.words()));
            }
            if ranges.len() > MAX_TOLD {
                text.push_str(&format!("- and {} more\n", counted(ranges.len() - MAX_TOLD, "range")));
            }
            text.push_str(&format!("\nPictures and both videos are in [the files of the run]({files}).\n\n"));
        }
        RangesAs::Words { .. } => {}
    }
    for note in &review.notes {
        text.push_str(&format!("Note: {}\n\n", short_code(note, MAX_REASON)));
    }
    text
}

/// Returns a line with the names of at most `limit` previews without a visible change, and links to their videos.
pub(in crate::action) fn unchanged(previews: &[Preview], limit: usize) -> String {
    let same = previews.iter().filter(|preview| preview.has_no_visible_change()).collect::<Vec<_>>();
    if same.is_empty() || limit == 0 {
        return String::new();
    }
    let named = same.iter().take(limit).map(|preview| {
        let name = short_code(&preview.display_name, MAX_NAME);
        match &preview.urls.video {
            Some(url) => format!("{name} ([download video]({url}))"),
            None => name,
        }
    });
    let more = same.len().saturating_sub(limit);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("No visible change: {}{more}\n\n", named.collect::<Vec<_>>().join(", "))
}

/// Returns what has changed since a release, for the notes of the next one.
pub(in crate::action) fn release_notes(previews: &[Preview], since: &str) -> String {
    let changed = previews.iter().filter_map(|preview| {
        let review = preview.review.as_ref()?;
        let name = short_code(&preview.display_name, MAX_NAME);
        match review.status {
            Status::New => Some(format!("- {name}: new\n")),
            _ => title(review).map(|title| format!("- {name}: {title}\n")),
        }
    });
    let changed = changed.collect::<String>();
    let changed = if changed.is_empty() { changed } else { format!("{changed}\n") };
    let (same, skipped) = (unchanged(previews, previews.len()), notes(previews, previews.len()));
    format!("### Videos since {}\n\n{changed}{same}{skipped}", short_code(since, MAX_NAME))
}

/// Returns a line for each reason why previews were not compared.
pub(in crate::action) fn notes(previews: &[Preview], limit: usize) -> String {
    let mut reasons = BTreeMap::<&str, Vec<&Preview>>::new();
    for preview in previews.iter().filter(|preview| preview.video().is_some()) {
        let review = preview.review.as_ref();
        if let Some(reason) =
            review.filter(|review| matches!(review.status, Status::Skipped | Status::Failed))
            && let Some(reason) = &reason.reason
        {
            reasons.entry(reason).or_default().push(preview);
        }
    }
    let lines = reasons.iter().map(|(reason, of)| {
        let named = of.iter().take(limit.min(5)).map(|preview| short_code(&preview.display_name, MAX_NAME));
        let mut names = named.collect::<Vec<_>>().join(", ");
        if of.len() > limit.min(5) {
            names.push_str(&format!(" and {} more", of.len() - limit.min(5)));
        }
        format!("> Not compared: {names}: {}\n\n", short_code(reason, MAX_REASON))
    });
    lines.collect()
}
