//! Comparing videos, beside what FFmpeg needs to decode them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::measure::{Row, folder, in_turns, median, processor_time, program, quiet};
use crate::command::succeed;
use crate::provision;

/// A minute in 1080p at 30 frames per second; then with a box of a second, and with other colors.
fn videos() -> Result<(PathBuf, [PathBuf; 3])> {
    provision::packages(&["ffmpeg"])?;
    let folder = folder("diff")?;
    let edited = ",drawbox=x=200:y=80:w=240:h=124:c=red:t=fill:enable='between(t,30,31)'";
    // Without explicit colors they are random in each run.
    let (plain, other) = ("c0=0x203040:c1=0x80a0c0", "c0=0x302040:c1=0xa080c0");
    let make = |name: &str, colors: &str, edit: &str| -> Result<PathBuf> {
        let path = folder.join(name);
        let source = format!(
            "gradients=s=1920x1080:r=30:d=60:speed=0.01:n=2:{colors}:x0=0:y0=0:x1=1900:y1=1000{edit},\
             drawbox=x=mod(t*120\\,1700):y=400:w=220:h=120:c=white:t=fill"
        );
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", &source]);
        ffmpeg.args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=60"]);
        ffmpeg.args([
            "-c:v", "libx264", "-preset", "medium", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac",
        ]);
        succeed(ffmpeg.arg(&path))?;
        Ok(path)
    };
    let videos =
        [make("base.mp4", plain, "")?, make("head.mp4", plain, edited)?, make("other.mp4", other, "")?];
    Ok((folder, videos))
}

fn diff(base: &Path, head: &Path) -> Result<()> {
    quiet(program()?.arg("diff").arg(base).arg(head))
}

/// Decodes both videos at the same time.
fn decode(videos: [&Path; 2]) -> Result<()> {
    let start = |video: &Path| {
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(video)
            .args(["-map", "0:v:0", "-f", "null", "-"])
            .spawn()
            .context("ffmpeg")
    };
    let mut both = [start(videos[0])?, start(videos[1])?];
    for child in &mut both {
        ensure!(child.wait()?.success(), "ffmpeg failed");
    }
    Ok(())
}

/// Both videos compared, and only decoded; and identical ones.
pub(super) fn minute() -> Result<Vec<Row>> {
    let (folder, videos) = videos()?;
    let [base, head, different] = &videos;
    let copy = folder.join("copy.mp4");
    fs::copy(base, &copy)?;
    let remuxed = folder.join("remuxed.mp4");
    let mut remux = Command::new("ffmpeg");
    remux.args(["-v", "error", "-i"]).arg(base).args(["-c", "copy", "-movflags", "+faststart"]);
    succeed(remux.arg(&remuxed))?;
    let mut rows = Vec::new();
    for (what, other) in [
        ("a minute of 1080p that differs in a second", head),
        ("a minute of 1080p that differs in all frames", different),
        ("identical files", &copy),
        ("identical packets", &remuxed),
    ] {
        let (mut ours, mut reference) = (Vec::new(), Vec::new());
        let mut compare = || processor_time(&mut ours, || diff(base, other));
        let mut decode = || processor_time(&mut reference, || decode([base, other]));
        let times = in_turns(&mut compare, &mut decode)?;
        rows.push(Row::times(format!("{what}, and decoding both"), times));
        rows.push(Row::times(format!("{what}, processor time"), (median(ours)?, median(reference)?)));
    }
    Ok(rows)
}
