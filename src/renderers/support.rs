//! Which renderer supports which request.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::{Format, FrameRate, Quality};

use super::order::RunOptions;
use super::registry::RENDERERS;
use super::renderer::{Capability, Description};
use crate::fault::Error;

/// A part of a request that not every renderer supports.
#[derive(Clone, Copy)]
enum Feature {
    Format(Format),
    Quality(Quality),
    Rate(FrameRate),
    Option(&'static str, Capability),
}

impl Feature {
    /// Returns the features of a request and a run.
    fn of(request: &RenderRequest, run: &RunOptions) -> Vec<Self> {
        let option = |is_set: bool, name, capability| is_set.then_some(Self::Option(name, capability));
        [
            request.format.map(Self::Format),
            request.quality.map(Self::Quality),
            request.fps.map(Self::Rate),
            option(request.crf.is_some(), "crf", Capability::EncoderOptions),
            option(request.video_bitrate.is_some(), "video-bitrate", Capability::EncoderOptions),
            option(request.best_effort == Some(false), "no-best-effort", Capability::RequiredMedia),
            option(run.workers.is_some(), "workers", Capability::Workers),
            option(run.repeat.is_some(), "repeat", Capability::Repeat),
            option(request.codec.is_some(), "codec", Capability::Codec),
            option(request.width.is_some(), "width", Capability::Size),
            option(request.height.is_some(), "height", Capability::Size),
            option(run.chunks.size.is_some(), "chunk-size", Capability::Chunks),
            option(run.chunks.target.is_some(), "target-chunk-frames", Capability::Chunks),
            option(run.chunks.max_parallel.is_some(), "max-parallel-chunks", Capability::Chunks),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn is_supported_by(self, renderer: &Description) -> bool {
        match self {
            Self::Format(format) => renderer.formats.contains(&format),
            Self::Quality(quality) => renderer.qualities.contains(&quality),
            Self::Rate(rate) => rate.whole().is_some() || renderer.supports(Capability::FractionalRate),
            Self::Option(_, capability) => renderer.supports(capability),
        }
    }

    /// Returns the name in messages.
    fn name(self) -> String {
        match self {
            Self::Format(format) => format!("format {format}"),
            Self::Quality(quality) => format!("quality {quality}"),
            Self::Rate(rate) => format!("fps {rate}"),
            Self::Option(name, _) => name.to_owned(),
        }
    }
}

/// Checks that a renderer supports a request, by its description.
///
/// # Errors
/// Returns a usage error for the first feature that it does not support, with the renderers that do.
pub(crate) fn check_support(
    renderer: &Description,
    request: &RenderRequest,
    run: &RunOptions,
) -> Result<(), Error> {
    let features = Feature::of(request, run);
    let Some(missing) = features.iter().find(|feature| !feature.is_supported_by(renderer)) else {
        return Ok(());
    };
    let descriptions = RENDERERS.iter().map(|renderer| renderer.description());
    let able = descriptions
        .filter(|known| known.is_selectable && features.iter().all(|feature| feature.is_supported_by(known)))
        .map(|known| format!("--renderer {}", known.name))
        .collect::<Vec<_>>();
    let name = missing.name();
    let help = if able.is_empty() {
        format!("remove {name}, or choose another value")
    } else {
        format!("use {}", able.join(" or "))
    };
    Err(Error::usage(format!("the {} renderer does not support {name}", renderer.name), help))
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::options::Codec;

    use super::*;
    use crate::renderers;
    use crate::renderers::serverless::ChunkOptions;

    fn refused(renderer: &str, request: &RenderRequest) -> Option<(String, String)> {
        let renderer = renderers::named(renderer).expect("a renderer").description();
        let error = check_support(renderer, request, &RunOptions::default()).err()?;
        Some((error.to_string(), error.help().unwrap_or_default()))
    }

    #[test]
    fn what_a_renderer_cannot_do_names_the_one_that_can() {
        for renderer in ["cloud", "lambda", "cloudrun", "emulator"] {
            let with = |request| refused(renderer, &request);
            let message = |what: &str| {
                let text = format!("the {renderer} renderer does not support {what}");
                Some((text, "use --renderer local or --renderer docker".to_owned()))
            };
            let base = RenderRequest::default;
            for format in [Format::Gif, Format::PngSequence, Format::Hls] {
                let refused = with(RenderRequest { format: Some(format), ..base() });
                assert_eq!(refused, message(&format!("format {format}")));
            }
            for quality in [Quality::Looks, Quality::Delivery] {
                let refused = with(RenderRequest { quality: Some(quality), ..base() });
                assert_eq!(refused, message(&format!("quality {quality}")));
            }
            let fps = "30000/1001".parse().ok();
            assert_eq!(with(RenderRequest { fps, ..base() }), message("fps 30000/1001"));
            assert_eq!(with(RenderRequest { crf: Some(18), ..base() }), message("crf"));
            let video_bitrate = Some("1M".to_owned());
            assert_eq!(with(RenderRequest { video_bitrate, ..base() }), message("video-bitrate"));
            assert_eq!(with(RenderRequest { best_effort: Some(false), ..base() }), message("no-best-effort"));
            assert_eq!(
                with(RenderRequest { fps: Some(30.into()), format: Some(Format::Webm), ..base() }),
                None
            );
        }
        for renderer in ["cloud", "local", "docker", "http"] {
            let codec = RenderRequest { codec: Some(Codec::H265), ..RenderRequest::default() };
            let message = format!("the {renderer} renderer does not support codec");
            assert_eq!(
                refused(renderer, &codec),
                Some((message, "use --renderer lambda or --renderer cloudrun".to_owned()))
            );
        }
        let cloud = renderers::cloud().description();
        let chunks = ChunkOptions { size: Some(1), ..ChunkOptions::default() };
        let target = ChunkOptions { target: Some(1), ..ChunkOptions::default() };
        for run in [
            RunOptions { chunks: target, ..RunOptions::default() },
            RunOptions { chunks, ..RunOptions::default() },
            RunOptions { workers: Some(2), ..RunOptions::default() },
            RunOptions { repeat: Some(2), ..RunOptions::default() },
        ] {
            assert!(check_support(cloud, &RenderRequest::default(), &run).is_err());
        }
    }

    #[test]
    fn the_local_renderer_supports_everything_that_the_official_command_does() {
        for format in Format::ALL {
            let quality = Some(Quality::Looks);
            let request = RenderRequest { format: Some(*format), quality, ..RenderRequest::default() };
            assert_eq!(refused("local", &request), None, "{format}");
        }
    }
}
