//! Which frequencies a sound has: a note of another pitch is as loud as the one before.

use std::f32::consts::PI;

/// Samples of a spectrum: 0.128 seconds, so that frequencies are 7.8 Hz apart.
const LENGTH: usize = 2048;

/// Samples from one spectrum to the next.
const STEP: usize = LENGTH / 2;

/// The same in seconds.
const STEP_SECONDS: f64 = 0.064;

/// The first frequency of the first band and the one after the last band: 62 Hz and 7 kHz.
const FREQUENCIES: std::ops::Range<usize> = 8..896;

/// Frequencies of a band at least. Higher bands are half a tone wide.
const LEAST_WIDTH: usize = 2;
const HALF_TONE: f32 = 1.0595;

/// Levels in a decibel.
const PRECISION: f32 = 10.0;

/// Bands that are 20 dB softer than the loudest one are not compared: it covers them, and encoders drop them.
const COVERED: i16 = 200;

/// The least level that is heard, -60 dB, and that of silence.
const FLOOR: i16 = -600;
const SILENCE: i16 = -1000;

/// Spectra that are compared by their mean: 0.26 seconds.
const STRETCH: usize = 3;

/// Spectra of a [`Tones`], and its length in seconds.
const GROUP: usize = 8;
const GROUP_SECONDS: f64 = GROUP as f64 * STEP_SECONDS;

/// Values of [`Tones`] in a decibel.
const TONE_PRECISION: f32 = 2.0;

/// Bands that are 40 dB softer than the loudest one are as soft as that in [`Tones`]: what is less is rounded differently by
/// other machines.
const DROPPED: f32 = 40.0;

/// The levels of the bands of a sound over time, in tenths of a decibel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spectrum {
    /// For each spectrum the levels of all bands; none for silence.
    levels: Vec<Vec<i16>>,
    samples: Vec<f32>,
    /// First frequencies of the bands.
    bands: Vec<usize>,
    /// Cosine and sine of each step of a circle.
    circle: Vec<(f32, f32)>,
    /// Sums of the powers of all bands since the last half second, and the number of their spectra.
    powers: (Vec<f32>, usize),
    tones: Tones,
}

/// The mean levels of the bands of a sound over half a second each, in steps of half a decibel above silence: what a golden file
/// keeps of its frequencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tones {
    /// Number of bands.
    pub(super) bands: usize,
    /// One half second after the other, all bands of each.
    pub(super) levels: Vec<u8>,
}

impl Default for Spectrum {
    fn default() -> Self {
        let mut bands = vec![FREQUENCIES.start];
        let mut start = FREQUENCIES.start;
        while start < FREQUENCIES.end {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1000")]
            let end = (start as f32 * HALF_TONE).round() as usize;
            start = end.max(start + LEAST_WIDTH);
            bands.push(start);
        }
        let angle = |step: usize| 2.0 * PI * step as f32 / LENGTH as f32;
        let circle = (0..LENGTH).map(|step| (angle(step).cos(), angle(step).sin())).collect();
        let count = bands.len() - 1;
        Self {
            levels: Vec::new(),
            samples: Vec::with_capacity(LENGTH),
            bands,
            circle,
            powers: (vec![0.0; count], 0),
            tones: Tones { bands: count, levels: Vec::new() },
        }
    }
}

impl Spectrum {
    /// Adds a sample.
    pub(super) fn push(&mut self, sample: i16) {
        self.samples.push(f32::from(sample) / f32::from(i16::MAX));
        if self.samples.len() == LENGTH {
            self.measure();
            self.samples.drain(..STEP);
        }
    }

    /// Measures the last samples.
    pub(super) fn finish(&mut self) {
        if !self.samples.is_empty() {
            self.samples.resize(LENGTH, 0.0);
            self.measure();
            self.samples.clear();
        }
        if self.powers.1 > 0 {
            self.end_group();
        }
    }

    /// Returns the mean levels of each half second.
    pub(super) fn tones(&self) -> &Tones {
        &self.tones
    }

    fn measure(&mut self) {
        if self.powers.1 == GROUP {
            self.end_group();
        }
        self.powers.1 += 1;
        if self.samples.iter().all(|sample| *sample == 0.0) {
            self.levels.push(Vec::new());
            return;
        }
        // The window of Hann keeps a tone within a few frequencies.
        let windowed = self.samples.iter().zip(&self.circle).map(|(sample, (cosine, _))| {
            let weight = 0.5 - 0.5 * cosine;
            (sample * weight, 0.0)
        });
        let mut values = windowed.collect::<Vec<_>>();
        transform(&mut values, &self.circle);
        let powers = values.iter().map(|(real, imaginary)| real * real + imaginary * imaginary);
        let powers = powers.take(LENGTH / 2).collect::<Vec<_>>();
        // The power of a sine of full scale.
        let full = (LENGTH as f32 / 4.0).powi(2) * 1.5;
        let of_band = |band: &[usize]| {
            let power = powers.get(band[0]..band[1]).map_or(0.0, |band| band.iter().sum::<f32>());
            power / full
        };
        let bands = self.bands.windows(2).map(of_band).collect::<Vec<_>>();
        let level = |power: &f32| {
            #[expect(clippy::cast_possible_truncation, reason = "a few hundred")]
            let level = (10.0 * PRECISION * power.log10()).round() as i16;
            level.clamp(SILENCE, 0)
        };
        self.levels.push(bands.iter().map(level).collect());
        self.powers.0.iter_mut().zip(bands).for_each(|(sum, power)| *sum += power);
    }

    fn end_group(&mut self) {
        let (sums, count) = &mut self.powers;
        let levels = sums.iter().map(|sum| 10.0 * (sum / *count as f32).log10());
        let levels = levels.collect::<Vec<_>>();
        let least = levels.iter().copied().fold(f32::MIN, f32::max) - DROPPED;
        let silence = f32::from(SILENCE) / PRECISION;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 200")]
        let step =
            |level: f32| ((level.max(least).clamp(silence, 0.0) - silence) * TONE_PRECISION).round() as u8;
        self.tones.levels.extend(levels.into_iter().map(step));
        sums.fill(0.0);
        *count = 0;
    }

    /// Compares two sounds: calls `report` with the start and the end of each stretch in seconds, and the largest difference
    /// of a band in dB. What is missing in the shorter one is silence.
    pub(super) fn compare(&self, head: &Self, mut report: impl FnMut(f64, f64, f64)) {
        let silence = vec![SILENCE; self.bands.len() - 1];
        let at = |spectrum: &Self, number: usize| {
            let levels = spectrum.levels.get(number).filter(|levels| !levels.is_empty());
            levels.unwrap_or(&silence).clone()
        };
        let mut last = Vec::<Vec<i16>>::new();
        for number in 0..self.levels.len().max(head.levels.len()) {
            last.push(heard_differences(&at(self, number), &at(head, number)));
            if last.len() > STRETCH {
                last.remove(0);
            }
            if last.len() < STRETCH {
                continue;
            }
            let mean = |band: usize| {
                let sum = last.iter().map(|differences| differences[band]).sum::<i16>();
                f64::from(sum.abs()) / (STRETCH as f64 * f64::from(PRECISION))
            };
            let most = (0..silence.len()).map(mean).fold(0.0, f64::max);
            let start = (number + 1 - STRETCH) as f64 * STEP_SECONDS;
            report(start, (number + 2) as f64 * STEP_SECONDS, most);
        }
    }
}

impl Tones {
    /// Compares two sounds as [`Spectrum::compare`] does, by half seconds.
    pub(super) fn compare(&self, head: &Self, mut report: impl FnMut(f64, f64, f64)) {
        let bands = self.bands.max(1);
        if head.bands != self.bands {
            return;
        }
        let silence = vec![SILENCE; bands];
        let at = |tones: &Self, number: usize| {
            let levels = tones.levels.chunks_exact(bands).nth(number);
            let tenths = |step: &u8| (i16::from(*step) * 5 + SILENCE).min(0);
            levels.map_or_else(|| silence.clone(), |levels| levels.iter().map(tenths).collect())
        };
        for number in 0..self.levels.len().max(head.levels.len()) / bands {
            let differences = heard_differences(&at(self, number), &at(head, number));
            let most = differences.into_iter().map(i16::unsigned_abs).max().unwrap_or(0);
            let start = number as f64 * GROUP_SECONDS;
            report(start, start + GROUP_SECONDS, f64::from(most) / f64::from(PRECISION));
        }
    }
}

/// Returns the differences of bands in tenths of a decibel; 0 of those that are not heard in either.
fn heard_differences(base: &[i16], head: &[i16]) -> Vec<i16> {
    let loudest = base.iter().chain(head).copied().max().unwrap_or(SILENCE);
    let least = FLOOR.max(loudest.saturating_sub(COVERED));
    let difference = |(base, head): (&i16, &i16)| if *base.max(head) >= least { base - head } else { 0 };
    base.iter().zip(head).map(difference).collect()
}

/// Replaces values, which are pairs of real and imaginary parts, by their discrete Fourier transform.
fn transform(values: &mut [(f32, f32)], circle: &[(f32, f32)]) {
    let count = values.len();
    let bits = count.trailing_zeros();
    for index in 0..count {
        let other = index.reverse_bits() >> (usize::BITS - bits);
        if index < other {
            values.swap(index, other);
        }
    }
    let mut half = 1;
    while half < count {
        for group in values.chunks_exact_mut(2 * half) {
            let (first, second) = group.split_at_mut(half);
            for (step, (first, second)) in first.iter_mut().zip(second).enumerate() {
                let (cosine, sine) = circle[step * (count / (2 * half))];
                let turned = (second.0 * cosine + second.1 * sine, second.1 * cosine - second.0 * sine);
                *second = (first.0 - turned.0, first.1 - turned.1);
                *first = (first.0 + turned.0, first.1 + turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::sound::SAMPLE_RATE;

    /// Two seconds of a tone.
    fn tone(frequency: f32, amplitude: f32) -> Spectrum {
        let mut spectrum = Spectrum::default();
        for sample in 0..2 * SAMPLE_RATE {
            let angle = 2.0 * PI * frequency * (sample as f32 / SAMPLE_RATE as f32);
            #[expect(clippy::cast_possible_truncation, reason = "within the range of samples")]
            spectrum.push((amplitude * angle.sin()) as i16);
        }
        spectrum.finish();
        spectrum
    }

    fn most(base: &Spectrum, head: &Spectrum) -> f64 {
        let mut most = 0.0_f64;
        base.compare(head, |_, _, difference| most = most.max(difference));
        most
    }

    #[test]
    fn a_tone_has_its_level_in_its_band() {
        let spectrum = tone(1000.0, 32767.0 / 10.0);
        let levels = &spectrum.levels[5];
        let (band, level) = levels.iter().enumerate().max_by_key(|(_, level)| **level).expect("bands");
        assert!((spectrum.bands[band]..spectrum.bands[band + 1]).contains(&128), "{band}");
        assert!((-220..=-190).contains(level), "{level}");
        assert_eq!(levels[band / 2], SILENCE);
    }

    #[test]
    fn half_a_tone_is_seen_anywhere_and_a_little_louder_is_not() {
        for frequency in [110.0, 220.0, 330.0, 440.0, 1234.0, 5000.0] {
            let base = tone(frequency, 8000.0);
            let higher = most(&base, &tone(frequency * HALF_TONE, 8000.0));
            // Below 260 Hz a band is more than half a tone.
            assert!(frequency < 260.0 || higher > 10.0, "{frequency}: {higher}");
            let whole = most(&base, &tone(frequency * HALF_TONE.powi(4), 8000.0));
            assert!(whole > 10.0, "{frequency}: {whole}");
            assert!(most(&base, &tone(frequency, 8500.0)) <= 1.0);
        }
    }

    #[test]
    fn half_seconds_tell_other_tones_but_not_other_noise() {
        let compare = |base: &Spectrum, head: &Spectrum| {
            let mut found = Vec::new();
            base.tones().compare(head.tones(), |start, _, difference| found.push((start, difference)));
            found
        };
        let base = tone(440.0, 8000.0);
        assert_eq!(base.tones().levels.len(), base.tones().bands * 4);
        assert!(compare(&base, &base).iter().all(|(_, difference)| *difference == 0.0));
        let most = |found: Vec<(f64, f64)>| found.into_iter().map(|(_, most)| most).fold(0.0, f64::max);
        assert!(most(compare(&base, &tone(440.0, 8500.0))) <= 1.0);
        assert!(most(compare(&base, &tone(440.0 * HALF_TONE, 8000.0))) > 10.0);
        // The rest of a longer sound is compared with silence.
        let silence = Spectrum::default();
        assert!(compare(&silence, &base).iter().all(|(_, difference)| *difference > 40.0));
    }

    #[test]
    fn silence_and_what_is_covered_are_not_compared() {
        assert!(most(&tone(440.0, 20.0), &tone(880.0, 20.0)) < 0.1);
        let (mut base, mut head) = (Spectrum::default(), Spectrum::default());
        for sample in 0..SAMPLE_RATE {
            let sine = |frequency: f32| (frequency * 2.0 * PI * sample as f32 / SAMPLE_RATE as f32).sin();
            #[expect(clippy::cast_possible_truncation, reason = "within the range of samples")]
            let both = |loud: f32, soft: f32| (loud * 20_000.0 + soft * 500.0) as i16;
            base.push(both(sine(500.0), sine(3000.0)));
            head.push(both(sine(500.0), sine(2000.0)));
        }
        assert!(most(&base, &head) < 1.0);
    }
}
