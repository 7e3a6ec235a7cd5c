//! Which requests the official tooling takes.

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::FrameRate;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde_json::json;

use super::error::ServerlessError;
use super::platform::Platform;
use super::size::preset;

/// Checks that the tooling supports a request for a composition of this size in pixels.
///
/// # Errors
/// Returns [`ServerlessError::Unsupported`] for the first option that it does not.
pub(in crate::renderers) fn check_request(
    platform: &Platform,
    request: &RenderRequest,
    size: Option<(f64, f64)>,
) -> Result<(), ServerlessError> {
    let name = platform.name;
    let unsupported =
        |message: String, help: &str| Err(ServerlessError::Unsupported { message, help: help.to_owned() });
    if let Some(fps) = request.fps.filter(|fps| ![24, 30, 60].map(FrameRate::from).contains(fps)) {
        return unsupported(format!("{name} does not support {fps} frames per second"), "use 24, 30 or 60");
    }
    if let Some(path) = request.composition.as_deref().filter(|path| *path != DEFAULT_COMPOSITION) {
        return unsupported(
            format!("{name} only renders {DEFAULT_COMPOSITION}, not {path}"),
            "move the composition to its own project",
        );
    }
    if let Some(resolution) = request.resolution.filter(|_| request.aspect_ratio.is_none()) {
        return unsupported(
            format!(
                "--resolution {resolution} requires a composition with an aspect ratio of 16:9, 9:16 or 1:1"
            ),
            "remove --resolution",
        );
    }
    if let Some(size) = size {
        preset(request, size)?;
    }
    let variables = request.variables.as_ref().map_or(0, |variables| json!(variables).to_string().len());
    let limit = platform.max_variables_size;
    if variables > limit {
        return unsupported(
            format!(
                "the variables are too large for {name}: {variables} bytes exceed the limit of {limit} bytes"
            ),
            "pass URLs of media instead of their contents",
        );
    }
    Ok(())
}
