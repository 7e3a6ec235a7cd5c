//! What people read: the comment, the summary, the provenance of a release.

use hyperframes_ci_core::findings::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::markdown::{code, short_code};
use super::preview::{Figures, Preview, PreviewRow, PreviewState, VariableChange};
use super::scope::Scope;
use crate::ci::Event;
use crate::ci::short_commit;
use crate::ui::counted;

/// Findings that a summary lists.
const MOST_FINDINGS: usize = 100;

/// Rows of a comment in its longest form, and in its shorter ones.
const ROWS: [usize; 5] = [100, 40, 15, 5, 0];

/// The section of a comment, shorter and shorter.
pub(super) fn comment(scope: &Scope, previews: &[Preview], notes: &[String], event: &Event) -> Vec<String> {
    let forms = ROWS.iter().map(|rows| {
        let mut text = head(scope, previews, event);
        text.push_str(&table(previews, *rows, true));
        text.push_str(&details(previews, *rows));
        text.push_str(&unchanged(scope, *rows));
        text.push_str(&listed(notes));
        text.push_str(&findings_line(scope, event));
        text
    });
    forms.collect()
}

/// The job's summary.
pub(super) fn summary(scope: &Scope, previews: &[Preview], notes: &[String], event: &Event) -> String {
    let mut text = String::from("## HyperFrames\n\n");
    text.push_str(&head(scope, previews, event));
    text.push_str(&table(previews, 500, true));
    text.push_str(&details(previews, 500));
    text.push_str(&unchanged(scope, 500));
    text.push_str(&listed(notes));
    text.push_str(&findings_table(&scope.findings.diagnostics));
    text
}

fn head(scope: &Scope, previews: &[Preview], event: &Event) -> String {
    let count = |wanted: fn(&Preview) -> bool| previews.iter().filter(|preview| wanted(preview)).count();
    let made = count(|preview| preview.video().is_some() && !preview.is_reused());
    let reused = count(Preview::is_reused);
    let failed = count(Preview::is_failed);
    let invalid = count(|preview| matches!(preview.state, PreviewState::Invalid(_)));
    let mut parts = Vec::new();
    for (number, what) in [
        (made, "rendered"),
        (reused, "reused"),
        (failed, "failed"),
        (invalid, "not rendered"),
        (scope.unchanged.len(), "unchanged"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    if parts.is_empty() {
        parts.push("nothing to render".to_owned());
    }
    let rendered = previews.iter().filter_map(Preview::rendered);
    let seconds: f64 = rendered.map(|rendered| rendered.figures.billed_seconds).sum();
    let cost =
        if seconds > 0.0 { format!(" · {} s rendered in the cloud", tidy(seconds)) } else { String::new() };
    let commit = match &event.subject {
        crate::ci::Subject::PullRequest(request) => &request.head,
        _ => &event.commit,
    };
    format!("**{}** for {}{cost} · [log]({})\n\n", parts.join(", "), short_commit(commit), event.run_url)
}

fn table(previews: &[Preview], most: usize, with_pictures: bool) -> String {
    if previews.is_empty() || most == 0 {
        return String::new();
    }
    let has_base = previews.iter().any(|preview| preview.urls.base_picture.is_some());
    let mut text = if has_base {
        String::from("| composition | before | now | video |\n|---|---|---|---|\n")
    } else {
        String::from("| composition | preview | video |\n|---|---|---|\n")
    };
    for preview in previews.iter().take(most) {
        let image = |url: &Option<String>| match url.as_ref().filter(|_| with_pictures) {
            Some(url) => format!("<img src=\"{url}\" width=\"320\" alt=\"\">"),
            None => String::new(),
        };
        let picture = match (&preview.urls.video, image(&preview.urls.picture)) {
            (Some(video), image) if !image.is_empty() => format!("<a href=\"{video}\">{image}</a>"),
            (_, image) => image,
        };
        let before =
            if has_base { format!(" {} |", image(&preview.urls.base_picture)) } else { String::new() };
        text.push_str(&format!(
            "| {} |{before} {picture} | {} |\n",
            short_code(&preview.display_name, 120),
            outcome(preview)
        ));
    }
    if previews.len() > most {
        text.push_str(&format!("\n… and {} more: the summary of the run has all.\n", previews.len() - most));
    }
    text.push('\n');
    text
}

/// What came of a preview, in a cell.
fn outcome(preview: &Preview) -> String {
    match &preview.state {
        PreviewState::Invalid(errors) => format!("not rendered: {}", counted(*errors, "error")),
        PreviewState::Failed { message, .. } => format!("**failed**: {}", short_code(message, 200)),
        PreviewState::Rendered(rendered) => {
            let link = match &preview.urls.video {
                Some(url) => format!("[video]({url})<br>"),
                None => String::new(),
            };
            let how = if rendered.figures.is_reused { "reused" } else { rendered.figures.label };
            format!("{link}{}{how}", figures(&rendered.figures))
        }
    }
}

/// `1280x720, 30 fps, 2 s<br>`, or how many rows of a batch are there.
fn figures(figures: &Figures) -> String {
    if let Some((in_place, rows)) = figures.rows {
        return format!("{in_place} of {rows} rows<br>");
    }
    let size = figures.width.zip(figures.height);
    let parts = [
        size.map(|(width, height)| format!("{}x{}", tidy(width), tidy(height))),
        figures.fps.map(|fps| format!("{} fps", tidy(fps))),
        figures.duration.map(|seconds| format!("{} s", tidy(seconds))),
    ];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!("{}<br>", parts.join(", ")) }
}

/// Two digits behind the point, and no more than there are.
fn tidy(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}

/// How variables differ from the base's.
fn details(previews: &[Preview], most: usize) -> String {
    let mut text = String::new();
    for preview in previews.iter().take(most).filter(|preview| !preview.variables.is_empty()) {
        let changes = preview.variables.iter().take(50).map(|change| match change {
            VariableChange::Added(id) => format!("{} is new", short_code(id, 60)),
            VariableChange::Removed(id) => format!("{} is gone", short_code(id, 60)),
            VariableChange::Retyped(id, before, after) => {
                format!("{} was {before} and is {after}", short_code(id, 60))
            }
        });
        let changes = changes.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("Variables of {}: {changes}\n\n", short_code(&preview.display_name, 120)));
    }
    text
}

fn unchanged(scope: &Scope, most: usize) -> String {
    if scope.unchanged.is_empty() || most == 0 {
        return String::new();
    }
    let named = scope.unchanged.iter().take(most).map(|name| short_code(name, 120)).collect::<Vec<_>>();
    let more = scope.unchanged.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Unchanged: {}{more}\n\n", named.join(", "))
}

fn listed(notes: &[String]) -> String {
    notes.iter().map(|note| format!("> {note}\n\n")).collect()
}

fn findings_line(scope: &Scope, event: &Event) -> String {
    let [errors, warnings] =
        [Severity::Error, Severity::Warning].map(|severity| scope.findings.count(severity));
    if errors + warnings == 0 {
        return String::new();
    }
    format!(
        "The checks found {} and {}: see [the run]({}).\n",
        counted(errors, "error"),
        counted(warnings, "warning"),
        event.run_url
    )
}

fn findings_table(found: &[Diagnostic]) -> String {
    let told = found.iter().filter(|found| found.severity != Severity::Note).collect::<Vec<_>>();
    if told.is_empty() {
        return "The checks found nothing to act on.\n".to_owned();
    }
    let mut text = String::from("| | where | what |\n|---|---|---|\n");
    for found in told.iter().take(MOST_FINDINGS) {
        let place = match found.position {
            Some(position) => format!("{}:{}", found.path, position.line),
            None => found.path.clone(),
        };
        text.push_str(&format!(
            "| {} | {} | {} {} |\n",
            found.severity.as_str(),
            short_code(&place, 160),
            short_code(&found.message, 300),
            code(found.rule.code())
        ));
    }
    if told.len() > MOST_FINDINGS {
        text.push_str(&format!("\n… and {} more in report.json.\n", told.len() - MOST_FINDINGS));
    }
    text
}

/// Where the videos of a release come from.
pub(super) fn provenance(previews: &[Preview], event: &Event) -> Value {
    let of_preview = |preview: &Preview| {
        let result = json!(preview.outcome()?);
        let of_video = move |row: PreviewRow| {
            json!({
                "file": crate::ci::file_name(&row.video),
                "sha256": crate::system::digest::of_file(&row.video).ok(),
                "composition": preview.display_name,
                "project_digest": result.get("digest"),
                "render_key": row.key,
                "render_id": row.render_id,
                "request": result.get("request"),
                "video": result.get("video"),
            })
        };
        Some(preview.videos().into_iter().map(of_video).collect::<Vec<_>>())
    };
    let videos = previews.iter().filter_map(of_preview).flatten();
    json!({
        "version": 1,
        "repository": event.repository,
        "commit": event.commit,
        // Without the attempt: a run that is repeated says the same.
        "run": event.run_url.split("/attempts/").next(),
        "tool": concat!("hyperframes-ci ", env!("CARGO_PKG_VERSION")),
        "videos": videos.collect::<Vec<_>>(),
    })
}
