//! How players show the frames of a video. The frames themselves do not have it, so two videos of equal frames may look different:
//! one is rotated, wider, cropped, in other colors, or starts later.

use hyperframes_ci_core::video::Placement;

/// What is the same as to say nothing about it.
const DEFAULTS: &[&str] = &["progressive", "tv"];

/// Properties that golden files keep, in their order.
const KEPT: &[&str] = &["orientation", "pixel shape", "crop", "colors"];

/// How the picture of a video is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Display {
    /// Properties by their names.
    properties: Vec<(&'static str, String)>,
    /// When the file starts, in seconds.
    start: f64,
    /// Whether FFmpeg has described the picture.
    is_described: bool,
}

/// A property in which two videos differ, with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DisplayDifference {
    pub(crate) name: &'static str,
    pub(crate) values: [String; 2],
}

impl Display {
    /// Returns how a picture is shown, from the lines in which FFmpeg describes its input, the shape of its pixels as FFmpeg prints it
    /// (`4/3`), and its placement.
    pub(super) fn new(lines: &[String], shape: Option<&str>, placement: &Placement) -> Self {
        let input = lines.iter().map(|line| line.strip_prefix("[info] ").unwrap_or(line));
        let input = input.take_while(|line| !line.starts_with("Output #")).collect::<Vec<_>>();
        let start = input.iter().find_map(|line| line.strip_prefix("  Duration: "));
        let start =
            start.and_then(|line| line.split_once("start: ")?.1.split(',').next()?.trim().parse().ok());
        let is_stream = |line: &&str| line.starts_with("  Stream #");
        let picture = input.iter().position(|line| is_stream(line) && line.contains(": Video: "));
        let (described, below) = match picture {
            Some(at) => (input[at], &input[at + 1..]),
            None => ("", &[][..]),
        };
        let own = below.iter().take_while(|line| line.starts_with("    "));
        let side_data = own.skip_while(|line| line.trim_end() != "    Side data:").skip(1);
        let side_data = side_data.take_while(|line| line.starts_with("      ")).map(|line| line.trim());
        // Limits of the encoder; and what the matrix says more exactly.
        let is_matrix = |line: &str| line.to_ascii_lowercase().replace(' ', "").starts_with("displaymatrix");
        let is_shown =
            |line: &&str| !line.starts_with("cpb:") && (placement.matrices.is_empty() || !is_matrix(line));
        let side_data = side_data.filter(is_shown).collect::<Vec<_>>().join("; ");
        let shape = shape.filter(|shape| !shape.starts_with("0/") && !shape.ends_with("/0"));
        let crop = placement.crop.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        let properties = vec![
            ("orientation", orientation(&placement.matrices)),
            ("pixel shape", shape.unwrap_or("1/1").replace('/', ":")),
            ("crop", crop),
            ("colors", colors(described).unwrap_or_else(|| "unspecified".to_owned())),
            ("side data", side_data),
        ];
        Self { properties, start: start.unwrap_or(0.0), is_described: picture.is_some() }
    }

    /// Returns what a golden file keeps of it: the values of all properties but the data that versions of FFmpeg describe in other
    /// words; `None` if FFmpeg has not described the picture.
    pub(super) fn to_lines(&self) -> Option<Vec<String>> {
        let kept = self.properties.iter().filter(|(name, _)| KEPT.contains(name));
        let values = kept.map(|(_, value)| value.clone());
        self.is_described.then(|| values.chain([format!("{:.3}", self.start)]).collect())
    }

    /// Returns what a golden file has kept; `None` if it is not what this version keeps.
    pub(super) fn of_lines(lines: &[String]) -> Option<Self> {
        let (start, values) = lines.split_last()?;
        if values.len() != KEPT.len() {
            return None;
        }
        let properties = KEPT.iter().copied().zip(values.iter().cloned()).collect();
        Some(Self { properties, start: start.parse().ok()?, is_described: true })
    }

    /// Returns in which properties this display differs from `head`; starts that differ by less than `tolerance` seconds are one.
    pub(super) fn differences(&self, head: &Self, tolerance: f64) -> Vec<DisplayDifference> {
        let value = |value: &str| if value.is_empty() { "none".to_owned() } else { value.to_owned() };
        let pairs = self.properties.iter().zip(&head.properties);
        let differing = pairs
            .filter(|(base, head)| base != head)
            .map(|(base, head)| DisplayDifference { name: base.0, values: [value(&base.1), value(&head.1)] });
        let mut differences = differing.collect::<Vec<_>>();
        if (self.start - head.start).abs() >= tolerance {
            let values = [self.start, head.start].map(|start| format!("{start:.2} s"));
            differences.push(DisplayDifference { name: "start", values });
        }
        differences
    }

    /// Returns whether FFmpeg has described the picture; otherwise its colors are not known.
    pub(super) fn is_described(&self) -> bool {
        self.is_described
    }
}

/// Returns what matrices do, in words if there is one of the usual ones.
fn orientation(matrices: &[[i32; 4]]) -> String {
    const ONE: i32 = 0x1_0000;
    let name = |matrix: &[i32; 4]| match matrix {
        [0, ONE, turned, 0] if *turned == -ONE => "rotated by 90°".to_owned(),
        [a, 0, 0, d] if [*a, *d] == [-ONE; 2] => "rotated by 180°".to_owned(),
        [0, turned, ONE, 0] if *turned == -ONE => "rotated by 270°".to_owned(),
        [turned, 0, 0, ONE] if *turned == -ONE => "mirrored".to_owned(),
        [ONE, 0, 0, turned] if *turned == -ONE => "upside down and mirrored".to_owned(),
        matrix => {
            let factors = matrix.map(|factor| format!("{:.3}", f64::from(factor) / f64::from(ONE)));
            format!("matrix {}", factors.join(" "))
        }
    };
    if matrices.is_empty() {
        "upright".to_owned()
    } else {
        matrices.iter().map(name).collect::<Vec<_>>().join(", then ")
    }
}

/// Returns the range and the colors of a picture from its description, such as `pc, bt2020nc/bt2020/smpte2084` of
/// `Video: h264 (High), yuvj420p(pc, bt2020nc/bt2020/smpte2084, progressive), 320x180`; `None` without any.
fn colors(described: &str) -> Option<String> {
    let (_, picture) = described.split_once(": Video: ")?;
    // The second part that a comma outside of parentheses separates.
    let mut depth = 0_usize;
    let is_separator = |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    let (_, inside) = picture.split(is_separator).nth(1)?.split_once('(')?;
    let parts = inside.trim_end_matches(')').split(", ").filter(|part| !DEFAULTS.contains(part));
    Some(parts.collect::<Vec<_>>().join(", ")).filter(|colors| !colors.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'rot.mp4':
[info]   Metadata:
[info]     major_brand     : isom
[info]   Duration: 00:00:01.00, start: 0.500000, bitrate: 343 kb/s
[info]   Stream #0:0[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 70 kb/s (default)
[info]   Stream #0:1[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuvj420p(pc, bt2020nc/bt2020/smpte2084, progressive), \
320x180 [SAR 1:1 DAR 16:9], 251 kb/s, 30 fps, 30 tbr, 15360 tbn (default)
[info]     Metadata:
[info]       handler_name    : VideoHandler
[info]     Side data:
[info]       cpb: bitrate max/min/avg: 0/0/0 buffer size: 0 vbv_delay: N/A
[info]       stereo3d: side by side
[info] Output #0, framehash, to 'pipe:1':
[info]     Side data:
[info]       another";

    fn display(printed: &str, shape: Option<&str>, matrices: &[[i32; 4]]) -> Display {
        let lines = printed.lines().map(str::to_owned).collect::<Vec<_>>();
        Display::new(&lines, shape, &Placement { matrices: matrices.to_vec(), crop: Vec::new() })
    }

    #[test]
    fn what_ffmpeg_says_about_the_picture_is_read() {
        let found = display(PRINTED, Some("3/4"), &[[0, 65536, -65536, 0]]);
        let expected = [
            ("orientation", "rotated by 90°"),
            ("pixel shape", "3:4"),
            ("crop", ""),
            ("colors", "pc, bt2020nc/bt2020/smpte2084"),
            ("side data", "stereo3d: side by side"),
        ];
        assert_eq!(found.properties, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(found.is_described() && (found.start - 0.5).abs() < 1e-9);
        assert!(!display("[info] Input #0", None, &[]).is_described());
    }

    #[test]
    fn what_players_take_for_granted_is_no_difference() {
        let explicit = PRINTED.replace("pc, bt2020nc/bt2020/smpte2084, ", "tv, ");
        let silent = PRINTED.replace("(pc, bt2020nc/bt2020/smpte2084, progressive)", "");
        let [explicit, silent] = [display(&explicit, Some("1/1"), &[]), display(&silent, Some("0/1"), &[])];
        assert_eq!(explicit.differences(&silent, 0.01), []);
    }

    #[test]
    fn a_golden_file_keeps_what_every_version_of_ffmpeg_says() {
        let base = display(PRINTED, Some("3/4"), &[[0, 65536, -65536, 0]]);
        let lines = base.to_lines().expect("described");
        assert_eq!(lines, ["rotated by 90°", "3:4", "", "pc, bt2020nc/bt2020/smpte2084", "0.500"]);
        let kept = Display::of_lines(&lines).expect("of this version");
        assert_eq!(kept.to_lines(), Some(lines));
        let other = display(PRINTED, Some("1/1"), &[]).to_lines().expect("described");
        let other = Display::of_lines(&other).expect("of this version");
        assert_eq!(kept.differences(&other, 0.1).len(), 2);
        assert_eq!(Display::of_lines(&["upright".to_owned()]), None);
    }

    #[test]
    fn each_property_is_a_difference_of_its_own() {
        let base = display(PRINTED, None, &[]);
        let late = PRINTED.replace("start: 0.500000", "start: 0.520000");
        assert_eq!(base.differences(&display(&late, None, &[]), 1.0 / 30.0), []);
        let other = PRINTED
            .replace("start: 0.500000", "start: 1.5")
            .replace("pc, bt2020nc/bt2020/smpte2084", "bt709");
        let other = other.replace("stereo3d: side by side", "spherical: equirectangular");
        let found = base.differences(&display(&other, Some("4/3"), &[[-65536, 0, 0, 65536]]), 1.0 / 30.0);
        let names = found.iter().map(|found| found.name).collect::<Vec<_>>();
        assert_eq!(names, ["orientation", "pixel shape", "colors", "side data", "start"]);
        assert_eq!(found[0].values, ["upright", "mirrored"]);
        assert_eq!(found[4].values, ["0.50 s", "1.50 s"]);
    }
}
