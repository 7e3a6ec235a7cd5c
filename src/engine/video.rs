//! What the engine has written: checked, and copied to its output.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::video::{is_gif, signature};

use super::error::EngineError;
use crate::system::gate;
use crate::system::output_parts::{is_part, main_part};

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
            let mut video = open_video(video, format)?;
            io::copy(&mut video, &mut output).map(|_| ()).map_err(EngineError::NotKept)
        }
        JobOutput::Folder(output) => {
            let copied = copy_parts(video, format, output).map_err(EngineError::NotKept)?;
            if copied && output.join(main_part(format)).is_file() {
                Ok(())
            } else {
                Err(EngineError::NoVideo)
            }
        }
    }
}

/// Opens a file that is a video by its first bytes. A page that has taken over the engine may have put something else there: a link
/// is not followed, and a pipe is not waited for.
fn open_video(video: &Path, format: Format) -> Result<File, EngineError> {
    let mut file = gate::open_made(video).map_err(|_| EngineError::NoVideo)?;
    let mut head = Vec::new();
    let read = (&file).take(16).read_to_end(&mut head).and_then(|_| file.rewind());
    let is_video = if format == Format::Gif { is_gif(&head) } else { signature(&head).is_ok() };
    if read.is_ok() && is_video { Ok(file) } else { Err(EngineError::NoVideo) }
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
        let mut copied = tempfile::tempfile().expect("a file");
        keep(&video, Format::Gif, JobOutput::File(&copied)).expect("copied");
        let mut text = String::new();
        copied.rewind().and_then(|()| copied.read_to_string(&mut text)).expect("read");
        assert_eq!(text, "GIF89a....");
        assert!(open_video(&video, Format::Mp4).is_err());
        assert!(open_video(&root.path().join("none"), Format::Gif).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn neither_a_link_nor_a_pipe_is_a_video() {
        let (root, elsewhere) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let private = elsewhere.path().join("private.gif");
        let (link, pipe) = (root.path().join("link"), root.path().join("pipe"));
        fs::write(&private, "GIF89a....").expect("written");
        std::os::unix::fs::symlink(&private, &link).expect("a link");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("a status");
        assert!(made.success());
        let output = tempfile::tempfile().expect("a file");
        for path in [link, pipe] {
            let kept = keep(&path, Format::Gif, JobOutput::File(&output));
            assert!(matches!(kept, Err(EngineError::NoVideo)), "{}", path.display());
        }
        assert_eq!(output.metadata().expect("a file").len(), 0);
    }
}
