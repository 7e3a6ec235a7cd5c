//! The validated body of a render request.

use hyperframes_ci_core::api::{Project, RenderRequest};
use hyperframes_ci_core::check::Values;
use hyperframes_ci_core::lang::json::describe;
use hyperframes_ci_core::options::{Format, Resolution};
use hyperframes_ci_core::video::Expected;
use serde_json::{Map, Value};

use super::media::measured_of;
use super::options::{bitrate, https_url};
use super::spec::{ProjectSource, RenderSpec, VariableSource};
use crate::fault::Error;
use crate::project::input;
use crate::system::gate::limit;

/// The body of a render request.
#[derive(Clone, Debug)]
pub(crate) struct RequestBody {
    /// The body, without the project.
    pub(crate) body: Map<String, Value>,
    /// The typed body.
    pub(crate) options: RenderRequest,
    /// The project, if the server already has it or can download it.
    pub(crate) uploaded: Option<Project>,
    /// Values of variables, with their source for findings.
    pub(crate) values: Option<Values>,
}

impl RequestBody {
    /// Overrides the base body (`--data`) with the options and validates the result.
    ///
    /// # Errors
    /// Returns an error if an input cannot be read, is invalid, or contradicts another.
    pub(crate) fn new(spec: &RenderSpec) -> Result<Self, Error> {
        let mut body = match &spec.base {
            Some(given) => input::from_anything("--data", given, &spec.reach("data"))?,
            None => Map::new(),
        };
        let mut located = None;
        let variables = match &spec.variables {
            Some(VariableSource::Inline(text)) => {
                let label = spec.label("variables");
                Some(input::from_text(&label, &measured_of(spec, &label, "the value", text)?)?)
            }
            Some(VariableSource::File(path)) => {
                let label = spec.label("variables-file");
                let text = input::text_of(&label, path, &spec.reach("variables-file"), limit::VALUES)?;
                let text = measured_of(spec, &label, &path.display().to_string(), &text)?.into_owned();
                let values = input::from_text_of(&label, path, &text)?;
                located = Some(Values::Object { path: input::absolute(path), text });
                Some(values)
            }
            None => None,
        };
        let options = RenderRequest { variables, ..spec.request.clone() };
        if let Ok(Value::Object(options)) = serde_json::to_value(&options) {
            body.extend(options);
        }
        let given = body.remove("project");
        let options: RenderRequest =
            serde_json::from_value(Value::Object(body.clone())).map_err(|error| {
                Error::usage(
                    format!("--data: {}", invalid_option(&body, &error)),
                    "correct the value in --data; `hyperframes-ci render --help` describes the options",
                )
            })?;
        check_options(&options)?;
        let uploaded = uploaded(spec, given)?;
        let values = located.or_else(|| options.variables.clone().map(Values::Inline));
        Ok(Self { body, options, uploaded, values })
    }
}

/// Describes the error of a request `body`, with the name of the invalid option.
pub(crate) fn invalid_option(body: &Map<String, Value>, error: &serde_json::Error) -> String {
    let error_of = |(name, value): (&String, &Value)| {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        let error = serde_json::from_value::<RenderRequest>(Value::Object(alone)).err()?;
        Some(format!("{name}: {}", describe(&error)))
    };
    body.iter().find_map(error_of).unwrap_or_else(|| describe(error))
}

/// Validates options that flags allow each alone, and those that come from `--data` and rows.
///
/// # Errors
/// Returns a usage error for the first invalid option.
pub(crate) fn check_options(options: &RenderRequest) -> Result<(), Error> {
    let is_video = |format: Format| matches!(format, Format::Webm | Format::Mov);
    if options.resolution == Some(Resolution::UltraHd) && options.format.is_some_and(is_video) {
        return Err(Error::usage(
            "4k cannot be combined with webm or mov, since it does not support transparency",
            "use mp4 for 4k, or remove --resolution",
        ));
    }
    check_encoding(options)?;
    if let Some(url) = &options.callback_url {
        https_url(url).map_err(|rule| {
            Error::usage(format!("callback_url {rule}"), "for example https://example.com/hook")
        })?;
    }
    Ok(())
}

/// Validates the options of the encoder against the format; source: the official local command, which ignores some of them.
fn check_encoding(options: &RenderRequest) -> Result<(), Error> {
    let format = options.format.unwrap_or(Format::Mp4);
    if let Some(crf) = options.crf.filter(|crf| *crf > 63) {
        return Err(Error::usage(format!("crf must be from 0 to 63, not {crf}"), "choose a smaller number"));
    }
    if let Some(text) = &options.video_bitrate {
        bitrate(text)
            .map_err(|rule| Error::usage(format!("video_bitrate {rule}"), "choose another bitrate"))?;
    }
    if options.crf.is_some() && options.video_bitrate.is_some() {
        return Err(Error::usage("crf and video-bitrate cannot be combined", "remove one of them"));
    }
    let rate_control = [("crf", options.crf.is_some()), ("video-bitrate", options.video_bitrate.is_some())];
    if let Some((name, _)) = rate_control.iter().find(|(_, is_set)| *is_set)
        && matches!(format, Format::Mov | Format::Gif | Format::PngSequence)
    {
        return Err(Error::usage(
            format!("{name} has no effect on {format}"),
            format!("remove {name}, or use mp4, webm or hls"),
        ));
    }
    if options.codec.is_some() && format != Format::Mp4 {
        return Err(Error::usage(
            format!("codec has no effect on {format}"),
            "remove codec, or use --format mp4",
        ));
    }
    if options.width.is_some() != options.height.is_some() {
        return Err(Error::usage("width and height require each other", "set both or none"));
    }
    if options.width.is_some() && options.resolution.is_some() {
        return Err(Error::usage(
            "width and height cannot be combined with resolution",
            "remove one of them",
        ));
    }
    if options.gif_loop.is_some() && format != Format::Gif {
        return Err(Error::usage(
            format!("gif-loop has no effect on {format}"),
            "remove gif-loop, or use --format gif",
        ));
    }
    if let Some(fps) = options.fps.filter(|fps| format == Format::Gif && fps.per_second() > 30.0) {
        return Err(Error::usage(
            format!("gif supports at most 30 frames per second, not {fps}"),
            "use --fps 30 or less, such as --fps 15",
        ));
    }
    Ok(())
}

/// Returns the project if the server already has it or can download it: by option, or `given` in the base body.
fn uploaded(spec: &RenderSpec, given: Option<Value>) -> Result<Option<Project>, Error> {
    match (&spec.source, given) {
        (ProjectSource::Uploaded(project), None) => Ok(Some(project.clone())),
        (ProjectSource::CurrentDirectory | ProjectSource::Directory(_), None) => Ok(None),
        (ProjectSource::CurrentDirectory, Some(given)) => {
            serde_json::from_value(given).map(Some).map_err(|error| {
                Error::usage(
                    format!("--data: project: {}", describe(&error)),
                    r#"for example {"type": "asset_id", "asset_id": "..."}"#,
                )
            })
        }
        _ => Err(Error::usage(
            "the project is set both on the command line and in --data",
            "use exactly one of a directory, --asset-id, --url, or a project in --data",
        )),
    }
}

/// Returns the expected properties of the video: those of the request, and the declared duration in seconds.
pub(crate) fn expected(options: &RenderRequest, duration: Option<f64>) -> Expected {
    Expected {
        format: Some(options.format.unwrap_or(Format::Mp4)),
        fps: options.fps,
        resolution: options.resolution,
        aspect_ratio: options.aspect_ratio,
        duration,
        codec: options.codec,
        size: options.width.zip(options.height),
    }
}
