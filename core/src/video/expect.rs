//! Compares a video with the request.

use super::model::{Container, Video};
use crate::options::{AspectRatio, Codec, Format, FrameRate, Resolution};

/// The requested properties; `None` is not compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// The container.
    pub format: Option<Format>,
    /// Frames per second.
    pub fps: Option<FrameRate>,
    /// The resolution: its number is the length of the shorter side in pixels.
    pub resolution: Option<Resolution>,
    /// The aspect ratio.
    pub aspect_ratio: Option<AspectRatio>,
    /// Length in seconds.
    pub duration: Option<f64>,
    /// The video codec.
    pub codec: Option<Codec>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
}

impl Expected {
    /// Returns a description of each difference.
    #[must_use]
    pub fn mismatches(&self, video: &Video) -> Vec<String> {
        let mut found = Vec::new();
        let container = match self.format {
            Some(Format::Mp4) => Some(Container::Mp4),
            Some(Format::Mov) => Some(Container::Mov),
            Some(Format::Webm) => Some(Container::Webm),
            Some(Format::Gif) => Some(Container::Gif),
            Some(Format::PngSequence) => Some(Container::PngSequence),
            Some(Format::Hls) => Some(Container::Hls),
            None => None,
        };
        if let Some(container) = container.filter(|container| *container != video.container) {
            found.push(format!("container is {} instead of {container}", video.container));
        }
        let codec = match self.codec {
            Some(Codec::H264) => Some("h264"),
            // Its name in containers.
            Some(Codec::H265) => Some("hevc"),
            None => None,
        };
        if let Some(codec) = codec.filter(|codec| *codec != video.codec) {
            found.push(format!("codec is {} instead of {codec}", video.codec));
        }
        let (width, height) = (video.width, video.height);
        if let Some((asked, other)) = self.size.filter(|size| *size != (width, height)) {
            found.push(format!("dimensions are {width}x{height} instead of {asked}x{other}"));
        }
        let short = match self.resolution {
            Some(Resolution::FullHd) => Some(1080),
            Some(Resolution::UltraHd) => Some(2160),
            None => None,
        };
        if let (Some(short), Some(resolution)) = (short, self.resolution)
            && width.min(height) != short
        {
            found.push(format!("dimensions are {width}x{height}, which is not {resolution}"));
        }
        if let Some(ratio) = self.aspect_ratio
            && !ratio.fits(f64::from(width), f64::from(height))
        {
            found.push(format!("dimensions are {width}x{height}, which is not {ratio}"));
        }
        if let (Some(asked), Some(fps)) = (self.fps, video.fps)
            && (fps - asked.per_second()).abs() > asked.per_second() * rate_tolerance(video)
        {
            found.push(format!("frame rate is {} fps instead of {asked} fps", rounded(fps)));
        }
        if let (Some(asked), Some(seconds)) = (self.duration, video.duration) {
            // Tolerance: one frame at either end, and the padding that audio encoders add.
            let tolerance = 0.1 + 2.0 / video.fps.unwrap_or(30.0) + asked * 0.01;
            if (seconds - asked).abs() > tolerance {
                found.push(format!("duration is {} s instead of {} s", rounded(seconds), rounded(asked)));
            }
        }
        found
    }
}

/// Returns the tolerance of the frame rate, as a part of it.
fn rate_tolerance(video: &Video) -> f64 {
    match (video.container, video.duration) {
        // Delays are whole hundredths of a second: two of them are off by half of one.
        (Container::Gif, Some(seconds)) if seconds > 0.0 => 0.005 + 0.01 / seconds,
        _ => 0.005,
    }
}

/// Rounds to two decimal places for messages.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_is_looked_at() {
        let video = Video {
            container: Container::Mp4,
            codec: "h264".to_owned(),
            width: 1280,
            height: 720,
            fps: Some(30.0),
            duration: Some(2.021),
            alpha: false,
            audio: None,
        };
        assert!(Expected::default().mismatches(&video).is_empty());
        let as_asked = Expected {
            format: Some(Format::Mp4),
            fps: Some(FrameRate::from(30)),
            aspect_ratio: Some(AspectRatio::Landscape),
            duration: Some(2.0),
            resolution: None,
            codec: Some(Codec::H264),
            size: Some((1280, 720)),
        };
        assert!(as_asked.mismatches(&video).is_empty());
        let otherwise = Expected {
            format: Some(Format::Webm),
            fps: Some(FrameRate::from(60)),
            resolution: Some(Resolution::FullHd),
            aspect_ratio: Some(AspectRatio::Square),
            duration: Some(5.0),
            codec: Some(Codec::H265),
            size: Some((3840, 2160)),
        };
        assert_eq!(
            otherwise.mismatches(&video),
            [
                "container is mp4 instead of webm",
                "codec is h264 instead of hevc",
                "dimensions are 1280x720 instead of 3840x2160",
                "dimensions are 1280x720, which is not 1080p",
                "dimensions are 1280x720, which is not 1:1",
                "frame rate is 30 fps instead of 60 fps",
                "duration is 2.02 s instead of 5 s",
            ]
        );
    }
}
