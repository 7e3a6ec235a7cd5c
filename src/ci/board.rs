//! The one comment of a pull or merge request, which several jobs write together.
//!
//! It is markdown with invisible marks: one that tells it from other comments, and a pair around each job's section. A
//! job replaces its own section and leaves the others as they are.

use super::{HostError, Section, wait_for_others};

/// The first line of the comment.
pub(super) const MARK: &str = "<!-- hyperframes-ci -->";

/// A comment that is longer is refused as a whole; source: reg-viz/reg-actions#123. Characters, which are never more
/// than bytes.
const LONGEST: usize = 65_000;

/// Tries against other jobs that write at the same time.
const TRIES: u32 = 6;

/// The comments of one request, where a service keeps them.
pub(super) trait Comments {
    /// The request's newest commit, which may be newer than the event.
    fn newest(&self) -> Result<String, HostError>;

    /// The comments with our mark that this token's owner wrote, oldest first: the mark alone proves nothing, since
    /// anybody can write it.
    fn ours(&self) -> Result<Vec<(u64, Board)>, HostError>;

    /// Writes a new one.
    fn create(&self, text: &str) -> Result<(), HostError>;

    /// Replaces one; `false` where it is gone.
    fn edit(&self, id: u64, text: &str) -> Result<bool, HostError>;

    /// Deletes one, if that is possible.
    fn delete(&self, id: u64);
}

/// Writes `section` into the one comment, and gives back its id; `None` where a newer commit has written it already.
///
/// # Errors
/// As `comments`, and when others write all the time.
pub(super) fn write(comments: &dyn Comments, section: &Section) -> Result<Option<u64>, HostError> {
    for attempt in 0..TRIES {
        wait_for_others(attempt);
        let newest = comments.newest()?;
        let mut found = comments.ours()?;
        // Jobs that found none made one each: the first stays, with the sections of all.
        let first = if found.is_empty() { None } else { Some(found.remove(0)) };
        let (id, mut board) = first.map_or((None, Board::default()), |(id, board)| (Some(id), board));
        found.iter().for_each(|(_, other)| board.adopt(other.clone()));
        if section.commit != newest && board.commit_of(&section.key) == Some(newest.as_str()) {
            return Ok(None);
        }
        board.put(section);
        let text = board.text(&newest);
        let is_there = match id {
            Some(id) => comments.edit(id, &text)?,
            None => comments.create(&text).map(|()| true)?,
        };
        if !is_there {
            // Somebody deleted it between our reading and our writing.
            continue;
        }
        // A comment too many is no reason to fail.
        found.iter().for_each(|(id, _)| comments.delete(*id));
        // Nothing keeps two jobs from writing at the same time but looking whether they did.
        if let [(id, board)] = comments.ours()?.as_slice()
            && board.holds(section)
        {
            return Ok(Some(*id));
        }
    }
    Err(HostError::Failed("the comment is being written by others all the time".to_owned()))
}

/// Marks what older commits have written.
///
/// # Errors
/// As `comments`.
pub(super) fn mark_out_of_date(comments: &dyn Comments) -> Result<(), HostError> {
    let newest = comments.newest()?;
    for (id, board) in comments.ours()? {
        if board.sections.iter().any(|written| written.commit != newest) {
            comments.edit(id, &board.text(&newest))?;
        }
    }
    Ok(())
}

/// The comment with the sections that it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Board {
    sections: Vec<Written>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    key: String,
    commit: String,
    text: String,
}

impl Board {
    /// Reads a comment; what is between sections is ours to write, and forgotten.
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
                    Written { key: key.to_owned(), commit: commit.to_owned(), text: text.to_owned() };
                sections.push(written);
                rest = after;
            }
        }
        Self { sections }
    }

    /// Whether the section is there as it was written.
    fn holds(&self, section: &Section) -> bool {
        self.sections.iter().any(|written| {
            written.key == section.key
                && written.commit == section.commit
                && section.texts.contains(&written.text)
        })
    }

    /// The commit that a section is about.
    fn commit_of(&self, key: &str) -> Option<&str> {
        self.sections.iter().find(|written| written.key == key).map(|written| written.commit.as_str())
    }

    /// Puts a section in its place, in the longest form that there is room for.
    fn put(&mut self, section: &Section) {
        let place = self.sections.iter().position(|written| written.key == section.key);
        let place = place.unwrap_or_else(|| {
            let text = String::new();
            self.sections.push(Written { key: section.key.clone(), commit: String::new(), text });
            self.sections.len() - 1
        });
        section.commit.clone_into(&mut self.sections[place].commit);
        for text in &section.texts {
            text.clone_into(&mut self.sections[place].text);
            if self.text(&section.commit).len() <= LONGEST {
                return;
            }
        }
    }

    /// Adds the sections of another comment that this one has not.
    fn adopt(&mut self, other: Self) {
        for section in other.sections {
            if self.sections.iter().all(|known| known.key != section.key) {
                self.sections.push(section);
            }
        }
    }

    /// The comment. Sections about another commit than `newest` say so.
    fn text(&self, newest: &str) -> String {
        let mut text = format!("{MARK}\n### HyperFrames previews\n");
        for Written { key, commit, text: section } in &self.sections {
            if commit != newest {
                let (old, new) = (short(commit), short(newest));
                text.push_str(&format!(
                    "\n> **Out of date:** this is about {old}, and the newest commit is {new}.\n"
                ));
            }
            text.push_str(&format!("\n<!-- section {key} {commit} -->\n{section}\n<!-- end {key} -->\n"));
        }
        text
    }
}

/// A commit as people write it.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn section(key: &str, commit: &str, texts: &[&str]) -> Section {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Section { key: key.to_owned(), commit: commit.to_owned(), texts }
    }

    #[test]
    fn jobs_leave_each_others_sections_alone() {
        let mut board = Board::default();
        board.put(&section("a", "c1", &["first"]));
        board.put(&section("b", "c1", &["second"]));
        let mut again = Board::read(&board.text("c1"));
        assert_eq!(again, board);
        again.put(&section("a", "c2", &["third"]));
        let text = again.text("c2");
        assert!(text.contains("third") && text.contains("second") && !text.contains("first"), "{text}");
        assert!(text.contains("this is about c1, and the newest commit is c2"), "{text}");
        assert_eq!(again.commit_of("b"), Some("c1"));
        assert!(again.holds(&section("a", "c2", &["long", "third"])));
        assert!(!again.holds(&section("a", "c1", &["third"])));
    }

    #[test]
    fn what_is_too_long_is_told_shorter() {
        let mut board = Board::default();
        let long = "x".repeat(40_000);
        board.put(&section("a", "c", &[&long]));
        board.put(&section("b", "c", &[&long, "short"]));
        assert!(board.text("c").len() <= LONGEST);
        assert!(board.text("c").contains("short"));
    }

    #[test]
    fn comments_that_met_become_one() {
        let (mut ours, mut theirs) = (Board::default(), Board::default());
        ours.put(&section("a", "c", &["mine"]));
        theirs.put(&section("b", "c", &["yours"]));
        theirs.put(&section("a", "c", &["not this"]));
        ours.adopt(theirs);
        let text = ours.text("c");
        assert!(text.contains("mine") && text.contains("yours") && !text.contains("not this"));
    }

    proptest! {
        /// Whoever edits the comment by hand breaks nothing.
        #[test]
        fn any_comment_can_be_read(text in "(<!-- section |<!-- end |a|b| |-->|\n|\\PC){0,40}") {
            let mut board = Board::read(&text);
            board.put(&section("a", "c", &["text"]));
            prop_assert_eq!(Board::read(&board.text("c")), board);
        }
    }
}
