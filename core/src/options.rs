//! Enumerated options of a render, with the names that the API uses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
            /// The names of all values in the API.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Returns the name in the API.
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
    }
}

closed_set! {
    /// The video container. The server's default is `mp4`; `webm` and `mov` support transparency.
    Format {
        /// H.264 in MP4.
        Mp4 = "mp4",
        /// VP9 in WebM, with alpha.
        Webm = "webm",
        /// ProRes 4444 in QuickTime, with alpha.
        Mov = "mov",
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
    /// Returns whether the container supports transparency.
    #[must_use]
    pub fn has_alpha(self) -> bool {
        !matches!(self, Self::Mp4)
    }
}

impl AspectRatio {
    /// All aspect ratios.
    pub const ALL: [Self; 3] = [Self::Landscape, Self::Portrait, Self::Square];

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
}
