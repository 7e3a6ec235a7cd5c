//! One composition, rendered, with its pictures.

use std::path::{Path, PathBuf};
use std::process::Command;

use hyperframes_ci_core::{Composition, Declarations};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::inputs::Inputs;
use super::scope::{Entry, Scope, is_exposed};
use crate::ci::{Host, Media, Subject};
use crate::cli::render::{Rendered, render_with};
use crate::report::Console;

/// A moving picture that is larger is not shown by GitHub; in bytes.
const LARGEST_GIF: u64 = 5 * 1024 * 1024;

/// A composition and what came of it.
pub(super) struct Film {
    /// What people call it.
    pub(super) shown: String,
    pub(super) state: State,
    /// How its variables differ from the base's.
    pub(super) variables: Vec<Change>,
    /// A name for files, unique among the films of a run.
    slug: String,
    poster: Option<PathBuf>,
    gif: Option<PathBuf>,
    /// What the base's pictures are called, where the base has the composition.
    base: Option<String>,
    /// Where people can see it.
    pub(super) places: Places,
}

/// URLs, as far as something was published.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) video: Option<String>,
    pub(super) picture: Option<String>,
    pub(super) base_picture: Option<String>,
}

/// What came of a composition.
pub(super) enum State {
    /// A video.
    Made(Box<Rendered>),
    /// The checks found errors: it was not rendered.
    Invalid(usize),
    /// It should have been rendered.
    Failed {
        /// Why, in a sentence.
        message: String,
        /// Whether a limit of the user's is the reason.
        is_limit: bool,
    },
}

/// How a variable differs from the base's.
pub(super) enum Change {
    Added(String),
    Removed(String),
    Retyped(String, &'static str, &'static str),
}

/// Renders what is to be rendered.
pub(super) fn make(scope: &Scope, inputs: &Inputs, host: &dyn Host, console: &mut Console) -> Vec<Film> {
    let mut studio = Studio { scope, inputs, host, console, spent: Spent::default() };
    scope.entries.iter().zip(slugs(&scope.entries)).map(|(entry, slug)| studio.make(entry, slug)).collect()
}

struct Studio<'a> {
    scope: &'a Scope,
    inputs: &'a Inputs,
    host: &'a dyn Host,
    console: &'a mut Console,
    spent: Spent,
}

/// What the run has cost so far.
#[derive(Default)]
struct Spent {
    renders: u64,
    seconds: f64,
}

impl Spent {
    fn add(&mut self, result: &Value) {
        let is_local = result.pointer("/render/renderer").is_some();
        if !is_local && result["reused"] != true {
            let factor = if result.pointer("/render/resolution") == Some(&json!("4k")) { 1.5 } else { 1.0 };
            self.renders += 1;
            self.seconds +=
                result.pointer("/video/duration").and_then(Value::as_f64).unwrap_or_default() * factor;
        }
    }
}

impl Studio<'_> {
    fn make(&mut self, entry: &Entry, slug: String) -> Film {
        self.host.begin_group(&format!("HyperFrames: {}", entry.shown));
        let mut film = Film {
            shown: entry.shown.clone(),
            state: State::Invalid(entry.errors),
            variables: Vec::new(),
            slug,
            poster: None,
            gif: None,
            base: None,
            places: Places::default(),
        };
        let flags = self.flags(entry);
        self.compare(entry, &flags, &mut film);
        if entry.errors > 0 {
            self.console.detail("the checks found errors: it is not rendered");
        } else {
            self.render(entry, flags, &mut film);
        }
        self.host.end_group();
        film
    }

    /// What the base has of the composition.
    fn compare(&self, entry: &Entry, flags: &[String], film: &mut Film) {
        let Some(base) = &self.scope.base else { return };
        let html = std::fs::read_to_string(base.path().join(entry.path())).unwrap_or_default();
        let before = Composition::parse(&entry.path(), &html).declarations;
        film.variables = changes(&before, &entry.parsed.declarations);
        // Equal films have equal names: what the base looks like may be published already.
        let directory = base.path().join(&entry.prefix).display().to_string();
        let dry = [&[directory, "--dry-run".to_owned()], flags].concat();
        film.base = render_with(&dry, &mut Console::new(true)).ok().and_then(|dry| name(&dry.result));
    }

    fn render(&mut self, entry: &Entry, flags: Vec<String>, film: &mut Film) {
        let ending = flags.iter().find_map(|flag| flag.strip_prefix("--format=")).unwrap_or("mp4");
        let output = self.inputs.output_dir.join(format!("{}.{ending}", film.slug));
        let directory = entry.directory.display().to_string();
        let arguments = [vec![directory, format!("--output={}", output.display())], flags].concat();
        let rendered = render_with(&arguments, self.console).and_then(|rendered| {
            self.spent.add(&rendered.result);
            film.picture(&rendered, self.inputs);
            let Rendered { result, video, thumbnail, verdict } = rendered;
            verdict.map(|()| Rendered { result, video, thumbnail, verdict: Ok(()) })
        });
        film.state = match rendered {
            Ok(rendered) => State::Made(Box::new(rendered)),
            Err(error) => {
                self.console.failure(&error);
                State::Failed { message: error.to_string(), is_limit: error.exit_code() == 6 }
            }
        };
    }

    /// The flags of `render` for an entry.
    fn flags(&self, entry: &Entry) -> Vec<String> {
        let Self { scope, inputs, spent, .. } = self;
        let mut flags = inputs.flags.clone();
        if scope.entries.len() > 1 {
            // One key for several renders would make them one.
            let own = &hyperframes_ci_core::hex(&Sha256::digest(entry.path()))[..12];
            let keys = flags.iter_mut().filter(|flag| flag.starts_with("--idempotency-key="));
            keys.for_each(|key| key.push_str(&format!(".{own}")));
        }
        flags.extend(entry.composition.iter().map(|path| format!("--composition={path}")));
        flags.extend(scope.config.iter().map(|path| format!("--config={}", path.display())));
        flags.push(format!("--renderer={}", self.renderer()));
        let left = inputs.max_renders.map(|most| most.saturating_sub(spent.renders));
        flags.extend(left.map(|left| format!("--max-renders={left}")));
        let left = inputs.max_seconds.map(|most| (most - spent.seconds).max(0.0));
        flags.extend(left.map(|left| format!("--max-seconds={left}")));
        flags
    }

    /// A fork has no secrets: its films are made on the runner, whatever the workflow says. Where there are secrets after
    /// all, they are made in the cloud, whatever the workflow says.
    fn renderer(&self) -> &str {
        let event = self.host.event();
        let is_fork = matches!(&event.subject, Subject::Request(request) if request.is_fork);
        if is_exposed(event) {
            "cloud"
        } else if is_fork && !self.inputs.has_key && self.inputs.renderer == "cloud" {
            "local"
        } else {
            &self.inputs.renderer
        }
    }
}

/// Names for files, one for each entry: what people read of its path, and what tells it from others where that is not
/// enough.
fn slugs(entries: &[Entry]) -> Vec<String> {
    let readable = entries.iter().map(|entry| {
        let path = entry.path();
        let path = path.trim_end_matches(".html").trim_end_matches("index").trim_end_matches('/');
        let kept = path.chars().map(|kept| if kept.is_ascii_alphanumeric() { kept } else { '-' });
        let readable = kept.collect::<String>().trim_matches('-').chars().take(60).collect::<String>();
        if readable.is_empty() { "video".to_owned() } else { readable.to_ascii_lowercase() }
    });
    let readable = readable.collect::<Vec<_>>();
    let is_unique = |name: &String| readable.iter().filter(|other| *other == name).count() == 1;
    let named = readable.iter().zip(entries).map(|(name, entry)| match is_unique(name) {
        true => name.clone(),
        false => format!("{name}-{}", &hyperframes_ci_core::hex(&Sha256::digest(entry.path()))[..8]),
    });
    named.collect()
}

/// What the pictures of a film are called: after what it is of.
fn name(result: &Value) -> Option<String> {
    let identity = result.get("identity").or_else(|| result.get("key"))?.as_str()?;
    identity.strip_prefix("hfci_")?.get(..24).map(str::to_owned)
}

fn changes(base: &Declarations, head: &Declarations) -> Vec<Change> {
    let mut changes = Vec::new();
    for after in head.entries() {
        match base.get(&after.id) {
            None => changes.push(Change::Added(after.id.clone())),
            Some(before) if before.kind != after.kind => {
                changes.push(Change::Retyped(after.id.clone(), before.kind.as_str(), after.kind.as_str()));
            }
            Some(_) => {}
        }
    }
    let removed = base.entries().iter().filter(|before| head.get(&before.id).is_none());
    changes.extend(removed.map(|before| Change::Removed(before.id.clone())));
    changes
}

impl Film {
    /// A film that another run has made; `figures` are its own.
    pub(super) fn relayed(
        shown: &str,
        figures: Value,
        message: Option<String>,
        errors: Option<u64>,
        video: Option<PathBuf>,
        [poster, gif]: [Option<PathBuf>; 2],
    ) -> Self {
        let state = match (message, errors) {
            (Some(message), _) => State::Failed { message, is_limit: false },
            (None, Some(errors)) => State::Invalid(usize::try_from(errors).unwrap_or(usize::MAX)),
            (None, None) => {
                State::Made(Box::new(Rendered { result: figures, video, thumbnail: None, verdict: Ok(()) }))
            }
        };
        Self {
            shown: shown.to_owned(),
            state,
            variables: Vec::new(),
            slug: String::new(),
            poster,
            gif,
            base: None,
            places: Places::default(),
        }
    }

    /// Makes a poster and a moving picture, where FFmpeg is there; otherwise the service's own picture is taken.
    fn picture(&mut self, rendered: &Rendered, inputs: &Inputs) {
        let Some(video) = &rendered.video else { return };
        let poster = inputs.output_dir.join(format!("{}.png", self.slug));
        let gif = inputs.output_dir.join(format!("{}.gif", self.slug));
        if ffmpeg(video, &poster, &["-vf", "thumbnail=50,scale='min(960,iw)':-2", "-frames:v", "1"]) {
            self.poster = Some(poster);
        } else if let Some(url) = &rendered.thumbnail {
            self.poster = crate::cli::download_picture(url, &poster).then_some(poster);
        }
        let filter =
            "fps=10,scale='min(480,iw)':-2:flags=lanczos,split[a][b];[a]palettegen[p];[b][p]paletteuse";
        if ffmpeg(video, &gif, &["-t", "6", "-filter_complex", filter, "-loop", "0"]) {
            let is_small = std::fs::metadata(&gif).is_ok_and(|metadata| metadata.len() <= LARGEST_GIF);
            self.gif = is_small.then_some(gif);
        }
    }

    pub(super) fn video(&self) -> Option<&Path> {
        match &self.state {
            State::Made(rendered) => rendered.video.as_deref(),
            _ => None,
        }
    }

    pub(super) fn result(&self) -> Option<&Value> {
        match &self.state {
            State::Made(rendered) => Some(&rendered.result),
            _ => None,
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.state, State::Failed { .. })
    }

    pub(super) fn is_limited(&self) -> bool {
        matches!(self.state, State::Failed { is_limit: true, .. })
    }

    pub(super) fn is_reused(&self) -> bool {
        self.result().is_some_and(|result| result["reused"] == true)
    }

    /// Seconds that this run had rendered in the cloud for it.
    pub(super) fn billed_seconds(&self) -> f64 {
        let mut spent = Spent::default();
        if let Some(result) = self.result() {
            spent.add(result);
        }
        spent.seconds
    }

    /// What its files are called: after what it is of, or after the video where that is not known.
    fn name(&self) -> Option<String> {
        let of_video = || Some(crate::digest::of_file(self.video()?).ok()?[..24].to_owned());
        name(self.result()?).or_else(of_video)
    }

    /// What comments show.
    pub(super) fn media(&self) -> Vec<Media> {
        let Some(name) = self.name() else { return Vec::new() };
        let files = [self.poster.as_deref(), self.gif.as_deref(), self.video()];
        let named = files.into_iter().flatten().filter_map(|path| {
            let ending = path.extension()?.to_str()?;
            Some(Media { name: format!("{name}.{ending}"), path: path.to_owned() })
        });
        named.collect()
    }

    /// What the base's pictures may be called.
    pub(super) fn base_picture_names(&self) -> Option<Vec<String>> {
        self.base.as_ref().map(|name| vec![format!("{name}.gif"), format!("{name}.png")])
    }

    /// Takes in where files were published.
    pub(super) fn place(&mut self, named: &[(String, String)]) {
        let find = |name: &Option<String>, endings: &[&str]| {
            let name = name.as_ref()?;
            endings.iter().find_map(|ending| {
                let wanted = format!("{name}.{ending}");
                named.iter().find(|(known, _)| *known == wanted).map(|(_, url)| url.clone())
            })
        };
        let own = self.name();
        self.places = Places {
            video: find(&own, &["mp4", "webm", "mov"]),
            picture: find(&own, &["gif", "png"]),
            base_picture: find(&self.base, &["gif", "png"]),
        };
    }

    /// What a release gets.
    pub(super) fn release_files(&self) -> Vec<Media> {
        let files = [self.video(), self.poster.as_deref()].into_iter().flatten();
        files.map(|path| Media { name: crate::ci::file_name(path), path: path.to_owned() }).collect()
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let mut json = match &self.state {
            State::Made(rendered) => rendered.result.clone(),
            State::Invalid(errors) => json!({ "errors": errors }),
            State::Failed { message, .. } => json!({ "message": message }),
        };
        json["composition"] = self.shown.as_str().into();
        json["state"] = match &self.state {
            State::Made(_) if self.is_reused() => "reused",
            State::Made(_) => "rendered",
            State::Invalid(_) => "invalid",
            State::Failed { .. } => "failed",
        }
        .into();
        json["poster_path"] = json!(self.poster);
        json["gif_path"] = json!(self.gif);
        // The findings of all projects are in the report, once.
        json.as_object_mut().map(|json| json.remove("diagnostics"));
        json
    }
}

/// Whether FFmpeg is there and has made `output`.
fn ffmpeg(video: &Path, output: &Path, arguments: &[&str]) -> bool {
    let mut command = Command::new("ffmpeg");
    // It reads what strangers made, and has no business with anything else.
    let kept = ["PATH", "SystemRoot", "TMPDIR", "TEMP", "TMP"];
    command.env_clear().envs(kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(video).args(arguments).arg(output);
    command.output().is_ok_and(|ran| ran.status.success()) && output.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declarations(json: &str) -> Declarations {
        let page =
            format!("<html data-composition-variables='{json}'><div data-composition-id=\"a\"></div></html>");
        Composition::parse("index.html", &page).declarations
    }

    #[test]
    fn variables_that_differ_are_told() {
        let variable = |id: &str, kind: &str, default: &str| {
            format!(r#"{{"id":"{id}","label":"L","type":"{kind}","default":{default}}}"#)
        };
        let before = format!("[{},{}]", variable("size", "number", "1"), variable("old", "string", "\"x\""));
        let after =
            format!("[{},{}]", variable("size", "string", "\"1\""), variable("new", "boolean", "true"));
        let told =
            changes(&declarations(&before), &declarations(&after)).into_iter().map(|change| match change {
                Change::Added(id) => format!("+{id}"),
                Change::Removed(id) => format!("-{id}"),
                Change::Retyped(id, before, after) => format!("{id}: {before} to {after}"),
            });
        assert_eq!(told.collect::<Vec<_>>(), ["size: number to string", "+new", "-old"]);
    }

    #[test]
    fn names_of_files_are_readable_and_apart() {
        let entry = |prefix: &str, composition: Option<&str>| Entry {
            directory: PathBuf::new(),
            prefix: prefix.to_owned(),
            composition: composition.map(str::to_owned),
            shown: String::new(),
            parsed: Composition::default(),
            errors: 0,
        };
        let names = slugs(&[
            entry("", None),
            entry("videos/Launch", None),
            entry("videos/a b", None),
            entry("videos/a-b", None),
        ]);
        assert_eq!(names[..2], ["video", "videos-launch"]);
        assert!(
            names[2].starts_with("videos-a-b-")
                && names[3].starts_with("videos-a-b-")
                && names[2] != names[3]
        );
    }
}
