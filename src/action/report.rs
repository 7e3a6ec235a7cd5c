//! What people read: the comment, the summary, the provenance of a release.

use hyperframes_ci_core::findings::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::film::{Change, Film, Row, State};
use super::markdown::{code, short_code};
use super::scope::Scope;
use crate::ci::Event;
use crate::ci::short_commit;
use crate::ui::counted;

/// Findings that a summary lists.
const MOST_FINDINGS: usize = 100;

/// Rows of a comment in its longest form, and in its shorter ones.
const ROWS: [usize; 5] = [100, 40, 15, 5, 0];

/// The section of a comment, shorter and shorter.
pub(super) fn comment(scope: &Scope, films: &[Film], notes: &[String], event: &Event) -> Vec<String> {
    let forms = ROWS.iter().map(|rows| {
        let mut text = head(scope, films, event);
        text.push_str(&table(films, *rows, true));
        text.push_str(&details(films, *rows));
        text.push_str(&unchanged(scope, *rows));
        text.push_str(&listed(notes));
        text.push_str(&findings_line(scope, event));
        text
    });
    forms.collect()
}

/// The job's summary.
pub(super) fn summary(scope: &Scope, films: &[Film], notes: &[String], event: &Event) -> String {
    let mut text = String::from("## HyperFrames\n\n");
    text.push_str(&head(scope, films, event));
    text.push_str(&table(films, 500, true));
    text.push_str(&details(films, 500));
    text.push_str(&unchanged(scope, 500));
    text.push_str(&listed(notes));
    text.push_str(&findings_table(&scope.findings.diagnostics));
    text
}

fn head(scope: &Scope, films: &[Film], event: &Event) -> String {
    let count = |wanted: fn(&Film) -> bool| films.iter().filter(|film| wanted(film)).count();
    let made = count(|film| film.video().is_some() && !film.is_reused());
    let reused = count(Film::is_reused);
    let failed = count(Film::is_failed);
    let invalid = count(|film| matches!(film.state, State::Invalid(_)));
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
    let seconds: f64 = films.iter().map(Film::billed_seconds).sum();
    let cost =
        if seconds > 0.0 { format!(" · {} s rendered in the cloud", tidy(seconds)) } else { String::new() };
    let commit = match &event.subject {
        crate::ci::Subject::PullRequest(request) => &request.head,
        _ => &event.commit,
    };
    format!("**{}** for {}{cost} · [log]({})\n\n", parts.join(", "), short_commit(commit), event.run_url)
}

fn table(films: &[Film], most: usize, with_pictures: bool) -> String {
    if films.is_empty() || most == 0 {
        return String::new();
    }
    let has_base = films.iter().any(|film| film.places.base_picture.is_some());
    let mut text = if has_base {
        String::from("| composition | before | now | video |\n|---|---|---|---|\n")
    } else {
        String::from("| composition | preview | video |\n|---|---|---|\n")
    };
    for film in films.iter().take(most) {
        let image = |url: &Option<String>| match url.as_ref().filter(|_| with_pictures) {
            Some(url) => format!("<img src=\"{url}\" width=\"320\" alt=\"\">"),
            None => String::new(),
        };
        let picture = match (&film.places.video, image(&film.places.picture)) {
            (Some(video), image) if !image.is_empty() => format!("<a href=\"{video}\">{image}</a>"),
            (_, image) => image,
        };
        let before =
            if has_base { format!(" {} |", image(&film.places.base_picture)) } else { String::new() };
        text.push_str(&format!(
            "| {} |{before} {picture} | {} |\n",
            short_code(&film.shown, 120),
            outcome(film)
        ));
    }
    if films.len() > most {
        text.push_str(&format!("\n… and {} more: the summary of the run has all.\n", films.len() - most));
    }
    text.push('\n');
    text
}

/// What came of a film, in a cell.
fn outcome(film: &Film) -> String {
    match &film.state {
        State::Invalid(errors) => format!("not rendered: {}", counted(*errors, "error")),
        State::Failed { message, .. } => format!("**failed**: {}", short_code(message, 200)),
        State::Made(_) => {
            let result = film.result().cloned().unwrap_or_default();
            let link = match &film.places.video {
                Some(url) => format!("[video]({url})<br>"),
                None => String::new(),
            };
            let renderer = result.pointer("/render/renderer").and_then(Value::as_str);
            let how = match (film.is_reused(), renderer) {
                (true, _) => "reused",
                (false, Some("local")) => "rendered on the runner",
                (false, Some("lambda")) => "rendered on Lambda",
                (false, _) => "rendered",
            };
            format!("{link}{}{how}", figures(&result))
        }
    }
}

/// `1280x720, 30 fps, 2 s<br>`, or how many rows of a batch are there.
fn figures(result: &Value) -> String {
    if let Some(rows) = result["rows"].as_u64() {
        let count = |name: &str| result[name].as_u64().unwrap_or_default();
        return format!("{} of {rows} rows<br>", count("completed") + count("done"));
    }
    let number = |pointer: &str| result.pointer(pointer).and_then(Value::as_f64).map(tidy);
    let size = number("/video/width").zip(number("/video/height"));
    let parts = [
        size.map(|(width, height)| format!("{width}x{height}")),
        number("/video/fps").map(|fps| format!("{fps} fps")),
        number("/video/duration").map(|seconds| format!("{seconds} s")),
    ];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>();
    if parts.is_empty() { String::new() } else { format!("{}<br>", parts.join(", ")) }
}

/// Two digits behind the point, and no more than there are.
fn tidy(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}

/// How variables differ from the base's.
fn details(films: &[Film], most: usize) -> String {
    let mut text = String::new();
    for film in films.iter().take(most).filter(|film| !film.variables.is_empty()) {
        let changes = film.variables.iter().take(50).map(|change| match change {
            Change::Added(id) => format!("{} is new", short_code(id, 60)),
            Change::Removed(id) => format!("{} is gone", short_code(id, 60)),
            Change::Retyped(id, before, after) => {
                format!("{} was {before} and is {after}", short_code(id, 60))
            }
        });
        let changes = changes.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("Variables of {}: {changes}\n\n", short_code(&film.shown, 120)));
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
pub(super) fn provenance(films: &[Film], event: &Event) -> Value {
    let of_film = |film: &Film| {
        let result = film.result()?.clone();
        let of_video = move |row: Row| {
            json!({
                "file": crate::ci::file_name(&row.video),
                "sha256": crate::system::digest::of_file(&row.video).ok(),
                "composition": film.shown,
                "project_digest": result["digest"],
                "render_key": row.key,
                "render_id": row.render_id,
                "request": result["request"],
                "video": result["video"],
            })
        };
        Some(film.videos().into_iter().map(of_video).collect::<Vec<_>>())
    };
    let videos = films.iter().filter_map(of_film).flatten();
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
