//! Uploaded archives.

/// An uploaded archive, or one whose upload was announced.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
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
    pub(crate) fn file_name(asset_id: &str) -> String {
        format!("{asset_id}.zip")
    }

    /// Returns the headers that the signature of the upload URL covers.
    pub(crate) fn signed_headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("content-type".to_owned(), "application/zip".to_owned())];
        headers.extend(self.checksum.clone().map(|checksum| ("x-amz-meta-sha256".to_owned(), checksum)));
        headers
    }

    /// Returns the signed headers and the length as one text.
    pub(crate) fn signed_text(&self) -> String {
        let headers = self.signed_headers().into_iter().map(|(name, value)| format!("{name}:{value}\n"));
        headers.chain([format!("content-length:{}", self.size)]).collect()
    }
}
