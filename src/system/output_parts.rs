//! The files of renders that are directories.

use hyperframes_ci_core::options::Format;

/// The main playlist of a directory of segments.
pub(crate) const PLAYLIST: &str = "master.m3u8";

/// Returns the file that every render in `format` has, which is a directory.
pub(crate) fn main_part(format: Format) -> &'static str {
    if format == Format::Hls { PLAYLIST } else { "frame_000001.png" }
}

/// Returns whether a file of this name is a part of a render in `format`; source: the official engine.
pub(crate) fn is_part(format: Format, name: &str) -> bool {
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = |prefix: &str, suffix: &str| {
        name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)).is_some_and(is_number)
    };
    match format {
        Format::PngSequence => name == "audio.m4a" || numbered("frame_", ".png"),
        Format::Hls => {
            [PLAYLIST, "video.m3u8", "audio.m3u8"].contains(&name)
                || numbered("video_", ".ts")
                || numbered("audio_", ".ts")
        }
        Format::Mp4 | Format::Webm | Format::Mov | Format::Gif => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_the_engine_writes_are_parts() {
        for (format, name, expected) in [
            (Format::PngSequence, "frame_000001.png", true),
            (Format::PngSequence, "audio.m4a", true),
            (Format::PngSequence, "frame_.png", false),
            (Format::PngSequence, "frame_0000-1.png", false),
            (Format::PngSequence, "../frame_000001.png", false),
            (Format::Hls, "master.m3u8", true),
            (Format::Hls, "video_00012.ts", true),
            (Format::Hls, "audio_00012.ts", true),
            (Format::Hls, "other_00012.ts", false),
            (Format::Mp4, "video_00012.ts", false),
        ] {
            assert_eq!(is_part(format, name), expected, "{format} {name}");
        }
    }
}
