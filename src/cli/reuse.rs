//! Flags about renders that exist already, and about what a new one may cost.

use std::path::PathBuf;
use std::time::Duration;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{Limits, Refusal, Reuse};
use hyperframes_ci_core::options::Resolution;
use serde_json::Value;

use super::values;
use crate::fault::Error;
use crate::heygen::transport::ApiBase;
use crate::renderers::cloud::ledger::LedgerFile;
use crate::system::clock::unix_now;
use crate::ui::Console;

/// What 4k is billed at.
const ULTRA_HD_FACTOR: f64 = 1.5;

/// Which earlier renders will do.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Earlier renders")]
pub(super) struct ReuseArgs {
    /// Submit a new render even where there is an equal one
    #[arg(long)]
    no_reuse: bool,
    /// How old a render may be to be used again, in days
    #[arg(long, value_name = "DAYS", default_value = "30", value_parser = values::days)]
    reuse_window: Duration,
    /// Where it is written down what was uploaded and submitted [default: ledger.jsonl in the cache]
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

impl ReuseArgs {
    /// Opens the ledger for `api`. Without one that the user named, a machine without a place for it is no error.
    ///
    /// # Errors
    /// When the ledger that the user named cannot be used.
    pub(super) fn open(&self, api: &ApiBase, console: &mut Console) -> Result<Option<LedgerFile>, Error> {
        if let Some(path) = &self.ledger {
            return Ok(Some(LedgerFile::open(path, &api.to_string())?));
        }
        let Some(path) = LedgerFile::default_path() else { return Ok(None) };
        match LedgerFile::open(&path, &api.to_string()) {
            Ok(ledger) => Ok(Some(ledger)),
            Err(error) => {
                console.warning(&format!("{error}; the account's list is all that there is to go by"));
                Ok(None)
            }
        }
    }

    /// Whether earlier renders do not count.
    pub(super) fn is_off(&self) -> bool {
        self.no_reuse
    }

    /// What the core is told, beside what the ledger knows.
    pub(super) fn reuse(&self) -> Reuse {
        let window = i64::try_from(self.reuse_window.as_secs()).unwrap_or(i64::MAX);
        let since = Some(unix_now().saturating_sub(window));
        Reuse { none: self.no_reuse, since, ..Reuse::default() }
    }
}

/// What a new render may cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Submit no more than so many renders; 0 uses what is there, or fails with exit code 6
    #[arg(long, value_name = "COUNT")]
    pub(super) max_renders: Option<u64>,
    /// Submit no more than so many seconds of video; 4k counts 1.5 times
    #[arg(long, value_name = "SECONDS", value_parser = values::amount)]
    pub(super) max_seconds: Option<f64>,
    /// Submit nothing unless so much is left to spend, in the unit that the account is billed in
    #[arg(long, value_name = "AMOUNT", value_parser = values::amount)]
    min_balance: Option<f64>,
}

impl LimitArgs {
    /// What holds for `renders` renders of so many seconds together, where that is known.
    pub(super) fn exceeded(&self, renders: u64, seconds: Option<f64>) -> Option<Refusal> {
        let too_many = self.max_renders.filter(|most| renders > *most);
        let too_many = too_many.map(|most| Refusal::Renders { renders, most });
        let too_long = self.max_seconds.filter(|most| seconds.is_none_or(|seconds| seconds > *most));
        too_many.or(too_long.map(|most| Refusal::Seconds { seconds, most }))
    }

    /// What must be left to spend.
    pub(super) fn min_balance(&self) -> Option<f64> {
        self.min_balance
    }

    /// What holds for one render that is `duration` seconds long, where that is known.
    pub(super) fn limits(&self, options: &RenderRequest, duration: Option<f64>) -> Limits {
        let seconds = duration.map(|seconds| billed(seconds, options.resolution));
        Limits { exceeded: self.exceeded(1, seconds), min_balance: self.min_balance }
    }
}

/// What a run of several renders has cost so far.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    renders: u64,
    seconds: f64,
}

impl Spent {
    /// Counts what a render, or a batch, has come to.
    pub(crate) fn add(&mut self, result: &Value) {
        if let Some(billed) = result.get("billed") {
            self.renders += billed["renders"].as_u64().unwrap_or_default();
            self.seconds += billed["seconds"].as_f64().unwrap_or_default();
            return;
        }
        let is_local = result.pointer("/render/renderer").and_then(Value::as_str) == Some("local");
        let is_ultra = result.pointer("/render/resolution").and_then(Value::as_str) == Some("4k");
        if !is_local && result["reused"] != true {
            let seconds = result.pointer("/video/duration").and_then(Value::as_f64).unwrap_or_default();
            self.renders += 1;
            self.seconds += billed(seconds, is_ultra.then_some(Resolution::UltraHd));
        }
    }

    /// Seconds, 4k counted 1.5 times.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// What is left of limits for the whole run.
    pub(crate) fn left(&self, renders: Option<u64>, seconds: Option<f64>) -> (Option<u64>, Option<f64>) {
        let renders = renders.map(|most| most.saturating_sub(self.renders));
        (renders, seconds.map(|most| (most - self.seconds).max(0.0)))
    }
}

/// What so many seconds of video are billed as.
pub(crate) fn billed(seconds: f64, resolution: Option<Resolution>) -> f64 {
    if resolution == Some(Resolution::UltraHd) { seconds * ULTRA_HD_FACTOR } else { seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_what_is_billed() {
        let limits = |max_renders, max_seconds| LimitArgs { max_renders, max_seconds, min_balance: None };
        let exceeded = |args: LimitArgs, resolution, duration| {
            let options = RenderRequest { resolution, ..RenderRequest::default() };
            args.limits(&options, duration).exceeded.map(|refusal| refusal.code())
        };
        assert_eq!(exceeded(limits(None, None), None, None), None);
        assert_eq!(exceeded(limits(Some(1), Some(10.0)), None, Some(10.0)), None);
        assert_eq!(exceeded(limits(Some(0), None), None, Some(1.0)), Some("max_renders"));
        assert_eq!(exceeded(limits(None, Some(10.0)), None, Some(10.1)), Some("max_seconds"));
        let ultra = Some(Resolution::UltraHd);
        assert_eq!(exceeded(limits(None, Some(10.0)), ultra, Some(7.0)), Some("max_seconds"));
        assert_eq!(
            exceeded(limits(None, Some(10.0)), None, None),
            Some("max_seconds"),
            "not known is too long"
        );
    }
}
