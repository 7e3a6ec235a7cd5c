//! Checks of video, audio and image elements and their files.

use std::collections::BTreeMap;

use super::outline::Node;
use super::page::{Page, Pages};
use super::timing::number;
use crate::findings::{Diagnostic, Rule, Severity, Text};
use crate::project::{Destination, HEAD, Link};
use crate::text::Span;

/// Hosts of example media; source: RFC 2606 and the services' own documentation.
const PLACEHOLDERS: &[&str] =
    &["dummyimage.com", "example.com", "picsum.photos", "placehold.co", "placeholder.com", "placekitten.com"];

/// Shorter data is not media.
const MIN_INLINE: usize = 20;

/// A kind of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Image,
    Video,
    Audio,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Video => "a video",
            Self::Audio => "an audio file",
        }
    }

    /// Returns the kind that the extension of a path or the type of a `data:` URL names.
    fn of_name(target: &str) -> Option<Self> {
        let target = target.trim();
        if let Some(data) =
            target.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:")).map(|_| &target[5..])
        {
            let kind = data.split([';', ',', '/']).next().unwrap_or_default().to_ascii_lowercase();
            return match kind.as_str() {
                "image" => Some(Self::Image),
                "video" => Some(Self::Video),
                "audio" => Some(Self::Audio),
                _ => None,
            };
        }
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let (_, extension) = path.rsplit('/').next().unwrap_or_default().rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "png" | "gif" | "bmp" | "webp" | "svg" | "heic" | "heif" | "tiff" | "ico" => {
                Some(Self::Image)
            }
            "mp4" | "mov" | "avi" | "webm" | "mkv" | "flv" | "wmv" | "m4v" | "mpg" | "mpeg" => {
                Some(Self::Video)
            }
            "mp3" | "wav" | "aac" | "flac" | "opus" | "aiff" | "wma" => Some(Self::Audio),
            _ => None,
        }
    }

    /// Returns the kind of a file by its first bytes; `None` if they are not known, or of several kinds.
    fn of_bytes(head: &[u8]) -> Option<Self> {
        let is = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
        if is(0, b"\x89PNG") || is(0, b"\xff\xd8\xff") || is(0, b"GIF8") || (is(0, b"RIFF") && is(8, b"WEBP"))
        {
            return Some(Self::Image);
        }
        if is(4, b"ftyp") {
            return match head.get(8..12) {
                Some(b"avif" | b"heic" | b"mif1") => Some(Self::Image),
                Some(b"M4A " | b"M4B ") => Some(Self::Audio),
                _ => Some(Self::Video),
            };
        }
        if is(0, b"\x1a\x45\xdf\xa3") || (is(0, b"RIFF") && is(8, b"AVI ")) {
            return Some(Self::Video);
        }
        let is_frame =
            |first: u8, second: u8| first == 0xff && matches!(second, 0xfb | 0xf3 | 0xf2 | 0xf1 | 0xf9);
        if is(0, b"ID3") || is(0, b"fLaC") || (is(0, b"RIFF") && is(8, b"WAVE")) {
            return Some(Self::Audio);
        }
        if matches!(head, [first, second, ..] if is_frame(*first, *second)) {
            return Some(Self::Audio);
        }
        let text =
            std::str::from_utf8(&head[..head.len().min(HEAD - 3)]).ok()?.trim_start_matches('\u{feff}');
        text.trim_start().starts_with("<svg").then_some(Self::Image)
    }
}

pub(super) fn check(pages: &Pages<'_>, page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let sets_sources = page.facts.usage.words.contains("src");
    for (index, node) in page.outline.nodes.iter().enumerate() {
        let source = node.span_of("src").zip(node.value("src"));
        if let Some((span, target)) = source {
            found.extend(inline(text, span, target));
            found.extend(mismatch(pages, page, text, node, span, target));
        }
        if !matches!(&*node.name, "video" | "audio") {
            continue;
        }
        let is_timed = node.value("data-start").is_some();
        let children = &page.outline.nodes[index + 1..node.after];
        let has_source = source.is_some()
            || children.iter().any(|child| &*child.name == "source" && child.value("src").is_some());
        if is_timed && !has_source {
            found.push(without_source(text, node, sets_sources));
        }
        if has_source && !is_timed {
            let message = format!("{} has no data-start, so the renderer does not control it", node.label());
            let help = "add data-start=\"0\", or when it starts";
            found.push(text.finding(Rule::MediaWithoutStart, node.span, message).help(help));
        }
        if &*node.name == "video" {
            found.extend(sound(text, node, is_timed));
        }
    }
    found.extend(page.outline.nodes.iter().filter_map(|node| placeholder(text, node)));
    found.extend(sounds(page, text));
    found.extend(duplicate_ids(page, text));
    found
}

/// Finds media elements with the id of another one and another source.
fn duplicate_ids(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut first = BTreeMap::<(&str, &str), &Node>::new();
    let mut found = Vec::new();
    for node in page.outline.nodes.iter().filter(|node| node.is_media() && node.value("data-start").is_some())
    {
        let (Some(id), Some(source)) = (node.value("id"), node.value("src")) else { continue };
        let other = *first.entry((&*node.name, id)).or_insert(node);
        if other.value("src") == Some(source) {
            continue;
        }
        let line = text.position(other.span.start).line;
        let message = format!(
            "the id {id:?} is already used in line {line}, and this source is used for both elements"
        );
        let help = "give each media element an id of its own, or none";
        found.push(text.finding(Rule::DuplicateMediaId, node.span, message).help(help));
    }
    found
}

/// The largest number of videos with one source that audio elements are compared with.
const MAX_VIDEOS: usize = 100;

/// An element with sound, and when it is heard, in seconds.
struct Sound<'a> {
    node: &'a Node,
    source: &'a str,
    start: f64,
    end: f64,
}

impl<'a> Sound<'a> {
    fn of(node: &'a Node) -> Option<Self> {
        let is_audible = match &*node.name {
            "audio" => true,
            "video" => {
                node.attribute("muted").is_none()
                    && node.attribute("data-has-audio").is_none_or(|is| is == "true")
            }
            _ => false,
        };
        let start = number(node.value("data-start").filter(|_| is_audible)?)?;
        let duration = node.value("data-duration").and_then(number);
        let end = duration.map_or(f64::INFINITY, |duration| start + duration);
        Some(Self { node, source: node.value("src")?, start, end })
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Finds sounds that are heard twice: a video and an audio element with the same source, and elements of one track.
fn sounds(page: &Page, text: &Text<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut sounds = page.outline.nodes.iter().filter_map(Sound::of).collect::<Vec<_>>();
    sounds.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut videos = BTreeMap::<&str, Vec<&Sound<'_>>>::new();
    for video in sounds.iter().filter(|sound| &*sound.node.name == "video") {
        let known = videos.entry(video.source).or_default();
        if known.len() < MAX_VIDEOS {
            known.push(video);
        }
    }
    // For each track, the sound that ends last of those before.
    let mut by_track = BTreeMap::<&str, usize>::new();
    for (index, sound) in sounds.iter().enumerate() {
        let same = videos.get(sound.source).filter(|_| &*sound.node.name == "audio");
        if let Some(video) = same.into_iter().flatten().find(|video| video.overlaps(sound)) {
            let message = format!(
                "{} and {} play the sound of the same file at the same time",
                sound.node.label(),
                video.node.label()
            );
            let help = "remove the audio element, or add muted to the video";
            found.push(text.finding(Rule::SoundTwice, sound.node.span, message).help(help));
        }
        let keep = |last: &mut usize| {
            if sounds[*last].end < sound.end {
                *last = index;
            }
        };
        let Some(track) = sound.node.value("data-track-index") else { continue };
        if let Some(other) = by_track.get(track).map(|other| &sounds[*other]).filter(|other| {
            let is_copy =
                other.source == sound.source && other.start == sound.start && other.end == sound.end;
            other.overlaps(sound) && !is_copy
        }) {
            let message = format!(
                "{} and {} are on track {track} at the same time, so both are heard",
                other.node.label(),
                sound.node.label()
            );
            let help = "give them different times, or different values of data-track-index";
            found.push(text.finding(Rule::TrackOverlap, sound.node.span, message).help(help));
        }
        by_track.entry(track).and_modify(keep).or_insert(index);
    }
    found
}

fn without_source(text: &Text<'_>, node: &Node, sets_sources: bool) -> Diagnostic {
    if let Some(variable) = node.value("data-var-src") {
        let message = format!(
            "{} has data-var-src={variable:?}, but no src; audio is extracted from src, which is also the default",
            node.label()
        );
        let help = "add src with the default";
        return text.finding(Rule::MediaWithoutFallback, node.span, message).help(help);
    }
    let message = format!("{} has data-start, but no src", node.label());
    let mut found =
        text.finding(Rule::MediaWithoutSrc, node.span, message).help("add src, or remove the element");
    if sets_sources {
        found.severity = Severity::Warning;
        found.message.push_str("; a script may set it, but media is extracted from the file as written");
    }
    found
}

/// Checks whether the sound of a video is declared.
fn sound(text: &Text<'_>, node: &Node, is_timed: bool) -> Option<Diagnostic> {
    let is_muted = node.attribute("muted").is_some();
    let declared = node.attribute("data-has-audio");
    match (is_muted, declared) {
        (false, None) if is_timed => {
            let message = format!("{} has neither muted nor data-has-audio", node.label());
            let help = "add data-has-audio=\"true\" if the file has sound, otherwise muted";
            Some(text.finding(Rule::VideoSoundUndeclared, node.span, message).help(help))
        }
        (true, Some("true")) => {
            let message = format!("{} is muted, but has data-has-audio=\"true\"", node.label());
            Some(text.finding(Rule::VideoSoundContradiction, node.span, message).help("remove one of them"))
        }
        _ => None,
    }
}

/// Finds sound and video inside of a URL.
fn inline(text: &Text<'_>, span: Span, target: &str) -> Option<Diagnostic> {
    let kind = Kind::of_name(target).filter(|kind| *kind != Kind::Image)?;
    let target = target.trim();
    let data = target
        .get(..5)
        .filter(|scheme| scheme.eq_ignore_ascii_case("data:"))
        .and(target.split_once(";base64,"));
    let (_, data) = data.filter(|(_, data)| data.len() >= MIN_INLINE)?;
    let size = (data.len() * 3 / 4).div_ceil(1024);
    let message =
        format!("{} is embedded as {size} KB of base64; the renderer cannot extract it", kind.noun());
    Some(text.finding(Rule::InlineMedia, span, message).help("save it as a file, and refer to the file"))
}

/// Compares the kind of a file with its element.
fn mismatch(
    pages: &Pages<'_>,
    page: &Page,
    text: &Text<'_>,
    node: &Node,
    span: Span,
    target: &str,
) -> Option<Diagnostic> {
    let expected = match &*node.name {
        "video" => Kind::Video,
        "img" => Kind::Image,
        "audio" => Kind::Audio,
        _ => return None,
    };
    let is_wrong = |kind: &Kind| match expected {
        // The sound of a video.
        Kind::Audio => *kind == Kind::Image,
        expected => *kind != expected,
    };
    let head = match page.destination(span) {
        Some(Destination::Packed(path) | Destination::Outside(path)) => pages.tree.head(path),
        _ => None,
    };
    // The renderer goes by the content.
    let (kind, how) = match head.and_then(|head| Kind::of_bytes(&head)) {
        Some(kind) => (kind, "by its content"),
        None => (Kind::of_name(target)?, "by its name"),
    };
    is_wrong(&kind).then_some(())?;
    let shown = if target.len() > 80 { target.split(',').next().unwrap_or_default() } else { target };
    let message = format!("the source of {} is {} {how}: {shown:?}", node.label(), kind.noun());
    let help = match kind {
        Kind::Image => "use <img>",
        Kind::Video => "use <video>",
        Kind::Audio => "use <audio>",
    };
    Some(text.finding(Rule::MediaKindMismatch, span, message).help(help))
}

/// Finds media on hosts of examples.
fn placeholder(text: &Text<'_>, node: &Node) -> Option<Diagnostic> {
    if !matches!(&*node.name, "video" | "audio" | "img") {
        return None;
    }
    let target = node.value("src")?;
    if !matches!(Link::of(target), Link::Remote(_)) {
        return None;
    }
    let rest = target.split_once("//").map_or(target, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let is_placeholder = PLACEHOLDERS
        .iter()
        .any(|known| host == *known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.')));
    let message = format!("{host} is a placeholder service, which does not have the file at render time");
    let help = "refer to your own file";
    is_placeholder.then(|| {
        text.finding(Rule::PlaceholderMedia, node.span_of("src").unwrap_or(node.span), message).help(help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_name_and_by_the_first_bytes() {
        assert_eq!(Kind::of_name("a/B.MP3?x=1.png#y"), Some(Kind::Audio));
        assert_eq!(Kind::of_name("data:Video/mp4;base64,AA"), Some(Kind::Video));
        assert_eq!(Kind::of_name("a.b/c"), None);
        let image: &[&[u8]] =
            &[b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF1234WEBP", b" <svg xmlns"];
        let video: &[&[u8]] = &[b"\0\0\0\x20ftypisom", b"\x1a\x45\xdf\xa3", b"RIFF1234AVI "];
        let audio: &[&[u8]] = &[b"ID3\x04", b"\xff\xfb\x90", b"RIFF1234WAVE", b"fLaC", b"\0\0\0\x20ftypM4A "];
        for (kind, heads) in [(Kind::Image, image), (Kind::Video, video), (Kind::Audio, audio)] {
            for head in heads {
                assert_eq!(Kind::of_bytes(head), Some(kind), "{head:?}");
            }
        }
        for head in [&b"version https://git-lfs"[..], b"", b"OggS", b"<html>"] {
            assert_eq!(Kind::of_bytes(head), None, "{head:?}");
        }
    }
}
