//! The worker: renders queued videos, and makes queued presenter clips and translations, one at a time.

use std::fs;
use std::io;
use std::sync::Arc;

use hyperframes_ci_core::options::FrameRate;

use super::faults::{Effect, Step};
use super::placeholder;
use super::presenter;
use super::state::{Render, State, Status, Work};
use super::translator;
use super::webhook;
use crate::engine::{Encoding, Job, JobOutput, Progress, Workers};
use crate::system::clock::unix_now;
use crate::system::deadline::Deadline;

/// Renders the videos of an emulator.
pub(crate) trait RenderBackend: Send + Sync {
    /// Renders `job` to its output file.
    ///
    /// # Errors
    /// Returns the failure message of the API if the composition cannot be rendered.
    fn render(&self, job: &Job<'_>, progress: &mut dyn FnMut(Progress)) -> Result<(), String>;
}

/// Starts the worker's thread; without a backend, every video is the built-in clip.
///
/// # Errors
/// Returns an error if the system refuses the thread.
pub(super) fn start(state: &Arc<State>, backend: Option<Arc<dyn RenderBackend>>) -> io::Result<()> {
    let state = Arc::clone(state);
    std::thread::Builder::new().name("renders".to_owned()).spawn(move || {
        while let Some(work) = state.next_work() {
            match work {
                Work::Render(render) => {
                    let result = render_video(&state, &render, backend.as_deref());
                    finish(&state, &render.id, result, backend.is_none());
                }
                Work::Video(video) => {
                    let result = presenter::make(&state, &video);
                    presenter::finish(&state, &video.id, result);
                }
                Work::Translation(translation) => {
                    let result = translator::make(&state, &translation);
                    translator::finish(&state, &translation.id, result);
                }
            }
        }
    })?;
    Ok(())
}

fn render_video(state: &State, render: &Render, backend: Option<&dyn RenderBackend>) -> Result<(), String> {
    let output = state.path(&render.video_name());
    let options = &render.options;
    if let Effect::FailRender(message) = state.next_fault(Step::Render) {
        std::thread::sleep(state.config.placeholder_delay);
        return Err(message);
    }
    let Some(backend) = backend else {
        std::thread::sleep(state.config.placeholder_delay);
        return fs::write(output, placeholder::clip(options.format))
            .and_then(|()| fs::write(state.path(&render.poster_name()), placeholder::poster()))
            .map_err(|error| error.to_string());
    };
    let output = fs::File::create(output).map_err(|error| error.to_string())?;
    let job = Job {
        archive: &state.path(&render.archive),
        digest: None,
        composition: options.composition.as_deref(),
        fps: options.fps.map(FrameRate::from),
        quality: options.quality,
        format: options.format,
        resolution: options.resolution,
        aspect_ratio: options.aspect_ratio,
        variables: options.variables.as_ref(),
        encoding: Encoding::default(),
        workers: Workers::Most(1),
        output: JobOutput::File(&output),
        deadline: Deadline::NEVER,
    };
    backend.render(&job, &mut |_| {})
}

fn finish(state: &Arc<State>, id: &str, result: Result<(), String>, placeholder: bool) {
    let mut inner = state.lock();
    let Some(render) = inner.render_mut(id) else { return };
    render.placeholder = placeholder;
    render.completed_at = Some(unix_now());
    match result {
        Ok(()) => {
            render.status = Status::Completed;
            render.duration = if placeholder { Some(placeholder::SECONDS) } else { render.declared_duration };
        }
        Err(message) => render.status = Status::Failed(message),
    }
    let finished = render.clone();
    drop(inner);
    webhook::render_ended(state, &finished);
}
