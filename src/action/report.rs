//! The comment and the summary in Markdown, and the provenance of a release.

use hyperframes_ci_core::findings::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::figures::Figures;
use super::images::{fits, is_gif};
use super::markdown::{attribute, code, short_code};
use super::media;
use super::preview::{Preview, PreviewRow, PreviewState};
use super::review::{self, RangesAs};
use super::scope::Scope;
use super::variable_changes::VariableChange;
use crate::ci::{self, Event, Media, Subject, short_commit};
use crate::system::digest;
use crate::ui::counted;

/// Maximum number of findings in a summary.
const MAX_FINDINGS: usize = 100;

/// Maximum number of rows in a comment, from the longest form to the shortest.
const COMMENT_ROWS: [usize; 5] = [100, 40, 15, 5, 0];

/// Number of comparisons whose pictures are shown without a click.
const OPEN_REVIEWS: usize = 3;

/// Maximum number of rows in a summary.
const SUMMARY_ROWS: usize = 500;

/// Returns forms of the section of the comment, from the longest to the shortest: services limit its length.
pub(super) fn comment(scope: &Scope, previews: &[Preview], notes: &[String], event: &Event) -> Vec<String> {
    // The place of the files on GitHub's page of a run; other services ignore it.
    let files = format!("{}#artifacts", event.run_url);
    forms(scope, previews, notes, event, RangesAs::Words { is_private: event.is_private, files: &files })
}

/// Returns forms of the summary of the check run, which has room for tables of what differs.
pub(super) fn check_run(scope: &Scope, previews: &[Preview], notes: &[String], event: &Event) -> Vec<String> {
    forms(scope, previews, notes, event, RangesAs::Table)
}

fn forms(
    scope: &Scope,
    previews: &[Preview],
    notes: &[String],
    event: &Event,
    ranges_as: RangesAs<'_>,
) -> Vec<String> {
    let forms = COMMENT_ROWS.iter().map(|rows| {
        let mut text = head(scope, previews, event);
        text.push_str(&list(previews, *rows, ranges_as));
        text.push_str(&details(previews, *rows));
        text.push_str(&review::unchanged(previews, *rows));
        text.push_str(&names("Removed", &scope.removed, *rows));
        text.push_str(&names("Unchanged", &scope.unchanged, *rows));
        text.push_str(&media::section(scope.media.as_ref(), *rows));
        text.push_str(&review::notes(previews, *rows));
        text.push_str(&quotes(notes));
        text.push_str(&findings_line(scope, event));
        text
    });
    forms.collect()
}

/// Returns the summary of the job.
pub(super) fn summary(scope: &Scope, previews: &[Preview], notes: &[String], event: &Event) -> String {
    let mut text = String::from("## HyperFrames\n\n");
    text.push_str(&head(scope, previews, event));
    text.push_str(&list(previews, SUMMARY_ROWS, RangesAs::Table));
    text.push_str(&details(previews, SUMMARY_ROWS));
    text.push_str(&review::unchanged(previews, SUMMARY_ROWS));
    text.push_str(&names("Removed", &scope.removed, SUMMARY_ROWS));
    text.push_str(&names("Unchanged", &scope.unchanged, SUMMARY_ROWS));
    text.push_str(&media::section(scope.media.as_ref(), SUMMARY_ROWS));
    text.push_str(&review::notes(previews, SUMMARY_ROWS));
    text.push_str(&quotes(notes));
    text.push_str(&findings_table(&scope.findings.diagnostics));
    text
}

/// Returns the line with the numbers of renders.
fn head(scope: &Scope, previews: &[Preview], event: &Event) -> String {
    let count = |wanted: fn(&Preview) -> bool| previews.iter().filter(|preview| wanted(preview)).count();
    let rendered = count(|preview| preview.video().is_some() && !preview.is_reused());
    let reused = count(Preview::is_reused);
    let failed = count(Preview::is_failed);
    let invalid = count(|preview| matches!(preview.state, PreviewState::Invalid(_)));
    let mut parts = Vec::new();
    for (number, what) in [
        (rendered, "rendered"),
        (reused, "reused"),
        (failed, "failed"),
        (invalid, "not rendered"),
        (scope.removed.len(), "removed"),
        (scope.unchanged.len(), "unchanged"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    if previews.is_empty() && !scope.targets.is_empty() {
        parts.insert(0, format!("{} to render", scope.targets.len()));
    }
    if parts.is_empty() {
        parts.push("nothing to render".to_owned());
    }
    let completed = previews.iter().filter_map(Preview::rendered);
    let seconds: f64 = completed.map(|rendered| rendered.figures.billed_seconds).sum();
    let cost = if seconds > 0.0 {
        format!(" · {} s rendered in the cloud", rounded(seconds))
    } else {
        String::new()
    };
    let commit = match &event.subject {
        Subject::PullRequest(request) => &request.head,
        _ => &event.commit,
    };
    format!("**{}** for {}{cost} · [log]({})\n\n", parts.join(", "), short_commit(commit), event.run_url)
}

/// Returns at most `limit` previews: for each a line, and its images below. In cells next to text, images would be a few pixels
/// wide on a phone.
fn list(previews: &[Preview], limit: usize, ranges_as: RangesAs<'_>) -> String {
    let listed = previews.iter().filter(|preview| !preview.has_no_visible_change()).collect::<Vec<_>>();
    if listed.is_empty() || limit == 0 {
        return String::new();
    }
    let mut text = String::new();
    for (index, preview) in listed.iter().take(limit).enumerate() {
        let is_new = if preview.is_new { " (new)" } else { "" };
        let name = short_code(&preview.display_name, 120);
        let Some(title) = preview.review.as_ref().and_then(review::title) else {
            text.push_str(&format!("{name}{is_new} · {}\n\n{}", outcome(preview), images(preview)));
            continue;
        };
        text.push_str(&format!("{name} · {title} · {}\n\n", outcome(preview)));
        let pictures = review::pictures(preview, ranges_as);
        match index < OPEN_REVIEWS {
            true => text.push_str(&pictures),
            false => text.push_str(&folded("Changes", &pictures)),
        }
    }
    if listed.len() > limit {
        text.push_str(&format!("… and {} more; see the summary of the run.\n\n", listed.len() - limit));
    }
    text
}

/// Returns Markdown that is shown on demand; nothing if there is none.
fn folded(title: &str, text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("<details><summary>{title}</summary>\n\n{text}</details>\n\n"),
    }
}

/// Returns the image of a preview, next to that of the base if there is one.
fn images(preview: &Preview) -> String {
    let image = |url: &str, kind: &str, width: u32| {
        let alt = attribute(&format!("{kind} {}", preview.display_name), 120);
        format!("<img src=\"{url}\" width=\"{width}\" alt=\"{alt}\">")
    };
    match (&preview.urls.base_image, &preview.urls.image) {
        (Some(before), Some(after)) => format!(
            "| Before | After |\n|---|---|\n| {} | {} |\n\n",
            image(before, "Before:", 400),
            image(after, "After:", 400)
        ),
        (Some(before), None) => format!("Before:\n\n{}\n\n", image(before, "Before:", 480)),
        (None, Some(after)) => format!("{}\n\n", image(after, "Preview of", 480)),
        (None, None) => String::new(),
    }
}

/// Returns the result of a preview. Services send videos of repositories as downloads, so the link says so.
fn outcome(preview: &Preview) -> String {
    match &preview.state {
        PreviewState::Invalid(errors) => format!("not rendered: {}", counted(*errors, "error")),
        PreviewState::Failed { message, .. } => format!("**failed**: {}", short_code(message, 200)),
        PreviewState::Rendered(rendered) => {
            let file = preview.video().and_then(|video| std::fs::metadata(video).ok());
            let size = file.map(|file| format!(" ({})", size(file.len()))).unwrap_or_default();
            let link = match &preview.urls.video {
                Some(url) => format!(" · [download video]({url}){size}"),
                None => String::new(),
            };
            let how = if rendered.figures.is_reused { "reused" } else { rendered.figures.label };
            format!("{}{how}{link}", figures(&rendered.figures))
        }
    }
}

/// Returns the animated images among the files of a release, which its notes show, or link to if they are too large; `urls` are
/// theirs, in the same order.
pub(super) fn animated_images(files: &[Media], urls: &[String]) -> String {
    let animated = files.iter().zip(urls).filter(|(file, _)| is_gif(&file.path));
    let shown = animated.map(|(file, url)| {
        let (name, url) = (file.name.trim_end_matches(".gif"), url.replace('"', "%22"));
        let alt = attribute(name, 120);
        match fits(&file.path) {
            true => format!("<img src=\"{url}\" width=\"480\" alt=\"{alt}\">\n\n"),
            false => format!("<a href=\"{url}\">{alt}</a>\n\n"),
        }
    });
    shown.collect()
}

/// Formats a size as `1.2 MB` or `34 KB`.
fn size(bytes: u64) -> String {
    match bytes {
        1_000_000.. => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{} KB", bytes.div_ceil(1000)),
    }
}

/// Formats figures as `1280x720, 30 fps, 2 s, `, or as the number of completed rows of a batch.
pub(super) fn figures(figures: &Figures) -> String {
    if let Some((completed, rows)) = figures.rows {
        return format!("{completed} of {rows} rows, ");
    }
    let size = figures.width.zip(figures.height);
    let parts = [
        size.map(|(width, height)| format!("{}x{}", rounded(width), rounded(height))),
        figures.fps.map(|fps| format!("{} fps", rounded(fps))),
        figures.duration.map(|seconds| format!("{} s", rounded(seconds))),
    ];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!("{}, ", parts.join(", ")) }
}

/// Formats a number with at most two decimal places.
fn rounded(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}

/// Lists the variables that differ from those of the base, of at most `limit` previews.
fn details(previews: &[Preview], limit: usize) -> String {
    let mut text = String::new();
    for preview in previews.iter().take(limit).filter(|preview| !preview.variables.is_empty()) {
        let changes = preview.variables.iter().take(50).map(|change| match change {
            VariableChange::Added(id) => format!("{} added", short_code(id, 60)),
            VariableChange::Removed(id) => format!("{} removed", short_code(id, 60)),
            VariableChange::Retyped(id, before, after) => {
                format!("{} changed from {before} to {after}", short_code(id, 60))
            }
        });
        let changes = changes.collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            "Variables changed in {}: {changes}\n\n",
            short_code(&preview.display_name, 120)
        ));
    }
    text
}

/// Lists at most `limit` compositions under a title.
fn names(title: &str, names: &[String], limit: usize) -> String {
    if names.is_empty() || limit == 0 {
        return String::new();
    }
    let named = names.iter().take(limit).map(|name| short_code(name, 120)).collect::<Vec<_>>();
    let more = names.len().saturating_sub(limit);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{title}: {}{more}\n\n", named.join(", "))
}

/// Formats notes as quotes.
fn quotes(notes: &[String]) -> String {
    notes.iter().map(|note| format!("> {note}\n\n")).collect()
}

/// Returns a line with the numbers of findings, or nothing if there are none.
fn findings_line(scope: &Scope, event: &Event) -> String {
    let [errors, warnings] =
        [Severity::Error, Severity::Warning].map(|severity| scope.findings.count(severity));
    if errors + warnings == 0 {
        return String::new();
    }
    format!(
        "The checks found {} and {}. [Details]({})\n",
        counted(errors, "error"),
        counted(warnings, "warning"),
        event.run_url
    )
}

/// Returns a table of the errors and warnings.
fn findings_table(diagnostics: &[Diagnostic]) -> String {
    let listed = diagnostics.iter().filter(|found| found.severity != Severity::Note).collect::<Vec<_>>();
    if listed.is_empty() {
        return "The checks found no errors or warnings.\n".to_owned();
    }
    let mut text = String::from("| Severity | Location | Finding |\n|---|---|---|\n");
    for found in listed.iter().take(MAX_FINDINGS) {
        let location = match found.position {
            Some(position) => format!("{}:{}", found.path, position.line),
            None => found.path.clone(),
        };
        text.push_str(&format!(
            "| {} | {} | {} {} |\n",
            found.severity.as_str(),
            short_code(&location, 160),
            short_code(&found.message, 300),
            code(found.rule.code())
        ));
    }
    if listed.len() > MAX_FINDINGS {
        text.push_str(&format!("\n… and {} more; see report.json.\n", listed.len() - MAX_FINDINGS));
    }
    text
}

/// Describes how the videos of a release were rendered, and what has changed since the release of the tag `since`.
pub(super) fn provenance(previews: &[Preview], event: &Event, since: Option<&str>) -> Value {
    let videos_of = |preview: &Preview| {
        let result = json!(preview.outcome()?);
        let describe = move |row: PreviewRow| {
            let mut video = json!({
                "file": ci::file_name(&row.video),
                "sha256": digest::of_file(&row.video).ok(),
                "composition": preview.display_name,
                "project_digest": result.get("digest"),
                "render_key": row.key,
                "render_id": row.render_id,
                "request": result.get("request"),
                "video": result.get("video"),
            });
            if let (Some(since), Some(review)) = (since, &preview.review) {
                video["change"] = review.since(since);
            }
            for member in ["sandbox", "programs"] {
                if let Some(value) = result.get(member) {
                    video[member] = value.clone();
                }
            }
            video
        };
        Some(preview.videos().into_iter().map(describe).collect::<Vec<_>>())
    };
    let videos = previews.iter().filter_map(videos_of).flatten();
    json!({
        "version": 1,
        "repository": event.repository,
        "commit": event.commit,
        // Without the attempt, so that a repeated run writes the same provenance.
        "run": event.run_url.split("/attempts/").next(),
        "tool": concat!("hyperframes-ci ", env!("CARGO_PKG_VERSION")),
        "videos": videos.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_a_release_show_animated_images_that_are_not_too_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, size| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).and_then(|file| file.set_len(size)).expect("a file");
            Media { name: name.to_owned(), path }
        };
        let files = [file("a.mp4", 1), file("b\".gif", 1), file("c.gif", 11 << 20)];
        let urls = ["https://x/a", "https://x/\"b", "https://x/c"].map(str::to_owned);
        assert_eq!(
            animated_images(&files, &urls),
            "<img src=\"https://x/%22b\" width=\"480\" alt=\"b&#34;\">\n\n<a href=\"https://x/c\">c</a>\n\n"
        );
    }
}
