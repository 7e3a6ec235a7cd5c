//! Playlists of HTTP Live Streaming; source: RFC 8216.

use std::fmt;

use super::model::{Audio, Container, Video};

/// A playlist, as far as the properties of a video need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Playlist {
    /// Names of the playlists or segments that it lists.
    pub files: Vec<String>,
    /// Sum of the durations of its segments in seconds.
    pub duration: f64,
    /// Whether it says that no segment follows.
    pub is_complete: bool,
    /// Width and height in pixels of its first video.
    pub size: Option<(u32, u32)>,
    /// Codecs of its first video, such as `avc1.640028,mp4a.40.2`.
    pub codecs: String,
    /// Frames per second of its first video.
    pub fps: Option<f64>,
}

/// The error of a text that is not a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaylistError;

impl fmt::Display for PlaylistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a playlist of HTTP Live Streaming")
    }
}

impl std::error::Error for PlaylistError {}

impl Playlist {
    /// Parses a master playlist or a media playlist.
    ///
    /// # Errors
    /// Returns [`PlaylistError`] if the first line is not `#EXTM3U`.
    pub fn parse(text: &str) -> Result<Self, PlaylistError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        if lines.next() != Some("#EXTM3U") {
            return Err(PlaylistError);
        }
        let mut playlist = Self::default();
        for line in lines {
            if let Some(seconds) = line.strip_prefix("#EXTINF:") {
                let seconds = seconds.split(',').next().unwrap_or_default();
                playlist.duration += seconds.parse::<f64>().ok().filter(|it| it.is_finite()).unwrap_or(0.0);
            } else if let Some(attributes) = line.strip_prefix("#EXT-X-STREAM-INF:") {
                playlist.read_stream(attributes);
            } else if let Some(attributes) = line.strip_prefix("#EXT-X-MEDIA:") {
                playlist.files.extend(attribute(attributes, "URI").map(str::to_owned));
            } else if line == "#EXT-X-ENDLIST" {
                playlist.is_complete = true;
            } else if !line.starts_with('#') {
                playlist.files.push(line.to_owned());
            }
        }
        Ok(playlist)
    }

    fn read_stream(&mut self, attributes: &str) {
        let size = attribute(attributes, "RESOLUTION").and_then(|size| {
            let (width, height) = size.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        });
        if self.size.is_none() && size.is_some() {
            self.size = size;
            self.codecs = attribute(attributes, "CODECS").unwrap_or_default().to_owned();
            self.fps = attribute(attributes, "FRAME-RATE").and_then(|rate| rate.parse().ok());
        }
    }

    /// Returns the properties of the video of a master playlist, with the duration of its segments in seconds and its sound.
    #[must_use]
    pub fn video(&self, duration: f64, audio: Option<Audio>) -> Option<Video> {
        let (width, height) = self.size?;
        let codec = |prefix: &str| self.codecs.split(',').any(|codec| codec.trim().starts_with(prefix));
        let video = if codec("avc") || self.codecs.is_empty() { "h264" } else { self.codecs.as_str() };
        Some(Video {
            container: Container::Hls,
            codec: video.to_owned(),
            width,
            height,
            fps: self.fps,
            duration: Some(duration),
            alpha: false,
            audio,
        })
    }
}

/// Length of a packet of a transport stream in bytes; source: ISO/IEC 13818-1.
const PACKET: usize = 188;

/// Sample rates by their index in an ADTS header; source: ISO/IEC 14496-3.
const SAMPLE_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Returns the properties of AAC sound from the start of a segment, a transport stream; `None` if it has no sound there.
#[must_use]
pub fn sound_of_segment(head: &[u8]) -> Option<Audio> {
    head.chunks_exact(PACKET).filter(|packet| packet[0] == 0x47).find_map(|packet| {
        let starts_unit = packet[1] & 0x40 != 0;
        let payload = match packet[3] >> 4 & 3 {
            1 => packet.get(4..),
            3 => packet.get(5 + usize::from(packet[4])..),
            _ => None,
        };
        let stream = payload.filter(|stream| starts_unit && stream.starts_with(&[0, 0, 1]))?;
        // The numbers of sound streams.
        (0xc0..=0xdf).contains(stream.get(3)?).then_some(())?;
        let header = stream.get(9 + usize::from(*stream.get(8)?)..)?;
        let &[0xff, sync, rate, channels, ..] = header else { return None };
        (sync & 0xf6 == 0xf0).then_some(())?;
        let sample_rate = *SAMPLE_RATES.get(usize::from(rate >> 2 & 0xf))?;
        let channels = u32::from((rate & 1) << 2 | channels >> 6);
        Some(Audio { codec: "aac".to_owned(), channels, sample_rate })
    })
}

/// Returns the value of an attribute without quotes.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').map_or((after, ""), |(value, next)| (value, next)),
        };
        if key.trim_start_matches(',').trim() == name {
            return Some(value);
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "#EXTM3U\n#EXT-X-VERSION:6\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"group_aud\",NAME=\"audio_1\",DEFAULT=YES,URI=\"audio.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=140800,RESOLUTION=1280x720,FRAME-RATE=29.970,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"group_aud\"\n\
        video.m3u8\n";

    #[test]
    fn the_properties_of_the_video_are_read() {
        let master = Playlist::parse(MASTER).expect("a playlist");
        assert_eq!(master.files, ["audio.m3u8", "video.m3u8"]);
        let sound = Audio { codec: "aac".to_owned(), channels: 2, sample_rate: 48_000 };
        let video = master.video(4.0, Some(sound)).expect("a video");
        assert_eq!(
            (video.width, video.height, video.fps, video.codec.as_str()),
            (1280, 720, Some(29.97), "h264")
        );
        assert_eq!(video.audio.map(|audio| audio.codec).as_deref(), Some("aac"));
    }

    #[test]
    fn sound_is_found_in_a_segment() {
        let packet = |start: &[u8]| [start, &vec![0xff; PACKET - start.len()]].concat();
        let table = packet(&[0x47, 0x40, 0, 0x10, 0, 0, 0xb0]);
        let pes = [0, 0, 1, 0xc0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0xff, 0xf1, 0x4c, 0x80, 0, 0x1f];
        let plain = packet(&[&[0x47, 0x41, 0, 0x10][..], &pes].concat());
        let padded = packet(&[&[0x47, 0x41, 0, 0x30, 3, 0, 0xff, 0xff][..], &pes].concat());
        let expected = Some(Audio { codec: "aac".to_owned(), channels: 2, sample_rate: 48_000 });
        for segment in [[&table[..], &plain].concat(), [&table[..], &padded].concat()] {
            assert_eq!(sound_of_segment(&segment), expected);
            // No part of it is read beyond its end.
            (0..segment.len()).for_each(|length| drop(sound_of_segment(&segment[..length])));
        }
        let full = packet(&[0x47, 0x41, 0, 0x30, 0xff]);
        assert_eq!(
            (sound_of_segment(&table), sound_of_segment(&full), sound_of_segment(b"")),
            (None, None, None)
        );
    }

    #[test]
    fn segments_are_summed_up() {
        let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXTINF:4.000000,\r\nvideo_00000.ts\r\n#EXTINF:1.5,title\r\nvideo_00001.ts\r\n";
        let media = Playlist::parse(text).expect("a playlist");
        assert_eq!((media.duration, media.is_complete), (5.5, false));
        assert_eq!(media.files, ["video_00000.ts", "video_00001.ts"]);
        assert!(Playlist::parse(&format!("{text}#EXT-X-ENDLIST\n")).expect("a playlist").is_complete);
        for other in ["", "<html>", "#EXTINF:1,\na.ts", "#EXTM3U8"] {
            assert_eq!(Playlist::parse(other), Err(PlaylistError), "{other}");
        }
    }
}
