//! Limits of what a run may cost.

use hyperframes_ci_core::job::Refusal;

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

/// The length and the price of media.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) seconds: f64,
    /// In US dollars.
    pub(super) usd: f64,
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self { seconds: self.seconds + other.seconds, usd: self.usd + other.usd }
    }

    fn minus(self, other: Self) -> Self {
        let left = |from: f64, less: f64| (from - less).max(0.0);
        Self { seconds: left(self.seconds, other.seconds), usd: left(self.usd, other.usd) }
    }
}

/// What a run may still cost: estimates for requests in flight, measured lengths for those that were answered.
#[derive(Debug)]
pub(super) struct Budget {
    limits: MediaLimits,
    spent: Cost,
}

impl Budget {
    pub(super) fn new(limits: MediaLimits) -> Self {
        Self { limits, spent: Cost::default() }
    }

    /// Returns the limit that all `costs` together would exceed.
    pub(super) fn refusal(&self, costs: impl Iterator<Item = Cost>) -> Option<Refusal> {
        let cost = costs.fold(Cost::default(), Cost::plus);
        // Nothing to request exceeds no limit.
        if cost.seconds > 0.0 { self.exceeded(cost) } else { None }
    }

    /// Reserves the estimated cost of a request; returns the limit that it would exceed.
    pub(super) fn reserve(&mut self, cost: Cost) -> Result<(), Refusal> {
        if let Some(refusal) = self.exceeded(cost) {
            return Err(refusal);
        }
        self.spent = self.spent.plus(cost);
        Ok(())
    }

    /// Replaces the estimate of a request by what it came to.
    pub(super) fn settle(&mut self, estimated: Cost, actual: Cost) {
        self.spent = self.spent.minus(estimated).plus(actual);
    }

    fn exceeded(&self, more: Cost) -> Option<Refusal> {
        let Cost { seconds, usd } = self.spent.plus(more);
        let too_long = self.limits.max_seconds.filter(|most| seconds > *most);
        let too_expensive = self.limits.max_cost.filter(|most| usd > *most);
        let too_long = too_long.map(|most| Refusal::Media { seconds, most });
        too_long.or(too_expensive.map(|most| Refusal::Cost { usd, most }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(seconds: f64) -> Cost {
        Cost { seconds, usd: seconds / 10.0 }
    }

    #[test]
    fn measured_lengths_replace_estimates() {
        let limits = MediaLimits { max_seconds: Some(10.0), ..MediaLimits::default() };
        let mut budget = Budget::new(limits);
        assert!(budget.reserve(cost(6.0)).is_ok());
        assert_eq!(budget.reserve(cost(6.0)), Err(Refusal::Media { seconds: 12.0, most: 10.0 }));
        budget.settle(cost(6.0), cost(3.0));
        assert!(budget.reserve(cost(6.0)).is_ok());
        let limits = MediaLimits { max_cost: Some(0.3), ..MediaLimits::default() };
        assert!(matches!(Budget::new(limits).reserve(cost(4.0)), Err(Refusal::Cost { .. })));
    }
}
