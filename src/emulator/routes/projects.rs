//! Published projects, as the official `hyperframes publish` sends them. A new project gets an ID of the server: whether the
//! API keeps the one that a client suggests is unknown.

use std::fs::File;

use hyperframes_ci_core::archive::DIRECT_UPLOAD_LIMIT;
use serde_json::{Map, Value, json};

use super::archives::check_archive;
use super::rejection::Rejection;
use super::validation::{json_body, object, optional, required};
use crate::emulator::server::Request;
use crate::emulator::state::{Asset, PublishedProject, State, random_secret};

const MEDIA_TYPE: &str = "application/zip";

/// `POST /v1/hyperframes/projects/publish/upload`: announces an upload.
pub(super) fn create_upload(state: &State, request: &mut Request) -> Result<Value, Rejection> {
    space(request)?;
    let body = json_body(request)?;
    let body = object(&body)?;
    required(body, "file_name")?;
    if required(body, "content_type")? != MEDIA_TYPE {
        return Err(Rejection::parameter("content_type", "must be application/zip"));
    }
    let size = body.get("content_length").and_then(Value::as_u64).filter(|size| *size > 0);
    let size = size.ok_or_else(|| Rejection::parameter("content_length", "must be a positive integer"))?;
    if size > DIRECT_UPLOAD_LIMIT {
        return Err(Rejection::too_large(DIRECT_UPLOAD_LIMIT));
    }
    let asset =
        Asset { kind: MEDIA_TYPE, size, checksum: None, stored: None, completed: false, conflicts: 0 };
    let headers = asset.signed_headers().into_iter().map(|(name, value)| (name, value.into()));
    let headers = headers.collect::<Map<String, Value>>();
    let signed = asset.signed_text();
    let mut inner = state.lock();
    let key = inner.ids.next("pub");
    let name = asset.name(&key);
    inner.assets.insert(key.clone(), asset);
    Ok(json!({
        "upload_url": state.presigner.url("PUT", &name, &signed),
        "upload_key": key,
        "content_type": MEDIA_TYPE,
        "upload_headers": headers,
        "expires_in_seconds": state.config.url_lifetime.as_secs(),
    }))
}

/// `POST /v1/hyperframes/projects/publish/complete`: publishes what was uploaded, in place of an earlier version if the account
/// has the project.
pub(super) fn complete(state: &State, request: &mut Request, url: &str) -> Result<Value, Rejection> {
    let space = space(request)?;
    let is_signed_in = request.header("authorization").is_some();
    let body = json_body(request)?;
    let body = object(&body)?;
    let key = required(body, "upload_key")?;
    required(body, "file_name")?;
    let title = required(body, "title")?.to_owned();
    let is_public = match body.get("is_public") {
        None => false,
        Some(Value::Bool(is_public)) => *is_public,
        Some(_) => return Err(Rejection::parameter("is_public", "must be a boolean")),
    };
    let wanted = optional(body, "project_id")?;
    let is_stored = state.lock().assets.get(key).is_some_and(|asset| asset.stored.is_some());
    if !is_stored {
        return Err(Rejection::parameter("upload_key", "nothing was uploaded"));
    }
    let path = state.path(&Asset::file_name(key));
    check_archive(&path, None)?;
    let archive = File::open(&path).ok().and_then(|file| zip::ZipArchive::new(file).ok());
    let file_count = archive.map(|archive| archive.len()).unwrap_or_default();
    let mut inner = state.lock();
    let id = inner.ids.next("prj");
    let projects = &mut inner.stats.projects;
    let own =
        projects.iter_mut().find(|known| is_signed_in && known.claimed && wanted == Some(&*known.project_id));
    let project = match own {
        Some(known) => {
            known.versions += 1;
            (known.title, known.file_count, known.space) = (title, file_count, space);
            known.is_public |= is_public;
            known.clone()
        }
        None => {
            let claimed = is_signed_in;
            let project = PublishedProject {
                project_id: id,
                title,
                is_public,
                claimed,
                space,
                file_count,
                versions: 1,
            };
            projects.push(project.clone());
            project
        }
    };
    drop(inner);
    let mut answer = json!({
        "project_id": project.project_id,
        "title": project.title,
        "url": format!("{url}/p/{}", project.project_id),
        "claimed": project.claimed,
        "file_count": project.file_count,
    });
    if !project.claimed {
        answer["claim_token"] = random_secret().into();
    }
    Ok(answer)
}

/// Returns the space of a request, which needs a sign-in.
fn space(request: &Request) -> Result<Option<String>, Rejection> {
    let space = request.header("x-space-id").map(str::to_owned);
    if space.is_some() && request.header("authorization").is_none() {
        return Err(Rejection {
            status: 403,
            code: "forbidden",
            message: "a space requires a sign-in".to_owned(),
            param: None,
        });
    }
    Ok(space)
}
