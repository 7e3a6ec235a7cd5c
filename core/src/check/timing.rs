//! Checks of when elements are shown.

use super::outline::{Node, Outline};
use super::page::Page;
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::json::spelling;

/// Differences below this many seconds are not reported.
const TOLERANCE: f64 = 0.05;

/// A slot that ends this many seconds before its composition counts as filled, and one that starts as late as from the
/// start.
const SLOT_TOLERANCE: f64 = 0.5;

/// Elements that are not rendered; source: HTML standard, section 15.3.1.
const NOT_RENDERED: &[&str] = &["script", "style", "template", "noscript", "link", "meta"];

/// When an element is shown, in seconds of its composition.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    start: f64,
    /// Unknown if the element has no duration.
    end: Option<f64>,
}

impl Window {
    /// Returns the window of an element; `None` if its start is relative to another element, or not a number.
    fn of(node: &Node) -> Option<Self> {
        let start = match node.value("data-start") {
            None => 0.0,
            Some(text) => number(text)?.max(0.0),
        };
        let end = match (node.attribute("data-duration"), node.attribute("data-end")) {
            (Some(duration), _) => {
                number(duration).filter(|seconds| *seconds >= 0.0).map(|seconds| start + seconds)
            }
            (None, Some(end)) => number(end).filter(|end| *end >= start),
            (None, None) => None,
        };
        Some(Self { start, end })
    }

    /// Returns the start and the end, if both are known.
    fn both(self) -> Option<(f64, f64)> {
        Some((self.start, self.end?))
    }
}

pub(super) fn check(page: &Page, text: &Text<'_>, is_mounted: bool) -> Vec<Diagnostic> {
    let outline = &page.outline;
    let Some(root) = outline.root() else { return Vec::new() };
    let mut found = Vec::new();
    let rows = rows(outline, root);
    if !is_mounted {
        found.extend(rows.iter().filter_map(|row| past_end(outline, root, *row, text)));
    }
    for row in rows.into_iter().filter(|row| !is_composition(&outline.nodes[*row])) {
        never_visible(outline, row, text, &mut found);
    }
    found.extend(nested_videos(outline, text));
    found.extend(early_ends(outline, root, text));
    found
}

/// Returns whether an element has a time of its own.
fn is_timed(node: &Node) -> bool {
    node.attribute("data-start").is_some()
        || (node.attribute("data-track-index").is_some() && node.attribute("data-duration").is_some())
        || matches!(&*node.name, "video" | "audio" | "img")
}

/// Returns whether an element is the root of a composition, or mounts one.
fn is_composition(node: &Node) -> bool {
    node.attribute("data-composition-src").is_some() || node.attribute("data-composition-id").is_some()
}

/// Returns the outermost timed elements inside an element, in source order.
fn rows(outline: &Outline, index: usize) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut next = index + 1;
    while next < outline.nodes[index].after {
        let node = &outline.nodes[next];
        if NOT_RENDERED.contains(&&*node.name) {
            next = node.after;
        } else if is_composition(node) || is_timed(node) {
            rows.push(next);
            next = node.after;
        } else {
            next += 1;
        }
    }
    rows
}

fn past_end(outline: &Outline, root: usize, row: usize, text: &Text<'_>) -> Option<Diagnostic> {
    let limit = number(outline.nodes[root].value("data-duration")?).filter(|seconds| *seconds > 0.0)?;
    let node = &outline.nodes[row];
    let (start, end) = Window::of(node)?.both()?;
    if end <= limit + TOLERANCE {
        return None;
    }
    let message = format!(
        "{} is shown from {} to {}, but the composition ends at {}",
        node.label(),
        seconds(start),
        seconds(end),
        seconds(limit)
    );
    let help = format!("set data-duration of the root to {}, or end the element earlier", plain_seconds(end));
    Some(text.finding(Rule::ClipPastEnd, node.span, message).help(help))
}

/// Finds timed elements inside a timed element that is never shown at the same time.
fn never_visible(outline: &Outline, parent: usize, text: &Text<'_>, found: &mut Vec<Diagnostic>) {
    // No recursion: elements may be nested as deeply as a file has tags.
    let mut queue = vec![parent];
    while let Some(parent) = queue.pop() {
        let outer = &outline.nodes[parent];
        let window = Window::of(outer).and_then(Window::both);
        for row in rows(outline, parent) {
            let node = &outline.nodes[row];
            if !is_composition(node) {
                queue.push(row);
            }
            let follows =
                &*node.name != "audio" && node.attribute("data-hf-media-start-basis") != Some("global");
            let own = Window::of(node).and_then(Window::both);
            let (true, Some((from, to)), Some((start, end))) = (follows, window, own) else { continue };
            if end > from && start < to {
                continue;
            }
            let message = format!(
                "{} is never shown: its time is {} to {}, but {} around it is shown from {} to {}",
                node.label(),
                seconds(start),
                seconds(end),
                outer.label(),
                seconds(from),
                seconds(to)
            );
            let help = "data-start counts from the start of the composition, also in nested elements";
            found.push(text.finding(Rule::ClipNeverVisible, node.span, message).help(help));
        }
    }
}

/// Finds videos with a time inside elements with a time.
fn nested_videos<'a>(outline: &'a Outline, text: &'a Text<'_>) -> impl Iterator<Item = Diagnostic> + 'a {
    // The nearest timed element around each element, so that deep nesting takes linear time.
    let mut around = vec![None; outline.nodes.len()];
    for (index, node) in outline.nodes.iter().enumerate() {
        around[index] = node.parent.and_then(|parent| {
            let above = &outline.nodes[parent];
            let is_wrapper = above.value("data-start").is_some()
                && above.value("data-composition-id").is_none()
                && !matches!(&*above.name, "video" | "audio");
            if is_wrapper { Some(parent) } else { around[parent] }
        });
    }
    let nodes = outline.nodes.iter().zip(around);
    let videos = nodes.filter(|(node, _)| &*node.name == "video" && node.value("data-start").is_some());
    videos.filter_map(|(node, wrapper)| {
        let message = format!(
            "{} and {} around it both have data-start; its frames are extracted without the time of the outer element",
            node.label(),
            outline.nodes[wrapper?].label()
        );
        let help = "remove data-start from one of them, or move the video out";
        Some(text.finding(Rule::VideoInTimedElement, node.span, message).help(help))
    })
}

/// Finds mounts from the start of the composition that end before it, with nothing after them.
fn early_ends(outline: &Outline, root: usize, text: &Text<'_>) -> Vec<Diagnostic> {
    let limit = outline.nodes[root].value("data-duration").and_then(number).filter(|seconds| *seconds > 0.0);
    let Some(limit) = limit else { return Vec::new() };
    let timed = outline
        .nodes
        .iter()
        .enumerate()
        .filter(|(index, node)| *index != root && node.value("data-start").is_some());
    let timed = timed.map(|(_, node)| {
        let start = node.value("data-start").and_then(number).unwrap_or(0.0);
        let duration = node.value("data-duration").and_then(number).filter(|seconds| *seconds > 0.0);
        (node, start, duration.map_or(f64::INFINITY, |seconds| start + seconds))
    });
    let timed = timed.collect::<Vec<_>>();
    if timed.iter().any(|(_, _, end)| *end >= limit - SLOT_TOLERANCE) {
        return Vec::new();
    }
    let early = timed.iter().filter(|(node, start, _)| {
        node.attribute("data-composition-src").is_some() && *start <= SLOT_TOLERANCE
    });
    early
        .map(|(node, _, end)| {
            let message = format!(
                "{} ends at {}, but the composition ends at {}; nothing is shown in between",
                node.label(),
                seconds(*end),
                seconds(limit)
            );
            let help =
                format!("set data-duration of the composition to {}, or fill the rest", plain_seconds(*end));
            text.finding(Rule::MountEndsEarly, node.span, message).help(help)
        })
        .collect()
}

/// Parses a number as JavaScript's `Number` does, for decimal numbers.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Formats seconds with at most two decimals, without the unit.
fn plain_seconds(value: f64) -> String {
    spelling((value * 100.0).round() / 100.0)
}

/// Formats seconds with at most two decimals.
pub(super) fn seconds(value: f64) -> String {
    format!("{} s", plain_seconds(value))
}
