//! What the server remembers: assets, renders, keys. Each public function is one documented call.

use std::collections::{BTreeMap, HashMap};

use hyperframes_ci_core::archive::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Reply, Request};
use super::script::Script;
use crate::story::{Decision, Keys};

/// The secret in presigned URLs.
pub(crate) const SIGNATURE: &str = "presigned-secret-d41d8c";

/// How far an asset is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Pending,
    Stored,
    Ready,
}

struct Asset {
    size: u64,
    sha256: String,
    stage: Stage,
    /// Answers that do not see it yet.
    hidden: u64,
    is_dropped: bool,
}

/// A render that was charged.
pub(crate) struct Render {
    pub(crate) id: String,
    /// The title among its variables: what tells rows apart.
    pub(crate) row: String,
    pub(crate) fails: bool,
    callback_id: Value,
    created: Option<i64>,
    /// Looks until it ends.
    steps: u64,
    hidden_reads: u64,
    hidden_lists: u64,
    stale_lists: u64,
    null_urls: u64,
}

/// The first answer to a key.
enum Known {
    InProgress,
    Answered(u16, Value),
}

/// The account, the storage and the renderer.
pub(crate) struct Cloud {
    url: String,
    assets: Vec<Asset>,
    pub(crate) renders: Vec<Render>,
    keys: HashMap<(&'static str, String), Known>,
    /// The version of each row's video, where it is not the first.
    versions: BTreeMap<String, u64>,
    noise: u64,
    /// Assets that were charged and dropped.
    pub(crate) dropped: u64,
    /// Whether renders stay as they are.
    pub(crate) is_endless: bool,
    /// Whether a failed render was shown since this was last set to false.
    pub(crate) has_shown_failure: bool,
    /// Whether a lag or another property of the server has shown since this was last set to false.
    pub(crate) has_shown_quirk: bool,
}

fn error(status: u16, code: &str) -> (u16, Value) {
    let message = format!("the server says {code}");
    (status, json!({ "error": { "code": code, "message": message, "param": null, "doc_url": null } }))
}

impl Cloud {
    pub(crate) fn new(url: &str, script: &Script) -> Self {
        Self {
            url: url.to_owned(),
            assets: Vec::new(),
            renders: Vec::new(),
            keys: HashMap::new(),
            versions: BTreeMap::new(),
            noise: script.find(|decision| match decision {
                Decision::Noise(count) => Some(*count),
                _ => None,
            }),
            dropped: 0,
            is_endless: false,
            has_shown_failure: false,
            has_shown_quirk: false,
        }
    }

    /// Assets that can be rendered, each of which is charged.
    pub(crate) fn ready_assets(&self) -> u64 {
        self.assets.iter().filter(|asset| asset.stage == Stage::Ready).count() as u64
    }

    /// Forgets all assets, and perhaps the keys of their uploads.
    pub(crate) fn drop_assets(&mut self, forgets_keys: bool) {
        let dropped = self.ready_assets() - self.dropped;
        self.dropped += dropped;
        self.assets.iter_mut().for_each(|asset| asset.is_dropped = true);
        if forgets_keys {
            self.keys.retain(|(call, _), _| *call == "submit");
        }
    }

    pub(crate) fn version(&self, row: &str) -> u64 {
        self.versions.get(row).copied().unwrap_or_default()
    }

    pub(crate) fn change_version(&mut self, row: &str) {
        *self.versions.entry(row.to_owned()).or_default() += 1;
    }

    /// A key that was used before has its answer already.
    pub(crate) fn replay(&mut self, call: &'static str, key: &str, keys: Keys) -> Option<Reply> {
        let known = self.keys.get(&(call, key.to_owned()))?;
        let (status, body) = match (known, keys) {
            (_, Keys::Ignored) => return None,
            (Known::InProgress, _) => error(409, "request_in_progress"),
            (Known::Answered(..), Keys::Refused) => error(422, "idempotency_key_reused"),
            (Known::Answered(status, body), Keys::Replayed) => return Some(Reply::json(*status, body)),
        };
        self.has_shown_quirk = true;
        let reply = Reply::json(status, &body);
        Some(if status == 409 { reply.with("retry-after", "1") } else { reply })
    }

    /// Marks a key as in use.
    pub(crate) fn reserve(&mut self, call: &'static str, key: &str) {
        self.keys.insert((call, key.to_owned()), Known::InProgress);
    }

    /// Remembers the answer to a key; errors are not remembered.
    pub(crate) fn remember(&mut self, call: &'static str, key: &str, (status, body): &(u16, Value)) {
        let key = (call, key.to_owned());
        if *status < 300 {
            self.keys.insert(key, Known::Answered(*status, body.clone()));
        } else {
            self.keys.remove(&key);
        }
    }

    /// `POST /v3/assets`.
    pub(crate) fn upload(&mut self, request: &Request) -> (u16, Value) {
        let kind = request.header("content-type").unwrap_or_default();
        let boundary = kind.split_once("boundary=").map(|(_, boundary)| boundary.trim_matches('"'));
        let find = |text: &[u8], from: usize| {
            request.body[from..].windows(text.len()).position(|part| part == text).map(|at| at + from)
        };
        let file = boundary.and_then(|boundary| {
            let start = find(b"\r\n\r\n", 0)? + 4;
            let end = find(format!("\r\n--{boundary}--").as_bytes(), start)?;
            String::from_utf8_lossy(&request.body[..start]).contains("name=\"file\"").then_some((start, end))
        });
        let Some((start, end)) = file else { return error(400, "invalid_parameter") };
        let bytes = &request.body[start..end];
        let id = format!("asset_{}", self.assets.len());
        let (size, sha256) = (bytes.len() as u64, hex(&Sha256::digest(bytes)));
        self.assets.push(Asset { size, sha256, stage: Stage::Ready, hidden: 0, is_dropped: false });
        self.asset(&id, size)
    }

    /// `POST /v3/assets/direct-uploads`.
    pub(crate) fn create_upload(&mut self, request: &Request, hidden: u64) -> (u16, Value) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (Some(size), Some(_), Some(kind)) =
            (body["size_bytes"].as_u64(), body["filename"].as_str(), body["content_type"].as_str())
        else {
            return error(400, "invalid_parameter");
        };
        if kind != "application/zip" {
            return error(400, "invalid_parameter");
        }
        let sha256 = body["checksum_sha256"].as_str().unwrap_or_default().to_owned();
        let id = format!("asset_{}", self.assets.len());
        self.assets.push(Asset { size, sha256, stage: Stage::Pending, hidden, is_dropped: false });
        let answer = json!({ "data": {
            "asset_id": id, "upload_url": format!("{}/storage/{id}?X-Signature={SIGNATURE}", self.url),
            "upload_headers": { "x-storage-class": "standard" }, "expires_in_seconds": 3600,
            "max_bytes": 209_715_200, "status": "pending_upload"
        } });
        (200, answer)
    }

    fn find_asset(&mut self, id: &str) -> Option<&mut Asset> {
        let index = id.strip_prefix("asset_")?.parse::<usize>().ok()?;
        self.assets.get_mut(index).filter(|asset| !asset.is_dropped)
    }

    /// `PUT <upload_url>`.
    pub(crate) fn store(&mut self, request: &Request) -> Reply {
        let is_signed = request.parameter("X-Signature") == Some(SIGNATURE)
            && request.header("x-storage-class") == Some("standard")
            && request.header("content-type") == Some("application/zip");
        let asset = request.path.strip_prefix("/storage/").and_then(|id| self.find_asset(id));
        match asset {
            Some(asset) if is_signed => {
                let is_whole = request.body.len() as u64 == asset.size
                    && hex(&Sha256::digest(&request.body)) == asset.sha256;
                if !is_whole {
                    return Reply::new(400, "application/xml", "<Error><Code>BadDigest</Code></Error>");
                }
                if asset.stage == Stage::Pending {
                    asset.stage = Stage::Stored;
                }
                Reply::new(200, "application/xml", "")
            }
            _ => Reply::new(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>"),
        }
    }

    /// `POST /v3/assets/{asset_id}/complete`.
    pub(crate) fn complete(&mut self, id: &str) -> (u16, Value) {
        let Some(asset) = self.find_asset(id) else { return error(404, "asset_not_found") };
        if asset.stage == Stage::Pending || asset.hidden > 0 {
            asset.hidden = asset.hidden.saturating_sub(1);
            self.has_shown_quirk = true;
            return error(409, "object_not_visible");
        }
        asset.stage = Stage::Ready;
        let size = asset.size;
        self.asset(id, size)
    }

    fn asset(&self, id: &str, size: u64) -> (u16, Value) {
        let url = format!("{}/files/{id}", self.url);
        let data = json!({ "asset_id": id, "url": url, "mime_type": "application/zip", "size_bytes": size });
        (200, json!({ "data": data }))
    }

    /// `POST /v3/hyperframes/renders`.
    pub(crate) fn submit(&mut self, request: &Request, script: &Script) -> (u16, Value) {
        let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
            return error(400, "invalid_parameter");
        };
        let project = &body["project"];
        let asset = project["asset_id"].as_str().and_then(|id| self.find_asset(id));
        let is_archive = |data: &str| data.starts_with("UEsDB") && data.len().is_multiple_of(4);
        let is_inline = project["type"] == "base64"
            && project["media_type"] == "application/zip"
            && project["data"].as_str().is_some_and(is_archive);
        if !is_inline && asset.is_none_or(|asset| asset.stage != Stage::Ready) {
            self.has_shown_quirk = true;
            return error(400, "hyperframes_project_invalid");
        }
        let row = body["variables"]["title"].as_str().unwrap_or_default().to_owned();
        let earlier = self.renders.iter().filter(|render| render.row == row).count() as u64;
        let id = format!("render_{}", self.renders.len());
        let (hidden_reads, hidden_lists) = script.lag();
        self.renders.push(Render {
            id: id.clone(),
            fails: script.failures(&row) > earlier,
            row,
            callback_id: body["callback_id"].clone(),
            created: script.has_creation_time().then(|| script.now()),
            steps: script.steps,
            hidden_reads,
            hidden_lists,
            stale_lists: script.stale_lists(),
            null_urls: script.null_urls(),
        });
        (200, json!({ "data": { "render_id": id } }))
    }

    /// `GET /v3/hyperframes/renders/{render_id}`.
    pub(crate) fn get(&mut self, id: &str, script: &Script) -> Reply {
        let (url, is_endless) = (self.url.clone(), self.is_endless);
        let Some(index) = self.renders.iter().position(|render| render.id == id) else {
            let (status, body) = error(404, "hyperframes_render_not_found");
            return Reply::json(status, &body);
        };
        let render = &mut self.renders[index];
        if render.hidden_reads > 0 {
            render.hidden_reads -= 1;
            self.has_shown_quirk = true;
            let (status, body) = error(404, "hyperframes_render_not_found");
            return if script.is_lag_a_page() { Reply::page(404) } else { Reply::json(status, &body) };
        }
        render.look(is_endless);
        let mut detail = render.detail(&url, script);
        if render.steps == 0 && render.null_urls > 0 {
            render.null_urls -= 1;
            self.has_shown_quirk = true;
            detail["video_url"] = Value::Null;
        }
        self.has_shown_failure |= self.renders[index].has_failed();
        Reply::json(200, &json!({ "data": detail }))
    }

    /// `GET /v3/hyperframes/renders`.
    pub(crate) fn list(&mut self, request: &Request, script: &Script) -> Reply {
        let limit = request.parameter("limit").map_or(Some(10), |text| text.parse::<usize>().ok());
        let limit = limit.filter(|limit| (1..=100).contains(limit));
        let token = request.parameter("token").map(|token| token.strip_prefix("before-")?.parse().ok());
        let (Some(limit), token) = (limit, token) else {
            let (status, body) = error(400, "invalid_parameter");
            return Reply::json(status, &body);
        };
        let (noise, total) = (self.noise, self.noise + self.renders.len() as u64);
        let mut at = token.flatten().unwrap_or(total).min(total);
        let (mut data, url, is_endless) = (Vec::new(), self.url.clone(), self.is_endless);
        while at > 0 && data.len() < limit {
            at -= 1;
            let Some(index) = at.checked_sub(noise) else {
                data.push(
                    json!({ "render_id": format!("other_{at}"), "status": "completed", "format": "mp4",
                    "callback_id": null, "video_url": null, "created_at": script.now() - 100 }),
                );
                continue;
            };
            let render = &mut self.renders[usize::try_from(index).unwrap()];
            if render.hidden_lists > 0 {
                render.hidden_lists -= 1;
                self.has_shown_quirk = true;
                continue;
            }
            render.look(is_endless);
            let mut detail = render.detail(&url, script);
            if render.steps == 0 && render.stale_lists > 0 {
                render.stale_lists -= 1;
                self.has_shown_quirk = true;
                (detail["status"], detail["video_url"]) = ("rendering".into(), Value::Null);
            } else {
                self.has_shown_failure |= render.has_failed();
            }
            data.push(detail);
        }
        let next = (at > 0).then(|| format!("before-{at}"));
        Reply::json(200, &json!({ "data": data, "has_more": next.is_some(), "next_token": next }))
    }

    /// The row of a video, where the URL is valid.
    pub(crate) fn video(&self, request: &Request) -> Option<String> {
        let id = request.path.strip_prefix("/video/")?.strip_suffix(".mp4")?;
        let render = self.renders.iter().find(|render| render.id == id && !render.fails)?;
        (request.parameter("X-Signature") == Some(SIGNATURE)).then(|| render.row.clone())
    }
}

impl Render {
    fn has_failed(&self) -> bool {
        self.fails && self.steps == 0
    }

    /// Every look brings it nearer to its end.
    fn look(&mut self, is_endless: bool) {
        if !is_endless {
            self.steps = self.steps.saturating_sub(1);
        }
    }

    fn detail(&self, url: &str, script: &Script) -> Value {
        let status = match self.steps {
            0 if self.fails => script.failed_status(),
            0 => "completed",
            1 => "rendering",
            _ => "queued",
        };
        let video =
            (status == "completed").then(|| format!("{url}/video/{}.mp4?X-Signature={SIGNATURE}", self.id));
        json!({ "render_id": self.id, "status": status, "format": "mp4", "title": null, "composition": null,
            "callback_id": self.callback_id, "video_url": video, "thumbnail_url": null, "duration": 1.0,
            "fps": 30, "created_at": self.created, "completed_at": null, "a_new_field": [1],
            "failure_message": (self.has_failed()).then_some("a font is missing") })
    }
}
