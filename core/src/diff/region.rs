//! Regions that are not compared.

use std::fmt;
use std::str::FromStr;

use super::blocks::{BLOCK, FrameFormat};

/// A rectangle, for all or some of the time, that is not compared: `X,Y,WIDTHxHEIGHT@FROM-TO: REASON`. The rectangle is in
/// pixels, or percent of the frame with `%`; the times are in seconds. Without a rectangle it is the whole frame, without
/// times the whole video.
///
/// ```
/// use hyperframes_ci_core::diff::Region;
///
/// let clock: Region = "90%,0,10%x40@1.5-3: shows the time of day".parse()?;
/// assert_eq!(clock.reason(), Some("shows the time of day"));
/// assert!("10,20".parse::<Region>().is_err());
/// # Ok::<(), hyperframes_ci_core::diff::RegionError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    text: String,
    rectangle: Option<[Length; 4]>,
    from: f64,
    to: f64,
    reason: Option<String>,
}

/// A length along an axis of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    Pixels(f64),
    Percent(f64),
}

/// A text is not a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionError {
    given: String,
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be X,Y,WIDTHxHEIGHT@FROM-TO: REASON, such as 0,0,320x80@1.5-3, not {:?}", self.given)
    }
}

impl std::error::Error for RegionError {}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        parse(text).ok_or_else(|| RegionError { given: text.to_owned() })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse(text: &str) -> Option<Region> {
    let (place, reason) = match text.split_once(':') {
        Some((place, reason)) => (place, Some(reason.trim()).filter(|reason| !reason.is_empty())),
        None => (text, None),
    };
    let (rectangle, times) = match place.split_once('@') {
        Some((rectangle, times)) => (rectangle.trim(), Some(times.trim())),
        None => (place.trim(), None),
    };
    let (from, to) = match times {
        Some(times) => {
            let (from, to) = times.split_once('-')?;
            (seconds(from, 0.0)?, seconds(to, f64::INFINITY)?)
        }
        None => (0.0, f64::INFINITY),
    };
    let rectangle = if rectangle.is_empty() { None } else { Some(lengths(rectangle)?) };
    let is_bounded = rectangle.is_some() || times.is_some();
    (is_bounded && from < to).then(|| Region {
        text: place.trim().to_owned(),
        rectangle,
        from,
        to,
        reason: reason.map(str::to_owned),
    })
}

fn seconds(text: &str, default: f64) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() { Some(default) } else { number(text) }
}

fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|value: &f64| is_plain && value.is_finite())
}

fn lengths(text: &str) -> Option<[Length; 4]> {
    let mut parts = text.splitn(3, ',');
    let (x, y) = (length(parts.next()?)?, length(parts.next()?)?);
    let (width, height) = parts.next()?.split_once('x')?;
    Some([x, y, length(width)?, length(height)?])
}

fn length(text: &str) -> Option<Length> {
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(percent) => number(percent).map(Length::Percent),
        None => number(text).map(Length::Pixels),
    }
}

impl Length {
    fn pixels(self, total: u32) -> f64 {
        match self {
            Self::Pixels(pixels) => pixels,
            Self::Percent(percent) => percent / 100.0 * f64::from(total),
        }
    }
}

impl Region {
    /// Returns why it is not compared.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns when it begins, in seconds.
    #[must_use]
    pub fn from(&self) -> f64 {
        self.from
    }

    /// Returns when it ends, in seconds; `None` if it lasts to the end.
    #[must_use]
    pub fn to(&self) -> Option<f64> {
        self.to.is_finite().then_some(self.to)
    }

    /// Returns left, top, right and bottom in pixels, within a frame of this size.
    #[must_use]
    pub fn rectangle(&self, width: u32, height: u32) -> [f64; 4] {
        let (frame_width, frame_height) = (f64::from(width), f64::from(height));
        let Some([x, y, across, down]) = self.rectangle else { return [0.0, 0.0, frame_width, frame_height] };
        let (x, y) = (x.pixels(width), y.pixels(height));
        let (right, bottom) = (x + across.pixels(width), y + down.pixels(height));
        [x.min(frame_width), y.min(frame_height), right.min(frame_width), bottom.min(frame_height)]
    }

    /// Returns whether it applies at `time`.
    pub(super) fn is_active(&self, time: f64) -> bool {
        // Presentation times are rounded to the ticks of a container.
        const TICK: f64 = 1e-4;
        time >= self.from - TICK && time < self.to - TICK
    }

    /// Marks the blocks that it touches.
    pub(super) fn mark(&self, format: &FrameFormat, mask: &mut [bool]) {
        let [left, top, right, bottom] = self.rectangle(format.width, format.height);
        if right <= left || bottom <= top {
            return;
        }
        let (columns, _) = format.grid();
        for (cell, masked) in mask.iter_mut().enumerate() {
            let (x, y) = ((cell % columns * BLOCK) as f64, (cell / columns * BLOCK) as f64);
            let edge = BLOCK as f64;
            *masked |= x < right && x + edge > left && y < bottom && y + edge > top;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_rectangle_times_or_both() {
        let region = |text: &str| text.parse::<Region>().expect("a region");
        assert_eq!(region("10,20,30x40").rectangle(1280, 720), [10.0, 20.0, 40.0, 60.0]);
        assert_eq!(region("50%, 0, 50% x 10%").rectangle(1280, 720), [640.0, 0.0, 1280.0, 72.0]);
        assert_eq!(region("@1-").rectangle(8, 8), [0.0, 0.0, 8.0, 8.0]);
        assert_eq!((region("@1.5-3").from(), region("@1.5-3").to()), (1.5, Some(3.0)));
        assert_eq!(region("0,0,8x8: a: b").reason(), Some("a: b"));
        assert_eq!(region("0,0,8x8 @ 1 - 2 : why").to_string(), "0,0,8x8 @ 1 - 2");
        for text in [
            "",
            ": why",
            "1,2",
            "1,2,3",
            "1,2,3x",
            "@",
            "@3-1",
            "-1,0,8x8",
            "0,0,8x8@x-1",
            "@1e3-",
            "0,0,infx1",
        ] {
            assert!(text.parse::<Region>().is_err() || text == "@", "{text}");
        }
    }

    #[test]
    fn a_region_covers_every_block_that_it_touches() {
        let format = FrameFormat { width: 32, height: 16, has_alpha: false };
        let mut mask = vec![false; format.cells()];
        "7,0,2x8".parse::<Region>().expect("a region").mark(&format, &mut mask);
        assert_eq!(mask, [true, true, false, false, false, false, false, false]);
    }

    #[test]
    fn it_is_active_from_its_start_to_its_end() {
        let region: Region = "@1-2".parse().expect("a region");
        assert_eq!([0.99, 1.0, 1.5, 2.0].map(|time| region.is_active(time)), [false, true, true, false]);
    }
}
