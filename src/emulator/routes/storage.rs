//! The storage: presigned PUT and GET, and no requests that carry credentials.

use std::fs::File;
use std::io::{self, Read, Write};

use hyperframes_ci_core::archive::hex;
use sha2::{Digest, Sha256};

use crate::emulator::envelopes::{storage_error, url_expired};
use crate::emulator::server::{Content, Reply, Request};
use crate::emulator::state::{Asset, State, UrlError};

/// Headers that must not reach a storage.
const CREDENTIAL_HEADERS: [&str; 4] = ["authorization", "x-api-key", "cookie", "idempotency-key"];

/// Answers a request; its faults and its record are the caller's.
pub(super) fn answer(state: &State, request: &mut Request) -> Reply {
    if let Some(name) = CREDENTIAL_HEADERS.iter().find(|name| request.header(name).is_some()) {
        // Not 403, which clients take for an expired URL: a leaked credential must not be retried.
        return storage_error(400, "InvalidRequest", &format!("unexpected header {name}"));
    }
    let name = request.path.trim_start_matches('/').to_owned();
    match request.method.as_str() {
        "PUT" => put(state, request, &name),
        "GET" | "HEAD" => get(state, request, &name),
        _ => storage_error(405, "MethodNotAllowed", "only PUT, GET and HEAD are allowed"),
    }
}

/// Checks the presigned URL.
fn authorize(state: &State, request: &Request, method: &str, name: &str, signed: &str) -> Result<(), Reply> {
    let parameter = |parameter: &str| request.parameter(parameter);
    state.presigner.verify(parameter, method, name, signed).map_err(|error| match error {
        UrlError::WrongSignature => {
            storage_error(403, "SignatureDoesNotMatch", "the signature does not match this request")
        }
        UrlError::Expired => url_expired(),
    })
}

fn put(state: &State, request: &mut Request, name: &str) -> Reply {
    let asset_id = name.split('.').next().unwrap_or_default().to_owned();
    let Some(asset) = state.lock().assets.get(&asset_id).cloned() else {
        return storage_error(404, "NoSuchKey", "no upload was created for this name");
    };
    if let Err(reply) = authorize(state, request, "PUT", name, &asset.signed_text()) {
        return reply;
    }
    if let Err(message) = check_headers(request, &asset) {
        return storage_error(403, "SignatureDoesNotMatch", &message);
    }
    match store(state, request, name, &asset) {
        Ok(digest) if asset.checksum.as_ref().is_some_and(|expected| *expected != digest) => {
            storage_error(400, "BadDigest", "the SHA-256 of the body does not match the declared one")
        }
        Ok(digest) => {
            let mut inner = state.lock();
            inner.stats.bytes_uploaded += asset.size;
            if let Some(asset) = inner.assets.get_mut(&asset_id) {
                asset.stored = Some(digest);
            }
            Reply::new(200, "application/xml", "").header("etag", "\"stored\"")
        }
        Err(error) => storage_error(400, "IncompleteBody", &error.to_string()),
    }
}

/// Checks that the headers are the signed ones, with the signed length and no other `x-amz-` header.
fn check_headers(request: &Request, asset: &Asset) -> Result<(), String> {
    let signed = asset.signed_headers();
    for (name, value) in &signed {
        if request.header(name) != Some(value) {
            return Err(format!("the header {name} differs from the signed value"));
        }
    }
    if request.header("content-length") != Some(&asset.size.to_string()) {
        return Err("the content length differs from the signed value".to_owned());
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
        return Err(io::Error::other("the body is shorter than declared"));
    }
    temporary.persist(state.path(name))?;
    Ok(hex(&hasher.finalize()))
}

fn get(state: &State, request: &Request, name: &str) -> Reply {
    match authorize(state, request, "GET", name, "") {
        Ok(()) => stored(state, request, name),
        Err(reply) => reply,
    }
}

/// Returns a stored file, or the range of it that is asked for.
pub(super) fn stored(state: &State, request: &Request, name: &str) -> Reply {
    let opened = File::open(state.path(name)).and_then(|file| Ok((file.metadata()?.len(), file)));
    let Ok((size, file)) = opened else { return storage_error(404, "NoSuchKey", "object not found") };
    let kind = match name.rsplit('.').next() {
        Some("mp4") => "video/mp4",
        Some("webm") => "video/webm",
        Some("mov") => "video/quicktime",
        Some("png") => "image/png",
        Some("wav") => "audio/wav",
        _ => "application/octet-stream",
    };
    let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let (status, start, end) = match range {
        None => (200, 0, size),
        Some((start, end)) => {
            let start = start.parse::<u64>().unwrap_or(0);
            let end = end.parse::<u64>().map_or(size, |last| (last + 1).min(size));
            if start >= end {
                return storage_error(416, "InvalidRange", "range not satisfiable")
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
