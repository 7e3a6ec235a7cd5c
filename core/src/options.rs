//! Typed options of a render, with the names that the API and the official command line use.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An unknown name of an option value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The invalid value.
    pub given: String,
    /// The valid names.
    pub allowed: &'static [&'static str],
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one of {}, not {:?}", self.allowed.join(", "), self.given)
    }
}

impl std::error::Error for UnknownValue {}

/// Defines an enum with one name per variant.
macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The names of all values.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Returns the name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownValue;

            fn from_str(text: &str) -> Result<Self, UnknownValue> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownValue { given: text.to_owned(), allowed: Self::NAMES }),
                }
            }
        }
    };
}

pub(crate) use closed_set;

closed_set! {
    /// The encoder preset; higher is slower. The server's default is `standard`.
    Quality {
        /// Fast, low quality.
        Draft = "draft",
        /// The default.
        Standard = "standard",
        /// Slow, high quality.
        High = "high",
        /// `standard` with fewer artifacts, in larger files: the default of the official local command. Not in the cloud.
        Looks = "looks",
        /// The same as `high`, for final videos. Not in the cloud.
        Delivery = "delivery",
    }
}

closed_set! {
    /// The output format. The server's default is `mp4`; `webm`, `mov` and `png-sequence` support transparency.
    Format {
        /// H.264 in MP4.
        Mp4 = "mp4",
        /// VP9 in WebM, with alpha.
        Webm = "webm",
        /// ProRes 4444 in QuickTime, with alpha.
        Mov = "mov",
        /// An animated image. Not in the cloud.
        Gif = "gif",
        /// A directory with one image per frame, with alpha. Not in the cloud.
        PngSequence = "png-sequence",
        /// A directory with playlists and segments for HTTP Live Streaming. Not in the cloud.
        Hls = "hls",
    }
}

closed_set! {
    /// The video codec of an MP4 file. Not in the cloud.
    Codec {
        /// H.264, the default.
        H264 = "h264",
        /// H.265, in smaller files that fewer players support.
        H265 = "h265",
    }
}

closed_set! {
    /// The output resolution. The server's default is `1080p`; `4k` is billed at 1.5 times the rate, without
    /// transparency.
    Resolution {
        /// Full HD.
        FullHd = "1080p",
        /// Ultra HD.
        UltraHd = "4k",
    }
}

closed_set! {
    /// The aspect ratios that the cloud supports.
    AspectRatio {
        /// 16:9.
        Landscape = "16:9",
        /// 9:16.
        Portrait = "9:16",
        /// 1:1.
        Square = "1:1",
    }
}

impl Format {
    /// Returns whether the format supports transparency. That of a GIF is not used: its edges would be jagged.
    #[must_use]
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::Webm | Self::Mov | Self::PngSequence)
    }

    /// Returns whether a render is a directory instead of a file.
    #[must_use]
    pub fn is_directory(self) -> bool {
        matches!(self, Self::PngSequence | Self::Hls)
    }
}

/// A frame rate: a whole number of frames per second, or a fraction such as 30000/1001, which is 29.97.
///
/// ```
/// use hyperframes_ci_core::options::FrameRate;
///
/// let ntsc = "30000/1001".parse::<FrameRate>()?;
/// assert_eq!((ntsc.whole(), ntsc.to_string().as_str()), (None, "30000/1001"));
/// assert_eq!("60/2".parse(), Ok(FrameRate::from(30)));
/// # Ok::<(), hyperframes_ci_core::options::InvalidFrameRate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// In lowest terms, so that equal rates are equal.
    frames: u32,
    seconds: u32,
}

/// The error of an invalid frame rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidFrameRate;

impl fmt::Display for InvalidFrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a whole number from 1 to 240, or a fraction such as 30000/1001")
    }
}

impl std::error::Error for InvalidFrameRate {}

impl FrameRate {
    /// Returns the rate as a whole number, unless it is a fraction.
    #[must_use]
    pub fn whole(self) -> Option<u32> {
        (self.seconds == 1).then_some(self.frames)
    }

    /// Returns the number of frames per second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.frames) / f64::from(self.seconds)
    }

    /// Returns whether the rate is one that renderers accept: 1 to 240.
    #[must_use]
    pub fn is_in_range(self) -> bool {
        (1.0..=240.0).contains(&self.per_second())
    }

    fn fraction(frames: u32, seconds: u32) -> Option<Self> {
        let (mut divisor, mut rest) = (frames, seconds);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        let is_positive = frames > 0 && seconds > 0;
        is_positive.then(|| Self { frames: frames / divisor, seconds: seconds / divisor })
    }
}

impl From<u32> for FrameRate {
    fn from(frames: u32) -> Self {
        Self { frames, seconds: 1 }
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            1 => write!(f, "{}", self.frames),
            seconds => write!(f, "{}/{seconds}", self.frames),
        }
    }
}

impl FromStr for FrameRate {
    type Err = InvalidFrameRate;

    fn from_str(text: &str) -> Result<Self, InvalidFrameRate> {
        let number = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| is_plain)
        };
        let rate = match text.split_once('/') {
            Some((frames, seconds)) => number(frames)
                .zip(number(seconds))
                .and_then(|(frames, seconds)| Self::fraction(frames, seconds)),
            None => number(text).map(Self::from),
        };
        rate.filter(|rate| rate.is_in_range()).ok_or(InvalidFrameRate)
    }
}

/// A whole rate is a number, as in the API, and a fraction a string.
impl Serialize for FrameRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.whole() {
            Some(whole) => serializer.serialize_u32(whole),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for FrameRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RateVisitor;

        impl Visitor<'_> for RateVisitor {
            type Value = FrameRate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1 to 240 or a fraction such as \"30000/1001\"")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<FrameRate, E> {
                let rate = u32::try_from(number).map(FrameRate::from).ok().filter(|rate| rate.is_in_range());
                rate.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<FrameRate, E> {
                // A number in quotes was never valid.
                let rate = text.parse().ok().filter(|_| text.contains('/'));
                rate.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(RateVisitor)
    }
}

impl AspectRatio {
    /// Tolerance of the ratio; source: the official CLI.
    const TOLERANCE: f64 = 0.05;

    /// Returns whether a size, in any unit, has this aspect ratio.
    #[must_use]
    pub fn fits(self, width: f64, height: f64) -> bool {
        let ratio = match self {
            Self::Landscape => 16.0 / 9.0,
            Self::Portrait => 9.0 / 16.0,
            Self::Square => 1.0,
        };
        (width / height - ratio).abs() <= Self::TOLERANCE
    }
}
impl AspectRatio {
    /// Returns the official command line's name for a resolution in this aspect ratio; source: its `--resolution`.
    #[must_use]
    pub fn preset(self, resolution: Resolution) -> String {
        let shape = match self {
            Self::Landscape => "landscape",
            Self::Portrait => "portrait",
            Self::Square => "square",
        };
        let tier = if resolution == Resolution::UltraHd { "-4k" } else { "" };
        format!("{shape}{tier}")
    }

    /// Returns the width and height of a resolution in this aspect ratio, in pixels.
    #[must_use]
    pub fn dimensions(self, resolution: Resolution) -> (u32, u32) {
        let (short, long) = match resolution {
            Resolution::FullHd => (1080, 1920),
            Resolution::UltraHd => (2160, 3840),
        };
        match self {
            Self::Landscape => (long, short),
            Self::Portrait => (short, long),
            Self::Square => (short, short),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_whole_numbers_or_fractions_from_1_to_240() {
        for (text, shown) in
            [("30", "30"), ("30000/1001", "30000/1001"), ("240/1", "240"), ("48/2", "24"), ("001", "1")]
        {
            let rate = text.parse::<FrameRate>().expect("valid");
            assert_eq!(rate.to_string(), shown);
            let json = serde_json::to_string(&rate).expect("JSON");
            assert_eq!(serde_json::from_str::<FrameRate>(&json).ok(), Some(rate), "{json}");
        }
        for text in [
            "",
            "0",
            "241",
            "29.97",
            "-30",
            "+30",
            "30/",
            "/1",
            "30/0",
            "0/1",
            "1/2",
            "482/2",
            "1/1/1",
            "30 ",
            "99999999999",
        ] {
            assert_eq!(text.parse::<FrameRate>(), Err(InvalidFrameRate), "{text}");
        }
        for json in ["0", "241", "29.97", "-1", "\"30\"", "\"x\"", "null", "true", "\"1/2\""] {
            assert!(serde_json::from_str::<FrameRate>(json).is_err(), "{json}");
        }
        assert!(("30000/1001".parse::<FrameRate>().expect("valid").per_second() - 29.97).abs() < 0.001);
    }
}
