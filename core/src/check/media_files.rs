//! Checks of media by the headers of their files: what they contain, and how long they are.

use std::collections::BTreeMap;

use super::outline::Node;
use super::page::{Page, Pages};
use super::timing::{number, seconds};
use crate::findings::{Diagnostic, Rule, Severity, Text};
use crate::media::{Edges, Media, has_properties};
use crate::project::Destination;
use crate::text::Span;

/// Files may be shorter than their elements by this many seconds: encoders cut and pad.
const TOLERANCE: f64 = 0.25;

/// Extensions of images that browsers do not show.
const UNSHOWN: &[&str] = &["heic", "heif", "psd", "tif", "tiff"];

/// Video codecs that browsers play; others are decoded by the renderer.
const PLAYED: &[&str] = &["av1", "h264", "vp8", "vp9"];

/// Checks the video, audio and image elements of a page.
pub(super) fn check(pages: &Pages<'_>, page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut known = BTreeMap::new();
    let mut found = Vec::new();
    for node in page.outline.nodes.iter().filter(|node| matches!(&*node.name, "video" | "audio" | "img")) {
        let Some(span) = node.span_of("src") else { continue };
        let Some(Destination::Packed(path) | Destination::Outside(path)) = page.destination(span) else {
            continue;
        };
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        if &*node.name == "img" && UNSHOWN.iter().any(|other| other.eq_ignore_ascii_case(extension)) {
            let message = format!("browsers show no .{extension} images");
            let help = "convert the image to PNG, JPEG or WebP";
            found.push(text.finding(Rule::MediaKindMismatch, span, message).help(help));
        }
        if !has_properties(path) {
            continue;
        }
        let file = known.entry(path.as_str()).or_insert_with(|| {
            let edges = pages.tree.edges(path)?;
            let drawing = if extension.eq_ignore_ascii_case("svg") { broken_drawing(&edges) } else { None };
            Some((edges.size, is_markup(&edges.head), drawing, Media::read(&edges)))
        });
        let Some((size, is_markup, drawing, media)) = file else { continue };
        if let Some((message, help)) = drawing.filter(|_| &*node.name == "img") {
            found.push(text.finding(Rule::EmptyMedia, span, message).help(help));
        }
        if *is_markup && node.is_media() {
            let message = format!("the source of {} is a text file; the renderer rejects it", node.label());
            let help = "save the media file again; the text may be an error of a server";
            found.push(text.finding(Rule::MediaKindMismatch, span, message).help(help));
        }
        if *size == 0 || media.as_ref().is_some_and(Media::is_empty) {
            let what = if *size == 0 { "file has no bytes" } else { "image has no pixels" };
            let message = format!("the {what}: {:?}", node.value("src").unwrap_or_default());
            found.push(text.finding(Rule::EmptyMedia, span, message).help("save the file again"));
        }
        if let Some(media) = media {
            found.extend(kind(text, node, span, media));
            found.extend(times(text, node, media));
            found.extend(codec(text, span, media));
        }
    }
    found
}

/// Returns why browsers show no image of an SVG file, and what to do.
fn broken_drawing(edges: &Edges) -> Option<(&'static str, &'static str)> {
    let find = |bytes: &[u8], part: &str| memchr::memmem::find(bytes, part.as_bytes());
    let head = &edges.head;
    let tag = &head[find(head, "<svg")?..];
    let tag = &tag[..find(tag, ">")?];
    // Nothing is to be drawn.
    if tag.ends_with(b"/") {
        return None;
    }
    if find(head, "http://www.w3.org/2000/svg").is_none() {
        let help = "add xmlns=\"http://www.w3.org/2000/svg\" to <svg>";
        return Some(("the SVG file has no namespace, so browsers show no image", help));
    }
    let end = if edges.tail.is_empty() { head } else { &edges.tail };
    let is_whole = edges.size == head.len() as u64 || !edges.tail.is_empty();
    (is_whole && find(end, "</svg").is_none())
        .then_some(("the SVG file is cut: </svg> is missing", "save the file again"))
}

/// Returns whether a file starts like HTML, XML or JSON. Playlists have a rule of their own.
fn is_markup(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    matches!(text, [b'<', b'!' | b'h' | b'H', ..] | [b'{', ..])
}

/// Compares the tracks of a file with its element. Images have a rule of their own.
fn kind(text: &Text<'_>, node: &Node, span: Span, media: &Media) -> Option<Diagnostic> {
    let (what, help) = match (&*node.name, &media.video, media.has_sound) {
        ("video", None, true) => ("has sound only", "use <audio>"),
        ("audio", Some(_), false) => ("has no sound", "use <video>, or a file with sound"),
        _ => return None,
    };
    let message = format!("the source of {} {what}; the renderer rejects it", node.label());
    Some(text.finding(Rule::MediaKindMismatch, span, message).help(help))
}

/// Compares the length of a file with the times of its element.
fn times(text: &Text<'_>, node: &Node, media: &Media) -> Option<Diagnostic> {
    let length = media.duration?;
    // Other elements are not timed by the renderer.
    node.value("data-start")?;
    let from = node.value("data-media-start").and_then(number).unwrap_or(0.0).max(0.0);
    let is_video = &*node.name == "video";
    let is_looped = node.attribute("loop").is_some();
    if from >= length && !is_looped {
        let then = if is_video { "its last frame is shown" } else { "nothing is heard" };
        let message =
            format!("{} starts at {} of a file of {}: {then}", node.label(), seconds(from), seconds(length));
        let place = node.span_of("data-media-start").unwrap_or(node.span);
        let help = "set data-media-start to a time before the end";
        return Some(text.finding(Rule::MediaStartPastEnd, place, message).help(help));
    }
    let slot = node.value("data-duration").and_then(number)?;
    if slot <= length - from + TOLERANCE || is_looped {
        return None;
    }
    let then = if is_video { "its last frame is shown" } else { "nothing is heard" };
    let message = format!(
        "{} lasts {}, but {} of its file are left: {then} for the rest",
        node.label(),
        seconds(slot),
        seconds(length - from)
    );
    let help = "shorten data-duration, or use a longer file";
    let place = node.span_of("data-duration").unwrap_or(node.span);
    let mut found = text.finding(Rule::MediaTooShort, place, message).help(help);
    if !is_video {
        found.severity = Severity::Note;
    }
    Some(found)
}

/// Finds videos that a preview does not show.
fn codec(text: &Text<'_>, span: Span, media: &Media) -> Option<Diagnostic> {
    let codec = media.video.as_deref().filter(|codec| !PLAYED.contains(codec))?;
    let message = format!("browsers may not play the codec {codec}; the renderer decodes it");
    let help = "convert the video to H.264 for previews";
    Some(text.finding(Rule::CodecWithoutPreview, span, message).help(help))
}
