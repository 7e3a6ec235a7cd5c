//! `cargo xtask demo`: makes the pictures of the README. The terminal session is recorded and rendered to a GIF with the
//! program itself; the comment is the one of the last `cargo xtask test integration`, as a browser shows it.

use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::command::{binary, cargo, root, succeed, target};
use crate::files::copy;

/// The picture, which the README shows.
const PICTURE: &str = "docs/demo.gif";

/// The commands of the session. They run in a repository with one project, `videos/launch`.
const SESSION: [&str; 3] = [
    r#"hyperframes-ci check videos/launch --variables '{"mood": "Calm"}'"#,
    "hyperframes-ci render videos/launch -o launch.mp4",
    "hyperframes-ci render videos/launch -o again.mp4   # nothing is billed twice",
];

/// Seconds that the composition lasts.
const DURATION: f64 = 16.0;

/// Stops the emulator.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Records the session and renders the picture.
///
/// # Errors
/// Returns an error if a program of the recording is missing or fails.
pub(crate) fn record() -> Result<()> {
    succeed(&mut cargo(&["build", "--release", "--bin", "hyperframes-ci"]))?;
    let program = binary("release");
    let folder = target().join("demo");
    fs::remove_dir_all(&folder).ok();
    copy(&root().join("examples/launch-card"), &folder.join("session/videos/launch"))?;
    fs::create_dir_all(folder.join("bin"))?;
    fs::copy(&program, folder.join("bin/hyperframes-ci"))?;

    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let emulator = Command::new(&program)
        .args(["emulator", "--port", &port.to_string(), "--api-key", "demo"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _server = Server(emulator);
    let until = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(Instant::now() < until, "the emulator does not answer on port {port}");
        thread::sleep(Duration::from_millis(50));
    }
    let mut lines = Vec::new();
    for command in SESSION {
        let output = Command::new("script")
            .args(["-qec", &format!("stty cols 120 rows 40 && {command}"), "/dev/null"])
            .current_dir(folder.join("session"))
            .env("PATH", format!("{}:{}", folder.join("bin").display(), std::env::var("PATH")?))
            .env("HEYGEN_API_URL", format!("http://127.0.0.1:{port}"))
            .env("HEYGEN_API_KEY", "demo")
            .env("HYPERFRAMES_CI_LEDGER", folder.join("ledger.jsonl"))
            .env_remove("CI")
            .output()
            .context("script (Debian: bsdutils) records a terminal")?;
        lines.push((true, command.to_owned()));
        let text = String::from_utf8(output.stdout)?;
        lines.extend(screen(&text).into_iter().map(|line| (false, line)));
        lines.push((false, String::new()));
    }
    lines.pop();
    let values = folder.join("values.json");
    fs::write(&values, json!({ "session": timed(&lines).to_string() }).to_string())?;
    let video = folder.join("demo.mp4");
    succeed(
        Command::new(&program)
            .args(["render", "xtask/demo", "--renderer", "local", "--quality", "high", "--fps", "12"])
            .arg("--variables-file")
            .arg(&values)
            .arg("-o")
            .arg(&video)
            .current_dir(root()),
    )?;
    let filter = "fps=12,split[a][b];[a]palettegen=max_colors=32[p];[b][p]paletteuse=dither=none";
    succeed(
        Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-i"])
            .arg(&video)
            .args(["-filter_complex", filter])
            .arg(root().join(PICTURE)),
    )?;
    ensure!(fs::metadata(root().join(PICTURE))?.len() < 1_000_000, "{PICTURE} is larger than 1 MB");
    take_comment()
}

/// `cargo xtask demo comment`: takes a picture of the pull-request comment that the integration tests have left in
/// `target/tables`.
///
/// # Errors
/// Returns an error if there is no comment, or the browser is missing or fails.
pub(crate) fn take_comment() -> Result<()> {
    let folder = target().join("demo");
    fs::create_dir_all(&folder)?;
    let tables = target().join("tables");
    let markdown = fs::read_to_string(tables.join("comment.md"))
        .context("run `cargo xtask test integration` first, which writes the comment")?;
    let mut body = String::new();
    let parser = pulldown_cmark::Parser::new_ext(&markdown, pulldown_cmark::Options::ENABLE_TABLES);
    pulldown_cmark::html::push_html(&mut body, parser);
    let branch = "https://github.example/o/r/raw/hyperframes-previews/";
    let body = body.replace(branch, &format!("file://{}/", tables.display()));
    let page = folder.join("comment.html");
    fs::write(&page, include_str!("../demo/comment.html").replace("{body}", &body))?;
    let browser = crate::provision::browser()?;
    succeed(
        Command::new(browser)
            .args(["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=900,710"])
            .arg(format!("--screenshot={}", root().join("docs/action-comment.png").display()))
            .arg(format!("file://{}", page.display()))
            .stderr(Stdio::null()),
    )
}

/// Returns the lines that a terminal shows at the end, with their colours: progress that was erased is not among them.
fn screen(text: &str) -> Vec<String> {
    let (mut lines, mut row): (Vec<String>, usize) = (vec![String::new()], 0);
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\n' => {
                row += 1;
                lines.resize(lines.len().max(row + 1), String::new());
            }
            '\r' if rest.peek() != Some(&'\n') => lines[row].clear(),
            '\u{1b}' => {
                let sequence = std::iter::from_fn(|| rest.next_if(|next| !next.is_ascii_alphabetic()));
                let digits = sequence.collect::<String>();
                match rest.next() {
                    Some('m') => drop(write!(lines[row], "\u{1b}{digits}m")),
                    Some('K') => lines[row].clear(),
                    Some('A') => row = row.saturating_sub(1),
                    Some('B') => row = (row + 1).min(lines.len() - 1),
                    _ => {}
                }
            }
            letter if !letter.is_control() => lines[row].push(letter),
            _ => {}
        }
    }
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

/// Returns the lines with the seconds at which they appear, as the composition takes them.
fn timed(lines: &[(bool, String)]) -> Value {
    const TYPING: f64 = 1.1;
    const THINKING: f64 = 0.5;
    const LINE: f64 = 0.12;
    let commands = lines.iter().filter(|(is_command, _)| *is_command).count() as f64;
    let length = 0.4 + commands * (TYPING + THINKING) + lines.len() as f64 * LINE;
    // Readers get what is left, after each command.
    let reading = ((DURATION - length) / commands).max(0.3);
    let mut at = 0.4;
    let mut all = Vec::new();
    for (index, (is_command, line)) in lines.iter().enumerate() {
        if *is_command {
            if index > 0 {
                at += reading;
            }
            all.push(json!({ "spans": [{ "text": line }], "at": at, "typing": TYPING }));
            at += TYPING + THINKING;
        } else {
            all.push(json!({ "spans": spans(line), "at": at }));
            at += LINE;
        }
    }
    Value::Array(all)
}

/// Returns the parts of a line with their colours.
fn spans(line: &str) -> Vec<Value> {
    let (mut color, mut is_bold) = (None, false);
    let mut spans = Vec::new();
    for (index, part) in line.split('\u{1b}').enumerate() {
        let text = match part.strip_prefix('[').and_then(|part| part.split_once('m')).filter(|_| index > 0) {
            Some((codes, text)) => {
                for code in codes.split(';') {
                    match code {
                        "" | "0" => (color, is_bold) = (None, false),
                        "1" => is_bold = true,
                        "2" => color = Some("#8b93a1"),
                        "31" | "91" => color = Some("#ff7b72"),
                        "32" | "92" => color = Some("#7ee2a8"),
                        "33" | "93" => color = Some("#f2cc60"),
                        "34" | "94" => color = Some("#79b8ff"),
                        "36" | "96" => color = Some("#56d4dd"),
                        _ => {}
                    }
                }
                text
            }
            None => part,
        };
        if !text.is_empty() {
            spans.push(json!({ "text": text, "color": color, "bold": is_bold }));
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::{screen, spans};

    #[test]
    fn erased_progress_is_not_on_the_screen() {
        let text = "one\r\n  packing 1/3\r\u{1b}[2K  packing 3/3\r\u{1b}[2Ktwo\r\n\
                    a\r\n\u{1b}[1A\r\u{1b}[2K\u{1b}[32mok\u{1b}[0m\r\n";
        assert_eq!(screen(text), ["one", "two", "\u{1b}[32mok\u{1b}[0m"]);
    }

    #[test]
    fn colours_begin_and_end() {
        let parts = spans("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: no");
        assert_eq!(parts[0]["text"], "error");
        assert_eq!((&parts[0]["bold"], &parts[0]["color"]), (&true.into(), &"#ff7b72".into()));
        assert_eq!((parts[1]["text"].as_str(), parts[1]["color"].is_null()), (Some(": no"), true));
    }
}
