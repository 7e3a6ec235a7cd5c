//! The preview page: a static page of videos that play, for the artifact and for hosts that serve the previews branch.
//!
//! It runs no scripts and loads nothing from other places, and every text of the project is escaped: a pull request decides
//! about names, messages and values.

use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::findings::{Diagnostic, Severity};
use hyperframes_ci_core::report::plain;
use sha2::{Digest, Sha256};

use super::inputs::Inputs;
use super::preview::{Preview, PreviewState};
use super::report::figures;
use super::review::{RANGE_COLUMNS, REPORT, Review};
use super::scope::Scope;
use super::variable_changes::VariableChange;
use crate::ci::{self, CiProvider, Event, Media, Subject, short_commit};
use crate::system::output::{self, OutputError};
use crate::system::page::escape;
use crate::system::temporary::{self, TemporaryFolder};
use crate::system::url::encode_component;
use crate::ui::counted;

/// Findings on a page at most.
const MAX_FINDINGS: usize = 500;

/// Longest text, in characters.
const MAX_TEXT: usize = 2000;

const STYLE: &str = ":root { color-scheme: light dark; --line: #8885 } \
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem } \
    section { border-top: 1px solid var(--line); padding: 1rem 0 } h1, h2 { line-height: 1.2; overflow-wrap: anywhere } \
    div { display: flex; flex-wrap: wrap; gap: 1rem } figure { margin: 0; flex: 1 1 20rem; min-width: 0 } \
    video, img { width: 100%; height: auto; max-height: 80vh; object-fit: contain; background: #8882 } \
    figcaption, small { opacity: .7 } table { border-collapse: collapse; width: 100%; font-size: .9em } \
    td { border-top: 1px solid var(--line); padding: .25rem .5rem; vertical-align: top; overflow-wrap: anywhere } \
    th { padding: .25rem .5rem; text-align: left } td:first-child, .ranges td:nth-child(2) { overflow-wrap: normal }";

/// The name of the page in the output directory.
const NAME: &str = "preview.html";

/// Number of digits of a digest in the name of a page on the branch.
const NAME_LENGTH: usize = 12;

/// Writes the page to the output directory.
///
/// # Errors
/// Returns an error if it cannot be written.
pub(super) fn write(
    scope: &Scope,
    previews: &[Preview],
    event: &Event,
    inputs: &Inputs,
) -> Result<(), OutputError> {
    if previews.is_empty() {
        return Ok(());
    }
    let text = page(scope, previews, event, Place::Output);
    output::write(&inputs.output_dir, NAME, text.as_bytes()).map(|_| ())
}

/// Returns the path of the page in the output directory, if it was written.
pub(super) fn written(inputs: &Inputs) -> Option<PathBuf> {
    Some(inputs.output_dir.join(NAME)).filter(|path| path.is_file())
}

/// A page for the previews branch. Its file is deleted with it.
pub(super) struct BranchPage {
    pub(super) media: Media,
    _folder: TemporaryFolder,
}

impl BranchPage {
    /// Makes the page if a host serves the branch.
    pub(super) fn new(
        scope: &Scope,
        previews: &[Preview],
        event: &Event,
        inputs: &Inputs,
        provider: &dyn CiProvider,
    ) -> Option<Self> {
        inputs.preview_url.as_ref()?;
        let text = page(scope, previews, event, Place::Branch(&|name| provider.is_published(name)));
        let name = format!("preview-{}.html", &hex(&Sha256::digest(&text))[..NAME_LENGTH]);
        let folder = temporary::create_folder("hyperframes-ci-page-").ok()?;
        let path = output::write(folder.path(), &name, text.as_bytes()).ok()?;
        Some(Self { media: Media { name, path }, _folder: folder })
    }

    /// Returns the URL of the page, from names and URLs of published files.
    pub(super) fn url(&self, inputs: &Inputs, urls: &[(String, String)]) -> Option<String> {
        let (_, url) = urls.iter().find(|(name, _)| *name == self.media.name)?;
        address_on(inputs.preview_url.as_ref()?, &inputs.preview_branch, url)
    }

    /// Returns the line of the comment that links the page, from names and URLs of published files.
    pub(super) fn link(&self, inputs: &Inputs, urls: &[(String, String)]) -> Option<String> {
        Some(format!("\n[Preview page]({}) with videos that play\n", self.url(inputs, urls)?))
    }
}

/// Where the page finds its files, all of which are next to it.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// In the output directory.
    Output,
    /// On the previews branch; says whether a file exists.
    Branch(&'a dyn Fn(&str) -> bool),
}

/// Returns the page.
fn page(scope: &Scope, previews: &[Preview], event: &Event, place: Place<'_>) -> String {
    let policy = format!(
        "default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        BASE64_STANDARD.encode(Sha256::digest(STYLE))
    );
    let (title, commit) = match &event.subject {
        Subject::PullRequest(request) => (format!("{} #{}", event.repository, request.number), &request.head),
        _ => (event.repository.clone(), &event.commit),
    };
    let (title, commit) = (text(&title), text(short_commit(commit)));
    let sections = previews.iter().map(|preview| section(preview, place)).collect::<String>();
    let unchanged = scope.unchanged.iter().map(|name| text(name)).collect::<Vec<_>>().join(", ");
    let unchanged = match unchanged.is_empty() {
        true => String::new(),
        false => format!("<section><h2>Unchanged</h2><p>{unchanged}</p></section>"),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title} · HyperFrames</title><style>{STYLE}</style></head><body>\
         <h1>{title}</h1><p>for {commit} · <a href=\"{}\">log</a></p>{sections}{unchanged}{}</body></html>\n",
        escape(&event.run_url),
        findings(&scope.findings.diagnostics)
    )
}

/// Returns a composition: its video next to the image of the base, and its changed variables.
fn section(preview: &Preview, place: Place<'_>) -> String {
    let is_new = if preview.is_new { " (new)" } else { "" };
    let result = match &preview.state {
        PreviewState::Invalid(errors) => format!("not rendered: {}", counted(*errors, "error")),
        PreviewState::Failed { message, .. } => format!("failed: {}", text(message)),
        PreviewState::Rendered(rendered) => {
            let how = if rendered.figures.is_reused { "reused" } else { rendered.figures.label };
            format!("{}{how}", figures(&rendered.figures))
        }
    };
    let compared = preview.review.as_ref().map(|review| changes(review, place)).unwrap_or_default();
    format!(
        "<section><h2>{}{is_new}</h2><p>{result}</p>{compared}<div>{}{}</div>{}</section>",
        text(&preview.display_name),
        before(preview, place),
        now(preview, place),
        variables(&preview.variables)
    )
}

/// Returns a comparison with the base: the status, the strip and the filmstrip, and what differs when and where.
fn changes(review: &Review, place: Place<'_>) -> String {
    let line = review.line().map_or_else(String::new, |line| format!("<p>{}</p>", text(&line)));
    let pictures = match place {
        Place::Output => {
            let names = review.sheets().map(ci::file_name);
            names.map(|name| format!("./{REPORT}/{}", encode_component(&name))).collect::<Vec<_>>()
        }
        Place::Branch(_) => review.media().iter().map(|media| address(&media.name)).collect(),
    };
    let alt = "Changes: base left, head right";
    let pictures = pictures.iter().map(|source| format!("<p><img src=\"{source}\" alt=\"{alt}\"></p>"));
    let rows = review.ranges().iter().map(|range| {
        let cells = range.cells().map(|cell| format!("<td>{cell}</td>")).concat();
        format!("<tr>{cells}</tr>")
    });
    let rows = rows.collect::<String>();
    let heads = RANGE_COLUMNS.map(|head| format!("<th>{head}</th>")).concat();
    let table = if rows.is_empty() {
        rows
    } else {
        format!("<table class=\"ranges\"><tr>{heads}</tr>{rows}</table>")
    };
    let notes = review.notes().iter().map(|note| format!("<p>Note: {}</p>", text(note)));
    let viewer = match place {
        Place::Output if review.is_changed() => {
            format!("<p><a href=\"./{REPORT}/index.html\">Compare the videos</a></p>")
        }
        _ => String::new(),
    };
    format!("{line}{}{table}{}{viewer}", pictures.collect::<String>(), notes.collect::<String>())
}

/// Returns the image of the base, if the page can show it.
fn before(preview: &Preview, place: Place<'_>) -> String {
    let Place::Branch(has) = place else { return String::new() };
    let names = preview.base_image_names().unwrap_or_default();
    let name = names.iter().find(|name| has(name));
    name.map_or_else(String::new, |name| figure("Before", &image(name, "Before")))
}

/// Returns the video, or the image if there is none.
fn now(preview: &Preview, place: Place<'_>) -> String {
    let names = match place {
        Place::Output => preview.own_files().into_iter().map(ci::file_name).collect::<Vec<_>>(),
        Place::Branch(_) => preview.own_media().into_iter().map(|media| media.name).collect(),
    };
    let of = |extensions: &[&str]| {
        let is_one = |name: &&String| {
            name.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
        };
        names.iter().filter(is_one).collect::<Vec<_>>()
    };
    let poster = of(&["png"]).first().or(of(&["gif"]).first()).map(|name| (*name).clone());
    let videos = of(&["mp4", "webm", "mov"]);
    let animated = of(&["gif"]).first().map(|name| (*name).clone());
    if let (true, Some(image_name)) = (videos.is_empty(), animated.as_ref().or(poster.as_ref())) {
        return figure("Now", &image(image_name, "Now"));
    }
    let is_single = videos.len() == 1;
    let videos = videos.into_iter().map(|name| {
        let poster = poster.as_ref().filter(|_| is_single);
        let poster = poster.map(|poster| format!(" poster=\"{}\"", address(poster))).unwrap_or_default();
        let caption = if is_single { "Now".to_owned() } else { text(name) };
        let video =
            format!("<video controls loop preload=\"metadata\"{poster} src=\"{}\"></video>", address(name));
        figure(&caption, &video)
    });
    videos.collect()
}

fn figure(caption: &str, content: &str) -> String {
    format!("<figure>{content}<figcaption>{caption}</figcaption></figure>")
}

fn image(name: &str, alt: &str) -> String {
    format!("<img src=\"{}\" alt=\"{alt}\">", address(name))
}

/// Returns the relative URL of a file next to the page.
fn address(name: &str) -> String {
    format!("./{}", encode_component(name))
}

fn variables(changes: &[VariableChange]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let changes = changes.iter().map(|change| match change {
        VariableChange::Added(id) => format!("{} added", text(id)),
        VariableChange::Removed(id) => format!("{} removed", text(id)),
        VariableChange::Retyped(id, before, after) => {
            format!("{} changed from {before} to {after}", text(id))
        }
    });
    format!("<p>Variables: {}</p>", changes.collect::<Vec<_>>().join(", "))
}

/// Returns the table of errors and warnings.
fn findings(diagnostics: &[Diagnostic]) -> String {
    let listed = diagnostics.iter().filter(|found| found.severity != Severity::Note).collect::<Vec<_>>();
    if listed.is_empty() {
        return String::new();
    }
    let rows = listed.iter().take(MAX_FINDINGS).map(|found| {
        let line = found.position.map(|position| format!(":{}", position.line)).unwrap_or_default();
        format!(
            "<tr><td>{}</td><td>{}{line}</td><td>{} <small>{}</small></td></tr>",
            found.severity.as_str(),
            text(&found.path),
            text(&found.message),
            found.rule.code()
        )
    });
    let rows = rows.collect::<String>();
    let more = listed.len().saturating_sub(MAX_FINDINGS);
    let more = if more > 0 { format!("<p>… and {more} more</p>") } else { String::new() };
    format!("<section><h2>Findings</h2><table>{rows}</table>{more}</section>")
}

/// Escapes untrusted text, without control characters and characters that mislead, truncated.
fn text(text: &str) -> String {
    escape(&plain(&text.chars().take(MAX_TEXT).collect::<String>()))
}

/// Returns the URL of the folder of a page, which stays the same for all pushes and jobs.
pub(super) fn folder_of(url: &str) -> &str {
    url.rfind('/').map_or(url, |end| &url[..=end])
}

/// Returns the URL of the page on a host that serves the previews branch at `base`, from the URL of its file on the service.
fn address_on(base: &str, branch: &str, url: &str) -> Option<String> {
    let (_, path) = url.split_once(&format!("/raw/{branch}/"))?;
    Some(format!("{}/{path}", base.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_at_the_place_of_its_file_on_the_branch() {
        let url = "https://github.example/o/r/raw/previews/x/pr/7/preview-1.html";
        let expected = Some("https://o.github.io/r/pr/7/preview-1.html".to_owned());
        assert_eq!(address_on("https://o.github.io/r/", "previews/x", url), expected);
        assert_eq!(address_on("https://o.github.io/r", "other", url), None);
        assert_eq!(folder_of("https://o.github.io/r/pr/7/preview-1.html"), "https://o.github.io/r/pr/7/");
    }

    #[test]
    fn texts_are_escaped() {
        let hostile = "</title><script>alert(1)</script>\" onerror='x' \u{202e}\u{1b}[0m";
        let shown = text(hostile);
        for mark in ['<', '>', '"', '\'', '\u{202e}', '\u{1b}'] {
            assert!(!shown.contains(mark), "{mark}: {shown}");
        }
        assert_eq!(address("a b\"/../c.mp4"), "./a%20b%22%2F..%2Fc.mp4");
    }
}
