//! What the engine has written: checked, and copied to its output.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::{is_gif, signature};

use super::error::EngineError;
use crate::system::output_parts::{PLAYLIST, is_part};

/// Where a video is written to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JobOutput<'a> {
    /// A file.
    File(&'a File),
    /// An empty directory, for a format that [is one](Format::is_directory).
    Folder(&'a Path),
}

/// Copies the file or directory at `video` to `output`, which may be on another file system, where a rename is not possible.
///
/// # Errors
/// Returns [`EngineError::NoVideo`] if it is not a video in `format`, and [`EngineError::NotKept`] if it cannot be copied.
pub(crate) fn keep(video: &Path, format: Format, output: JobOutput<'_>) -> Result<(), EngineError> {
    match output {
        JobOutput::File(mut output) => {
            check_file(video, format)?;
            let copied = File::open(video).and_then(|mut video| io::copy(&mut video, &mut output));
            copied.map(|_| ()).map_err(EngineError::NotKept)
        }
        JobOutput::Folder(output) => {
            let copied = copy_parts(video, format, output).map_err(EngineError::NotKept)?;
            let first = if format == Format::Hls { PLAYLIST } else { "frame_000001.png" };
            if copied && output.join(first).is_file() { Ok(()) } else { Err(EngineError::NoVideo) }
        }
    }
}

/// Checks a file by its first bytes.
fn check_file(video: &Path, format: Format) -> Result<(), EngineError> {
    let mut head = Vec::new();
    let read = File::open(video).and_then(|file| file.take(16).read_to_end(&mut head));
    let is_video = if format == Format::Gif { is_gif(&head) } else { signature(&head).is_ok() };
    if read.is_ok() && is_video { Ok(()) } else { Err(EngineError::NoVideo) }
}

/// Copies the files of a directory that are parts of a render; returns whether there are any.
fn copy_parts(folder: &Path, format: Format, output: &Path) -> io::Result<bool> {
    let mut has_parts = false;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        // Links are left out: nothing of this machine becomes a part of a video.
        if entry.file_type()?.is_file() && name.to_str().is_some_and(|name| is_part(format, name)) {
            fs::copy(entry.path(), output.join(&name))?;
            has_parts = true;
        }
    }
    Ok(has_parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_copied_and_nothing_else() {
        let root = tempfile::tempdir().expect("a folder");
        let (made, output) = (root.path().join("made"), root.path().join("output"));
        [&made, &output].into_iter().for_each(|folder| fs::create_dir(folder).expect("a folder"));
        let folder = JobOutput::Folder(&output);
        assert!(matches!(keep(&made, Format::Hls, folder), Err(EngineError::NoVideo)));
        for name in ["master.m3u8", "video.m3u8", "video_00000.ts", "other.txt"] {
            fs::write(made.join(name), "x").expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", made.join("video_00001.ts")).expect("a link");
        keep(&made, Format::Hls, folder).expect("copied");
        let mut names = fs::read_dir(&output)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, ["master.m3u8", "video.m3u8", "video_00000.ts"]);
        assert!(matches!(keep(&root.path().join("none"), Format::Hls, folder), Err(EngineError::NoVideo)));
    }

    #[test]
    fn a_file_is_checked_by_its_first_bytes() {
        let root = tempfile::tempdir().expect("a folder");
        let video = root.path().join("video");
        fs::write(&video, "GIF89a....").expect("written");
        assert!(check_file(&video, Format::Gif).is_ok());
        assert!(check_file(&video, Format::Mp4).is_err());
        assert!(check_file(&root.path().join("none"), Format::Gif).is_err());
    }
}
