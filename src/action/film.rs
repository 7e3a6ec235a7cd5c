//! One composition, rendered, with its pictures.

use std::path::{Path, PathBuf};
use std::process::Command;

use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::variables::Declarations;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::inputs::Inputs;
use super::scope::{Entry, Scope, is_exposed};
use crate::app::batch;
use crate::app::batch::Manifest;
use crate::app::config;
use crate::ci::{CiProvider, Media, Subject};
use crate::cli::render::{Rendered, render_with};
use crate::cli::reuse::Spent;
use crate::fault::Exit;
use crate::ui::Console;

/// A moving picture that is larger is not shown by GitHub; in bytes.
const LARGEST_GIF: u64 = 5 * 1024 * 1024;

/// Videos of one batch that a release gets: it holds a thousand files.
const MOST_ROWS: usize = 400;

/// A composition and what came of it.
pub(super) struct Film {
    /// What people call it.
    pub(super) shown: String,
    pub(super) state: State,
    /// How its variables differ from the base's.
    pub(super) variables: Vec<Change>,
    /// A name for files, unique among the films of a run.
    slug: String,
    /// The rows of a batch whose videos are there, in their order.
    pub(super) rows: Vec<Row>,
    poster: Option<PathBuf>,
    gif: Option<PathBuf>,
    /// What the base's pictures are called, where the base has the composition.
    base: Option<String>,
    /// Where people can see it.
    pub(super) places: Places,
}

/// A video and what it is of.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) video: PathBuf,
    /// The render key.
    pub(super) key: String,
    pub(super) render_id: Option<String>,
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
pub(super) fn make(
    scope: &Scope,
    inputs: &Inputs,
    host: &dyn CiProvider,
    console: &mut Console,
) -> Vec<Film> {
    let mut studio = Studio { scope, inputs, host, console, spent: Spent::default() };
    scope.entries.iter().zip(slugs(&scope.entries)).map(|(entry, slug)| studio.make(entry, slug)).collect()
}

struct Studio<'a> {
    scope: &'a Scope,
    inputs: &'a Inputs,
    host: &'a dyn CiProvider,
    console: &'a mut Console,
    spent: Spent,
}

impl Studio<'_> {
    fn make(&mut self, entry: &Entry, slug: String) -> Film {
        self.host.begin_group(&format!("HyperFrames: {}", entry.shown));
        let mut film = Film {
            shown: entry.shown.clone(),
            state: State::Invalid(entry.errors),
            variables: Vec::new(),
            slug,
            rows: Vec::new(),
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
        let dry = [&["--dry-run".to_owned()], flags, &["--".to_owned(), directory]].concat();
        let settings = self.scope.settings.at(&base.path());
        let dry = render_with(&dry, &settings, entry.entry.as_ref(), &mut Console::new(true));
        film.base = dry.ok().and_then(|dry| name(&dry.result));
    }

    fn render(&mut self, entry: &Entry, flags: Vec<String>, film: &mut Film) {
        let of_file = |name| self.scope.settings.file.setting(entry.entry.as_ref()?, name);
        let ending = flags.iter().find_map(|flag| flag.strip_prefix("--format="));
        let ending = ending.or_else(|| of_file("format")).unwrap_or("mp4");
        let folder = &self.inputs.output_dir;
        let manifest = of_file("rows").map(|_| folder.join(format!("{}.manifest.jsonl", film.slug)));
        let name = match (&manifest, of_file("output").and_then(|output| output.rsplit('/').next())) {
            (None, _) => format!("{}.{ending}", film.slug),
            // The videos of a batch keep their names, and say what they are of.
            (Some(_), Some(name)) => format!("{}-{}", film.slug, name.replace("{entry}-", "")),
            (Some(_), None) => format!("{}-{{index}}.{{ext}}", film.slug),
        };
        let mut arguments = vec![format!("--output={}", folder.join(name).display())];
        arguments.extend(manifest.iter().map(|path| format!("--manifest={}", path.display())));
        arguments.extend(flags);
        arguments.extend(["--".to_owned(), entry.directory.display().to_string()]);
        let rendered = render_with(&arguments, &self.scope.settings, entry.entry.as_ref(), self.console);
        let rendered = rendered.and_then(|mut rendered| {
            film.rows = manifest.iter().flat_map(|path| rows(path)).collect();
            if let Some(first) = film.rows.first() {
                rendered.video = Some(first.video.clone());
            }
            self.spent.add(&rendered.result);
            film.picture(&rendered, self.inputs);
            let Rendered { result, video, thumbnail, verdict } = rendered;
            verdict.map(|()| Rendered { result, video, thumbnail, verdict: Ok(()) })
        });
        film.state = match rendered {
            Ok(rendered) => State::Made(Box::new(rendered)),
            Err(error) => {
                self.console.failure(&error);
                State::Failed { message: error.to_string(), is_limit: error.exit() == Exit::Limit }
            }
        };
    }

    /// The flags of `render` for an entry.
    fn flags(&self, entry: &Entry) -> Vec<String> {
        let Self { scope, inputs, spent, .. } = self;
        let mut flags = inputs.flags.clone();
        if scope.entries.len() > 1 {
            // One key for several renders would make them one.
            let own = &hyperframes_ci_core::archive::hex(&Sha256::digest(entry.label()))[..12];
            let keys = flags.iter_mut().filter(|flag| flag.starts_with("--idempotency-key="));
            keys.for_each(|key| key.push_str(&format!(".{own}")));
        }
        if entry.entry.is_none() {
            flags.extend(entry.composition.iter().map(|path| format!("--composition={path}")));
        }
        flags.extend(self.renderer().map(|renderer| format!("--renderer={renderer}")));
        let (renders, seconds) = spent.left(inputs.max_renders, inputs.max_seconds);
        flags.extend(renders.map(|left| format!("--max-renders={left}")));
        flags.extend(seconds.map(|left| format!("--max-seconds={left}")));
        flags
    }

    /// A fork has no secrets: its films are made on the runner, whatever the workflow says. Where there are secrets after
    /// all, they are made in the cloud, whatever the workflow says.
    fn renderer(&self) -> Option<&str> {
        let event = self.host.event();
        let is_fork = matches!(&event.subject, Subject::PullRequest(request) if request.is_fork);
        if is_exposed(event) {
            Some("cloud")
        } else if is_fork && !self.inputs.has_key {
            Some("local")
        } else {
            self.inputs.renderer.as_deref()
        }
    }
}

/// Names for files, one for each entry: what people read of it, and what tells it from others where that is not enough.
fn slugs(entries: &[Entry]) -> Vec<String> {
    let readable = entries.iter().map(|entry| config::slug(&entry.label())).collect::<Vec<_>>();
    let is_unique = |name: &String| readable.iter().filter(|other| *other == name).count() == 1;
    let named = readable.iter().zip(entries).map(|(name, entry)| match is_unique(name) {
        true => name.clone(),
        false => {
            format!("{name}-{}", &hyperframes_ci_core::archive::hex(&Sha256::digest(entry.label()))[..8])
        }
    });
    named.collect()
}

/// The rows whose videos a manifest says are there.
fn rows(manifest: &Path) -> Vec<Row> {
    let manifest = Manifest::look(manifest).ok();
    let row = |entry: &batch::Entry| {
        let video = PathBuf::from(entry.output.as_ref()?);
        let row = Row { video, key: entry.identity.clone(), render_id: entry.render_id.clone() };
        row.video.is_file().then_some(row)
    };
    manifest.iter().flat_map(Manifest::completed).filter_map(row).collect()
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
            rows: Vec::new(),
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
        self.result().is_some_and(|result| match result.get("rows") {
            // Every row of a batch that came to something in this run.
            Some(_) => result["completed"] == result["reused"],
            None => result["reused"] == true,
        })
    }

    /// Seconds that this run had rendered in the cloud for it.
    pub(super) fn billed_seconds(&self) -> f64 {
        let mut spent = Spent::default();
        if let Some(result) = self.result() {
            spent.add(result);
        }
        spent.seconds()
    }

    /// What its files are called: after what it is of, or after the video where that is not known.
    fn name(&self) -> Option<String> {
        let of_video = || Some(crate::system::digest::of_file(self.video()?).ok()?[..24].to_owned());
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

    /// The videos that a release gets: one, or those of a batch.
    pub(super) fn videos(&self) -> Vec<Row> {
        let result = self.result();
        let text = |pointer: &str| Some(result?.pointer(pointer)?.as_str()?.to_owned());
        match self.video() {
            Some(video) if self.rows.is_empty() => vec![Row {
                video: video.to_owned(),
                key: text("/key").unwrap_or_default(),
                render_id: text("/render/render_id"),
            }],
            _ => self.rows.iter().take(MOST_ROWS).cloned().collect(),
        }
    }

    /// What a release gets.
    pub(super) fn release_files(&self) -> Vec<Media> {
        let videos = self.videos().into_iter().map(|row| row.video);
        let files = videos.chain(self.poster.clone()).collect::<Vec<_>>();
        files.into_iter().map(|path| Media { name: crate::ci::file_name(&path), path }).collect()
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
        if !self.rows.is_empty() {
            json["output_paths"] = self.rows.iter().map(|row| row.video.display().to_string()).collect();
        }
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
            entry: None,
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
