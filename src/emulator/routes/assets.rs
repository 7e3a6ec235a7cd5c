//! Uploads: direct, with a presigned URL, or through the API.

use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
use serde_json::{Value, json};

use super::idempotency;
use super::multipart::copy_file_field;
use super::rejection::Rejection;
use super::validation::{object, optional, required};
use crate::emulator::server::Request;
use crate::emulator::state::{Asset, State, media_type};
use crate::system::digest;

/// `POST /v3/assets/direct-uploads`: announces an upload.
pub(super) fn create_upload(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    required(body, "filename")?;
    let kind = media_type(required(body, "content_type")?).ok_or_else(|| {
        Rejection::parameter("content_type", "must be application/zip, audio/mpeg, audio/wav or video/mp4")
    })?;
    let size = body
        .get("size_bytes")
        .and_then(Value::as_u64)
        .filter(|size| *size > 0)
        .ok_or_else(|| Rejection::parameter("size_bytes", "must be a positive integer"))?;
    if size > DIRECT_UPLOAD_LIMIT {
        return Err(Rejection::too_large(DIRECT_UPLOAD_LIMIT));
    }
    let checksum = optional(body, "checksum_sha256")?.map(str::to_owned);
    let is_sha256 = |text: &String| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if checksum.as_ref().is_some_and(|checksum| !is_sha256(checksum)) {
        return Err(Rejection::parameter("checksum_sha256", "must be 64 hexadecimal digits"));
    }
    let conflicts = state.config.complete_conflicts;
    let asset = Asset { kind, size, checksum, stored: None, completed: false, conflicts };
    let headers = asset.signed_headers().into_iter().map(|(name, value)| (name, value.into()));
    let headers = headers.collect::<serde_json::Map<String, Value>>();
    let signed = asset.signed_text();
    let mut inner = state.lock();
    let asset_id = inner.ids.next("asst");
    let name = asset.name(&asset_id);
    inner.assets.insert(asset_id.clone(), asset);
    Ok(json!({
        "asset_id": asset_id,
        "upload_url": state.presigner.url("PUT", &name, &signed),
        "upload_headers": headers,
        "expires_in_seconds": state.config.url_lifetime.as_secs(),
        "max_bytes": DIRECT_UPLOAD_LIMIT,
        "status": "pending_upload",
    }))
}

/// `POST /v3/assets/{asset_id}/complete`: completes an uploaded archive.
pub(super) fn complete(state: &State, asset_id: &str, body: &Value) -> Result<Value, Rejection> {
    let checksum = optional(object(body)?, "checksum_sha256")?;
    let mut inner = state.lock();
    let asset = inner.assets.get_mut(asset_id).ok_or_else(|| Rejection::not_found("asset"))?;
    if asset.stored.is_none() || (!asset.completed && asset.conflicts > 0) {
        asset.conflicts = asset.conflicts.saturating_sub(u32::from(asset.stored.is_some()));
        return Err(Rejection {
            status: 409,
            code: "asset_not_uploaded",
            message: "Uploaded object not found yet".to_owned(),
            param: None,
        });
    }
    if checksum.is_some() && asset.stored.as_deref() != checksum {
        return Err(Rejection::parameter("checksum_sha256", "does not match the stored bytes"));
    }
    let was_completed = std::mem::replace(&mut asset.completed, true);
    let answer = asset_json(state, asset_id, asset);
    inner.stats.assets_created += u64::from(!was_completed);
    Ok(answer)
}

/// `POST /v3/assets`: receives an archive as a form.
pub(super) fn proxy_upload(state: &State, request: &mut Request) -> Result<Value, Rejection> {
    let key = idempotency::key(request)?;
    let boundary = request
        .header("content-type")
        .and_then(|kind| kind.strip_prefix("multipart/form-data")?.split("boundary=").nth(1))
        .map(|boundary| boundary.trim_matches('"').to_owned())
        .ok_or_else(|| Rejection::parameter("body", "must be multipart/form-data"))?;
    let temporary = tempfile::NamedTempFile::new_in(state.folder()).map_err(|_| Rejection::storage())?;
    let mut file = temporary.reopen().map_err(|_| Rejection::storage())?;
    let (size, kind) = copy_file_field(request, &boundary, PROXY_UPLOAD_LIMIT, &mut file)?;
    let kind = media_type(kind.as_deref().unwrap_or("application/zip"))
        .ok_or_else(|| Rejection::parameter("file", "must be a ZIP archive, MP3, WAV or MP4"))?;
    let stored = digest::of_file(temporary.path()).map_err(|_| Rejection::storage())?;
    let create = || {
        let mut inner = state.lock();
        let asset_id = inner.ids.next("asst");
        let stored = Some(stored.clone());
        let asset = Asset { kind, size, checksum: None, stored, completed: true, conflicts: 0 };
        temporary.persist(state.path(&asset.name(&asset_id))).map_err(|_| Rejection::storage())?;
        let answer = asset_json(state, &asset_id, &asset);
        inner.assets.insert(asset_id.clone(), asset);
        inner.stats.assets_created += 1;
        inner.stats.bytes_uploaded += size;
        Ok(answer)
    };
    match key {
        Some(key) => idempotency::create_once(state, "/v3/assets", &key, create),
        None => create(),
    }
}

fn asset_json(state: &State, asset_id: &str, asset: &Asset) -> Value {
    json!({
        "asset_id": asset_id,
        "url": state.presigner.url("GET", &asset.name(asset_id), ""),
        "mime_type": asset.kind,
        "size_bytes": asset.size,
        "status": "processing",
    })
}
