//! Starting and checking, beside the official command line.

use std::fs;

use anyhow::Result;

use super::inputs::composition;
use super::measure::{Row, folder, in_turns, official, program, quiet};

/// `--version`, and `check` of one composition, as whole processes.
pub(super) fn start() -> Result<Vec<Row>> {
    let project = folder("one")?;
    fs::create_dir_all(project.join("assets"))?;
    fs::write(project.join("assets/a.png"), "\u{89}PNG")?;
    fs::write(project.join("index.html"), composition(0, ""))?;
    let version =
        in_turns(&mut || quiet(program()?.arg("--version")), &mut || quiet(&mut official(&["--version"])?))?;
    let check = in_turns(&mut || quiet(program()?.arg("check").arg(&project)), &mut || {
        quiet(official(&["lint"])?.arg(&project))
    })?;
    Ok(vec![
        Row::times("--version", version),
        Row::times("check and hyperframes lint, one composition of 8 KB", check),
    ])
}

/// `check` and the official `lint` over one project of 1,000 compositions.
pub(super) fn thousand() -> Result<Vec<Row>> {
    let project = folder("check-1000")?;
    fs::create_dir_all(project.join("compositions"))?;
    fs::create_dir_all(project.join("assets"))?;
    fs::write(project.join("assets/a.png"), "\u{89}PNG")?;
    for number in 0..1000 {
        let (path, up) = match number {
            0 => ("index.html".to_owned(), ""),
            _ => (format!("compositions/c{number:04}.html"), "../"),
        };
        fs::write(project.join(path), composition(number, up))?;
    }
    let times = in_turns(&mut || quiet(program()?.arg("check").arg(&project)), &mut || {
        quiet(official(&["lint"])?.arg(&project))
    })?;
    Ok(vec![Row::times("check and hyperframes lint, 1,000 compositions of 8 KB", times)])
}

/// One composition, and one of twice the size: the ratio says how time grows.
pub(super) fn linear() -> Result<Vec<Row>> {
    let page = |name: &str, clips: usize| -> Result<std::path::PathBuf> {
        let project = folder(name)?;
        let whole = composition(0, "");
        let clip =
            whole.lines().find(|line| line.contains("class=\"clip\"")).unwrap_or_default().to_owned() + "\n";
        fs::create_dir_all(project.join("assets"))?;
        fs::write(project.join("assets/a.png"), "\u{89}PNG")?;
        fs::write(project.join("index.html"), whole.replacen(&clip, &clip.repeat(clips), 1))?;
        Ok(project)
    };
    let (half, full) = (page("half", 17_000)?, page("full", 34_000)?);
    let hostile = |name: &str, times: usize| -> Result<std::path::PathBuf> {
        let project = folder(name)?;
        let text = "<div data-composition-src=a><style>@import '{{{(((".repeat(times);
        fs::write(project.join("index.html"), format!("{}{text}", super::inputs::PAGE))?;
        Ok(project)
    };
    let (bad_half, bad_full) = (hostile("hostile-half", 51_000)?, hostile("hostile-full", 102_000)?);
    let check = |project: &std::path::Path| {
        // What it finds does not matter here.
        let mut command = program()?;
        let _ = command.arg("check").arg(project).output()?;
        Ok(())
    };
    Ok(vec![
        Row::times("2.5 MB, and twice the page", in_turns(&mut || check(&half), &mut || check(&full))?),
        Row::times(
            "2.5 MB of hostile HTML, and twice as much",
            in_turns(&mut || check(&bad_half), &mut || check(&bad_full))?,
        ),
    ])
}
