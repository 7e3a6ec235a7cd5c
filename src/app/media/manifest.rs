//! `.media/manifest.jsonl`, by which HeyGen's own tools know the files below `.media/`.

use std::io::ErrorKind;
use std::path::Path;

use hyperframes_ci_core::generated::{LockedMedia, PresenterVoice, Wanted};
use hyperframes_ci_core::media::Media;
use serde_json::{Map, Value, json};

use super::declared::Declared;
use super::error::MediaError;
use super::files::Files as _;
use crate::app::config::MediaEntry;
use crate::fault::Error;
use crate::system::gate::limit;
use crate::system::output;

/// The directory of generated media in a project.
const FOLDER: &str = ".media";

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 200;

/// Adds the line of a recorded file to the manifest of its `.media` directory, or replaces it. A file elsewhere has none.
///
/// # Errors
/// Returns an error if the manifest cannot be read or written.
pub(super) fn add(
    declared: &Declared,
    entry: &MediaEntry,
    wanted: Option<&Wanted>,
    media: &LockedMedia,
) -> Result<(), Error> {
    let Some((manifest, path)) = place(&entry.file) else { return Ok(()) };
    let full = declared.settings.root.join(&manifest);
    let text = match declared.files().text(&manifest, limit::CONFIG) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(MediaError::Unreadable(full, error).into()),
    };
    let size = declared.files().edges(&entry.file).ok().and_then(|edges| Media::read(&edges)?.size);
    let line = line(entry, &path, wanted, media, size);
    output::write_in(&full, &declared.reach, "", merged(&text, line).as_bytes())?;
    Ok(())
}

/// Returns the manifest of a file below a `.media` directory, and the path of the file from the directory around it.
fn place(file: &str) -> Option<(String, String)> {
    let parts = file.split('/').collect::<Vec<_>>();
    let at = parts.iter().position(|part| *part == FOLDER).filter(|at| at + 1 < parts.len())?;
    Some((format!("{}/manifest.jsonl", parts[..=at].join("/")), parts[at..].join("/")))
}

fn line(
    entry: &MediaEntry,
    path: &str,
    wanted: Option<&Wanted>,
    media: &LockedMedia,
    size: Option<(u32, u32)>,
) -> Map<String, Value> {
    let prompt = match wanted {
        Some(Wanted::Speech(speech)) => Some(speech.text().to_owned()),
        Some(Wanted::Presenter(clip)) => match &clip.voice {
            PresenterVoice::Script { text, .. } => Some(text.clone()),
            PresenterVoice::Audio { .. } => entry.audio().map(str::to_owned),
        },
        Some(Wanted::Translation(translation)) => Some(translation.language.clone()),
        Some(Wanted::Sound(sound)) => Some(sound.query.clone().unwrap_or_else(|| sound.id.clone())),
        None => None,
    };
    let description = prompt.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let folder = Path::new(path).parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let kind = match (folder, wanted) {
        (Some(folder @ ("voice" | "bgm" | "sfx")), _) => folder,
        (_, Some(Wanted::Presenter(_) | Wanted::Translation(_))) => "video",
        (_, Some(Wanted::Speech(_))) => "voice",
        _ => "audio",
    };
    let members = [
        ("id", Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into())),
        ("type", Some(kind.into())),
        ("path", Some(path.into())),
        ("source", Some("heygen".into())),
        ("description", Some(description.chars().take(MAX_DESCRIPTION).collect::<String>().into())),
        ("duration", media.duration.map(Value::from)),
        ("width", size.map(|(width, _)| width.into())),
        ("height", size.map(|(_, height)| height.into())),
        ("provenance", Some(json!({ "provider": "heygen", "prompt": prompt, "identity": media.identity }))),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Returns a manifest with a line, in the place of the one with the same path. Members that others have added are kept, and so are
/// lines that cannot be read.
fn merged(text: &str, mut line: Map<String, Value>) -> String {
    let mut lines =
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let known = lines.iter().enumerate().find_map(|(index, text)| {
        let object = serde_json::from_str::<Map<String, Value>>(text).ok()?;
        (object.get("path") == line.get("path")).then_some((index, object))
    });
    match known {
        Some((index, mut object)) => {
            // What has another name there refers to it.
            if let Some(id) = object.get("id") {
                line.insert("id".to_owned(), id.clone());
            }
            ["duration", "width", "height"].iter().for_each(|name| drop(object.remove(*name)));
            object.extend(line);
            lines[index] = Value::Object(object).to_string();
        }
        None => lines.push(Value::Object(line).to_string()),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_directory_have_a_place() {
        let place = |file: &str| place(file).unwrap_or_default();
        let manifest = ("a/.media/manifest.jsonl".to_owned(), ".media/audio/b.mp3".to_owned());
        assert_eq!(place("a/.media/audio/b.mp3"), manifest);
        assert_eq!(place(".media/b.mp3"), (".media/manifest.jsonl".to_owned(), ".media/b.mp3".to_owned()));
        for other in ["a/b.mp3", "a/.media", ".mediaa/b.mp3"] {
            assert_eq!(place(other), Default::default(), "{other}");
        }
    }

    #[test]
    fn other_lines_and_members_are_kept() {
        let line = |seconds: f64| {
            let line = json!({ "id": "b", "path": ".media/b.mp3", "duration": seconds });
            line.as_object().cloned().unwrap_or_default()
        };
        let parsed = |text: &str| {
            text.lines().map(|line| serde_json::from_str::<Value>(line).ok()).collect::<Vec<_>>()
        };
        let b = json!({ "duration": 1.0, "id": "b", "path": ".media/b.mp3" });
        assert_eq!(parsed(&merged("", line(1.0))), [Some(b)]);
        let before = "not JSON\r\n\n{\"path\":\".media/b.mp3\",\"id\":\"x\",\"tags\":[1],\"width\":3}\n{\"path\":\"c\"}";
        let after = merged(before, line(2.0));
        let b = json!({ "duration": 2.0, "id": "x", "path": ".media/b.mp3", "tags": [1] });
        assert_eq!(parsed(&after), [None, Some(b), Some(json!({ "path": "c" }))]);
        assert!(after.starts_with("not JSON\n") && after.ends_with("\n{\"path\":\"c\"}\n"), "{after}");
    }
}
