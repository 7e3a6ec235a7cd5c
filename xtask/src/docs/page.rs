//! A Markdown file: its code blocks, links and anchors.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::command::root;

/// Files outside of `docs/` that are checked like its pages.
const OTHERS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "examples/README.md",
    "wasm/npm/README.md",
];

/// A Markdown file.
pub(super) struct Page {
    /// The path from the root of the repository.
    pub(super) path: String,
    /// The content.
    pub(super) text: String,
    /// The first heading.
    pub(super) title: String,
    /// The first paragraph after the title, as text.
    pub(super) summary: String,
    /// The code blocks.
    pub(super) blocks: Vec<Block>,
    /// The links and images.
    pub(super) links: Vec<Link>,
    /// The anchors of the headings.
    pub(super) anchors: BTreeSet<String>,
}

/// A fenced code block.
pub(super) struct Block {
    /// The line of the fence, from 1.
    pub(super) line: usize,
    /// The language.
    pub(super) language: String,
    /// The content.
    pub(super) text: String,
    /// Where the content is in the page.
    pub(super) range: Range<usize>,
    /// The HTML comment right before the block, without its delimiters.
    comment: Option<String>,
}

/// A link or an image.
pub(super) struct Link {
    /// The line, from 1.
    pub(super) line: usize,
    /// Where it points.
    pub(super) target: String,
}

impl Block {
    /// Returns why the block is not run or validated: `<!-- not run: REASON -->` before it.
    pub(super) fn not_run(&self) -> Option<&str> {
        self.comment.as_deref()?.strip_prefix("not run:").map(str::trim)
    }

    /// Returns the exit code that its commands have, `<!-- exit: 5 -->`, or 0.
    pub(super) fn exit(&self) -> i32 {
        let comment = self.comment.as_deref().and_then(|comment| comment.strip_prefix("exit:"));
        comment.and_then(|code| code.trim().parse().ok()).unwrap_or(0)
    }

    /// Returns the path in the comment of the first line, such as `# .github/workflows/videos.yml`.
    pub(super) fn path(&self) -> Option<&str> {
        let path = self.text.lines().next()?.strip_prefix("# ")?.split([',', ' ']).next()?;
        (path.contains('.') && !path.starts_with('/')).then_some(path)
    }
}

impl Page {
    /// Reads all pages of `docs/` and the other Markdown files for users, sorted by path.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(super) fn all() -> Result<Vec<Self>> {
        let mut paths = Vec::new();
        markdown_files("docs", &mut paths)?;
        paths.extend(OTHERS.iter().filter(|path| root().join(path).is_file()).map(|path| (*path).to_owned()));
        paths.sort();
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: String) -> Result<Self> {
        let text = fs::read_to_string(root().join(&path)).with_context(|| format!("cannot read {path}"))?;
        Ok(Self::parse(path, text))
    }

    /// Parses a page.
    pub(super) fn parse(path: String, text: String) -> Self {
        let mut page = Self {
            path,
            text: String::new(),
            title: String::new(),
            summary: String::new(),
            blocks: Vec::new(),
            links: Vec::new(),
            anchors: BTreeSet::new(),
        };
        let line = |offset: usize| text[..offset].matches('\n').count() + 1;
        let mut comment: Option<String> = None;
        let mut heading: Option<String> = None;
        let mut paragraph: Option<String> = None;
        let mut block: Option<Block> = None;
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
            match event {
                Event::Html(html) => {
                    let inner = html.trim().strip_prefix("<!--").and_then(|html| html.strip_suffix("-->"));
                    comment = inner.map(|inner| inner.trim().to_owned());
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let at = line(range.start);
                    let comment = comment.take();
                    block = Some(Block { line: at, language, text: String::new(), range: 0..0, comment });
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Start(Tag::Paragraph) => {
                    comment = None;
                    paragraph = Some(String::new());
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(Link { line: line(range.start), target: dest_url.to_string() });
                }
                Event::Text(part) | Event::Code(part) => {
                    if let Some(block) = &mut block {
                        if block.range.is_empty() {
                            block.range = range.clone();
                        }
                        block.range.end = range.end;
                        block.text.push_str(&part);
                    } else if let Some(text) = heading.as_mut().or(paragraph.as_mut()) {
                        text.push_str(&part);
                    }
                }
                Event::SoftBreak => {
                    if let Some(text) = &mut paragraph {
                        text.push(' ');
                    }
                }
                Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
                Event::End(TagEnd::Heading(_)) => {
                    let title = heading.take().unwrap_or_default();
                    let slug = slug(&title);
                    let numbered = (1..).map(|number| format!("{slug}-{number}"));
                    let mut all = std::iter::once(slug.clone()).chain(numbered);
                    let free = all.find(|slug| !page.anchors.contains(slug));
                    page.anchors.extend(free);
                    if page.title.is_empty() {
                        page.title = title;
                    }
                }
                Event::End(TagEnd::Paragraph) => {
                    let text = paragraph.take().unwrap_or_default();
                    if page.summary.is_empty() && !page.title.is_empty() {
                        page.summary = text;
                    }
                }
                _ => {}
            }
        }
        page.text = text;
        page
    }

    /// Returns the path inside of the book, if the page is a part of it.
    pub(super) fn in_book(&self) -> Option<&str> {
        self.path.strip_prefix("docs/").filter(|path| *path != "SUMMARY.md")
    }
}

/// Appends the Markdown files below a folder.
fn markdown_files(folder: &str, paths: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root().join(folder)).with_context(|| format!("cannot read {folder}"))? {
        let entry = entry?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            markdown_files(&path, paths)?;
        } else if Path::new(&path).extension().is_some_and(|ending| ending == "md") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Returns the anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|letter| match letter {
        letter if letter.is_alphanumeric() || matches!(letter, '-' | '_') => Some(letter),
        letter if letter.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::parse("docs/x.md".to_owned(), text.to_owned())
    }

    #[test]
    fn blocks_have_a_language_a_line_and_a_comment_of_their_own() {
        let page =
            page("# T\n\nIntro `a`.\n\n<!-- not run: why -->\n```console\n$ a\n```\n\n```sh\nb\n```\n");
        assert_eq!((page.title.as_str(), page.summary.as_str()), ("T", "Intro a."));
        let (first, second) = (&page.blocks[0], &page.blocks[1]);
        assert_eq!((first.language.as_str(), first.line, first.not_run()), ("console", 6, Some("why")));
        assert_eq!(&page.text[first.range.clone()], "$ a\n");
        assert_eq!((second.language.as_str(), second.not_run()), ("sh", None));
    }

    #[test]
    fn anchors_are_those_of_github() {
        let page = page("# A\n\n## Exit codes, `all`!\n\n## A\n");
        let anchors = page.anchors.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(anchors, ["a", "a-1", "exit-codes-all"]);
    }

    #[test]
    fn the_first_line_names_the_file() {
        let yaml = page("```yaml\n# .github/workflows/videos.yml\non: push\n```\n");
        assert_eq!(yaml.blocks[0].path(), Some(".github/workflows/videos.yml"));
        assert_eq!(page("```yaml\non: push\n```\n").blocks[0].path(), None);
    }
}
