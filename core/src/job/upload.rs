//! Turns an archive into an asset: an existing one, or a new upload.

use std::time::Duration;

use super::calls::{AUDIO, VIDEO};
use super::state::{Because, Call, Job, State, Upload};
use super::{Action, Pause, Replacement, Retry, Source, UploadRoute};
use crate::api::{ApiError, DirectUpload, Product, Project};
use crate::archive::{INLINE_UPLOAD_LIMIT, PROXY_UPLOAD_LIMIT};
use crate::job::AssetState;
use crate::job::retry_delay;
use crate::job::{FailureKind, Stage};

/// How often `complete` is repeated while the storage does not show the object yet.
const COMPLETE_ATTEMPTS: u32 = 8;

/// Maximum number of new uploads after failed ones.
const MOST_ROUNDS: u32 = 1;

impl Job {
    /// Goes to the submission by the shortest way.
    pub(super) fn upload(&mut self) -> Action {
        match self.plan.source.clone() {
            Source::Project(project) => return self.next(Call::Submit(Some(project))),
            Source::Body => return self.next(Call::Submit(None)),
            Source::Archive(_) | Source::Render(_) => {}
        }
        if let Some(asset) = self.asset.clone() {
            return self.submit(asset);
        }
        let known = self.plan.reuse.asset.clone();
        match known.filter(|known| !self.refused_assets.contains(&known.asset_id)) {
            Some(known) if known.state == AssetState::Ready => {
                self.submit(Upload { id: known.asset_id, is_old: true })
            }
            Some(known) if !self.is_inline() => {
                self.next(Call::Complete { asset_id: known.asset_id, because: Because::Known })
            }
            Some(_) | None => self.restart_upload(),
        }
    }

    fn restart_upload(&mut self) -> Action {
        match self.plan.route {
            UploadRoute::Inline if self.is_inline() => {
                self.within(INLINE_UPLOAD_LIMIT, Stage::Submit, Call::Submit(None))
            }
            UploadRoute::Proxy => self.proxy(),
            UploadRoute::Auto | UploadRoute::Direct | UploadRoute::Inline => self.next(Call::CreateUpload),
        }
    }

    /// Returns whether the archive is a part of the submission. Only renders take one.
    fn is_inline(&self) -> bool {
        self.plan.route == UploadRoute::Inline && self.plan.product == Product::Render
    }

    fn proxy(&mut self) -> Action {
        self.within(PROXY_UPLOAD_LIMIT, Stage::Upload, Call::ProxyUpload)
    }

    /// Continues with `call`, unless the archive is larger than `limit` bytes.
    fn within(&mut self, limit: u64, stage: Stage, call: Call) -> Action {
        match &self.plan.source {
            Source::Archive(archive) if archive.size > limit => {
                let kind = FailureKind::TooLarge { size: archive.size, limit };
                self.fail(stage, kind)
            }
            _ => self.next(call),
        }
    }

    /// Handles an unreachable storage: it has another host than the API, which a firewall may block.
    pub(super) fn storage_unreachable(&mut self, reason: String) -> Action {
        let is_small =
            matches!(&self.plan.source, Source::Archive(archive) if archive.size <= PROXY_UPLOAD_LIMIT);
        if self.plan.route == UploadRoute::Auto && is_small {
            self.notice =
                Some(format!("cannot reach the storage ({reason}); uploading through the API instead"));
            return self.proxy();
        }
        self.fail(Stage::Upload, FailureKind::Unreachable(reason))
    }

    /// Handles a created upload.
    pub(super) fn on_upload_created(&mut self, upload: DirectUpload) -> Action {
        let size = match &self.plan.source {
            Source::Archive(archive) => archive.size,
            _ => 0,
        };
        if let Some(limit) = upload.max_bytes.filter(|limit| size > *limit) {
            return self.fail(Stage::CreateUpload, FailureKind::TooLarge { size, limit });
        }
        if self.refused_assets.contains(&upload.asset_id) && self.upload_round < MOST_ROUNDS {
            // The key is answered with the asset that the server does not take any more.
            self.upload_round += 1;
            return self.next(Call::CreateUpload);
        }
        let headers = upload.headers();
        self.note_asset(&upload.asset_id, AssetState::Announced);
        self.next(Call::Put { headers, upload_url: upload.upload_url, asset_id: upload.asset_id })
    }

    /// Handles an archive that the API has accepted, now or earlier.
    pub(super) fn received(&mut self, id: String) -> Action {
        if self.refused_assets.contains(&id) && self.can_restart_upload() {
            // As in `on_upload_created`.
            self.upload_round += 1;
            return self.next(Call::ProxyUpload);
        }
        self.uploaded(id, false)
    }

    /// Handles a completed upload.
    pub(super) fn completed(&mut self, asked: String, id: String, because: Because) -> Action {
        if self.refused_assets.contains(&id) && because != Because::Stored {
            // An answer about an asset that the server has dropped: neither is asked about again.
            self.refused_assets.push(asked);
            return self.upload();
        }
        self.uploaded(id, because != Because::Stored)
    }

    /// Continues with an asset that is ready.
    pub(super) fn uploaded(&mut self, id: String, is_old: bool) -> Action {
        self.note_asset(&id, AssetState::Ready);
        self.submit(Upload { id, is_old })
    }

    fn submit(&mut self, asset: Upload) -> Action {
        let asset_id = asset.id.clone();
        self.asset = Some(asset);
        self.next(Call::Submit(Some(Project::AssetId { asset_id })))
    }

    /// Handles a permanent error of an upload step.
    pub(super) fn upload_refused(&mut self, call: Call, error: Box<ApiError>, now: Duration) -> Action {
        // The page of a proxy does not mean that the asset is missing.
        let is_refusal = error.is_of_api() && !error.is_authentication();
        match (call, error.status) {
            (Call::CreateUpload, 404 | 405 | 501) if self.plan.route == UploadRoute::Auto => self.proxy(),
            // The key belongs to another request, such as one of another version of this program.
            (call @ (Call::CreateUpload | Call::ProxyUpload), 409) if self.can_restart_upload() => {
                self.upload_round += 1;
                self.next(call)
            }
            // "Object not visible yet": the storage is eventually consistent.
            (Call::Complete { asset_id, because: Because::Stored }, 409)
                if self.attempt < COMPLETE_ATTEMPTS =>
            {
                self.attempt += 1;
                let left = self.time_left(now);
                if left.is_zero() {
                    let kind = self.timed_out(Some(error.to_string()), now);
                    return self.fail(Stage::CompleteUpload, kind);
                }
                let delay = retry_delay(self.attempt.min(4), error.retry_after, self.plan.seed).min(left);
                let (attempt, of) = (self.attempt + 1, Some(COMPLETE_ATTEMPTS + 1));
                let stage = Stage::CompleteUpload;
                let reason = error.to_string();
                let retry = Retry { stage, reason, attempt, of, left };
                let call = Call::Complete { asset_id, because: Because::Stored };
                self.pause(call, Pause { delay, retry: Some(retry) })
            }
            (Call::Complete { because: Because::Stored, .. }, 409) if self.can_restart_upload() => {
                self.upload_round += 1;
                self.next(Call::CreateUpload)
            }
            (Call::Complete { because: Because::Known, .. }, 400..=499) if is_refusal => {
                self.restart_upload()
            }
            (Call::Complete { because: Because::Refused, .. }, 400..=499) if is_refusal => {
                self.upload_round += 1;
                self.next(Call::CreateUpload)
            }
            // What an expired URL gives, and a key that is answered with an upload of the past: the bytes may be there.
            (Call::Put { asset_id, .. }, 403 | 409 | 412) if self.can_restart_upload() => {
                self.next(Call::Complete { asset_id, because: Because::Refused })
            }
            (Call::Put { .. }, _) => self.fail(Stage::Upload, FailureKind::Storage(error)),
            (call, _) => self.fail(call.stage(), FailureKind::Api(error)),
        }
    }

    /// Handles a permanent error of the submission.
    pub(super) fn submission_refused(&mut self, error: Box<ApiError>) -> Action {
        let is_about_the_project = error.is_of_api()
            && matches!(error.status, 400 | 404 | 410 | 422)
            && error
                .param
                .as_deref()
                .is_none_or(|param| param.starts_with("project") || param == AUDIO || param == VIDEO);
        match self.asset.take() {
            // Other jobs meet the same refusal: one of them uploads for all.
            Some(asset) if asset.is_old && is_about_the_project && self.plan.reuse.is_asset_shared => {
                let refused = asset.id.clone();
                self.asset = Some(asset);
                self.state = State::Replacing(error);
                Action::ReplaceAsset(refused)
            }
            // What an earlier run uploaded may have been deleted since.
            Some(asset) if asset.is_old && is_about_the_project => self.upload_again(asset),
            None if self.is_inline() && (is_about_the_project || error.status == 413) => {
                self.notice = Some(
                    "the archive was sent with the submission; use --upload auto to upload it before the submission"
                        .to_owned(),
                );
                self.fail(Stage::Submit, FailureKind::Api(error))
            }
            asset => {
                self.asset = asset;
                self.fail(Stage::Submit, FailureKind::Api(error))
            }
        }
    }

    /// Uploads a replacement of an asset that the server refused.
    fn upload_again(&mut self, refused: Upload) -> Action {
        self.note_asset(&refused.id, AssetState::Refused);
        self.refused_assets.push(refused.id);
        self.upload()
    }

    /// Continues after the server refused a shared asset with `error`.
    pub(super) fn replaced(
        &mut self,
        error: Box<ApiError>,
        replacement: Replacement,
        now: Duration,
    ) -> Action {
        match (replacement, self.asset.take()) {
            (Replacement::Upload, Some(refused)) => self.upload_again(refused),
            (Replacement::Use(id), _) => {
                // The time that the other job took for its upload does not count.
                self.phase = Some(now);
                // It has just been uploaded: if it is refused as well, the asset is not the reason.
                self.submit(Upload { id, is_old: false })
            }
            (Replacement::Upload | Replacement::None, asset) => {
                self.asset = asset;
                self.fail(Stage::Submit, FailureKind::Api(error))
            }
        }
    }

    /// Returns whether another upload may be started. A key of the user is sent unchanged, so it allows only one.
    fn can_restart_upload(&self) -> bool {
        self.upload_round < MOST_ROUNDS && self.plan.keys.chosen.is_none()
    }
}
