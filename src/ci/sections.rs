//! The comment of a pull request, which has one section for each job: what it looks like.
//!
//! The comment is Markdown with HTML comments as markers: one that identifies the comment, and a pair around each section.
//! Sections are stored in a file next to the published images ([`SectionFile`]), from which every job renders the same
//! comment. Where a job may not write that file, its section is in the comment only, with the time in its marker.

use serde::{Deserialize, Serialize};

use super::event::short_commit;
use super::project_marks::{self, ProjectMark};

/// The marker of the comment, which is its first line.
pub(super) const MARKER: &str = "<!-- hyperframes-ci -->";

/// The heading of the comment.
const TITLE: &str = "### HyperFrames previews";

/// The longest comment, in bytes. GitHub rejects a comment above 65,536 characters; source:
/// reg-viz/reg-actions#123.
pub(super) const MAX_COMMENT: usize = 65_000;

/// The longest file of sections, in bytes. Texts beyond are stored in shorter forms.
const MAX_FILE: usize = 400_000;

/// Time after which the section of a job that does not run for the newest commit is deleted, in seconds: the job or its
/// options may not exist any more.
pub(super) const EXPIRY: i64 = 24 * 60 * 60;

/// A section and the files that it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSection {
    /// Identifies the job and its options.
    pub(super) key: String,
    /// The commit that the section is about.
    pub(super) commit: String,
    /// The time of the run, in seconds since 1970-01-01T00:00:00Z.
    pub(super) time: i64,
    /// The section in Markdown, from the longest form to the shortest; empty if the job does not comment.
    #[serde(default)]
    pub(super) texts: Vec<String>,
    /// The names of the files that the section shows.
    #[serde(default)]
    pub(super) files: Vec<String>,
}

/// The sections of one comment, as a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SectionFile {
    sections: Vec<StoredSection>,
}

impl SectionFile {
    /// Parses a file. A file that is not valid has no sections: every job writes its own again.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Returns the file, with texts in shorter forms if it would be too long.
    pub(super) fn to_text(&self) -> String {
        let mut file = self.clone();
        loop {
            let text = serde_json::to_string_pretty(&file).unwrap_or_default() + "\n";
            let longest = file.sections.iter_mut().filter(|section| section.texts.len() > 1);
            match longest.max_by_key(|section| section.texts[0].len()) {
                Some(section) if text.len() > MAX_FILE => drop(section.texts.remove(0)),
                _ => return text,
            }
        }
    }

    /// Returns whether no section is shown in a comment.
    pub(super) fn has_no_texts(&self) -> bool {
        self.sections.iter().all(|section| section.texts.is_empty())
    }

    /// Returns the section of a job.
    pub(super) fn get(&self, key: &str) -> Option<&StoredSection> {
        self.sections.iter().find(|section| section.key == key)
    }

    /// Adds or replaces a section. Forms that do not fit into a comment are left out.
    pub(super) fn put(&mut self, mut section: StoredSection) {
        section.texts.dedup();
        while section.texts.len() > 1 && section.texts[0].len() > MAX_COMMENT {
            section.texts.remove(0);
        }
        match self.sections.iter_mut().find(|known| known.key == section.key) {
            Some(known) => *known = section,
            None => self.sections.push(section),
        }
    }

    /// Deletes sections about other commits than `newest` that are older than `age` seconds at `now`.
    pub(super) fn expire(&mut self, newest: &str, now: i64, age: i64) {
        self.sections.retain(|section| section.commit == newest || now.saturating_sub(section.time) < age);
    }

    /// Returns the files that sections show.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().flat_map(|section| section.files.iter().map(String::as_str))
    }

    /// Returns the published projects that sections remember. Those of the section `key` take precedence.
    pub(super) fn projects(&self, key: &str) -> Vec<ProjectMark> {
        let own = self.sections.iter().filter(|section| section.key == key);
        let texts = own.chain(&self.sections).flat_map(|section| &section.texts);
        project_marks::of_texts(texts.map(String::as_str))
    }

    /// Returns whether a section shows the file.
    pub(super) fn shows(&self, name: &str) -> bool {
        self.files().any(|file| file == name)
    }
}

/// A section of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommentSection {
    pub(super) key: String,
    pub(super) commit: String,
    pub(super) text: String,
    /// The time of the run if the section is stored in the comment only.
    pub(super) time: Option<i64>,
}

impl CommentSection {
    /// Returns whether the section, which is stored in the comment only, is newer than a stored one of the same job: the file of
    /// sections could not be written meanwhile. Clocks differ, so the commit counts first.
    fn replaces(&self, stored: &StoredSection, newest: &str) -> bool {
        match (self.commit == newest, stored.commit == newest) {
            (true, false) => true,
            (false, true) => false,
            _ => self.time.is_some_and(|time| time > stored.time),
        }
    }

    /// Returns the section with its markers, and a notice if it is about another commit than `newest`.
    fn marked(&self, newest: &str) -> String {
        let Self { key, commit, text, time } = self;
        let mut marked = String::new();
        if commit != newest {
            let (old, new) = (short_commit(commit), short_commit(newest));
            marked.push_str(&format!(
                "\n> ***Out of date:** these results are for {old}; the latest commit is {new}.\n"
            ));
        }
        let time = time.map(|time| format!(" {time}")).unwrap_or_default();
        marked + &format!("\n<!-- section {key} {commit}{time} -->\n{text}\n<!-- end {key} -->\n")
    }
}

/// Parses the sections of a comment. Text outside of sections is dropped.
pub(super) fn parse(comment: &str) -> Vec<CommentSection> {
    let mut sections = Vec::new();
    let mut rest = comment;
    while let Some((_, after)) = rest.split_once("<!-- section ") {
        rest = after;
        let Some((head, body)) = after.split_once(" -->\n") else { continue };
        let mut words = head.split(' ');
        let (Some(key), Some(commit), time, None) = (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let end = format!("\n<!-- end {key} -->");
        if let (true, true, Some((text, after))) = (is_word(key), is_word(commit), body.split_once(&end)) {
            let [key, commit, text] = [key, commit, text].map(str::to_owned);
            sections.push(CommentSection {
                key,
                commit,
                text,
                time: time.and_then(|time| time.parse().ok()),
            });
            rest = after;
        }
    }
    sections
}

/// Returns the published projects that comments remember. Those in the section of `key` take precedence.
pub(super) fn projects(comments: &[&str], key: &str) -> Vec<ProjectMark> {
    let own = comments.iter().flat_map(|comment| parse(comment)).filter(|section| section.key == key);
    let own = own.map(|section| section.text).collect::<Vec<_>>();
    project_marks::of_texts(own.iter().map(String::as_str).chain(comments.iter().copied()))
}

/// Returns the comment of `sections`, which replaces `comments`. Projects that those remember, and no section does, are
/// remembered at its end: their section may be of a job that publishes nothing any more, or left out.
pub(super) fn comment(sections: &[CommentSection], newest: &str, comments: &[&str]) -> String {
    let mut text = format!("{MARKER}\n{TITLE}\n");
    sections.iter().for_each(|section| text.push_str(&section.marked(newest)));
    let forgotten = project_marks::forgotten(&text, comments.iter().copied());
    text + &forgotten
}

/// Returns the comment of a pull request without sections: its previews were deleted. Projects that `comments` remember remain.
pub(super) fn retired(comments: &[&str]) -> String {
    let remaining = project_marks::remaining(comments.iter().copied());
    format!("{MARKER}\n{TITLE}\n\nThe previews were deleted when the pull request was closed.\n{remaining}")
}

/// Renders the comment of the sections in `file`, and of those that are in `comments` only. The result depends on nothing
/// else, so that all jobs agree on it. If it is too long, the longest section is replaced by a shorter form, and so on.
pub(super) fn render(file: &SectionFile, comments: &[&str], newest: &str) -> String {
    let latest = file.sections.iter().map(|section| section.time).max();
    let mut others = Vec::<CommentSection>::new();
    for other in comments.iter().flat_map(|comment| parse(comment)).filter(|other| other.time.is_some()) {
        let is_older = file.get(&other.key).is_some_and(|stored| !other.replaces(stored, newest));
        let age = latest.zip(other.time).map_or(0, |(latest, time)| latest.saturating_sub(time));
        let is_expired = other.commit != newest && age >= EXPIRY;
        if !is_older && !is_expired && others.iter().all(|known| known.key != other.key) {
            others.push(other);
        }
    }
    let is_shown = |section: &&StoredSection| {
        !section.texts.is_empty() && others.iter().all(|other| other.key != section.key)
    };
    let mut sections = file.sections.iter().filter(is_shown).collect::<Vec<_>>();
    let mut forms = vec![0; sections.len()];
    loop {
        let stored = sections.iter().zip(&forms).map(|(section, form)| CommentSection {
            key: section.key.clone(),
            commit: section.commit.clone(),
            text: section.texts[*form].clone(),
            time: None,
        });
        let all = stored.chain(others.iter().cloned()).collect::<Vec<_>>();
        if all.is_empty() {
            return retired(comments);
        }
        let text = comment(&all, newest, comments);
        if text.len() <= MAX_COMMENT {
            return text;
        }
        let shorter = (0..sections.len()).filter(|index| forms[*index] + 1 < sections[*index].texts.len());
        match shorter.max_by_key(|index| sections[*index].texts[forms[*index]].len()) {
            Some(index) => forms[index] += 1,
            // Not even the shortest forms fit: the last sections are left out.
            None if others.pop().is_some() => {}
            None => drop((sections.pop(), forms.pop())),
        }
    }
}

/// Returns whether two comments are equal, apart from white space at the ends of lines, which services may change.
pub(super) fn is_same(left: &str, right: &str) -> bool {
    left.trim().lines().map(str::trim_end).eq(right.trim().lines().map(str::trim_end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stored(key: &str, commit: &str, texts: &[&str]) -> StoredSection {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let [key, commit] = [key, commit].map(str::to_owned);
        StoredSection { key, commit, time: 1000, texts, files: vec!["a.png".to_owned()] }
    }

    fn file(sections: &[StoredSection]) -> SectionFile {
        let mut file = SectionFile::default();
        sections.iter().for_each(|section| file.put(section.clone()));
        file
    }

    #[test]
    fn jobs_leave_each_others_sections_alone() {
        let mut sections = file(&[stored("a", "c1", &["first"]), stored("b", "c1", &["second"])]);
        assert_eq!(SectionFile::read(&sections.to_text()), sections);
        sections.put(stored("a", "c2", &["third"]));
        let text = render(&sections, &[], "c2");
        assert!(text.contains("third") && text.contains("second") && !text.contains("first"), "{text}");
        assert!(text.contains("these results are for c1; the latest commit is c2"), "{text}");
        assert_eq!(sections.get("b").map(|section| section.commit.as_str()), Some("c1"));
    }

    #[test]
    fn what_is_too_long_is_told_shorter_and_alike_by_all() {
        let long = "x".repeat(40_000);
        let all = [stored("a", "c", &[&long, "short a"]), stored("b", "c", &[&long, &long, "short b"])];
        let text = render(&file(&all), &[], "c");
        assert!(
            text.len() <= MAX_COMMENT && text.contains(&long) && text.contains("short"),
            "{}",
            text.len()
        );
        let many = (0..300).map(|number| stored(&format!("k{number}"), "c", &[&"y".repeat(3000)]));
        let text = render(&file(&many.collect::<Vec<_>>()), &[], "c");
        assert!(text.len() <= MAX_COMMENT && text.contains("section k0 "));
    }

    #[test]
    fn a_file_is_bounded() {
        let long = "x".repeat(40_000);
        let many = (0..20).map(|number| stored(&format!("k{number}"), "c", &[&long, "short"]));
        let file = file(&many.collect::<Vec<_>>());
        let text = file.to_text();
        assert!(text.len() <= MAX_FILE);
        assert_eq!(SectionFile::read(&text).sections.len(), 20);
    }

    #[test]
    fn sections_of_jobs_that_are_gone_expire() {
        let mut sections = file(&[stored("old", "c1", &["x"]), stored("new", "c2", &["y"])]);
        sections.expire("c2", 1000 + EXPIRY - 1, EXPIRY);
        assert!(sections.get("old").is_some());
        sections.expire("c2", 1000 + EXPIRY, EXPIRY);
        assert!(sections.get("old").is_none() && sections.get("new").is_some());
        assert!(sections.shows("a.png"));
    }

    #[test]
    fn sections_that_are_in_the_comment_only_are_kept() {
        let alone = CommentSection {
            key: "z".to_owned(),
            commit: "c".to_owned(),
            text: "of a fork".to_owned(),
            time: Some(5),
        };
        let before = comment(&[alone], "c", &[]);
        let text = render(&file(&[stored("a", "c", &["ours"])]), &[&before], "c");
        assert!(text.contains("ours") && text.contains("of a fork"), "{text}");
        // What the file has had is not kept by the comment.
        let text = render(&SectionFile::default(), &[&text], "c");
        assert!(!text.contains("ours") && text.contains("of a fork"), "{text}");
        assert_eq!(render(&SectionFile::default(), &[&retired(&[])], "c"), retired(&[]));
    }

    #[test]
    fn newer_sections_that_are_in_the_comment_only_replace_stored_ones() {
        let alone = |commit: &str, time| {
            let [key, text] = ["a", "in the comment"].map(str::to_owned);
            comment(&[CommentSection { key, commit: commit.to_owned(), text, time: Some(time) }], "c2", &[])
        };
        for (commit, time, stored_commit, is_newer) in [
            ("c2", 1001, "c2", true),
            ("c2", 1000, "c2", false),
            ("c2", 5, "c1", true),
            ("c1", 5000, "c2", false),
        ] {
            let file = file(&[stored("a", stored_commit, &["in the file"])]);
            let text = render(&file, &[&alone(commit, time)], "c2");
            assert_eq!(text.contains("in the comment"), is_newer, "{commit} {time} {stored_commit}: {text}");
            assert_ne!(text.contains("in the file"), is_newer, "{text}");
        }
    }

    #[test]
    fn sections_that_are_in_the_comment_only_expire() {
        let stored = file(&[stored("a", "c2", &["stored"])]);
        for (commit, time, is_shown) in
            [("c1", 1000 - EXPIRY, false), ("c1", 1001 - EXPIRY, true), ("c2", 1000 - 2 * EXPIRY, true)]
        {
            let [key, text] = ["z", "of a fork"].map(str::to_owned);
            let alone = CommentSection { key, commit: commit.to_owned(), text, time: Some(time) };
            let text = render(&stored, &[&comment(&[alone], "c2", &[])], "c2");
            assert_eq!(text.contains("of a fork"), is_shown, "{commit} {time}: {text}");
        }
    }

    #[test]
    fn projects_of_the_own_section_take_precedence() {
        let mark = |key: &str, id: &str| {
            let [key, id] = [key, id].map(str::to_owned);
            ProjectMark { url: format!("https://x.example/p/{id}"), key, id }
        };
        let section = |key: &str, id: &str| CommentSection {
            key: key.to_owned(),
            commit: "c".to_owned(),
            text: mark("k1", id).line(),
            time: None,
        };
        let text = comment(&[section("a", "old"), section("b", "new")], "c", &[]) + &mark("k2", "z").line();
        assert_eq!(projects(&[&text], "b"), [mark("k1", "new"), mark("k2", "z")]);
        assert_eq!(projects(&[&text], "c"), [mark("k1", "old"), mark("k2", "z")]);
    }

    #[test]
    fn white_space_at_the_ends_of_lines_does_not_count() {
        assert!(is_same("a\r\nb  \n\n", "a\nb"));
        assert!(!is_same("a\nb", "a\nc") && !is_same("a\nb", "a"));
    }

    proptest! {
        /// Manual edits of the comment do not cause errors, and a rendered comment is not changed by rendering it again.
        #[test]
        fn any_comment_can_be_read(
            text in "(<!-- section |<!-- end |\n<!-- project [kl] a https://x.example/p/a -->\n|a|b| |7| -->|-->|\n|\\PC){0,40}"
        ) {
            let sections = file(&[stored("a", "c", &["text"])]);
            let once = render(&sections, &[&text], "c");
            prop_assert_eq!(render(&sections, &[&once], "c"), once);
        }
    }
}
