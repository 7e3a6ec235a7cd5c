//! Comparing sound by its levels.

use std::collections::VecDeque;

use super::spectrum::{Spectrum, Tones};

/// Samples per second.
pub const SAMPLE_RATE: u32 = 16_000;

/// Length of a level, in seconds.
pub const LEVEL_SECONDS: f64 = 0.02;

/// Samples of a level.
const SAMPLES: u32 = SAMPLE_RATE / 50;

/// The least level in dB: what is below is silence.
const FLOOR: f32 = -60.0;

/// Levels of a stretch that is compared by its mean, so that a short change in a long video is found: 0.3 seconds.
const STRETCH: usize = 15;

/// How many times the threshold the mean of a stretch must differ.
const STRETCH_FACTOR: f64 = 4.0;

/// Stretches with at most this number of levels between them are one range: 0.5 seconds.
const MAX_GAP: usize = 25;

/// How many times the threshold the level of a band of frequencies must differ.
const BAND_FACTOR: f64 = 12.0;

/// Levels of one channel, in dB relative to full scale, each of 20 ms; and those of its frequencies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Levels {
    levels: Vec<f32>,
    squares: f64,
    count: u32,
    /// `None` if it is not known.
    spectrum: Option<Spectrum>,
    /// Of a golden file, which has no spectrum.
    tones: Option<Tones>,
}

/// The difference of two sounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// Whether they differ.
    pub is_changed: bool,
    /// 95th percentile of the differences of levels, in dB.
    pub difference: f64,
    /// Largest mean difference of 0.3 seconds, in dB.
    pub local: f64,
    /// Largest mean difference of a band of frequencies over 0.26 seconds, of a golden file over 0.51 seconds, in dB; 0 if they
    /// are not known.
    pub band: f64,
    /// Ranges of time that differ.
    pub ranges: Vec<SoundRange>,
}

/// A range of time in which sounds differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoundRange {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
}

impl Levels {
    /// Adds a sample at [`SAMPLE_RATE`].
    pub fn push(&mut self, sample: i16) {
        self.spectrum.get_or_insert_default().push(sample);
        self.squares += f64::from(sample) * f64::from(sample);
        self.count += 1;
        if self.count == SAMPLES {
            self.end_level();
        }
    }

    /// Ends the last level, which may be shorter than the others.
    #[must_use]
    pub fn finish(mut self) -> Self {
        if self.count > 0 {
            self.end_level();
        }
        self.spectrum.iter_mut().for_each(Spectrum::finish);
        self
    }

    /// Returns the levels in dB relative to full scale, -60 or more.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.levels
    }

    /// Returns the levels in tenths of a decibel above silence.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 600")]
    pub(super) fn tenths(&self) -> Vec<u16> {
        let tenths = |level: &f32| ((level - FLOOR) * 10.0).round().clamp(0.0, 600.0) as u16;
        self.levels.iter().map(tenths).collect()
    }

    /// Returns the mean levels of the frequencies; `None` without a sample.
    pub(super) fn tones(&self) -> Option<&Tones> {
        self.spectrum.as_ref().map(Spectrum::tones).or(self.tones.as_ref())
    }

    /// Returns levels from tenths of a decibel above silence, with those of the frequencies if they are known.
    pub(super) fn of_tenths(tenths: &[u16], tones: Option<&Tones>) -> Self {
        let levels = tenths.iter().map(|tenths| f32::from(*tenths) / 10.0 + FLOOR).collect();
        Self { levels, tones: tones.cloned(), ..Self::default() }
    }

    fn end_level(&mut self) {
        let mean = self.squares / f64::from(self.count) / (f64::from(i16::MIN) * f64::from(i16::MIN));
        #[expect(clippy::cast_possible_truncation, reason = "decibels need few digits")]
        self.levels.push((10.0 * mean.log10()).max(f64::from(FLOOR)) as f32);
        (self.squares, self.count) = (0.0, 0);
    }
}

/// Compares the channels of two sounds; `threshold` is in dB. What is missing in the shorter one is silence.
#[must_use]
pub fn compare_sound(base: &[Levels], head: &[Levels], threshold: f64) -> Sound {
    let mut sound = Sound::default();
    for (base, head) in base.iter().zip(head) {
        let differences = differences(&base.levels, &head.levels);
        sound.add(&differences, threshold);
        if let (Some(base), Some(head)) = (&base.spectrum, &head.spectrum) {
            sound.add_bands(threshold, |report| base.compare(head, report));
        } else if let (Some(base), Some(head)) = (&base.tones, &head.tones) {
            sound.add_bands(threshold, |report| base.compare(head, report));
        }
    }
    sound.is_changed = sound.difference >= threshold || !sound.ranges.is_empty();
    sound.ranges.sort_by(|a, b| a.start.total_cmp(&b.start));
    sound.ranges.dedup_by(|next, range| {
        let is_near = next.start <= range.end;
        if is_near {
            range.end = range.end.max(next.end);
        }
        is_near
    });
    sound
}

/// Returns the absolute differences of levels; `None` where both are silent.
fn differences(base: &[f32], head: &[f32]) -> Vec<Option<f64>> {
    let count = base.len().max(head.len());
    let level = |levels: &[f32], at: usize| levels.get(at).copied().unwrap_or(FLOOR).max(FLOOR);
    let difference = |at| {
        let (base, head) = (level(base, at), level(head, at));
        (base > FLOOR || head > FLOOR).then(|| f64::from((base - head).abs()))
    };
    (0..count).map(difference).collect()
}

impl Sound {
    /// Adds the differences of a channel.
    fn add(&mut self, differences: &[Option<f64>], threshold: f64) {
        let mut heard = differences.iter().flatten().copied().collect::<Vec<_>>();
        heard.sort_by(f64::total_cmp);
        let percentile = heard.get((heard.len() * 95 / 100).min(heard.len().saturating_sub(1)));
        let percentile = percentile.copied().unwrap_or(0.0);
        self.difference = self.difference.max(percentile);
        // Where all of it is changed by little, every stretch counts.
        let factor = if percentile >= threshold { 1.0 } else { STRETCH_FACTOR };
        let mut open: Option<(usize, usize)> = None;
        let mut window = VecDeque::with_capacity(STRETCH);
        let mut total = 0.0;
        for (at, difference) in differences.iter().enumerate() {
            if window.len() == STRETCH {
                total -= window.pop_front().unwrap_or(0.0);
            }
            window.push_back(difference.unwrap_or(0.0));
            total += difference.unwrap_or(0.0);
            if window.len() < STRETCH {
                continue;
            }
            let mean = total / STRETCH as f64;
            self.local = self.local.max(mean);
            if mean < threshold * factor {
                continue;
            }
            let start = at + 1 - STRETCH;
            match &mut open {
                Some((_, end)) if start <= *end + MAX_GAP => *end = at,
                _ => {
                    self.ranges.extend(open.map(range));
                    open = Some((start, at));
                }
            }
        }
        self.ranges.extend(open.map(range));
    }

    /// Adds the differences of the frequencies of a channel: `compare` reports the start and the end of each stretch in seconds,
    /// and its difference in dB.
    fn add_bands(&mut self, threshold: f64, compare: impl FnOnce(&mut dyn FnMut(f64, f64, f64))) {
        let mut ranges = Vec::<SoundRange>::new();
        let mut most = self.band;
        compare(&mut |start, end, difference| {
            most = most.max(difference);
            if difference < threshold * BAND_FACTOR {
                return;
            }
            match ranges.last_mut() {
                Some(range) if start <= range.end + MAX_GAP as f64 * LEVEL_SECONDS => range.end = end,
                _ => ranges.push(SoundRange { start, end }),
            }
        });
        self.band = most;
        self.ranges.extend(ranges);
    }
}

/// Returns the range of levels with these first and last numbers.
fn range((first, last): (usize, usize)) -> SoundRange {
    SoundRange { start: first as f64 * LEVEL_SECONDS, end: (last + 1) as f64 * LEVEL_SECONDS }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the levels of a tone of this amplitude in seconds `tone` of `length` seconds.
    fn tone(length: f64, tone: std::ops::Range<f64>, amplitude: f64) -> Levels {
        let mut levels = Levels::default();
        let rate = f64::from(SAMPLE_RATE);
        let mut at = 0.0;
        while at / rate < length {
            let is_heard = tone.contains(&(at / rate));
            let sample = if is_heard { amplitude * (at * 0.3).sin() } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, reason = "within the range of samples")]
            levels.push(sample as i16);
            at += 1.0;
        }
        levels.finish()
    }

    #[test]
    fn equal_sounds_are_not_changed_and_silence_is_not_compared() {
        let sound = [tone(2.0, 0.5..1.5, 8000.0)];
        assert_eq!(compare_sound(&sound, &sound, 0.5), Sound::default());
        assert_eq!(compare_sound(&[tone(1.0, 0.0..0.0, 0.0)], &[Levels::default()], 0.5), Sound::default());
    }

    #[test]
    fn a_decibel_less_is_a_change_of_all_of_it() {
        let (base, head) = (tone(2.0, 0.0..2.0, 8000.0), tone(2.0, 0.0..2.0, 8000.0 * 0.891));
        let sound = compare_sound(&[base], &[head], 0.5);
        assert!(sound.is_changed && (sound.difference - 1.0).abs() < 0.1, "{sound:?}");
        assert_eq!(sound.ranges.len(), 1);
        assert!(sound.ranges[0].start < 0.01 && sound.ranges[0].end > 1.9);
    }

    #[test]
    fn a_short_change_in_a_long_sound_is_found() {
        let (base, mut head) = (tone(60.0, 0.0..60.0, 8000.0), tone(60.0, 0.0..60.0, 8000.0));
        head.levels[500..530].fill(-20.0);
        let sound = compare_sound(&[base], &[head], 0.5);
        assert!(sound.difference < 0.01 && sound.is_changed, "{sound:?}");
        assert_eq!(sound.ranges.len(), 1);
        assert!((9.7..10.1).contains(&sound.ranges[0].start) && (10.5..10.9).contains(&sound.ranges[0].end));
    }

    #[test]
    fn another_pitch_at_the_same_level_is_a_change_when_it_is_heard() {
        let melody = |second: f64| {
            let mut levels = Levels::default();
            for at in 0..2 * SAMPLE_RATE {
                let seconds = f64::from(at) / f64::from(SAMPLE_RATE);
                let frequency = if (0.8..1.2).contains(&seconds) { second } else { 220.0 };
                #[expect(clippy::cast_possible_truncation, reason = "within the range of samples")]
                levels.push((8000.0 * (2.0 * std::f64::consts::PI * frequency * seconds).sin()) as i16);
            }
            [levels.finish()]
        };
        let sound = compare_sound(&melody(330.0), &melody(370.0), 0.5);
        assert!(sound.is_changed && sound.difference < 0.5 && sound.local < 1.0, "{sound:?}");
        let [range] = sound.ranges[..] else { panic!("{sound:?}") };
        assert!((0.6..=0.8).contains(&range.start) && (1.2..1.4).contains(&range.end), "{range:?}");
        assert!(!compare_sound(&melody(330.0), &melody(330.0), 0.5).is_changed);
    }

    #[test]
    fn a_missing_end_is_silence() {
        let sound = compare_sound(&[tone(2.0, 0.0..2.0, 8000.0)], &[tone(1.5, 0.0..1.5, 8000.0)], 0.5);
        assert!(sound.is_changed && sound.ranges.len() == 1, "{sound:?}");
    }

    #[test]
    fn a_changed_channel_is_enough() {
        let [loud, soft] = [8000.0, 800.0].map(|amplitude| tone(1.0, 0.0..1.0, amplitude));
        let sound = compare_sound(&[loud.clone(), loud.clone()], &[loud, soft], 0.5);
        assert!(sound.is_changed && (sound.difference - 20.0).abs() < 0.2, "{sound:?}");
    }
}
