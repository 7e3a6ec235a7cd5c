//! The figures of a render in reports.

use serde_json::{Value, json};

use crate::app::outcome::Outcome;

/// The figures of a render in reports.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// Pixels.
    pub(super) width: Option<f64>,
    /// Pixels.
    pub(super) height: Option<f64>,
    pub(super) fps: Option<f64>,
    /// Seconds.
    pub(super) duration: Option<f64>,
    /// Number of rows with a video and of all rows, for a batch.
    pub(super) rows: Option<(u64, u64)>,
    /// Whether an earlier run was billed for it.
    pub(super) is_reused: bool,
    /// How it was rendered, such as `rendered on the runner`.
    pub(super) label: &'static str,
    /// Seconds that this run is billed for.
    pub(super) billed_seconds: f64,
}

impl Figures {
    /// Returns the figures of a render.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let billed_seconds = outcome.billed().seconds;
        let figures = Self { label: "rendered", billed_seconds, ..Self::default() };
        match outcome {
            Outcome::Render(render) => {
                let video = render.video.as_ref().and_then(|video| video.video.as_ref());
                Self {
                    width: video.map(|video| f64::from(video.width)),
                    height: video.map(|video| f64::from(video.height)),
                    fps: video.and_then(|video| video.fps),
                    duration: video.and_then(|video| video.duration),
                    is_reused: render.reused,
                    label: render.label,
                    ..figures
                }
            }
            // A batch is reused if every row that this run completed is.
            Outcome::Batch(batch) => Self {
                rows: Some((batch.in_place(), batch.rows)),
                is_reused: batch.results.as_ref().is_some_and(|results| results.completed == batch.reused),
                ..figures
            },
            Outcome::DryRun(_) => figures,
        }
    }

    /// Returns the figures as members of a result in `report.json`.
    pub(super) fn to_json(self) -> Value {
        json!({
            "reused": self.is_reused,
            "video": {
                "width": self.width,
                "height": self.height,
                "fps": self.fps,
                "duration": self.duration,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_label_of_the_renderer() {
        let (_folder, outcome) = crate::renderers::tests::rendered();
        let figures = Figures::of(&outcome);
        assert_eq!((figures.label, figures.width), ("rendered as a clip", Some(160.0)));
    }
}
