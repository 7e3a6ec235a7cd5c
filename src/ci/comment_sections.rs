//! Writes the comment of a pull request where its sections cannot be stored in a file: on GitLab, and on GitHub without
//! `contents: write`. Each job replaces its own section in the comment and preserves the others.

use std::time::Duration;

use super::contention::{wait, wait_before};
use super::error::ProviderError;
use super::project_marks::ProjectMark;
use super::provider::{Section, Written};
use super::sections::{self, CommentSection, EXPIRY, MAX_COMMENT};
use crate::system::clock::unix_now;

/// Attempts of a write that conflicts with other jobs. Each job of a large matrix may have to write several times.
const ATTEMPTS: u32 = 30;

/// Time for which a section must stay in the comment. The APIs have no conditional writes: a job that has read the comment
/// before this one wrote it replaces it with one that lacks the section. This is longer than a job takes from reading to
/// writing, unless the API stalls.
const SETTLING_TIME: Duration = Duration::from_millis(2500);

/// Checks within [`SETTLING_TIME`].
const CHECKS: u32 = 3;

/// The state of a pull request, which may be newer than the event.
#[derive(Clone, Debug)]
pub(super) struct PullState {
    /// The newest commit.
    pub(super) newest: String,
    /// Whether the pull request is open, so that its previews exist.
    pub(super) is_open: bool,
}

/// The comments of one pull request, on a service.
pub(super) trait Comments {
    /// Returns the state of the pull request.
    fn state(&self) -> Result<PullState, ProviderError>;

    /// Returns the ids and texts of the comments with the marker, oldest first, as far as the token's owner wrote them:
    /// anyone can write the marker.
    fn own(&self) -> Result<Vec<(u64, String)>, ProviderError>;

    /// Creates a comment.
    fn create(&self, text: &str) -> Result<(), ProviderError>;

    /// Replaces a comment. Returns `false` if it does not exist.
    fn edit(&self, id: u64, text: &str) -> Result<bool, ProviderError>;

    /// Deletes a comment. Failures are ignored.
    fn delete(&self, id: u64);
}

/// Writes `section` into the comment and returns the comment's id.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses, or other jobs write the comment all the time.
pub(super) fn write(comments: &dyn Comments, section: &Section) -> Result<Written<u64>, ProviderError> {
    for attempt in 0..ATTEMPTS {
        wait_before(attempt);
        let state = comments.state()?;
        if !state.is_open {
            return retire(comments).map(|()| Written::Closed);
        }
        let newest = state.newest;
        let found = comments.own()?;
        // Concurrent jobs may have created one comment each: the first is kept, with the sections of all.
        let mut written = merged(&found);
        let present = written.iter().find(|known| known.key == section.key);
        if section.commit != newest && present.is_some_and(|present| present.commit == newest) {
            return Ok(Written::Superseded);
        }
        let now = unix_now();
        written.retain(|known| {
            known.commit == newest || known.time.is_none_or(|time| now.saturating_sub(time) < EXPIRY)
        });
        let present = found.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>();
        replace(&mut written, section, &newest, now, &present);
        let text = sections::comment(&written, &newest, &present);
        let exists = match found.first() {
            Some((id, _)) => comments.edit(*id, &text)?,
            None => comments.create(&text).map(|()| true)?,
        };
        if !exists {
            // The comment was deleted after it was read.
            continue;
        }
        // Superfluous comments are not an error.
        found.iter().skip(1).for_each(|(id, _)| comments.delete(*id));
        if let Some(id) = settle(comments, section)? {
            // A cleanup may have run before the section was written.
            if comments.state()?.is_open {
                return Ok(Written::At(id));
            }
        }
    }
    Err(ProviderError::Failed("cannot write the comment: other jobs keep writing it".to_owned()))
}

/// Waits for [`SETTLING_TIME`] and returns the id of the comment; `None` as soon as another job has overwritten the section,
/// or created another comment.
fn settle(comments: &dyn Comments, section: &Section) -> Result<Option<u64>, ProviderError> {
    let mut settled = None;
    for check in 0..=CHECKS {
        if check > 0 {
            wait(SETTLING_TIME / CHECKS);
        }
        settled = match comments.own()?.as_slice() {
            [(id, text)] if contains(text, section) => Some(*id),
            _ => return Ok(None),
        };
    }
    Ok(settled)
}

/// Returns the published projects that the comments remember, those of the section `section` first.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses.
pub(super) fn projects(comments: &dyn Comments, section: &str) -> Result<Vec<ProjectMark>, ProviderError> {
    let own = comments.own()?;
    Ok(sections::projects(&own.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), section))
}

/// Replaces the sections of a closed pull request with a note, since the files that they show are deleted.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses.
pub(super) fn retire(comments: &dyn Comments) -> Result<(), ProviderError> {
    for (id, text) in comments.own()? {
        if !sections::parse(&text).is_empty() {
            comments.edit(id, &sections::retired(&[&text]))?;
        }
    }
    Ok(())
}

/// Marks sections about older commits as out of date.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses.
pub(super) fn mark_out_of_date(comments: &dyn Comments) -> Result<(), ProviderError> {
    let newest = comments.state()?.newest;
    for (id, text) in comments.own()? {
        let written = sections::parse(&text);
        if written.iter().any(|written| written.commit != newest) {
            comments.edit(id, &sections::comment(&written, &newest, &[&text]))?;
        }
    }
    Ok(())
}

/// Returns the sections of all comments; of sections with one key, the first.
fn merged(comments: &[(u64, String)]) -> Vec<CommentSection> {
    let mut all = Vec::<CommentSection>::new();
    for section in comments.iter().flat_map(|(_, text)| sections::parse(text)) {
        if all.iter().all(|known| known.key != section.key) {
            all.push(section);
        }
    }
    all
}

/// Returns whether the comment contains the section in one of its forms.
fn contains(comment: &str, section: &Section) -> bool {
    let is_it = |written: &CommentSection| {
        written.key == section.key
            && written.commit == section.commit
            && section.texts.iter().any(|text| sections::is_same(text, &written.text))
    };
    sections::parse(comment).iter().any(is_it)
}

/// Adds or replaces a section, in the longest form that fits into a comment that replaces `comments`.
fn replace(written: &mut Vec<CommentSection>, section: &Section, newest: &str, now: i64, comments: &[&str]) {
    let new = CommentSection {
        key: section.key.clone(),
        commit: section.commit.clone(),
        text: String::new(),
        time: Some(now),
    };
    let index = written.iter().position(|known| known.key == section.key).unwrap_or(written.len());
    match written.get_mut(index) {
        Some(known) => *known = new,
        None => written.push(new),
    }
    for text in &section.texts {
        text.clone_into(&mut written[index].text);
        if sections::comment(written, newest, comments).len() <= MAX_COMMENT {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn section(key: &str, commit: &str, texts: &[&str]) -> Section {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Section { key: key.to_owned(), commit: commit.to_owned(), texts }
    }

    #[test]
    fn what_is_too_long_is_told_shorter() {
        let (mut written, long) = (Vec::new(), "x".repeat(40_000));
        replace(&mut written, &section("a", "c", &[&long]), "c", 1, &[]);
        replace(&mut written, &section("b", "c", &[&long, "short"]), "c", 1, &[]);
        let text = sections::comment(&written, "c", &[]);
        assert!(text.len() <= MAX_COMMENT && text.contains("short"));
        assert!(contains(&text, &section("b", "c", &["short"])));
        assert!(!contains(&text, &section("b", "d", &["short"])));
    }

    #[test]
    fn comments_that_met_become_one() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        replace(&mut ours, &section("a", "c", &["mine"]), "c", 1, &[]);
        replace(&mut theirs, &section("b", "c", &["yours"]), "c", 1, &[]);
        replace(&mut theirs, &section("a", "c", &["not this"]), "c", 1, &[]);
        let both = [(1, sections::comment(&ours, "c", &[])), (2, sections::comment(&theirs, "c", &[]))];
        let text = sections::comment(&merged(&both), "c", &[]);
        assert!(text.contains("mine") && text.contains("yours") && !text.contains("not this"));
    }

    /// The comments of a service that answers after a while: a write takes effect in the middle of its request.
    #[derive(Default)]
    struct Slow(Mutex<Vec<(u64, String)>>);

    impl Slow {
        fn call<T>(&self, work: impl FnOnce(&mut Vec<(u64, String)>) -> T) -> T {
            let delay = || wait(Duration::from_millis(50 + crate::system::random() % 200));
            delay();
            let done = work(&mut self.0.lock().expect("comments"));
            delay();
            done
        }
    }

    impl Comments for Slow {
        fn state(&self) -> Result<PullState, ProviderError> {
            Ok(self.call(|_| PullState { newest: "c".to_owned(), is_open: true }))
        }

        fn own(&self) -> Result<Vec<(u64, String)>, ProviderError> {
            Ok(self.call(|all| all.clone()))
        }

        fn create(&self, text: &str) -> Result<(), ProviderError> {
            self.call(|all| {
                let id = all.last().map_or(1, |(id, _)| id + 1);
                all.push((id, text.to_owned()));
            });
            Ok(())
        }

        fn edit(&self, id: u64, text: &str) -> Result<bool, ProviderError> {
            Ok(self.call(|all| match all.iter_mut().find(|(known, _)| *known == id) {
                Some((_, known)) => {
                    text.clone_into(known);
                    true
                }
                None => false,
            }))
        }

        fn delete(&self, id: u64) {
            self.call(|all| all.retain(|(known, _)| *known != id));
        }
    }

    #[test]
    fn parallel_jobs_lose_no_section() {
        for jobs in [2, 6, 20, 20] {
            let comments = Slow::default();
            std::thread::scope(|scope| {
                for job in 0..jobs {
                    let comments = &comments;
                    scope.spawn(move || {
                        let key = format!("job{job}");
                        write(comments, &section(&key, "c", &[&format!("of {key}")])).expect("written");
                    });
                }
            });
            let all = comments.0.into_inner().expect("comments");
            assert_eq!(all.len(), 1, "one comment");
            for job in 0..jobs {
                let key = format!("job{job}");
                assert!(contains(&all[0].1, &section(&key, "c", &[&format!("of {key}")])), "{jobs}: {key}");
            }
        }
    }
}
