//! The videos, and the host that has them.

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use super::http::{Delivery, Reply, Request};
use crate::faults::Fault;
use crate::story::Validators;

/// A clip whose last and largest box holds the samples.
const CLIP: &[u8] = include_bytes!("../../../src/emulator/clips/placeholder.mp4");

/// The video of a row: a whole MP4, with bytes of its own among the samples.
pub(crate) fn video(row: &str, version: u64) -> Vec<u8> {
    let mark = hex(&Sha256::digest(format!("{row} {version}")));
    let mut bytes = CLIP.to_vec();
    // Some at the beginning of the samples and some at the end, so that two versions that are put together show.
    for place in [1000, bytes.len() - mark.len()] {
        bytes[place..place + mark.len()].copy_from_slice(mark.as_bytes());
    }
    bytes
}

/// Answers a request for a version of a row's video.
pub(crate) fn serve(
    request: &Request,
    row: &str,
    version: u64,
    validators: Validators,
    fault: Option<Fault>,
) -> Reply {
    let body = video(row, version);
    let total = body.len();
    let tag = format!("\"{}-{version}\"", &hex(&Sha256::digest(row))[..12]);
    let date = format!("Fri, 20 Nov 2026 12:00:{:02} GMT", version % 60);
    let validator = match validators {
        _ if fault == Some(Fault::NoValidator) => None,
        Validators::Strong => Some(("etag", tag)),
        Validators::Weak => Some(("etag", format!("W/{tag}"))),
        Validators::Date => Some(("last-modified", date)),
    };
    let start = request.header("range").and_then(|range| range.strip_prefix("bytes="));
    let start = start.and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok());
    let is_same = match (request.header("if-range"), &validator) {
        (None, _) => true,
        (Some(wanted), Some((_, ours))) => wanted == ours && !ours.starts_with("W/"),
        (Some(_), None) => false,
    };
    let start = start.filter(|_| is_same || fault == Some(Fault::Spliced));
    let (first, end) = match (start, fault) {
        (start, Some(Fault::Part)) => {
            (start.unwrap_or(0), start.unwrap_or(0) + (total - start.unwrap_or(0)) / 3)
        }
        (start, _) => (start.unwrap_or(0), total),
    };
    let mut reply = if start.is_some_and(|start| start >= total) {
        Reply::new(416, "text/plain", "").with("content-range", format!("bytes */{total}"))
    } else if start.is_some() || fault == Some(Fault::Part) {
        let range = format!("bytes {first}-{}/{total}", end.max(first + 1) - 1);
        Reply::new(206, "video/mp4", &body[first..end.max(first + 1)]).with("content-range", range)
    } else {
        Reply::new(200, "video/mp4", body)
    };
    if let Some((name, value)) = validator {
        reply = reply.with(name, value);
    }
    reply.delivery = match fault {
        Some(Fault::CutVideo { per_mille, has_length }) => {
            let sent = reply.body.len() * usize::try_from(per_mille).unwrap() / 1000;
            Delivery::Cut { sent, has_length }
        }
        Some(Fault::NoLength) => Delivery::Unsized,
        _ => Delivery::Whole,
    };
    reply
}
