//! Where generated files are kept. Stores other than the repository itself name files by their contents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::options::{UnknownValue, closed_set};

/// Length of a SHA-256 in hexadecimal.
const DIGEST: usize = 64;

/// The longest extension that a name keeps.
const MAX_EXTENSION: usize = 8;

closed_set! {
    /// Where the file of an entry is kept.
    MediaStore {
        /// It is committed: the default.
        Git = "git",
        /// It is ignored by Git, and kept on the branch of previews.
        Branch = "branch",
        /// It is ignored by Git, and attached to the release [`STORE_TAG`].
        Release = "release",
    }
}

/// The folder of the store on the branch of previews.
pub const STORE_FOLDER: &str = "media";

/// The tag of the release with the store.
pub const STORE_TAG: &str = "hyperframes-media";

/// Returns the name in a store of a file with this SHA-256 in lowercase hexadecimal, whose path gives the extension; `None` if the
/// digest is none.
#[must_use]
pub fn stored_name(sha256: &str, path: &str) -> Option<String> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let extension = file.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let name = match extension.filter(|extension| is_extension(extension)) {
        Some(extension) => format!("{sha256}.{extension}"),
        None => sha256.to_owned(),
    };
    is_stored_name(&name).then_some(name)
}

/// Returns whether a name is one of [`stored_name`].
#[must_use]
pub fn is_stored_name(name: &str) -> bool {
    let (digest, extension) =
        name.split_once('.').map_or((name, None), |(digest, rest)| (digest, Some(rest)));
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digest.len() == DIGEST && digest.bytes().all(is_digit) && extension.is_none_or(is_extension)
}

/// The start of the messages of commits of the branch of previews.
pub const PREVIEW_MESSAGE: &str = "previews";

/// The folders of previews at the root of their branch.
const FOLDERS: &[&str] = &["base", "pr"];

/// What people may add for a host of pages.
const OTHERS: &[&str] = &["README.md", "CNAME", ".nojekyll", "index.html", "404.html", "robots.txt"];

/// Returns whether a branch with these names at its root, these in the folder of the store, and this message of its newest commit
/// has previews and nothing that would be lost if its history is replaced. It may have what a host of pages reads.
#[must_use]
pub fn is_preview_branch(root: &[&str], stored: &[&str], message: &str) -> bool {
    // Other branches have a folder of this name, too.
    let is_store = !stored.is_empty() && stored.iter().all(|name| is_stored_name(name));
    let is_known =
        |name: &&str| FOLDERS.contains(name) || OTHERS.contains(name) || (*name == STORE_FOLDER && is_store);
    let has_previews = root.iter().any(|name| FOLDERS.contains(name));
    root.iter().all(is_known) && (has_previews || message.starts_with(PREVIEW_MESSAGE))
}

fn is_extension(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=MAX_EXTENSION).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_with_anything_else_is_not_one_of_previews() {
        let stored = format!("{}.mp3", "0".repeat(64));
        for (root, message) in [
            (&["base"][..], "x"),
            (&["pr", "README.md", "media"], "x"),
            (&["media"], "previews with generated media"),
        ] {
            assert!(is_preview_branch(root, &[&stored], message), "{root:?}");
        }
        assert!(!is_preview_branch(&["media", "README.md"], &[&stored], "our assets"));
        assert!(!is_preview_branch(&["base", "src"], &[&stored], "previews"));
        assert!(!is_preview_branch(&["base", "media"], &[&stored, "logo.png"], "previews"));
        assert!(!is_preview_branch(&["base", "media"], &[], "previews"), "a file of this name");
    }

    #[test]
    fn names_are_digests_with_plain_extensions() {
        let digest = "0123456789abcdef".repeat(4);
        let name = |path: &str| stored_name(&digest, path);
        assert_eq!(name("a.b/voice.MP3"), Some(format!("{digest}.mp3")));
        for path in ["a.b/voice", "voice.", "voice.a-b", "voice.extremely", ".."] {
            assert_eq!(name(path), Some(digest.clone()), "{path}");
        }
        for wrong in ["", "00", "../../../etc/passwd", &"0".repeat(63), &"A".repeat(64), &"g".repeat(64)] {
            assert_eq!(stored_name(wrong, "a.mp3"), None, "{wrong}");
        }
        assert!(is_stored_name(&digest) && is_stored_name(&format!("{digest}.mp4")));
        for wrong in
            [format!("{digest}."), format!("{digest}.a/b"), format!("{digest}.MP4"), "a.mp4".to_owned()]
        {
            assert!(!is_stored_name(&wrong), "{wrong}");
        }
    }
}
