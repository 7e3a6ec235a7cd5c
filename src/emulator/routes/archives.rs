//! Projects of submissions: stored, fetched or sent along.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde_json::{Map, Value};

use super::rejection::Rejection;
use super::validation::required;
use crate::emulator::state::{Asset, State};

/// The HTML of a composition is read up to this many bytes.
const MAX_HTML: u64 = 64 * 1024 * 1024;

/// Returns the name of the stored archive of `project`.
///
/// # Errors
/// Returns a [`Rejection`] if the project is invalid, unknown, too large or cannot be fetched.
pub(super) fn stored_archive(state: &State, project: &Map<String, Value>) -> Result<String, Rejection> {
    match required(project, "type")? {
        "asset_id" => {
            let asset_id = required(project, "asset_id")?;
            let inner = state.lock();
            match inner.assets.get(asset_id) {
                Some(asset) if asset.is_audio() => {
                    Err(Rejection::parameter("project", "the asset is not an archive"))
                }
                Some(asset) if asset.completed => Ok(Asset::file_name(asset_id)),
                Some(_) => Err(Rejection::parameter("project", "the upload of this asset is not complete")),
                None => Err(Rejection::parameter("project", "asset not found")),
            }
        }
        "url" => fetch(state, required(project, "url")?),
        "base64" => {
            if required(project, "media_type")? != "application/zip" {
                return Err(Rejection::parameter("project", "media_type must be application/zip"));
            }
            let bytes = STANDARD
                .decode(required(project, "data")?)
                .map_err(|_| Rejection::parameter("project", "data is not valid base64"))?;
            if bytes.len() as u64 > PROXY_UPLOAD_LIMIT {
                return Err(Rejection::too_large(PROXY_UPLOAD_LIMIT));
            }
            store(state, &mut bytes.as_slice())
        }
        _ => Err(Rejection::parameter("project", "type must be asset_id, url or base64")),
    }
}

fn store(state: &State, source: &mut dyn Read) -> Result<String, Rejection> {
    let name = Asset::file_name(&state.lock().ids.next("proj"));
    let stored = File::create(state.path(&name))
        .and_then(|mut file| io::copy(&mut source.take(DIRECT_UPLOAD_LIMIT + 1), &mut file));
    match stored {
        Ok(size) if size > DIRECT_UPLOAD_LIMIT => Err(Rejection::too_large(DIRECT_UPLOAD_LIMIT)),
        Ok(_) => Ok(name),
        Err(_) => Err(Rejection::project("cannot read the project")),
    }
}

/// Fetches an archive by HTTPS, or by HTTP on loopback: other requests could reach the network behind the emulator.
fn fetch(state: &State, url: &str) -> Result<String, Rejection> {
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
        return Err(Rejection::parameter("project", "url must be https"));
    }
    let response =
        ureq::get(url).call().map_err(|_| Rejection::project("cannot fetch the url of the project"))?;
    store(state, &mut response.into_body().into_reader())
}

/// Checks that the archive holds the composition; returns the duration that the composition declares, in seconds.
///
/// # Errors
/// Returns a [`Rejection`] if the file is not a ZIP archive, or if the composition is missing or damaged.
pub(super) fn check_archive(path: &Path, composition: Option<&str>) -> Result<Option<f64>, Rejection> {
    let file = File::open(path).map_err(|_| Rejection::project("the archive no longer exists"))?;
    let mut archive = zip::ZipArchive::new(file)
        .map_err(|_| Rejection::project("the project is not a valid ZIP archive"))?;
    let entry = composition.unwrap_or(DEFAULT_COMPOSITION);
    for wanted in [DEFAULT_COMPOSITION, entry] {
        if archive.index_for_name(wanted).is_none() {
            return Err(Rejection::project(format!("the archive does not contain {wanted}")));
        }
    }
    let mut source = Vec::new();
    let read = archive.by_name(entry).map(|entry| entry.take(MAX_HTML).read_to_end(&mut source));
    if !matches!(read, Ok(Ok(_))) {
        return Err(Rejection::project(format!("{entry} in the archive is damaged")));
    }
    let composition = Composition::parse(entry, &String::from_utf8_lossy(&source));
    Ok(composition.root.and_then(|root| root.duration.number()))
}
