//! What renders may cost, and what they have cost.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{Limits, Refusal};
use hyperframes_ci_core::options::Resolution;
use schemars::JsonSchema;
use serde::Serialize;

/// What 4k is billed at.
const ULTRA_HD_FACTOR: f64 = 1.5;

/// Seconds of video as they are billed.
pub(crate) fn billed_seconds(seconds: f64, resolution: Option<Resolution>) -> f64 {
    if resolution == Some(Resolution::UltraHd) { seconds * ULTRA_HD_FACTOR } else { seconds }
}

/// What the user allows new renders to cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LimitOptions {
    /// New renders.
    pub(crate) max_renders: Option<u64>,
    /// Seconds of new video; 4k counts 1.5 times.
    pub(crate) max_seconds: Option<f64>,
    /// What must be left to spend, in the unit that the account is billed in.
    pub(crate) min_balance: Option<f64>,
}

impl LimitOptions {
    /// The limit that `renders` new renders of so many seconds together would exceed; seconds that are not known are too
    /// many.
    pub(crate) fn exceeded(&self, renders: u64, seconds: Option<f64>) -> Option<Refusal> {
        let too_many = self.max_renders.filter(|most| renders > *most);
        let too_many = too_many.map(|most| Refusal::Renders { renders, most });
        let too_long = self.max_seconds.filter(|most| seconds.is_none_or(|seconds| seconds > *most));
        too_many.or(too_long.map(|most| Refusal::Seconds { seconds, most }))
    }

    /// What holds for one render that is `duration` seconds long, where that is known.
    pub(crate) fn for_one(&self, request: &RenderRequest, duration: Option<f64>) -> Limits {
        let seconds = duration.map(|seconds| billed_seconds(seconds, request.resolution));
        Limits { exceeded: self.exceeded(1, seconds), min_balance: self.min_balance }
    }

    /// What is left of the limits after `spent`.
    pub(crate) fn after(&self, spent: Billed) -> Self {
        Self {
            max_renders: self.max_renders.map(|most| most.saturating_sub(spent.renders)),
            max_seconds: self.max_seconds.map(|most| (most - spent.seconds).max(0.0)),
            min_balance: self.min_balance,
        }
    }

    /// Whether what one run costs decides about the next.
    pub(crate) fn is_shared(&self) -> bool {
        self.max_renders.is_some() || self.max_seconds.is_some()
    }
}

/// Renders that were submitted and paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Billed {
    /// How many.
    pub(crate) renders: u64,
    /// Seconds of video; 4k counts 1.5 times.
    pub(crate) seconds: f64,
}

impl Billed {
    /// Counts one render of `seconds`.
    pub(crate) fn add(&mut self, seconds: Option<f64>, resolution: Option<Resolution>) {
        self.renders += 1;
        self.seconds += billed_seconds(seconds.unwrap_or_default(), resolution);
    }
}

impl std::ops::AddAssign for Billed {
    fn add_assign(&mut self, other: Self) {
        self.renders += other.renders;
        self.seconds += other.seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_what_is_billed() {
        let limits = |max_renders, max_seconds| LimitOptions { max_renders, max_seconds, min_balance: None };
        let exceeded = |limits: LimitOptions, resolution, duration| {
            let request = RenderRequest { resolution, ..RenderRequest::default() };
            limits.for_one(&request, duration).exceeded.map(|refusal| refusal.code())
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

    #[test]
    fn what_was_spent_is_taken_off() {
        let limits = LimitOptions { max_renders: Some(2), max_seconds: Some(5.0), min_balance: None };
        let mut spent = Billed::default();
        spent.add(Some(4.0), Some(Resolution::UltraHd));
        let left = limits.after(spent);
        assert_eq!((left.max_renders, left.max_seconds), (Some(1), Some(0.0)));
    }
}
