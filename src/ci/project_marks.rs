//! Published projects that the comment of a pull request remembers: HTML comments at the starts of lines, which are kept when
//! the pull request is closed.

use crate::system::http::is_safe_origin;
use crate::system::url::is_plain;

/// A published project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectMark {
    /// What identifies it in the pull request, in letters and digits.
    pub(crate) key: String,
    /// Its ID at the service that plays it.
    pub(crate) id: String,
    /// Its URL.
    pub(crate) url: String,
}

const START: &str = "<!-- project ";

/// Maximum number of projects that are remembered: a comment has room for their lines and for its sections.
const MAX_MARKS: usize = 200;

impl ProjectMark {
    /// Returns the line of a comment that remembers it.
    pub(crate) fn line(&self) -> String {
        format!("{START}{} {} {} -->\n", self.key, self.id, self.url)
    }

    /// Parses a line; `None` if it is another one. Anyone who may write the comment can change it, so it is checked.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim_end().strip_prefix(START)?.strip_suffix(" -->")?.split(' ');
        let (key, id, url) = (words.next()?, words.next()?, words.next()?);
        let is_made_of = |text: &str, others: &[u8]| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
        };
        let is_valid = words.next().is_none()
            && is_made_of(key, b"")
            && is_made_of(id, b"-_")
            && is_plain(url)
            && is_safe_origin(url);
        let [key, id, url] = [key, id, url].map(str::to_owned);
        is_valid.then_some(Self { key, id, url })
    }
}

/// Returns the projects that texts remember. Of those with one key, the first counts.
pub(super) fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<ProjectMark> {
    let mut marks = Vec::<ProjectMark>::new();
    for mark in texts.flat_map(str::lines).filter_map(ProjectMark::parse) {
        if marks.len() < MAX_MARKS && marks.iter().all(|known| known.key != mark.key) {
            marks.push(mark);
        }
    }
    marks
}

/// Returns the lines of the projects that `comments` remember and `text`, which replaces them, does not: a project that is
/// forgotten would be published a second time.
pub(super) fn forgotten<'a>(text: &str, comments: impl Iterator<Item = &'a str>) -> String {
    let known = of_texts(std::iter::once(text));
    let is_forgotten = |mark: &&ProjectMark| known.iter().all(|known| known.key != mark.key);
    of_texts(comments).iter().filter(is_forgotten).map(ProjectMark::line).collect()
}

/// Returns what the comment of a closed pull request says about the projects that its comments remember, which are not deleted.
pub(super) fn remaining<'a>(comments: impl Iterator<Item = &'a str>) -> String {
    let marks = of_texts(comments);
    if marks.is_empty() {
        return String::new();
    }
    let links = marks.iter().map(|mark| format!("- {}\n", mark.url)).collect::<String>();
    let lines = marks.iter().map(ProjectMark::line).collect::<String>();
    format!(
        "\nPublished projects remain until someone deletes them in the HeyGen account:\n\n{links}\n{lines}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(key: &str, id: &str) -> ProjectMark {
        let url = format!("https://x.example/p/{id}");
        ProjectMark { key: key.to_owned(), id: id.to_owned(), url }
    }

    #[test]
    fn a_line_is_read_as_it_was_written_and_nothing_else_is() {
        let written = mark("k1", "a-1").line();
        assert_eq!(ProjectMark::parse(written.trim_end()), Some(mark("k1", "a-1")));
        for bad in [
            "`<!-- project k1 a https://x.example/p/a -->`",
            " <!-- project k1 a https://x.example/p/a -->",
            "<!-- project k1 a javascript:alert(1) -->",
            "<!-- project k1 a https://x.example/p/a) -->",
            "<!-- project k1 a https://x.example/p/a b -->",
            "<!-- project k1 a https://github.com@evil.example/p/a -->",
            "<!-- project k1 a http://x.example/p/a -->",
            "<!-- project k-1 a https://x.example/p/a -->",
            "<!-- project k1 ../a https://x.example/p/a -->",
            "<!-- project k1 a -->",
        ] {
            assert_eq!(ProjectMark::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_new_text_forgets_no_project() {
        let old = mark("k1", "a").line() + &mark("k2", "b").line();
        let new = "text\n".to_owned() + &mark("k2", "c").line();
        assert_eq!(forgotten(&new, [old.as_str()].into_iter()), mark("k1", "a").line());
        assert_eq!(forgotten(&old, [new.as_str()].into_iter()), "");
        let many = (0..1000).map(|index| mark(&format!("k{index}"), "a").line()).collect::<String>();
        assert_eq!(forgotten("", [many.as_str()].into_iter()).lines().count(), MAX_MARKS);
    }

    #[test]
    fn what_remains_is_remembered_by_the_text_about_it() {
        let comment = mark("k1", "a").line();
        let once = remaining([comment.as_str()].into_iter());
        assert!(once.contains("- https://x.example/p/a\n"), "{once}");
        assert_eq!(remaining([once.as_str()].into_iter()), once);
        assert_eq!(remaining(["nothing"].into_iter()), "");
    }
}
