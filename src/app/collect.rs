//! The use case `collect`: downloads the videos of renders that were submitted without waiting.

use std::path::PathBuf;

use hyperframes_ci_core::api::{RenderDetail, RenderStatus, Request};
use hyperframes_ci_core::job::{Fact, RenderFact, RenderState};

use super::outcome::{CollectOutcome, CollectState, CollectedRender};
use super::render::wait_for;
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::renderers::{LedgerFile, RunOptions, ledger_path};
use crate::system::deadline::Deadline;
use crate::system::gate::Reach;
use crate::system::random;
use crate::ui::{Console, plain};

/// What to collect.
pub(crate) struct CollectSpec {
    /// IDs of renders; if empty, all of the ledger that have not ended for it.
    pub(crate) render_ids: Vec<String>,
    /// Directory for the videos.
    pub(crate) folder: PathBuf,
    /// Where the directory may be.
    pub(crate) reach: Reach,
    /// The ledger, and how long a download may take.
    pub(crate) options: RunOptions,
}

/// Downloads the videos of renders that are complete, and records the end of each in the ledger. A render that is still
/// running is left for the next call.
///
/// # Errors
/// Returns an error if there is no credential, the API rejects it, or the ledger cannot be used. The failure of a render is
/// in the outcome.
pub(crate) fn collect(spec: &CollectSpec, console: &mut Console) -> Result<CollectOutcome, Error> {
    let account = environment::credential()?.credential.account_digest();
    let transport = environment::transport()?;
    let path = match &spec.options.reuse.ledger {
        Some(path) => Some(ledger_path(path)?),
        None => LedgerFile::default_path(),
    };
    let api = transport.base().to_string();
    let open = |path: PathBuf| LedgerFile::open(&path, &api, account.as_deref(), true, Deadline::NEVER);
    let mut ledger = path.map(open).transpose()?;
    let submitted = ledger.as_ref().map(LedgerFile::submitted).transpose()?.unwrap_or_default();
    let known = |id: &str| submitted.iter().find(|fact| fact.render_id == id).cloned();
    let wanted = match &*spec.render_ids {
        [] => submitted.iter().map(|fact| (fact.render_id.clone(), Some(fact.clone()))).collect(),
        ids => ids.iter().map(|id| (id.clone(), known(id))).collect::<Vec<_>>(),
    };
    let mut outcome = CollectOutcome::default();
    for (render_id, fact) in wanted {
        let (render, state) = collect_one(spec, &transport, &render_id, console)?;
        if let (Some(ledger), Some(fact), Some(state)) = (&mut ledger, fact, state) {
            ledger.append(Fact::Render(RenderFact { state, ..fact }))?;
        }
        outcome.add(render);
    }
    Ok(outcome)
}

/// Looks at one render, and downloads its video if it is complete. Returns how it has ended.
fn collect_one(
    spec: &CollectSpec,
    transport: &Transport,
    render_id: &str,
    console: &mut Console,
) -> Result<(CollectedRender, Option<RenderState>), Error> {
    let mut render = CollectedRender::new(render_id);
    let response = transport.call(&Request::render(render_id), environment::max_retries()?, random());
    let detail = response.and_then(|response| response.data::<RenderDetail>().map_err(CallError::from));
    match detail {
        Ok(detail) => {
            render.title.clone_from(&detail.title);
            render.callback_id.clone_from(&detail.callback_id);
            match detail.status() {
                RenderStatus::Completed => {}
                RenderStatus::Failed => {
                    render.fail("render_failed", &detail.failure_reason());
                    console.not_done(&format!("{} failed: {}", plain(render_id), detail.failure_reason()));
                    return Ok((render, Some(RenderState::Failed)));
                }
                _ => {
                    console.detail(&format!("{} is still running", plain(render_id)));
                    return Ok((render, None));
                }
            }
            let format = detail.format.as_deref().unwrap_or("mp4");
            render.output_path = Some(spec.folder.join(file_name(render_id, format)));
        }
        // Whether it is deleted is decided by the job, which asks again for a while.
        Err(CallError::Api(error)) if error.is_render_not_found() => {}
        Err(CallError::Api(error)) if error.is_authentication() => {
            return Err(CallError::Api(error).into());
        }
        Err(error) => {
            let error = Error::from(error);
            report_failure(&mut render, &error, console);
            return Ok((render, None));
        }
    }
    let path = render.output_path.take();
    match wait_for(render_id, &spec.options, path.as_deref(), &spec.reach, console) {
        Ok(saved) => {
            render.state = CollectState::Collected;
            render.output_path = saved.output_path;
            render.duration = saved.video.and_then(|video| video.video).and_then(|video| video.duration);
            Ok((render, Some(RenderState::Completed)))
        }
        Err(error) => {
            report_failure(&mut render, &error, console);
            let is_gone = error.code() == "render_deleted";
            Ok((render, is_gone.then_some(RenderState::Gone)))
        }
    }
}

/// Reports an error of one render, and records it.
fn report_failure(render: &mut CollectedRender, error: &Error, console: &mut Console) {
    console.not_done(&format!("{}: {error}", plain(&render.render_id)));
    render.fail(error.code(), &error.to_string());
}

/// Returns the name of a video's file. The ID comes from a server or from an event, so no other characters are kept.
fn file_name(render_id: &str, format: &str) -> String {
    let safe = |text: &str| {
        let keep = |character: char| character.is_ascii_alphanumeric() || character == '_';
        text.chars().map(|character| if keep(character) { character } else { '-' }).collect::<String>()
    };
    format!("{}.{}", safe(render_id), safe(format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_stay_in_the_directory() {
        assert_eq!(file_name("hfr_1", "mp4"), "hfr_1.mp4");
        assert_eq!(file_name("../../etc/passwd", "m/p"), "------etc-passwd.m-p");
    }
}
