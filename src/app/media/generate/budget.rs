//! Limits of what a run may cost.

use hyperframes_ci_core::generated::{SPEECH_USD_PER_SECOND, Speech};
use hyperframes_ci_core::job::Refusal;

use super::entry::Task;

/// Limits for new media.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MediaLimits {
    /// Maximum length in seconds.
    pub(crate) max_seconds: Option<f64>,
    /// Maximum price in US dollars.
    pub(crate) max_cost: Option<f64>,
    /// Minimum balance of the account, in the unit that it is billed in.
    pub(crate) min_balance: Option<f64>,
}

/// What a run may still cost: estimates for requests in flight, measured lengths for those that were answered.
#[derive(Debug)]
pub(super) struct Budget {
    limits: MediaLimits,
    seconds: f64,
}

impl Budget {
    pub(super) fn new(limits: MediaLimits) -> Self {
        Self { limits, seconds: 0.0 }
    }

    /// Returns the limit that all `tasks` together would exceed.
    pub(super) fn refusal<'a>(&self, tasks: impl Iterator<Item = &'a Task>) -> Option<Refusal> {
        let speeches = tasks.filter_map(|task| task.speech.as_ref());
        let seconds = speeches.map(Speech::estimated_seconds).sum::<f64>();
        // Nothing to request exceeds no limit.
        if seconds > 0.0 { self.exceeded(seconds) } else { None }
    }

    /// Reserves the estimated length of a request.
    ///
    /// # Errors
    /// Returns the limit that it would exceed.
    pub(super) fn reserve(&mut self, seconds: f64) -> Result<(), Refusal> {
        if let Some(refusal) = self.exceeded(seconds) {
            return Err(refusal);
        }
        self.seconds += seconds;
        Ok(())
    }

    /// Replaces the estimate of a request by what it came to.
    pub(super) fn settle(&mut self, estimated: f64, actual: f64) {
        self.seconds = (self.seconds - estimated).max(0.0) + actual;
    }

    fn exceeded(&self, more: f64) -> Option<Refusal> {
        let seconds = self.seconds + more;
        let usd = seconds * SPEECH_USD_PER_SECOND;
        let too_long = self.limits.max_seconds.filter(|most| seconds > *most);
        let too_expensive = self.limits.max_cost.filter(|most| usd > *most);
        let too_long = too_long.map(|most| Refusal::Speech { seconds, most });
        too_long.or(too_expensive.map(|most| Refusal::Cost { usd, most }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_lengths_replace_estimates() {
        let limits = MediaLimits { max_seconds: Some(10.0), ..MediaLimits::default() };
        let mut budget = Budget::new(limits);
        assert!(budget.reserve(6.0).is_ok());
        assert_eq!(budget.reserve(6.0), Err(Refusal::Speech { seconds: 12.0, most: 10.0 }));
        budget.settle(6.0, 3.0);
        assert!(budget.reserve(6.0).is_ok());
        let limits = MediaLimits { max_cost: Some(0.001), ..MediaLimits::default() };
        assert!(matches!(Budget::new(limits).reserve(4.0), Err(Refusal::Cost { .. })));
    }
}
