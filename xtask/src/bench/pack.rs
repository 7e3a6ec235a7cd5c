//! Packing, beside the official dry run and beside reading and hashing once.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::inputs::{Noise, PAGE, script};
use super::measure::{Row, folder, in_turns, official, program, quiet};

/// 150 MB: 30 videos of 4 MB, 200 pictures of 150 KB, one page.
pub(super) fn media() -> Result<Vec<Row>> {
    let project = folder("media")?;
    fs::create_dir(project.join("assets"))?;
    let mut noise = Noise(1);
    for number in 0..30 {
        noise.write(&project.join(format!("assets/v{number:02}.mp4")), b"\0\0\0\x18ftypmp42", 4_000_000)?;
    }
    for number in 0..200 {
        noise.write(&project.join(format!("assets/p{number:03}.png")), b"\x89PNG\r\n\x1a\n", 150_000)?;
    }
    fs::write(project.join("index.html"), PAGE)?;
    rows(&project, "150 MB of media")
}

/// 63 MB in 4,000 scripts.
pub(super) fn text() -> Result<Vec<Row>> {
    let project = folder("text")?;
    scripts(&project, 4000, 15_800)?;
    let mut rows = rows(&project, "63 MB in 4,000 scripts")?;
    let size = |command: &mut Command| -> Result<f64> {
        let text = String::from_utf8(command.current_dir(&project).output()?.stdout)?;
        let size = text.split("\"size_bytes\":").nth(1).and_then(|rest| rest.split(',').next());
        size.and_then(|size| size.trim().parse().ok()).context("no size")
    };
    rows.push(Row {
        what: "size of the archive".to_owned(),
        ours: size(&mut ours(&project, &["--json"])?)? / 1e6,
        reference: size(&mut official(&["cloud", "render", "--dry-run", "--json"])?)? / 1e6,
        unit: "MB",
    });
    Ok(rows)
}

/// A page, and so many scripts of so many bytes.
fn scripts(project: &Path, count: usize, size: usize) -> Result<()> {
    fs::create_dir(project.join("scripts"))?;
    let mut noise = Noise(2);
    for number in 0..count {
        fs::write(project.join(format!("scripts/s{number:05}.js")), script(&mut noise, size))?;
    }
    Ok(fs::write(project.join("index.html"), PAGE)?)
}

fn ours(project: &Path, flags: &[&str]) -> Result<Command> {
    let mut command = program()?;
    command.args(["render", "--dry-run"]).args(flags).current_dir(project);
    Ok(command)
}

fn rows(project: &Path, what: &str) -> Result<Vec<Row>> {
    let beside_official = in_turns(&mut || quiet(&mut ours(project, &[])?), &mut || {
        quiet(official(&["cloud", "render", "--dry-run"])?.current_dir(project))
    })?;
    let beside_reading = in_turns(&mut || quiet(&mut ours(project, &[])?), &mut || {
        let line = "find . -type f | xargs cat | sha256sum";
        quiet(Command::new("sh").args(["-c", line]).current_dir(project))
    })?;
    Ok(vec![
        Row::times(format!("{what}, and hyperframes cloud render --dry-run"), beside_official),
        Row::times(format!("{what}, and cat | sha256sum"), beside_reading),
    ])
}

/// The most memory that packing takes, whatever the project: 200 MB in one file, and 20,000 files.
pub(super) fn memory() -> Result<Vec<Row>> {
    let large = folder("large")?;
    Noise(3).write(&large.join("v.mp4"), b"\0\0\0\x18ftypmp42", 200_000_000)?;
    fs::write(large.join("index.html"), PAGE)?;
    let many = folder("many")?;
    scripts(&many, 20_000, 1000)?;
    [(large, "200 MB in one file"), (many, "20,000 files")]
        .into_iter()
        .map(|(project, what)| {
            Ok(Row {
                what: format!("peak memory, {what}"),
                ours: peak(&mut ours(&project, &[])?)?,
                reference: peak(official(&["cloud", "render", "--dry-run"])?.current_dir(&project))?,
                unit: "MB",
            })
        })
        .collect()
}

/// The most memory that a process had, as far as it was seen, in MB.
fn peak(command: &mut Command) -> Result<f64> {
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn()?;
    let mut most = 0.0_f64;
    while child.try_wait()?.is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        most = most.max(kilobytes.unwrap_or_default() / 1000.0);
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(most)
}
