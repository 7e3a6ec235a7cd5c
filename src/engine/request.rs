//! The options of a job, as the engine takes them.

use hyperframes_ci_core::options::{Format, Quality};
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde_json::{Value, json};

use super::Job;
use super::error::EngineError;

/// Constant rate factor of the preset `looks`; source: the official command line.
const LOOKS_CRF: u8 = 16;

/// Returns the options of a job with so many browsers. What is not set is left out: the engine tells it from `null`.
///
/// # Errors
/// Returns [`EngineError::Unsupported`] for a resolution without an aspect ratio.
pub(super) fn options(job: &Job<'_>, workers: usize) -> Result<Value, EngineError> {
    let encoding = job.encoding;
    let (quality, preset_crf) = match job.quality.unwrap_or(Quality::Standard) {
        // ProRes has no such factor, and a bitrate stands for it.
        Quality::Looks if job.format == Format::Mov || encoding.video_bitrate.is_some() => {
            (Quality::Standard, None)
        }
        Quality::Looks => (Quality::Standard, Some(LOOKS_CRF)),
        Quality::Delivery => (Quality::High, None),
        quality => (quality, None),
    };
    let resolution = match (job.resolution, job.aspect_ratio) {
        (None, _) => None,
        (Some(resolution), Some(shape)) => Some(shape.preset(resolution)),
        (Some(resolution), None) => {
            return Err(EngineError::Unsupported(format!(
                "--resolution {resolution} requires a composition with an aspect ratio of 16:9, 9:16 or 1:1"
            )));
        }
    };
    let mut options = json!({
        // Otherwise the engine uses data-fps of the root element, which the cloud ignores.
        "fps": job.frame_rate().to_string(),
        "quality": quality.to_string(),
        "format": job.format.to_string(),
        "workers": workers,
        "strictness": if encoding.is_strict { "strict" } else { "best-effort" },
        "crf": encoding.crf.or(preset_crf),
        "videoBitrate": encoding.video_bitrate,
        "gifLoop": encoding.gif_loop,
        "outputResolution": resolution,
        "entryFile": job.composition.filter(|path| *path != DEFAULT_COMPOSITION),
        "variables": job.variables,
    });
    if let Some(options) = options.as_object_mut() {
        options.retain(|_, value| !value.is_null());
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hyperframes_ci_core::options::{AspectRatio, Resolution};

    use super::super::{Encoding, JobOutput, Workers};
    use super::*;
    use crate::fault::Fault;
    use crate::system::deadline::Deadline;

    fn job() -> Job<'static> {
        Job {
            archive: Path::new("none.zip"),
            digest: None,
            composition: None,
            fps: None,
            quality: None,
            format: Format::Mp4,
            resolution: None,
            aspect_ratio: None,
            variables: None,
            encoding: Encoding::default(),
            workers: Workers::Fixed(1),
            output: JobOutput::Folder(Path::new("none")),
            deadline: Deadline::NEVER,
        }
    }

    /// The options of a job that differ from those of [`job`].
    fn changed(job: &Job<'_>) -> Value {
        let [Ok(Value::Object(mut changed)), Ok(usual)] = [options(job, 1), options(&self::job(), 1)] else {
            panic!("unsupported")
        };
        changed.retain(|name, value| usual.get(name) != Some(value));
        changed.into()
    }

    #[test]
    fn the_defaults_are_those_of_the_cloud() {
        let expected = json!({
            "fps": "30", "quality": "standard", "format": "mp4", "workers": 2, "strictness": "best-effort",
        });
        assert_eq!(options(&job(), 2).expect("supported"), expected);
        let default = Job { composition: Some("index.html"), ..job() };
        assert_eq!(options(&default, 2).expect("supported"), expected);
    }

    #[test]
    fn options_of_the_encoder_are_passed_on() {
        let encoding = Encoding { crf: Some(18), is_strict: true, ..Encoding::default() };
        let fps = Some("30000/1001".parse().expect("a rate"));
        assert_eq!(
            changed(&Job { fps, encoding, ..job() }),
            json!({ "fps": "30000/1001", "crf": 18, "strictness": "strict" })
        );
        let encoding = Encoding { gif_loop: Some(3), ..Encoding::default() };
        assert_eq!(
            changed(&Job { format: Format::Gif, encoding, ..job() }),
            json!({ "format": "gif", "gifLoop": 3 })
        );
    }

    #[test]
    fn presets_of_the_command_line_are_those_of_the_engine() {
        let with = |quality, format, video_bitrate| {
            let encoding = Encoding { video_bitrate, ..Encoding::default() };
            changed(&Job { quality: Some(quality), format, encoding, ..job() })
        };
        assert_eq!(with(Quality::Looks, Format::Mp4, None), json!({ "crf": 16 }));
        assert_eq!(with(Quality::Looks, Format::Mov, None), json!({ "format": "mov" }));
        assert_eq!(with(Quality::Looks, Format::Mp4, Some("2M")), json!({ "videoBitrate": "2M" }));
        assert_eq!(with(Quality::Delivery, Format::Mp4, None), json!({ "quality": "high" }));
    }

    #[test]
    fn a_resolution_requires_an_aspect_ratio() {
        let with = |resolution, aspect_ratio| Job { resolution: Some(resolution), aspect_ratio, ..job() };
        let portrait = with(Resolution::UltraHd, Some(AspectRatio::Portrait));
        assert_eq!(changed(&portrait), json!({ "outputResolution": "portrait-4k" }));
        let error = options(&with(Resolution::FullHd, None), 1).expect_err("no ratio");
        assert_eq!(error.code(), "unsupported_option");
    }
}
