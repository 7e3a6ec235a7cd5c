//! The requests of a job, and their idempotency keys.

use std::ops::Range;

use serde_json::Value;

use super::state::{Call, Job};
use super::{Archive, Source};
use crate::api::{IdempotencyKey, Product, Project, Request, UploadRequest};

/// The member of a clip's submission that names its audio.
pub(super) const AUDIO: &str = "audio_asset_id";

/// The member of a translation's submission that names its video.
pub(super) const VIDEO: &str = "video";

/// What of a render key follows a key that the user chose for many renders: 16 digits behind the prefix.
const PART_OF_KEY: Range<usize> = 5..21;

/// The most of an asset's id that follows the key of its upload.
const LONGEST_PART: usize = 100;

impl Archive {
    /// Returns the description of its upload.
    fn upload(&self) -> UploadRequest {
        UploadRequest {
            filename: self.filename(),
            content_type: self.kind.content_type(),
            size_bytes: self.size,
            checksum_sha256: self.sha256.clone(),
        }
    }
}

impl Job {
    /// Returns the request of a call.
    ///
    /// # Errors
    /// Returns the error of a plan without a required value.
    pub(super) fn request(&self, call: &Call) -> Result<Request, &'static str> {
        let keys = &self.plan.keys;
        let chosen = || keys.chosen.clone();
        // Without an archive or an identity, the shell provides a key.
        let fallback = || keys.fallback.clone().ok_or("no idempotency key");
        let archive = match &self.plan.source {
            Source::Archive(archive) => Ok(archive),
            _ => Err("no archive to upload"),
        };
        let upload_key = |archive: &Archive| -> Result<IdempotencyKey, &'static str> {
            let own = || archive.key().map(|key| key.numbered(self.upload_round));
            chosen().or_else(own).map_or_else(fallback, Ok)
        };
        Ok(match call {
            Call::List => self.account.request().ok_or("no more pages in the list of the account")?,
            Call::Balance => Request::account(),
            Call::CreateUpload => {
                let archive = archive?;
                Request::create_upload(&archive.upload(), &upload_key(archive)?)
            }
            Call::Put { upload_url, headers, .. } => {
                Request::put_archive(upload_url, headers, archive?.kind.content_type())
            }
            Call::Complete { asset_id, .. } => {
                let archive = archive?;
                // A response must not be cached for another asset, nor "not visible yet" permanently.
                let allowed =
                    |character: &char| character.is_ascii_alphanumeric() || "_-".contains(*character);
                let part = asset_id.chars().filter(allowed).take(LONGEST_PART).collect::<String>();
                let key = upload_key(archive)?.of_part(&part);
                let key = match self.attempt {
                    0 => key,
                    attempt => key.of_part(&format!("repeat{attempt}")),
                };
                Request::complete_upload(asset_id, &archive.sha256, &key)
            }
            Call::ProxyUpload => {
                let archive = archive?;
                Request::proxy_upload(&archive.upload(), &upload_key(archive)?)
            }
            Call::Submit(project) => {
                let mut body = self.plan.body.clone();
                // Without an asset, the archive itself is a part of the body.
                let is_inline = project.is_none() && archive.is_ok();
                match (self.plan.product, project) {
                    (_, None) => {}
                    (Product::Clip, Some(Project::AssetId { asset_id })) => {
                        body.insert(AUDIO.to_owned(), asset_id.clone().into());
                    }
                    (product, Some(project)) => {
                        let project = serde_json::to_value(project).expect("a project always serializes");
                        let name = if product == Product::Translation { VIDEO } else { "project" };
                        body.insert(name.to_owned(), project);
                    }
                }
                let key = keys.identity.as_ref().map(|identity| identity.key(self.generation));
                if let Some(key) = key.as_ref().filter(|_| !self.has_own_callback_id()) {
                    body.insert(self.plan.product.marker().to_owned(), key.as_str().into());
                }
                let part = key.as_ref().filter(|_| keys.is_chosen_for_many);
                let part = part.and_then(|key| key.as_str().get(PART_OF_KEY));
                let chosen = chosen().map(|chosen| part.map_or(chosen.clone(), |part| chosen.of_part(part)));
                let key = chosen.or_else(|| key.map(|key| key.idempotency_key()));
                let request = self.plan.product.submit(&body, &key.map_or_else(fallback, Ok)?);
                if is_inline { request.with_project() } else { request }
            }
            Call::Poll(render_id) => self.plan.product.detail(render_id),
        })
    }

    /// Returns whether the user has set the `callback_id`.
    pub(super) fn has_own_callback_id(&self) -> bool {
        self.plan.body.get("callback_id").is_some_and(|id| *id != Value::Null)
    }
}
