//! Uploaded archives: direct uploads with a presigned URL, and the old way through the API.

use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
use serde_json::{Value, json};

use super::api;
use super::multipart::file_field;
use super::server::Request;
use super::state::State;
use super::validate::{Rejection, object, optional, required};

/// An asset, or one that is still on its way.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    /// As announced, in bytes.
    pub(super) size: u64,
    /// As announced, in hexadecimal.
    pub(super) checksum: Option<String>,
    /// Of the bytes that arrived.
    pub(super) stored: Option<String>,
    /// Whether it can be rendered.
    pub(super) completed: bool,
    /// How many more times `complete` answers 409.
    conflicts: u32,
}

/// The stored file of an asset.
pub(super) fn file_name(asset_id: &str) -> String {
    format!("{asset_id}.zip")
}

/// What the signature of an upload URL covers.
pub(super) fn signed_headers(asset: &Asset) -> Vec<(String, String)> {
    let mut headers = vec![("content-type".to_owned(), "application/zip".to_owned())];
    headers.extend(asset.checksum.clone().map(|checksum| ("x-amz-meta-sha256".to_owned(), checksum)));
    headers
}

/// The signed headers and length as one text.
pub(super) fn signed_text(asset: &Asset) -> String {
    let headers = signed_headers(asset).into_iter().map(|(name, value)| format!("{name}:{value}\n"));
    headers.chain([format!("content-length:{}", asset.size)]).collect()
}

/// `POST /v3/assets/direct-uploads`
pub(super) fn create_upload(state: &State, body: &Value) -> Result<Value, Rejection> {
    let body = object(body)?;
    required(body, "filename")?;
    if required(body, "content_type")? != "application/zip" {
        return Err(Rejection::parameter("content_type", "the emulator takes application/zip only"));
    }
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
    let asset = Asset { size, checksum, stored: None, completed: false, conflicts };
    let headers = signed_headers(&asset).into_iter().map(|(name, value)| (name, value.into()));
    let headers = headers.collect::<serde_json::Map<String, Value>>();
    let signed = signed_text(&asset);
    let mut inner = state.lock();
    let asset_id = state.fresh_id(&mut inner, "asst");
    inner.assets.insert(asset_id.clone(), asset);
    Ok(json!({
        "asset_id": asset_id,
        "upload_url": state.presign("PUT", &file_name(&asset_id), &signed),
        "upload_headers": headers,
        "expires_in_seconds": state.config.url_lifetime.as_secs(),
        "max_bytes": DIRECT_UPLOAD_LIMIT,
        "status": "pending_upload",
    }))
}

/// `POST /v3/assets/{asset_id}/complete`
pub(super) fn complete(state: &State, asset_id: &str, body: &Value) -> Result<Value, Rejection> {
    let checksum = optional(object(body)?, "checksum_sha256")?;
    let mut inner = state.lock();
    let asset = inner.assets.get_mut(asset_id).ok_or_else(|| Rejection::not_found("asset"))?;
    let invisible = asset.stored.is_none() || (!asset.completed && asset.conflicts > 0);
    if invisible {
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
    let size = asset.size;
    let newly = !std::mem::replace(&mut asset.completed, true);
    inner.stats.assets_created += u64::from(newly);
    Ok(answer(state, asset_id, size))
}

/// `POST /v3/assets`
pub(super) fn proxy_upload(state: &State, request: &mut Request) -> Result<Value, Rejection> {
    let key = api::idempotency_key(request)?;
    let boundary = request
        .header("content-type")
        .and_then(|kind| kind.strip_prefix("multipart/form-data")?.split("boundary=").nth(1))
        .map(|boundary| boundary.trim_matches('"').to_owned())
        .ok_or_else(|| Rejection::parameter("body", "must be multipart/form-data"))?;
    let temporary = tempfile::NamedTempFile::new_in(state.folder()).map_err(|_| full())?;
    let mut file = temporary.reopen().map_err(|_| full())?;
    let size = file_field(request, &boundary, PROXY_UPLOAD_LIMIT, &mut file)?;
    let stored = crate::system::digest::of_file(temporary.path()).map_err(|_| full())?;
    let create = || {
        let mut inner = state.lock();
        let asset_id = state.fresh_id(&mut inner, "asst");
        temporary.persist(state.path(&file_name(&asset_id))).map_err(|_| full())?;
        let asset =
            Asset { size, checksum: None, stored: Some(stored.clone()), completed: true, conflicts: 0 };
        inner.assets.insert(asset_id.clone(), asset);
        inner.stats.assets_created += 1;
        inner.stats.bytes_uploaded += size;
        Ok(answer(state, &asset_id, size))
    };
    match key {
        Some(key) => api::once(state, "/v3/assets", &key, &stored, create),
        None => create(),
    }
}

fn answer(state: &State, asset_id: &str, size: u64) -> Value {
    json!({
        "asset_id": asset_id,
        "url": state.presign("GET", &file_name(asset_id), ""),
        "mime_type": "application/zip",
        "size_bytes": size,
        "status": "processing",
    })
}

fn full() -> Rejection {
    Rejection {
        status: 500,
        code: "storage_error",
        message: "the emulator cannot store this".to_owned(),
        param: None,
    }
}
