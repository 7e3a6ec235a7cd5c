//! Sizes of videos: the official tooling renders a composition in its own size or in that of a preset.

use std::fmt;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::options::{AspectRatio, Resolution};

/// The requested size, which the tooling cannot render a composition in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unscalable {
    asked: (u32, u32),
    own: (f64, f64),
}

/// Returns the tooling's name of the requested size of a video, or `None` for the composition's `own` size in pixels.
///
/// The width and height of the tooling's own options are ignored by it: a page is laid out at the size that it declares, and
/// only a preset scales it.
///
/// # Errors
/// Returns an error if the size is neither that of the composition nor a preset that is a whole multiple of it.
pub(crate) fn preset(request: &RenderRequest, own: (f64, f64)) -> Result<Option<String>, Unscalable> {
    let sized = request.width.zip(request.height);
    let named = request.resolution.zip(request.aspect_ratio);
    let asked = sized.or(named.map(|(resolution, ratio)| ratio.dimensions(resolution)));
    let Some(asked) = asked else { return Ok(None) };
    if named.is_none() && (f64::from(asked.0), f64::from(asked.1)) == own {
        return Ok(None);
    }
    let known = presets(own).find(|(_, size)| *size == asked);
    known.map(|(name, _)| Some(name)).ok_or(Unscalable { asked, own })
}

/// Returns the names and sizes of the presets for a composition of this size; source: the checks of the tooling.
fn presets(own: (f64, f64)) -> impl Iterator<Item = (String, (u32, u32))> {
    let all = AspectRatio::ALL.iter().flat_map(|ratio| {
        let size = |resolution: &Resolution| (ratio.preset(*resolution), ratio.dimensions(*resolution));
        Resolution::ALL.iter().map(size)
    });
    all.filter(move |(_, (width, height))| {
        let factor = f64::from(*width) / own.0;
        #[expect(clippy::float_cmp, reason = "products of pixels are exact")]
        let is_same_shape = f64::from(*width) * own.1 == f64::from(*height) * own.0;
        is_same_shape && factor >= 1.0 && factor.fract() == 0.0
    })
}

impl Unscalable {
    /// Returns what to do.
    pub(crate) fn help(&self) -> String {
        let own = format!("{}x{}", self.own.0, self.own.1);
        let sizes = presets(self.own).map(|(_, (width, height))| format!("{width}x{height}"));
        let mut sizes =
            std::iter::once(own.clone()).chain(sizes.filter(|size| *size != own)).collect::<Vec<_>>();
        sizes.dedup();
        format!("use --width and --height of {}", sizes.join(" or "))
    }
}

impl fmt::Display for Unscalable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((width, height), (own_width, own_height)) = (self.asked, self.own);
        write!(
            f,
            "a composition of {own_width}x{own_height} cannot be rendered in {width}x{height}, which is not a whole multiple"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(width: u32, height: u32) -> RenderRequest {
        RenderRequest { width: Some(width), height: Some(height), ..RenderRequest::default() }
    }

    fn named(resolution: Resolution, ratio: AspectRatio) -> RenderRequest {
        RenderRequest { resolution: Some(resolution), aspect_ratio: Some(ratio), ..RenderRequest::default() }
    }

    #[test]
    fn a_size_is_the_compositions_own_or_a_preset_that_is_a_multiple_of_it() {
        let hd = (1280.0, 720.0);
        assert_eq!(preset(&RenderRequest::default(), hd), Ok(None));
        assert_eq!(preset(&sized(1280, 720), hd), Ok(None));
        assert_eq!(preset(&sized(3840, 2160), hd), Ok(Some("landscape-4k".to_owned())));
        let ultra = named(Resolution::UltraHd, AspectRatio::Portrait);
        assert_eq!(preset(&ultra, (1080.0, 1920.0)), Ok(Some("portrait-4k".to_owned())));
        let full = named(Resolution::FullHd, AspectRatio::Landscape);
        assert_eq!(preset(&full, (1920.0, 1080.0)), Ok(Some("landscape".to_owned())));
        // 1.5 times the size, another shape, and smaller.
        for (request, own) in [
            (sized(1920, 1080), hd),
            (full, hd),
            (sized(1080, 1080), hd),
            (sized(1920, 1080), (3840.0, 2160.0)),
        ] {
            assert!(preset(&request, own).is_err(), "{request:?}");
        }
        let error = preset(&sized(1920, 1080), hd).err().map(|error| (error.to_string(), error.help()));
        let message =
            "a composition of 1280x720 cannot be rendered in 1920x1080, which is not a whole multiple";
        let help = "use --width and --height of 1280x720 or 3840x2160";
        assert_eq!(error, Some((message.to_owned(), help.to_owned())));
    }
}
