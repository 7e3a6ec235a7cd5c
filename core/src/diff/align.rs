//! Which frames of two videos are shown at the same time.

/// Intervals between frames that differ by less than this share are one frame rate.
const RATE_TOLERANCE: f64 = 0.01;

/// The frames of a video in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Presentation times in seconds, ascending.
    times: Vec<f64>,
    /// The usual time between frames, in seconds.
    interval: f64,
}

impl Timeline {
    /// Returns the timeline of frames with these presentation times in seconds, in any order. `interval` is that of the
    /// container, for a video with one frame.
    #[must_use]
    pub fn new(mut times: Vec<f64>, interval: f64) -> Self {
        times.retain(|time| time.is_finite());
        times.sort_by(f64::total_cmp);
        let mut gaps =
            times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).collect::<Vec<_>>();
        gaps.sort_by(f64::total_cmp);
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(interval);
        Self { times, interval: if usual > 0.0 && usual.is_finite() { usual } else { 1.0 / 30.0 } }
    }

    /// Returns the presentation times in seconds, ascending.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Returns the number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Returns whether there is no frame.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Returns the usual number of frames per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        1.0 / self.interval
    }

    /// Returns when the last frame ends, in seconds.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.times.last().map_or(0.0, |last| last + self.interval)
    }

    /// Returns whether the time between frames varies by more than a tenth of a frame.
    #[must_use]
    pub fn is_variable(&self) -> bool {
        let uneven = |pair: &[f64]| (pair[1] - pair[0] - self.interval).abs() > self.interval * 0.1;
        self.times.windows(2).any(uneven)
    }

    /// Returns the number of the frame that is shown at `time`; the first one before it begins.
    fn shown_at(&self, time: f64) -> usize {
        self.times.partition_point(|start| *start <= time).saturating_sub(1)
    }
}

/// Two frames to compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Number of the frame of the base, from 0.
    pub base: u32,
    /// Number of the frame of the head.
    pub head: u32,
    /// Presentation time in seconds.
    pub time: f64,
    /// How long it is shown, in seconds.
    pub duration: f64,
    /// Whether both begin at this time. Otherwise one of them is shown since an earlier one: a frame has no counterpart.
    pub is_matched: bool,
}

impl Step {
    /// Returns a step of two frames that begin at the same time.
    #[must_use]
    pub fn matched(base: u32, head: u32, time: f64, duration: f64) -> Self {
        Self { base, head, time, duration, is_matched: true }
    }
}

/// The frames to compare, in the order of both videos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alignment {
    /// The common part.
    pub steps: Vec<Step>,
    /// Frames that have no counterpart at their time, within the common part.
    pub unmatched: usize,
    /// Frames after the end of the head.
    pub only_base: usize,
    /// Frames after the end of the base.
    pub only_head: usize,
    /// Whether the frame rates differ. Then the frames of the lower one are compared with what the other one shows.
    pub has_other_rate: bool,
}

impl Alignment {
    /// Aligns two videos by presentation time.
    #[must_use]
    pub fn new(base: &Timeline, head: &Timeline) -> Self {
        let [slow, fast] = if base.interval >= head.interval { [base, head] } else { [head, base] };
        let tolerance = fast.interval / 2.0;
        let end = base.end().min(head.end()) - tolerance;
        let common = |video: &Timeline| video.times.partition_point(|time| *time < end);
        let (base_count, head_count) = (common(base), common(head));
        let mut alignment = Self {
            only_base: base.len() - base_count,
            only_head: head.len() - head_count,
            has_other_rate: slow.interval - fast.interval > slow.interval * RATE_TOLERANCE,
            ..Self::default()
        };
        if base_count == 0 || head_count == 0 {
            return alignment;
        }
        if alignment.has_other_rate {
            alignment.sample(base, head, end);
        } else {
            alignment.merge([base, head], [base_count, head_count], tolerance);
        }
        alignment.set_durations(base.end().min(head.end()));
        alignment
    }

    /// Compares the frames of the lower rate with those that are shown then.
    fn sample(&mut self, base: &Timeline, head: &Timeline, end: f64) {
        let slow = if base.interval >= head.interval { base } else { head };
        // A time that is rounded must not be that of the frame before.
        let slack = base.interval.min(head.interval) / 4.0;
        for time in slow.times.iter().copied().take_while(|time| *time < end) {
            let (base, head) = (base.shown_at(time + slack), head.shown_at(time + slack));
            self.steps.push(Step::matched(number(base), number(head), time, 0.0));
        }
    }

    /// Compares each frame with the one that begins at the same time, or that is shown then.
    fn merge(&mut self, videos: [&Timeline; 2], counts: [usize; 2], tolerance: f64) {
        let mut next = [0, 0];
        while next[0] < counts[0] || next[1] < counts[1] {
            let time = |video: usize| {
                let times = &videos[video].times[..counts[video]];
                times.get(next[video]).copied().unwrap_or(f64::INFINITY)
            };
            let times = [time(0), time(1)];
            let begins = times.map(|time| time <= times[0].min(times[1]) + tolerance);
            let shown = [0, 1].map(|video| if begins[video] { next[video] } else { next[video].max(1) - 1 });
            let is_matched = begins[0] && begins[1];
            self.unmatched += usize::from(!is_matched);
            let step = Step::matched(number(shown[0]), number(shown[1]), times[0].min(times[1]), 0.0);
            self.steps.push(Step { is_matched, ..step });
            for video in 0..2 {
                next[video] += usize::from(begins[video]);
            }
        }
    }

    fn set_durations(&mut self, end: f64) {
        let mut next = end;
        for step in self.steps.iter_mut().rev() {
            step.duration = (next - step.time).max(0.0);
            next = step.time;
        }
    }
}

fn number(frame: usize) -> u32 {
    u32::try_from(frame).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn constant(count: u32, rate: f64) -> Timeline {
        Timeline::new((0..count).map(|frame| f64::from(frame) / rate).collect(), 1.0 / rate)
    }

    fn pairs(alignment: &Alignment) -> Vec<(u32, u32)> {
        alignment.steps.iter().map(|step| (step.base, step.head)).collect()
    }

    #[test]
    fn equal_timelines_are_compared_frame_by_frame() {
        let alignment = Alignment::new(&constant(60, 30.0), &constant(60, 30.0));
        assert_eq!(pairs(&alignment), (0..60).map(|frame| (frame, frame)).collect::<Vec<_>>());
        assert!(alignment.steps.iter().all(|step| (step.duration - 1.0 / 30.0).abs() < 1e-9));
        assert_eq!((alignment.unmatched, alignment.only_base, alignment.only_head), (0, 0, 0));
    }

    #[test]
    fn the_rest_of_a_longer_video_is_counted() {
        let alignment = Alignment::new(&constant(90, 30.0), &constant(60, 30.0));
        assert_eq!((alignment.steps.len(), alignment.only_base, alignment.only_head), (60, 30, 0));
        let alignment = Alignment::new(&constant(60, 30.0), &constant(61, 30.0));
        assert_eq!((alignment.steps.len(), alignment.only_base, alignment.only_head), (60, 0, 1));
    }

    #[test]
    fn other_rates_are_compared_at_the_lower_one() {
        let alignment = Alignment::new(&constant(60, 30.0), &constant(120, 60.0));
        assert!(alignment.has_other_rate);
        assert_eq!(pairs(&alignment), (0..60).map(|frame| (frame, 2 * frame)).collect::<Vec<_>>());
        let alignment = Alignment::new(&constant(60, 60.0), &constant(25, 25.0));
        assert_eq!(pairs(&alignment)[..3], [(0, 0), (2, 1), (5, 2)]);
        assert!(!Alignment::new(&constant(60, 30.0), &constant(60, 29.97)).has_other_rate);
    }

    #[test]
    fn a_missing_frame_has_no_counterpart() {
        let mut times = constant(60, 30.0).times;
        times.remove(20);
        let alignment = Alignment::new(&constant(60, 30.0), &Timeline::new(times, 1.0 / 30.0));
        assert_eq!((alignment.steps.len(), alignment.unmatched, alignment.only_base), (60, 1, 0));
        let unmatched = alignment.steps.iter().find(|step| !step.is_matched).expect("one");
        assert_eq!((unmatched.base, unmatched.head), (20, 19));
    }

    #[test]
    fn an_empty_video_is_compared_with_nothing() {
        let alignment = Alignment::new(&constant(0, 30.0), &constant(10, 30.0));
        assert_eq!((alignment.steps.len(), alignment.only_base, alignment.only_head), (0, 0, 10));
    }

    #[test]
    fn a_variable_rate_is_seen() {
        assert!(!constant(60, 29.97).is_variable());
        assert!(Timeline::new(vec![0.0, 0.04, 0.08, 0.2], 0.04).is_variable());
    }

    proptest! {
        #[test]
        fn steps_ascend_and_every_common_frame_is_compared_at_equal_rates(
            base in proptest::collection::vec(0_u32..3000, 1..80),
            head in proptest::collection::vec(0_u32..3000, 1..80),
        ) {
            let timeline = |times: &[u32]| {
                let mut times = times.to_vec();
                times.sort_unstable();
                times.dedup();
                Timeline::new(times.into_iter().map(|time| f64::from(time) / 1000.0).collect(), 0.04)
            };
            let (base, head) = (timeline(&base), timeline(&head));
            let alignment = Alignment::new(&base, &head);
            for pair in alignment.steps.windows(2) {
                prop_assert!(pair[0].base <= pair[1].base && pair[0].head <= pair[1].head);
                prop_assert!(pair[0].time <= pair[1].time);
            }
            if !alignment.has_other_rate && !alignment.steps.is_empty() {
                let mut seen = alignment.steps.iter().map(|step| step.base as usize).collect::<Vec<_>>();
                seen.dedup();
                let expected = (0..base.len() - alignment.only_base).collect::<Vec<_>>();
                if !expected.is_empty() {
                    prop_assert_eq!(seen, expected);
                }
            }
            prop_assert!(alignment.steps.iter().all(|step| (step.base as usize) < base.len()));
            prop_assert!(alignment.steps.iter().all(|step| (step.head as usize) < head.len()));
        }
    }
}
