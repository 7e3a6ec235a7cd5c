//! The bodies of requests to endpoints.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyperframes_ci_core::project::DEFAULT_COMPOSITION;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::HttpError;
use super::options::RequestForm;

/// A file of the project.
#[derive(Serialize)]
struct ProjectFile {
    path: String,
    /// In base64.
    content: String,
}

/// Returns the body of a request: the files of the archive in the form of the endpoint, and the options, where it takes
/// them.
///
/// # Errors
/// Returns [`HttpError::TooLarge`] and [`HttpError::Unsupported`] if the project does not fit the form, and
/// [`HttpError::Archive`] if the archive cannot be read.
pub(super) fn body(
    form: RequestForm,
    archive: &Path,
    options: &Map<String, Value>,
) -> Result<Vec<u8>, HttpError> {
    let body = match form {
        RequestForm::Empty => return Ok(Vec::new()),
        RequestForm::Html => json!({ "html": only_html(archive)? }),
        RequestForm::Files => json!({ "files": files(archive, form.limit())? }),
        RequestForm::Emulator => json!({ "files": files(archive, form.limit())?, "request": options }),
    };
    let body = body.to_string().into_bytes();
    // The limit of HTML is that of the file, which is checked above.
    if form != RequestForm::Html {
        check_size(body.len() as u64, form.limit())?;
    }
    Ok(body)
}

fn check_size(size: u64, limit: u64) -> Result<(), HttpError> {
    if size > limit { Err(HttpError::TooLarge { size, limit }) } else { Ok(()) }
}

fn open(archive: &Path) -> Result<zip::ZipArchive<File>, HttpError> {
    let file = File::open(archive).map_err(HttpError::Archive)?;
    zip::ZipArchive::new(file).map_err(|error| HttpError::Archive(io::Error::other(error)))
}

/// Returns the files of an archive, of at most `limit` bytes in base64.
fn files(archive: &Path, limit: u64) -> Result<Vec<ProjectFile>, HttpError> {
    let mut archive = open(archive)?;
    let mut files = Vec::new();
    let mut size = 0;
    for index in 0..archive.len() {
        let (path, bytes) = read(&mut archive, index)?;
        let content = STANDARD.encode(bytes);
        size += content.len() as u64;
        check_size(size, limit)?;
        files.push(ProjectFile { path, content });
    }
    Ok(files)
}

/// Returns the only file of an archive.
fn only_html(archive: &Path) -> Result<String, HttpError> {
    let mut archive = open(archive)?;
    let names = archive.file_names().collect::<Result<Vec<_>, _>>();
    let names = names.map_err(|error| HttpError::Archive(io::Error::other(error)))?;
    let others = names.iter().map(AsRef::as_ref).filter(|name: &&str| *name != DEFAULT_COMPOSITION);
    let others = others.map(str::to_owned).collect::<Vec<_>>();
    if !others.is_empty() {
        let (shown, more) = (others[..others.len().min(3)].join(", "), others.len().saturating_sub(3));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Err(HttpError::Unsupported {
            message: format!(
                "the endpoint only takes {DEFAULT_COMPOSITION}, but the project also has {shown}{more}"
            ),
            help: "embed them in the HTML, exclude them in .hyperframesignore, or use --http-request files",
        });
    }
    let (_, bytes) = read(&mut archive, 0)?;
    check_size(bytes.len() as u64, RequestForm::Html.limit())?;
    String::from_utf8(bytes).map_err(|error| HttpError::Archive(io::Error::other(error)))
}

fn read(archive: &mut zip::ZipArchive<File>, index: usize) -> Result<(String, Vec<u8>), HttpError> {
    let failed = |error: zip::result::ZipError| HttpError::Archive(io::Error::other(error));
    let mut entry = archive.by_index(index).map_err(failed)?;
    let name = entry.name().map_err(failed)?.into_owned();
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(HttpError::Archive)?;
    Ok((name, bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = zip::ZipWriter::new(file.reopen().expect("a handle"));
        for (name, contents) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a file");
            writer.write_all(contents).expect("written");
        }
        writer.finish().expect("an archive");
        file
    }

    fn sent(form: RequestForm, files: &[(&str, &[u8])]) -> Result<Value, HttpError> {
        let options = Map::from_iter([("fps".to_owned(), 25.into())]);
        let body = body(form, archive(files).path(), &options)?;
        Ok(if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") })
    }

    #[test]
    fn each_form_sends_what_its_endpoint_takes() {
        let files: &[(&str, &[u8])] = &[("a/b.png", b"\x89\xff"), ("index.html", b"<p>")];
        let expected =
            json!([{ "path": "a/b.png", "content": "if8=" }, { "path": "index.html", "content": "PHA+" }]);
        assert_eq!(sent(RequestForm::Files, files).expect("sent"), json!({ "files": expected }));
        let emulator = json!({ "files": expected, "request": { "fps": 25 } });
        assert_eq!(sent(RequestForm::Emulator, files).expect("sent"), emulator);
        assert_eq!(sent(RequestForm::Empty, files).expect("sent"), Value::Null);
        assert_eq!(sent(RequestForm::Html, &files[1..]).expect("sent"), json!({ "html": "<p>" }));
        let error = sent(RequestForm::Html, files).expect_err("two files").to_string();
        assert_eq!(error, "the endpoint only takes index.html, but the project also has a/b.png");
    }

    #[test]
    fn bodies_have_limits() {
        let large = vec![b'x'; 2 * 1024 * 1024 + 1];
        let is_too_large = |form, bytes: &[u8]| {
            matches!(sent(form, &[("index.html", bytes)]), Err(HttpError::TooLarge { .. }))
        };
        assert!(is_too_large(RequestForm::Html, &large));
        assert!(!is_too_large(RequestForm::Html, &large[1..]));
        assert!(!is_too_large(RequestForm::Emulator, &large));
        assert!(is_too_large(RequestForm::Emulator, &vec![0; 37 * 1024 * 1024]));
    }
}
