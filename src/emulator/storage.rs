//! The storage's origin: presigned PUT and GET, and not a byte for whoever shows a credential.

use std::fs::File;
use std::io::{self, Read, Write};

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use super::assets::{self, Asset};
use super::faults::Step;
use super::server::{Content, Reply, Request};
use super::state::State;
use crate::system::clock::unix_now;

/// Query parameters of a presigned URL.
pub(super) const EXPIRES: &str = "X-Emulator-Expires";
pub(super) const SIGNATURE: &str = "X-Emulator-Signature";

/// Headers that have no business at a storage.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "cookie", "idempotency-key"];

/// Answers one request.
pub(super) fn answer(state: &State, request: &mut Request) -> Reply {
    let step = if request.method == "PUT" { Step::Put } else { Step::Download };
    let reply = state.fault(step).play(&state.storage_url, || serve(state, request));
    // Paths here are file names; the query, which is a credential, is not recorded.
    state.record(&request.method, &request.path, reply.seen_status());
    reply
}

/// The answer to an expired URL.
pub(super) fn expired() -> Reply {
    refusal(403, "AccessDenied", "Request has expired")
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply::new(status, "application/xml", body)
}

fn serve(state: &State, request: &mut Request) -> Reply {
    if let Some(name) = CREDENTIALS.iter().find(|name| request.header(name).is_some()) {
        // Not 403, which a client takes for an expired URL: a leak must not look like bad luck.
        return refusal(400, "InvalidRequest", &format!("the header {name} does not belong here"));
    }
    let name = request.path.trim_start_matches('/').to_owned();
    match request.method.as_str() {
        "PUT" => put(state, request, &name),
        "GET" | "HEAD" => get(state, request, &name),
        _ => refusal(405, "MethodNotAllowed", "only PUT, GET and HEAD"),
    }
}

/// Whether the URL was made for this and is still valid.
fn authorized(state: &State, request: &Request, method: &str, name: &str, signed: &str) -> Result<(), Reply> {
    let expires = request.parameter(EXPIRES).and_then(|value| value.parse::<i64>().ok()).unwrap_or(0);
    let signature = request.parameter(SIGNATURE).unwrap_or_default();
    if signature != state.sign(method, name, expires, signed) {
        return Err(refusal(403, "SignatureDoesNotMatch", "the signature does not cover this request"));
    }
    if expires <= unix_now() { Err(expired()) } else { Ok(()) }
}

fn put(state: &State, request: &mut Request, name: &str) -> Reply {
    let asset_id = name.trim_end_matches(".zip").to_owned();
    let Some(asset) = state.lock().assets.get(&asset_id).cloned() else {
        return refusal(404, "NoSuchKey", "nothing was announced under this name");
    };
    if let Err(reply) = authorized(state, request, "PUT", name, &assets::signed_text(&asset)) {
        return reply;
    }
    if let Err(message) = check_headers(request, &asset) {
        return refusal(403, "SignatureDoesNotMatch", &message);
    }
    match store(state, request, name, &asset) {
        Ok(digest) if asset.checksum.as_ref().is_some_and(|expected| *expected != digest) => {
            refusal(400, "BadDigest", "the bytes do not have the announced SHA-256")
        }
        Ok(digest) => {
            let mut inner = state.lock();
            inner.stats.bytes_uploaded += asset.size;
            if let Some(asset) = inner.assets.get_mut(&asset_id) {
                asset.stored = Some(digest);
            }
            Reply::new(200, "application/xml", "").header("etag", "\"stored\"")
        }
        Err(error) => refusal(400, "IncompleteBody", &error.to_string()),
    }
}

/// The signed headers must be there as signed, the length exact, and no `x-amz-` header beside them.
fn check_headers(request: &Request, asset: &Asset) -> Result<(), String> {
    let signed = assets::signed_headers(asset);
    for (name, value) in &signed {
        if request.header(name) != Some(value) {
            return Err(format!("the header {name} is not as it was signed"));
        }
    }
    if request.header("content-length") != Some(&asset.size.to_string()) {
        return Err("the content length is not as it was signed".to_owned());
    }
    let is_signed = |name: &str| signed.iter().any(|(known, _)| known == name);
    match request.headers.iter().find(|(name, _)| name.starts_with("x-amz-") && !is_signed(name)) {
        Some((name, _)) => Err(format!("the header {name} was not signed")),
        None => Ok(()),
    }
}

fn store(state: &State, request: &mut Request, name: &str, asset: &Asset) -> io::Result<String> {
    let mut temporary = tempfile::NamedTempFile::new_in(state.folder())?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = request.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        hasher.update(&buffer[..count]);
        temporary.write_all(&buffer[..count])?;
    }
    if size != asset.size {
        return Err(io::Error::other("the body is shorter than announced"));
    }
    temporary.persist(state.path(name))?;
    Ok(hex(&hasher.finalize()))
}

fn get(state: &State, request: &Request, name: &str) -> Reply {
    if let Err(reply) = authorized(state, request, "GET", name, "") {
        return reply;
    }
    let opened = File::open(state.path(name)).and_then(|file| Ok((file.metadata()?.len(), file)));
    let Ok((size, file)) = opened else { return refusal(404, "NoSuchKey", "there is no such object") };
    let kind = match name.rsplit('.').next() {
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("mov") => "video/quicktime",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    };
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (status, start, end) = match range {
        None => (200, 0, size),
        Some((start, end)) => {
            let start = start.parse::<u64>().unwrap_or(0);
            let end = end.parse::<u64>().map_or(size, |last| (last + 1).min(size));
            if start >= end {
                return refusal(416, "InvalidRange", "beyond the end")
                    .header("content-range", format!("bytes */{size}"));
            }
            (206, start, end)
        }
    };
    let mut reply = Reply::new(status, kind, "")
        .header("accept-ranges", "bytes")
        .header("etag", format!("\"{name}-{size}\""));
    if status == 206 {
        reply = reply.header("content-range", format!("bytes {start}-{}/{size}", end - 1));
    }
    reply.content = Content::File { file, start, length: end - start };
    reply
}
