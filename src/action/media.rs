//! Generated media in reports: what is out of date, and what it would cost.

use super::markdown::{code, short_code};
use crate::app::outcome::{MediaOutcome, MediaState, MediaStatus};
use crate::ui::counted;

/// Longest description of a state, in characters.
const MAX_MESSAGE: usize = 200;

/// Returns a section with at most `limit` media files that are not current; empty if all are.
pub(super) fn section(media: Option<&MediaOutcome>, limit: usize) -> String {
    let Some(outcome) = media.filter(|media| media.not_current > 0) else { return String::new() };
    let open = outcome.media.iter().filter(|media| media.status != MediaState::Current);
    let total = counted(outcome.media.len(), "media file");
    let mut text = format!("**{} of {total} not current**{}\n\n", outcome.not_current, price(outcome));
    let rows = open.clone().take(limit).map(row).collect::<String>();
    if !rows.is_empty() {
        text.push_str("| Media | State | Estimate |\n|---|---|---|\n");
        text.push_str(&rows);
        if outcome.not_current > limit {
            text.push_str(&format!("\n{} more\n", outcome.not_current - limit));
        }
        text.push('\n');
    }
    text
}

/// Returns what generating everything that is due costs.
fn price(outcome: &MediaOutcome) -> String {
    match outcome.media.iter().filter(|media| media.status.is_due()).count() {
        0 => String::new(),
        due => format!(
            " · generating {} takes about {:.1} s of media and ${:.4}",
            counted(due, "file"),
            outcome.estimated_seconds,
            outcome.estimated_usd
        ),
    }
}

fn row(media: &MediaStatus) -> String {
    let estimate = match media.status.is_due() {
        true => format!("{:.1} s, ${:.4}", media.estimated_seconds, media.estimated_usd),
        false => "–".to_owned(),
    };
    let state = media.status.as_str();
    let reason = media.message.as_deref().unwrap_or_default();
    format!("| {} | {state}: {} | {estimate} |\n", code(&media.file), short_code(reason, MAX_MESSAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(file: &str, status: MediaState, usd: f64) -> MediaStatus {
        MediaStatus {
            file: file.to_owned(),
            line: 1,
            kind: "speech",
            status,
            code: status.code(),
            message: Some("a | b".to_owned()),
            help: None,
            identity: None,
            estimated_seconds: usd * 10.0,
            estimated_usd: usd,
        }
    }

    fn outcome(media: Vec<MediaStatus>) -> MediaOutcome {
        MediaOutcome {
            lock: String::new(),
            undeclared: Vec::new(),
            not_ignored: Vec::new(),
            not_current: media.iter().filter(|media| media.status != MediaState::Current).count(),
            estimated_seconds: media.iter().map(|media| media.estimated_seconds).sum(),
            estimated_usd: media.iter().map(|media| media.estimated_usd).sum(),
            media,
        }
    }

    #[test]
    fn what_is_not_current_is_listed_with_its_price_and_nothing_else_is() {
        assert_eq!(section(None, 10), "");
        assert_eq!(section(Some(&outcome(vec![status("a", MediaState::Current, 0.0)])), 10), "");
        let media = outcome(vec![
            status("a.mp3", MediaState::Current, 0.0),
            status("@b|.mp3", MediaState::Outdated, 0.5),
            status("c.mp3", MediaState::Changed, 0.0),
        ]);
        let text = section(Some(&media), 10);
        assert!(text.starts_with(
            "**2 of 3 media files not current** · generating 1 file takes about 5.0 s of media and $0.5000\n"
        ));
        let rows = text.lines().filter(|line| line.starts_with("| <code>")).collect::<Vec<_>>();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.matches('|').count() == 4), "{rows:?}");
        assert!(!text.contains("@b") && !text.contains("a&#46;mp3"), "{text}");
        assert!(section(Some(&media), 1).contains("\n1 more\n"));
        assert!(!section(Some(&media), 0).contains("| Media"));
    }
}
