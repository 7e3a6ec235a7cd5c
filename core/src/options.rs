//! The closed sets of values that a render accepts, as the API spells them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A value outside a closed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownValue {
    /// The value that was given.
    pub given: String,
    /// The values that exist.
    pub allowed: &'static [&'static str],
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one of {}, not {:?}", self.allowed.join(", "), self.given)
    }
}

impl std::error::Error for UnknownValue {}

/// An enum whose values have one spelling each.
macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, as the API spells it.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The API's spelling.
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
        /// Fast and rough.
        Draft = "draft",
        /// The default.
        Standard = "standard",
        /// Slow and fine.
        High = "high",
    }
}

closed_set! {
    /// The container. The server's default is `mp4`; `webm` and `mov` carry alpha.
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
    /// The output tier. The server's default is `1080p`; `4k` is billed at 1.5x and has no alpha.
    Resolution {
        /// Full HD.
        FullHd = "1080p",
        /// Ultra HD.
        UltraHd = "4k",
    }
}

closed_set! {
    /// The shapes that the cloud renders.
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
    /// Returns whether the container carries an alpha channel.
    #[must_use]
    pub fn has_alpha(self) -> bool {
        !matches!(self, Self::Mp4)
    }
}

impl AspectRatio {
    /// Every shape.
    pub const ALL: [Self; 3] = [Self::Landscape, Self::Portrait, Self::Square];

    /// Allowed deviation of a ratio; source: the official CLI.
    const TOLERANCE: f64 = 0.05;

    /// Returns whether a picture of this size, in any unit, has the shape.
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
    /// Returns the name of a tier in this shape in the official command line; source: its `--resolution`.
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
