//! Uploaded archives, audio files and videos.

/// Media types that are accepted, and extensions of the stored files.
const TYPES: &[(&str, &str)] = &[
    ("application/zip", "zip"),
    ("audio/mpeg", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("video/mp4", "mp4"),
];

/// Returns the known media type that `text` names.
pub(crate) fn media_type(text: &str) -> Option<&'static str> {
    TYPES.iter().map(|(known, _)| *known).find(|known| *known == text)
}

/// An uploaded file, or one whose upload was announced.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    /// Its media type.
    pub(crate) kind: &'static str,
    /// Announced size, in bytes.
    pub(crate) size: u64,
    /// Announced SHA-256, in hexadecimal.
    pub(crate) checksum: Option<String>,
    /// SHA-256 of the stored bytes, in hexadecimal.
    pub(crate) stored: Option<String>,
    /// Whether it can be rendered.
    pub(crate) completed: bool,
    /// How many more times `complete` replies 409.
    pub(crate) conflicts: u32,
}

impl Asset {
    /// Returns the name of the stored file.
    pub(crate) fn name(&self, asset_id: &str) -> String {
        let extension = TYPES.iter().find(|(kind, _)| *kind == self.kind).map_or("zip", |(_, end)| end);
        format!("{asset_id}.{extension}")
    }

    /// Returns the name of a stored archive.
    pub(crate) fn file_name(asset_id: &str) -> String {
        format!("{asset_id}.zip")
    }

    /// Returns whether it is audio.
    pub(crate) fn is_audio(&self) -> bool {
        self.kind.starts_with("audio/")
    }

    /// Returns whether it is a video.
    pub(crate) fn is_video(&self) -> bool {
        self.kind.starts_with("video/")
    }

    /// Returns the headers that the signature of the upload URL covers.
    pub(crate) fn signed_headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("content-type".to_owned(), self.kind.to_owned())];
        headers.extend(self.checksum.clone().map(|checksum| ("x-amz-meta-sha256".to_owned(), checksum)));
        headers
    }

    /// Returns the signed headers and the length as one text.
    pub(crate) fn signed_text(&self) -> String {
        let headers = self.signed_headers().into_iter().map(|(name, value)| format!("{name}:{value}\n"));
        headers.chain([format!("content-length:{}", self.size)]).collect()
    }
}
