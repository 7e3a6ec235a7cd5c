//! Renders on this machine, beside the official command line as people call it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::measure::{Row, folder, in_turns, official, program, quiet};
use crate::provision;

/// Rows of the batch.
const ROWS: u32 = 20;

/// Programs on `PATH` that both sides drive, with their names in the table.
const BROWSERS: &[(&str, &str)] = &[("chromium-headless-shell", "headless shell"), ("chromium", "Chromium")];

/// A single render, and a batch, with each browser that the machine has.
pub(super) fn renders() -> Result<Vec<Row>> {
    provision::packages(&["chromium", "ffmpeg", "nodejs", "npm"])?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find =
        |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    let mut rows = Vec::new();
    for (name, label) in BROWSERS {
        let Some(browser) = find(name) else { continue };
        rows.push(single(&browser, label)?);
        rows.push(batch(&browser, label)?);
    }
    Ok(rows)
}

/// A composition of 2 s, which is 60 frames: the official command line measures how many browsers to use from there on.
fn single(browser: &Path, label: &str) -> Result<Row> {
    let project = project("local-single", "2")?;
    let times = in_turns(
        &mut || quiet(ours(browser, &project)?.args(["-o", "ours.mp4"]).arg(&project)),
        &mut || theirs(browser, &project),
    )?;
    Ok(Row::times(format!("a local render of 2 s ({label})"), times))
}

/// Rows of 6 frames. The reference is one official render, times the number of rows.
fn batch(browser: &Path, label: &str) -> Result<Row> {
    let project = project("local-batch", "0.2")?;
    let rows = (0..ROWS).map(|row| format!("{{\"title\":\"film {row}\"}}\n")).collect::<String>();
    fs::write(project.join("rows.jsonl"), rows)?;
    let (ours, reference) = in_turns(
        &mut || {
            let _ = fs::remove_dir_all(project.join("renders"));
            let output = ["--batch", "rows.jsonl", "-o", "renders/{title}.mp4"];
            quiet(ours(browser, &project)?.args(output).arg(&project))
        },
        &mut || theirs(browser, &project),
    )?;
    let what =
        format!("a local batch of {ROWS} rows of 0.2 s, and {ROWS} times one official render ({label})");
    Ok(Row::times(what, (ours, reference * ROWS)))
}

/// A project with a composition that lasts so many seconds.
fn project(name: &str, seconds: &str) -> Result<PathBuf> {
    let project = folder(name)?;
    let page = format!(
        "<html data-composition-variables='[{{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\"default\":\"x\"}}]'>\
         <style>b {{ animation: move 2s linear; position: absolute }} @keyframes move {{ to {{ left: 900px }} }}</style>\
         <div data-composition-id=\"main\" data-width=\"1280\" data-height=\"720\" data-start=\"0\" \
         data-duration=\"{seconds}\" data-no-timeline><b data-var-text=\"title\"></b></div></html>"
    );
    fs::write(project.join("index.html"), page)?;
    Ok(project)
}

/// A local render by our program.
fn ours(browser: &Path, project: &Path) -> Result<std::process::Command> {
    let mut command = program()?;
    command.env("HYPERFRAMES_BROWSER_PATH", browser).env("HYPERFRAMES_CI_LEDGER", project.join(".ledger"));
    command.args(["render", "--renderer", "local", "--no-reuse"]).current_dir(project);
    Ok(command)
}

/// A render by the official command line, with its defaults.
fn theirs(browser: &Path, project: &Path) -> Result<()> {
    let mut command = official(&["render", ".", "--output", "theirs.mp4"])?;
    quiet(command.env("HYPERFRAMES_BROWSER_PATH", browser).current_dir(project))
}
