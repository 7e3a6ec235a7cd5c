//! The page of the report. It loads nothing but the videos next to it, and runs no script but its own.

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::data::ViewerData;
use crate::app::outcome::{ComparisonOutcome, DiffOutcome, DiffRange};
use crate::system::page::escape;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Ranges in a table.
const MAX_RANGES: usize = 50;

/// Differences below 6 levels are black, those above are shown 8 times as bright.
const FILTER: &str = "<svg class=\"defs\" aria-hidden=\"true\"><filter id=\"gain\" color-interpolation-filters=\"sRGB\">\
    <feComponentTransfer><feFuncR type=\"linear\" slope=\"8\" intercept=\"-0.19\"/>\
    <feFuncG type=\"linear\" slope=\"8\" intercept=\"-0.19\"/>\
    <feFuncB type=\"linear\" slope=\"8\" intercept=\"-0.19\"/></feComponentTransfer></filter></svg>";

const KEYS: &str = "<p class=\"muted\">Keys: <kbd>←</kbd> <kbd>→</kbd> frame by frame, <kbd>n</kbd> <kbd>p</kbd> next and \
    previous change, <kbd>Space</kbd> play, <kbd>1</kbd> to <kbd>4</kbd> view</p>";

/// Returns the page.
pub(super) fn page(outcome: &DiffOutcome, viewers: &[(usize, ViewerData)]) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         media-src data: file: 'self'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    let mut data = serde_json::Map::new();
    for (number, viewer) in viewers {
        data.insert(number.to_string(), serde_json::json!(viewer));
    }
    // A text cannot end the element that it is in.
    let data = serde_json::Value::Object(data).to_string().replace('<', "\\u003c");
    let (unchanged, others): (Vec<_>, Vec<_>) = outcome
        .comparisons
        .iter()
        .enumerate()
        .partition(|(_, comparison)| comparison.status == "unchanged" && outcome.comparisons.len() > 1);
    let has_viewer = |number: usize| viewers.iter().any(|(known, _)| *known == number);
    let sections =
        others.iter().map(|(number, comparison)| section(*number, comparison, has_viewer(*number)));
    let sections = sections.collect::<String>();
    let names = unchanged.iter().map(|(_, comparison)| escape(&comparison.name)).collect::<Vec<_>>();
    let unchanged = match names.len() {
        0 => String::new(),
        _ => format!("<p><span class=\"status unchanged\">unchanged</span>: {}</p>", names.join(", ")),
    };
    let title = match outcome.comparisons.as_slice() {
        [only] => escape(&only.summary),
        all => {
            format!("{} of {} changed", all.iter().filter(|one| one.status != "unchanged").count(), all.len())
        }
    };
    let keys = if viewers.is_empty() { "" } else { KEYS };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n{FILTER}\n<main>\n<h1>Visual differences</h1>\n{keys}\n{sections}{unchanged}\n</main>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// Returns the digest of an inline style or script for the policy.
fn digest(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}

fn section(number: usize, comparison: &ComparisonOutcome, has_viewer: bool) -> String {
    let ComparisonOutcome { name, status, summary, .. } = comparison;
    let start = format!("{name}: {status}");
    let rest = escape(summary.strip_prefix(&start).unwrap_or_default());
    let notes = comparison.notes.iter().map(|note| format!("<p class=\"muted\">{}</p>", escape(note)));
    let notes = notes.collect::<String>();
    let ignored = comparison.ignored.iter().map(|region| {
        let reason = region.reason.as_deref().map(|reason| format!(": {}", escape(reason)));
        format!("<p class=\"muted\">ignored {}{}</p>", escape(&region.region), reason.unwrap_or_default())
    });
    let ignored = ignored.collect::<String>();
    let viewer = if has_viewer { format!("<div data-viewer=\"{number}\"></div>") } else { String::new() };
    let ranges = comparison.picture.as_ref().map_or(&[][..], |picture| picture.ranges.as_slice());
    let table = if ranges.is_empty() { String::new() } else { table(number, ranges, has_viewer) };
    let loudness = loudness(comparison);
    format!(
        "<section aria-labelledby=\"name-{number}\">\n<h2 id=\"name-{number}\">{}</h2>\n\
         <p><span class=\"status {status}\">{status}</span>{rest}</p>\n{loudness}{notes}{ignored}{viewer}{table}</section>\n",
        escape(name)
    )
}

fn loudness(comparison: &ComparisonOutcome) -> String {
    let of = |side: &Option<crate::app::outcome::DiffVideo>| side.as_ref().and_then(|video| video.loudness);
    match (of(&comparison.base), of(&comparison.head)) {
        (Some(base), Some(head)) => format!("<p>Loudness: {base:.1} LUFS to {head:.1} LUFS</p>\n"),
        _ => String::new(),
    }
}

fn table(number: usize, ranges: &[DiffRange], has_viewer: bool) -> String {
    let row = |range: &DiffRange| {
        let time = format!("{:.2}–{:.2} s", range.start, range.end);
        let time = if has_viewer {
            let start = range.start;
            format!("<button type=\"button\" data-of=\"{number}\" data-time=\"{start}\">{time}</button>")
        } else {
            time
        };
        let DiffRange { kind, frames, .. } = range;
        let boxes = range.boxes.iter().take(3);
        let boxes =
            boxes.map(|around| format!("{}x{} at {}, {}", around.width, around.height, around.x, around.y));
        let boxes = boxes.collect::<Vec<_>>().join("; ");
        let most = range.instant.max(range.sustained);
        format!(
            "<tr><td>{time}</td><td>{kind}</td><td>{frames}</td><td>{most:.1}</td><td>{boxes}</td></tr>\n"
        )
    };
    let rows = ranges.iter().take(MAX_RANGES).map(row).collect::<String>();
    let more = ranges.len().saturating_sub(MAX_RANGES);
    let more = if more == 0 { String::new() } else { format!("<p>and {more} more ranges</p>") };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Changed ranges\"><table>\n<thead><tr>\
         <th scope=\"col\">Time</th><th scope=\"col\">Kind</th><th scope=\"col\">Frames</th>\
         <th scope=\"col\">Largest difference</th><th scope=\"col\">Where</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>{more}"
    )
}
