//! Makes presenter clips and translations, by the job that makes renders. Both are kept beside the ledger until their files are
//! recorded.

use std::io::Read;
use std::sync::MutexGuard;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::generated::{
    AudioFormat, CaptionFormat, Presenter, PresenterVoice, Translation, Wanted, captions_of_srt,
};
use hyperframes_ci_core::job::{Remedy, retry_delay};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::{Declared, MediaError};
use super::budget::Cost;
use super::entry::{Task, job};
use super::result::Problem;
use super::run::{Made, News, Run, locked};
use crate::heygen::source::Source;
use crate::renderers::{
    Audio, ClipOrder, Event, Footage, Input, KeptAnswer, KeptClip, OrderResult, OrderState, Reporter,
    make_clip,
};
use crate::system::abort::abort_at;
use crate::system::clock::pause;
use crate::system::deadline::Deadline;
use crate::system::gate::{self, Reach, limit};
use crate::system::output::OutputFile;
use crate::system::random;

/// The largest captions, in bytes: those of ten minutes are much smaller.
const MAX_CAPTIONS: u64 = 1024 * 1024;

/// Hears the events of one clip or translation.
struct ClipReporter<'a> {
    news: &'a mut dyn FnMut(News),
    result: Option<OrderResult>,
    /// Lets others upload once this one has an asset.
    upload: Option<MutexGuard<'a, ()>>,
}

impl Reporter for ClipReporter<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Asset { .. } => {
                self.upload = None;
                abort_at("uploaded");
            }
            Event::Render { .. } => {
                self.upload = None;
                abort_at("made");
            }
            Event::Warning(text) => (self.news)(News::Warning(text)),
            _ => {}
        }
    }

    fn result(&mut self, result: OrderResult) -> bool {
        self.result = Some(result);
        true
    }
}

impl Run<'_> {
    /// Makes the clip of a task, or fetches the one that an earlier run has paid for.
    pub(super) fn clip(
        &self,
        declared: &Declared,
        task: &Task,
        clip: &Presenter,
        news: &mut dyn FnMut(News),
    ) -> Result<Made, Problem> {
        let audio = self.audio(declared, task, clip)?;
        self.by_job(task, clip.body(), Input::Clip(audio.as_ref()), None, news)
    }

    /// Makes the translation of a task, or fetches the one that an earlier run has paid for.
    pub(super) fn translation(
        &self,
        declared: &Declared,
        task: &Task,
        translation: &Translation,
        news: &mut dyn FnMut(News),
    ) -> Result<Made, Problem> {
        // The others find the asset in the ledger.
        let upload = locked(&self.upload);
        let path = task.entry.translation().map_or("", |entry| entry.video.as_str());
        let read = gate::read(&declared.settings.root.join(path), &declared.reach, limit::PAGE);
        let bytes = read.map_err(|error| Problem::Changed(format!("cannot read {path}: {error}")))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        if translation.video_sha256.as_ref() != Some(&sha256) {
            return Err(Problem::Changed(format!("{path} has changed")));
        }
        let video = Footage { bytes, sha256 };
        self.by_job(task, translation.body(), Input::Translation(&video), Some(upload), news)
    }

    fn by_job<'r>(
        &'r self,
        task: &Task,
        body: Map<String, Value>,
        input: Input<'_>,
        upload: Option<MutexGuard<'r, ()>>,
        news: &'r mut dyn FnMut(News),
    ) -> Result<Made, Problem> {
        let Some(identity) = job(task.wanted.as_ref()) else { return Err(Problem::Skipped) };
        if locked(&self.ledger).is_none() {
            return Err(Problem::Failed(MediaError::NoLedger.into()));
        }
        let staged = self.answers.clip(task.identity());
        let output = OutputFile::prepare(Some(&staged), &Reach::anywhere())
            .map_err(|error| Problem::Failed(error.into()))?;
        let estimated = task.estimate();
        let reserved = locked(&self.budget).reserve(estimated);
        let is_reserved = reserved.is_ok();
        let order = ClipOrder { identity, body, input, output, refusal: reserved.err() };
        let mut reporter = ClipReporter { news, result: None, upload };
        let run = make_clip(order, &self.options, self.transport, &self.ledger, &mut reporter);
        let made = run.map_err(Problem::Failed).and_then(|()| finished(reporter.result));
        let actual = match &made {
            Ok((_, duration, true)) => {
                let seconds = duration.unwrap_or(estimated.seconds);
                let price = task.wanted.as_ref().map_or(0.0, Wanted::usd_per_second);
                Cost { seconds, usd: seconds * price }
            }
            Ok((_, _, false)) => Cost::default(),
            Err(Problem::Clip { is_paid: true, .. }) => estimated,
            Err(_) => Cost::default(),
        };
        if is_reserved {
            locked(&self.budget).settle(estimated, actual);
        }
        let (result, duration, is_new) = made?;
        abort_at("staged");
        let url = result.detail.as_ref().and_then(|detail| detail.subtitle_url.as_deref());
        let url = url.filter(|url| !url.is_empty());
        // Not every translation has captions.
        let has_captions =
            task.entry.captions.is_some() && (task.entry.translation().is_none() || url.is_some());
        let captions = match has_captions.then(|| self.captions(url)).transpose() {
            Ok(captions) => captions,
            Err(problem) => {
                let kept = KeptAnswer::default();
                return Ok(Made { kept, is_new, cost: actual, problem: Some(problem) });
            }
        };
        let video_id = result.render_id.unwrap_or_default();
        let kept =
            KeptAnswer { clip: Some(KeptClip { video_id, duration, captions }), ..KeptAnswer::default() };
        // If that fails, the files are written nevertheless: the ledger has the clip.
        let _ = self.answers.keep(task.identity(), &kept);
        abort_at("answered");
        Ok(Made { kept, is_new, cost: actual, problem: None })
    }

    /// Reads the audio of a clip, which must be that of its identity.
    fn audio(&self, declared: &Declared, task: &Task, clip: &Presenter) -> Result<Option<Audio>, Problem> {
        let PresenterVoice::Audio { sha256: Some(expected), .. } = &clip.voice else { return Ok(None) };
        let changed = |message: String| Problem::Changed(message);
        let path = task.entry.audio().unwrap_or_default();
        let read = gate::read(&declared.settings.root.join(path), &declared.reach, limit::PAGE);
        let bytes = read.map_err(|error| changed(format!("cannot read {path}: {error}")))?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let format = AudioFormat::of(&bytes).filter(|_| sha256 == *expected);
        let format = format.ok_or_else(|| changed(format!("{path} has changed")))?;
        Ok(Some(Audio { bytes, sha256, format }))
    }

    /// Downloads the captions of a clip or a translation.
    fn captions(&self, url: Option<&str>) -> Result<String, Problem> {
        let url = url.ok_or_else(|| Problem::NotSaved {
            message: "the API sent no captions".to_owned(),
            help: "run the same command again, or remove `captions` from the entry",
        })?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.text(url) {
                Ok(text) => return Ok(text),
                Err((_, Remedy::Retry)) if attempt <= self.retries => {
                    std::thread::sleep(pause(retry_delay(attempt, None, random())));
                }
                Err((message, _)) => {
                    return Err(Problem::NotSaved {
                        message: format!("cannot download the captions: {message}"),
                        help: "run the same command again; what is paid for is not requested again",
                    });
                }
            }
        }
    }

    /// Downloads a small text.
    fn text(&self, url: &str) -> Result<String, (String, Remedy)> {
        let retry = |message: String| (message, Remedy::Retry);
        let response = self.transport.open(url, 0, None, Deadline::NEVER).map_err(retry)?;
        match response.status().as_u16() {
            200 => {}
            status @ (408 | 425 | 429 | 500..=599) => {
                return Err(retry(format!("the storage responded with HTTP {status}")));
            }
            status => return Err((format!("the storage responded with HTTP {status}"), Remedy::None)),
        }
        let length =
            response.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        let mut bytes = Vec::new();
        let mut body = response.into_body().into_reader().take(MAX_CAPTIONS);
        body.read_to_end(&mut bytes)
            .map_err(|error| retry(format!("the transfer was interrupted: {error}")))?;
        if length.is_some_and(|length: u64| length != bytes.len() as u64) {
            return Err(retry("the transfer was interrupted".to_owned()));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| retry("the server did not send a text".to_owned()))?;
        match captions_of_srt(&text, CaptionFormat::Srt) {
            Some(text) => Ok(text),
            None => Err(retry("the server sent something else than captions".to_owned())),
        }
    }
}

/// Returns the result of a clip that was downloaded, its length, and whether this run is billed for it.
fn finished(result: Option<OrderResult>) -> Result<(OrderResult, Option<f64>, bool), Problem> {
    let Some(mut result) = result else { return Err(Problem::Skipped) };
    match std::mem::replace(&mut result.state, OrderState::Submitted) {
        OrderState::Completed(_) | OrderState::Submitted => {
            let duration = result.detail.as_ref().and_then(|detail| detail.duration.as_ref()?.as_f64());
            let duration = duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
            let is_new = !result.is_reused;
            Ok((result, duration, is_new))
        }
        OrderState::Failed { error, is_fetchable } => {
            let is_paid = is_fetchable && result.render_id.is_some();
            Err(Problem::Clip { error, is_paid })
        }
    }
}
