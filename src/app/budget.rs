//! Limits of what renders may cost, and what they were billed at.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{Limits, Refusal};
use hyperframes_ci_core::options::Resolution;
use schemars::JsonSchema;
use serde::Serialize;

/// Billing factor of 4k.
const ULTRA_HD_FACTOR: f64 = 1.5;

/// Returns the billed seconds of a video of `seconds`.
pub(crate) fn billed_seconds(seconds: f64, resolution: Option<Resolution>) -> f64 {
    if resolution == Some(Resolution::UltraHd) { seconds * ULTRA_HD_FACTOR } else { seconds }
}

/// Limits for new renders.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct LimitOptions {
    /// Maximum number of new renders.
    pub(crate) max_renders: Option<u64>,
    /// Maximum number of billed seconds; 4k counts 1.5 times.
    pub(crate) max_seconds: Option<f64>,
    /// Minimum balance of the account, in the unit that it is billed in.
    pub(crate) min_balance: Option<f64>,
}

impl LimitOptions {
    /// Returns the limit that `renders` new renders of `seconds` billed seconds in total would exceed. Unknown seconds exceed
    /// a limit of seconds.
    pub(crate) fn exceeded(&self, renders: u64, seconds: Option<f64>) -> Option<Refusal> {
        let too_many = self.max_renders.filter(|most| renders > *most);
        let too_many = too_many.map(|most| Refusal::Renders { renders, most });
        let too_long = self.max_seconds.filter(|most| seconds.is_none_or(|seconds| seconds > *most));
        too_many.or(too_long.map(|most| Refusal::Seconds { seconds, most }))
    }

    /// Returns the limits for one render of `duration` seconds.
    pub(crate) fn for_one(&self, request: &RenderRequest, duration: Option<f64>) -> Limits {
        let seconds = duration.map(|seconds| billed_seconds(seconds, request.resolution));
        Limits { exceeded: self.exceeded(1, seconds), min_balance: self.min_balance, ..Limits::default() }
    }

    /// Returns the limits that remain after `spent`.
    pub(crate) fn after(&self, spent: Billed) -> Self {
        Self {
            max_renders: self.max_renders.map(|most| most.saturating_sub(spent.renders)),
            max_seconds: self.max_seconds.map(|most| (most - spent.seconds).max(0.0)),
            min_balance: self.min_balance,
        }
    }

    /// Returns whether the cost of one render limits the next.
    pub(crate) fn is_shared(&self) -> bool {
        self.max_renders.is_some() || self.max_seconds.is_some()
    }
}

/// Renders that are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Billed {
    /// Number of renders.
    pub(crate) renders: u64,
    /// Seconds of video; 4k counts 1.5 times.
    pub(crate) seconds: f64,
}

impl Billed {
    /// Adds one render of `seconds`.
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
    fn limits_apply_to_billed_seconds() {
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
            "an unknown duration exceeds the limit"
        );
    }

    #[test]
    fn limits_shrink_by_what_was_billed() {
        let limits = LimitOptions { max_renders: Some(2), max_seconds: Some(5.0), min_balance: None };
        let mut spent = Billed::default();
        spent.add(Some(4.0), Some(Resolution::UltraHd));
        let left = limits.after(spent);
        assert_eq!((left.max_renders, left.max_seconds), (Some(1), Some(0.0)));
    }
}
