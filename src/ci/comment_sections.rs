//! The comment of a pull request, which has one section for each job.
//!
//! The comment is Markdown with HTML comments as markers: one that identifies the comment, and a pair around each
//! section. A job replaces its own section and preserves the others.

use std::time::Duration;

use super::contention::{wait, wait_before};
use super::error::ProviderError;
use super::event::short_commit;
use super::provider::Section;

/// The marker of the comment, which is its first line.
pub(super) const MARKER: &str = "<!-- hyperframes-ci -->";

/// The heading of the comment.
const TITLE: &str = "### HyperFrames previews";

/// The longest comment, in bytes. GitHub rejects a comment above 65,536 characters; source:
/// reg-viz/reg-actions#123.
const MAX_COMMENT: usize = 65_000;

/// Attempts of a write that conflicts with other jobs. Each job of a large matrix may have to write several times.
const ATTEMPTS: u32 = 30;

/// Time for which a section must stay in the comment. The APIs have no conditional writes: a job that has read the comment
/// before this one wrote it replaces it with one that lacks the section. This is longer than a job takes from reading to
/// writing, unless the API stalls.
const SETTLING_TIME: Duration = Duration::from_millis(2500);

/// Checks within [`SETTLING_TIME`].
const CHECKS: u32 = 3;

/// The comments of one pull request, on a service.
pub(super) trait Comments {
    /// Returns the newest commit of the pull request, which may be newer than the event.
    fn newest_commit(&self) -> Result<String, ProviderError>;

    /// Returns the ids and sections of the comments with the marker, oldest first, as far as the token's owner wrote
    /// them: anyone can write the marker.
    fn own(&self) -> Result<Vec<(u64, Sections)>, ProviderError>;

    /// Creates a comment.
    fn create(&self, text: &str) -> Result<(), ProviderError>;

    /// Replaces a comment. Returns `false` if it does not exist.
    fn edit(&self, id: u64, text: &str) -> Result<bool, ProviderError>;

    /// Deletes a comment. Failures are ignored.
    fn delete(&self, id: u64);
}

/// Writes `section` into the comment and returns the comment's id. Returns `None` if a run for a newer commit has
/// written the section already.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses, or other jobs write the comment all the time.
pub(super) fn write(comments: &dyn Comments, section: &Section) -> Result<Option<u64>, ProviderError> {
    for attempt in 0..ATTEMPTS {
        wait_before(attempt);
        let newest = comments.newest_commit()?;
        let mut found = comments.own()?;
        // Concurrent jobs may have created one comment each: the first is kept, with the sections of all.
        let first = if found.is_empty() { None } else { Some(found.remove(0)) };
        let (id, mut sections) = first.map_or((None, Sections::default()), |(id, found)| (Some(id), found));
        found.iter().for_each(|(_, other)| sections.merge(other.clone()));
        if section.commit != newest && sections.commit_of(&section.key) == Some(newest.as_str()) {
            return Ok(None);
        }
        sections.replace(section);
        let text = sections.text(&newest);
        let exists = match id {
            Some(id) => comments.edit(id, &text)?,
            None => comments.create(&text).map(|()| true)?,
        };
        if !exists {
            // The comment was deleted after it was read.
            continue;
        }
        // Superfluous comments are not an error.
        found.iter().for_each(|(id, _)| comments.delete(*id));
        if let Some(id) = settle(comments, section)? {
            return Ok(Some(id));
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
            [(id, sections)] if sections.contains(section) => Some(*id),
            _ => return Ok(None),
        };
    }
    Ok(settled)
}

/// Replaces the sections of a closed pull request with a note, since the files that they show are deleted.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses.
pub(super) fn retire(comments: &dyn Comments) -> Result<(), ProviderError> {
    let text = format!("{MARKER}\n{TITLE}\n\nThe previews were deleted when the pull request was closed.\n");
    for (id, sections) in comments.own()? {
        if !sections.0.is_empty() {
            comments.edit(id, &text)?;
        }
    }
    Ok(())
}

/// Marks sections about older commits as out of date.
///
/// # Errors
/// Returns [`ProviderError`] if the service refuses.
pub(super) fn mark_out_of_date(comments: &dyn Comments) -> Result<(), ProviderError> {
    let newest = comments.newest_commit()?;
    for (id, sections) in comments.own()? {
        if sections.0.iter().any(|written| written.commit != newest) {
            comments.edit(id, &sections.text(&newest))?;
        }
    }
    Ok(())
}

/// The sections of a comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sections(Vec<WrittenSection>);

/// A section as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WrittenSection {
    key: String,
    commit: String,
    text: String,
}

impl Sections {
    /// Parses a comment. Text outside of sections is dropped.
    pub(super) fn read(comment: &str) -> Self {
        let mut sections = Vec::new();
        let mut rest = comment;
        while let Some((_, after)) = rest.split_once("<!-- section ") {
            rest = after;
            let Some((head, body)) = after.split_once(" -->\n") else { continue };
            let Some((key, commit)) = head.split_once(' ') else { continue };
            let is_word =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let end = format!("\n<!-- end {key} -->");
            if let (true, true, Some((text, after))) = (is_word(key), is_word(commit), body.split_once(&end))
            {
                let written =
                    WrittenSection { key: key.to_owned(), commit: commit.to_owned(), text: text.to_owned() };
                sections.push(written);
                rest = after;
            }
        }
        Self(sections)
    }

    /// Returns whether the comment contains the section in one of its forms.
    fn contains(&self, section: &Section) -> bool {
        self.0.iter().any(|written| {
            written.key == section.key
                && written.commit == section.commit
                && section.texts.contains(&written.text)
        })
    }

    /// Returns the commit of a section.
    fn commit_of(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|written| written.key == key).map(|written| written.commit.as_str())
    }

    /// Adds or replaces a section, in the longest form that fits.
    fn replace(&mut self, section: &Section) {
        let index = self.0.iter().position(|written| written.key == section.key);
        let index = index.unwrap_or_else(|| {
            let text = String::new();
            self.0.push(WrittenSection { key: section.key.clone(), commit: String::new(), text });
            self.0.len() - 1
        });
        section.commit.clone_into(&mut self.0[index].commit);
        for text in &section.texts {
            text.clone_into(&mut self.0[index].text);
            if self.text(&section.commit).len() <= MAX_COMMENT {
                return;
            }
        }
    }

    /// Adds the sections of another comment that this one does not have.
    fn merge(&mut self, other: Self) {
        for section in other.0 {
            if self.0.iter().all(|known| known.key != section.key) {
                self.0.push(section);
            }
        }
    }

    /// Returns the comment. Sections about another commit than `newest` have a notice.
    fn text(&self, newest: &str) -> String {
        let mut text = format!("{MARKER}\n{TITLE}\n");
        for WrittenSection { key, commit, text: section } in &self.0 {
            if commit != newest {
                let (old, new) = (short_commit(commit), short_commit(newest));
                text.push_str(&format!(
                    "\n> ***Out of date:** these results are for {old}; the latest commit is {new}.\n"
                ));
            }
            text.push_str(&format!("\n<!-- section {key} {commit} -->\n{section}\n<!-- end {key} -->\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use proptest::prelude::*;

    fn section(key: &str, commit: &str, texts: &[&str]) -> Section {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Section { key: key.to_owned(), commit: commit.to_owned(), texts }
    }

    #[test]
    fn jobs_leave_each_others_sections_alone() {
        let mut sections = Sections::default();
        sections.replace(&section("a", "c1", &["first"]));
        sections.replace(&section("b", "c1", &["second"]));
        let mut again = Sections::read(&sections.text("c1"));
        assert_eq!(again, sections);
        again.replace(&section("a", "c2", &["third"]));
        let text = again.text("c2");
        assert!(text.contains("third") && text.contains("second") && !text.contains("first"), "{text}");
        assert!(text.contains("these results are for c1; the latest commit is c2"), "{text}");
        assert_eq!(again.commit_of("b"), Some("c1"));
        assert!(again.contains(&section("a", "c2", &["long", "third"])));
        assert!(!again.contains(&section("a", "c1", &["third"])));
    }

    #[test]
    fn what_is_too_long_is_told_shorter() {
        let mut sections = Sections::default();
        let long = "x".repeat(40_000);
        sections.replace(&section("a", "c", &[&long]));
        sections.replace(&section("b", "c", &[&long, "short"]));
        assert!(sections.text("c").len() <= MAX_COMMENT);
        assert!(sections.text("c").contains("short"));
    }

    #[test]
    fn comments_that_met_become_one() {
        let (mut ours, mut theirs) = (Sections::default(), Sections::default());
        ours.replace(&section("a", "c", &["mine"]));
        theirs.replace(&section("b", "c", &["yours"]));
        theirs.replace(&section("a", "c", &["not this"]));
        ours.merge(theirs);
        let text = ours.text("c");
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
        fn newest_commit(&self) -> Result<String, ProviderError> {
            Ok(self.call(|_| "c".to_owned()))
        }

        fn own(&self) -> Result<Vec<(u64, Sections)>, ProviderError> {
            Ok(self.call(|all| all.iter().map(|(id, text)| (*id, Sections::read(text))).collect()))
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
            let sections = Sections::read(&all[0].1);
            for job in 0..jobs {
                let key = format!("job{job}");
                assert!(sections.contains(&section(&key, "c", &[&format!("of {key}")])), "{jobs}: {key}");
            }
        }
    }

    proptest! {
        /// Manual edits of the comment do not cause errors.
        #[test]
        fn any_comment_can_be_read(text in "(<!-- section |<!-- end |a|b| |-->|\n|\\PC){0,40}") {
            let mut sections = Sections::read(&text);
            sections.replace(&section("a", "c", &["text"]));
            prop_assert_eq!(Sections::read(&sections.text("c")), sections);
        }
    }
}
