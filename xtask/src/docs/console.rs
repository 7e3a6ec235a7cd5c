//! `console` blocks, run in a temporary copy of a fixture repository against the emulator with placeholder clips.
//!
//! Lines that start with `$ ` are commands; what follows is their output, which must be what they print. A line `…` stands for
//! any number of lines. Blocks of one page run in order, in one copy. `<!-- repository: PATH -->` on a page names another fixture,
//! whose generated media is left out.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, ensure};

use super::page::{Block, Page};
use crate::command::{binary, build, root, say, succeed};
use crate::files::copy;

/// How long a command may take on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A command of a block and its documented output.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    output: Option<String>,
}

/// Returns commands that fail or print something else.
pub(super) fn problems(pages: &[Page]) -> Result<Vec<String>> {
    build()?;
    let mut problems = Vec::new();
    for page in pages.iter().filter(|page| page.blocks.iter().any(is_run)) {
        let stage = Stage::new(page)?;
        for block in page.blocks.iter().filter(|block| is_run(block)) {
            let place = format!("{}:{}", page.path, block.line);
            for step in steps(&block.text) {
                let (code, printed) = stage.run(&step.command)?;
                if code != block.exit() {
                    let expected = block.exit();
                    problems.push(format!(
                        "{place}: exit code {code}, not {expected}: {}\n{printed}",
                        step.command
                    ));
                } else if let Some(output) = step.output.filter(|output| !matches(output, &printed)) {
                    problems.push(format!(
                        "{place}: other output (cargo xtask docs --update): {}\n--- documented\n{output}--- printed\n{printed}",
                        step.command
                    ));
                }
            }
        }
    }
    Ok(problems)
}

/// Writes the output of commands into the pages, where they show any and leave nothing out.
pub(super) fn update(pages: &[Page]) -> Result<()> {
    build()?;
    for page in pages.iter().filter(|page| page.blocks.iter().any(is_run)) {
        let stage = Stage::new(page)?;
        let mut text = page.text.clone();
        let mut moved = 0_isize;
        for block in page.blocks.iter().filter(|block| is_run(block)) {
            let mut written = String::new();
            for step in steps(&block.text) {
                let (_, printed) = stage.run(&step.command)?;
                let _ = writeln!(written, "$ {}", step.command);
                match step.output {
                    Some(output) if matches(&output, &printed) => written += &output,
                    Some(_) => written += &printed,
                    None => {}
                }
            }
            let range =
                block.range.start.saturating_add_signed(moved)..block.range.end.saturating_add_signed(moved);
            moved += isize::try_from(written.len())? - isize::try_from(block.range.len())?;
            text.replace_range(range, &written);
        }
        if text != page.text {
            fs::write(root().join(&page.path), text)?;
            say(&format!("{}: output updated", page.path));
        }
    }
    Ok(())
}

fn is_run(block: &Block) -> bool {
    block.language == "console" && block.not_run().is_none()
}

/// Returns the fixture that a page names, as a path from the root.
fn fixture(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<!-- repository: ")?;
    rest.split_once(" -->").map(|(path, _)| path)
}

/// Returns the commands of a block.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::<Step>::new();
    for line in text.lines() {
        let is_continued =
            steps.last().is_some_and(|step| step.output.is_none() && step.command.ends_with('\\'));
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (_, Some(step)) if is_continued => {
                step.command.push('\n');
                step.command.push_str(line);
            }
            (Some(command), _) => steps.push(Step { command: command.to_owned(), output: None }),
            (None, Some(step)) => {
                let output = step.output.get_or_insert_default();
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => {}
        }
    }
    steps
}

/// Returns whether a documented output is what was printed; a line `…` stands for any lines.
fn matches(documented: &str, printed: &str) -> bool {
    fn lines(documented: &[&str], printed: &[&str]) -> bool {
        match (documented, printed) {
            ([], rest) => rest.is_empty(),
            (["…", more @ ..], printed) => {
                (0..=printed.len()).any(|skipped| lines(more, &printed[skipped..]))
            }
            ([line, more @ ..], [other, rest @ ..]) => {
                line.trim_end() == other.trim_end() && lines(more, rest)
            }
            (_, []) => false,
        }
    }
    let split = |text: &'_ str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (documented, printed) = (split(documented), split(printed));
    let borrow =
        |lines: &'_ [String]| lines.iter().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (documented, printed) = (borrow(&documented), borrow(&printed));
    let documented = documented.iter().map(String::as_str).collect::<Vec<_>>();
    let printed = printed.iter().map(String::as_str).collect::<Vec<_>>();
    lines(&documented, &printed)
}

/// A copy of the fixture repository, and an emulator.
struct Stage {
    folder: tempfile::TempDir,
    emulator: Child,
    url: String,
}

impl Stage {
    fn new(page: &Page) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let repository = folder.path().join("repository");
        match fixture(&page.text) {
            Some(fixture) => {
                copy(&root().join(fixture), &repository)?;
                if !repository.join("index.html").is_file() {
                    copy(&root().join("examples/launch-card"), &repository.join("videos/launch"))?;
                }
                // They are made by the commands of the page.
                let _ = fs::remove_dir_all(repository.join("assets"));
                let _ = fs::remove_file(repository.join("hyperframes-ci.lock"));
            }
            None => {
                copy(&root().join("tests/docs"), &repository)?;
                copy(&root().join("examples/launch-card"), &repository.join("videos/launch"))?;
                copy(&root().join("examples/portrait-story"), &repository.join("videos/story"))?;
            }
        }
        for arguments in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-qm", "videos"]] {
            let mut git = Command::new("git");
            git.args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.com",
                "-c",
                "core.hooksPath=/dev/null",
            ]);
            succeed(git.args(arguments).current_dir(&repository))?;
        }
        let mut emulator = Command::new(binary("debug"))
            .args(["emulator", "--placeholder", "--json", "--api-key", "a-key"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the emulator does not start")?;
        let output = emulator.stdout.take().context("no output")?;
        let url = BufReader::new(output).lines().map_while(Result::ok).find_map(|line| {
            line.split('"').find(|part| part.starts_with("http://127.0.0.1")).map(str::to_owned)
        });
        let stage = Self { folder, emulator, url: url.unwrap_or_default() };
        ensure!(!stage.url.is_empty(), "the emulator does not start");
        Ok(stage)
    }

    /// Runs a command; returns its exit code and what it printed, without what differs from run to run.
    fn run(&self, command: &str) -> Result<(i32, String)> {
        let path = env::var_os("PATH").unwrap_or_default();
        let ours = binary("debug").parent().map(Path::to_owned).into_iter();
        let path = env::join_paths(ours.chain(env::split_paths(&path)))?;
        let home = self.folder.path().join("home");
        fs::create_dir_all(&home)?;
        let log = self.folder.path().join("log");
        let mut bash = Command::new("bash");
        // A group of its own, so that whatever bash starts ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut bash, 0);
        let mut child = bash
            .args(["-o", "pipefail", "-c", &format!("exec 2>&1\n{command}")])
            .current_dir(self.repository())
            .env_clear()
            .env("PATH", path)
            .env("HOME", &home)
            .env("HYPERFRAMES_CI_CACHE", home.join("cache"))
            .env("HEYGEN_CONFIG_DIR", home.join("heygen"))
            .env("HEYGEN_API_URL", &self.url)
            .env("HEYGEN_API_KEY", "a-key")
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(fs::File::create(&log)?)
            .spawn()?;
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if began.elapsed() > TIMEOUT {
                // The group: bash and whatever it has started.
                let _ = Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).status();
                let _ = child.wait();
                return Ok((-1, format!("no end within {} s\n", TIMEOUT.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        Ok((status.code().unwrap_or(-1), self.stable(&text)))
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// Replaces what differs from run to run: the address, folders, ids and times.
    fn stable(&self, text: &str) -> String {
        let folder = self.folder.path().display().to_string();
        let text = text.replace(&format!("{folder}/repository"), "/work/repository");
        let text =
            text.replace(&format!("{folder}/home"), "/home/you").replace(&self.url, "http://127.0.0.1:8787");
        stable_words(&text)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

/// Numbers ids, and replaces times and free ports.
fn stable_words(text: &str) -> String {
    let mut ids = Vec::<String>::new();
    let mut result = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !is_word(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let prefix = ["hfr_", "asst_"].into_iter().find(|prefix| word.starts_with(prefix));
        let is_time = word.len() >= 10 && word.as_bytes()[4] == b'-' && word.starts_with("20");
        if let Some(prefix) = prefix.filter(|prefix| word.len() > prefix.len() + 8) {
            let id = word.split('.').next().unwrap_or(word);
            let known = ids.iter().position(|known| known == id).unwrap_or_else(|| {
                ids.push(id.to_owned());
                ids.len() - 1
            });
            // The length stays, since columns depend on it.
            let number = format!("{prefix}{:0>width$}", known + 1, width = id.len() - prefix.len());
            result += &word.replacen(id, &number, 1);
        } else if is_time {
            result += "2026-11-20";
        } else {
            result += word;
        }
        rest = after;
        if let Some(letter) = rest.chars().next() {
            result.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    result
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_their_output_and_may_be_continued() {
        let found = steps("$ a \\\n    -b\nout\n$ c\n");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].command.as_str(), found[0].output.as_deref()), ("a \\\n    -b", Some("out\n")));
        assert_eq!((found[1].command.as_str(), &found[1].output), ("c", &None));
    }

    #[test]
    fn an_ellipsis_stands_for_any_lines() {
        assert!(matches("a\n…\nd\n", "a\nb\nc\nd\n"));
        assert!(matches("a\n…\n", "a\n"));
        assert!(!matches("a\n…\nd\n", "a\nb\n"));
        assert!(!matches("a\n", "a\nb\n"));
    }

    #[test]
    fn ids_and_times_are_replaced() {
        assert_eq!(stable_words("hfr_9c9d484d63 x 2026-11-26\n"), "hfr_0000000001 x 2026-11-20\n");
        assert_eq!(stable_words("hfr_abcdefghij hfr_abcdefghik.mp4"), "hfr_0000000001 hfr_0000000002.mp4");
    }
}
