//! `hyperframes-preflight`: the core of hyperframes-ci for Node and browsers.
//!
//! A thin facade: JavaScript values in, JavaScript values out, everything else in the core. What is of no use is
//! thrown as an `Error` with a `code`; nothing panics.

mod files;

use std::collections::BTreeMap;
use std::io::Cursor;

use hyperframes_ci_core::{ArchiveError, ArchiveWriter, hex};
use js_sys::{Error, Object, Reflect};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What `digest` tells: equal to the fields of `hyperframes-ci pack --json` over the same files. */
export interface ArchiveDigest {
  /** The manifest digest, in hexadecimal. */
  digest: string;
  /** SHA-256 of the archive's bytes, in hexadecimal. */
  sha256: string;
  fileCount: number;
  /** The files' sizes before compression, in bytes. */
  contentBytes: number;
  /** The archive's size, in bytes. */
  sizeBytes: number;
}
"#;

/// The manifest digest of a project's files as they are packed, and the archive's size and SHA-256.
///
/// `files` is an object or a `Map` from path (with `/`) to a string or a `Uint8Array`, in any order.
///
/// # Errors
/// Throws an `Error` whose `code` is `invalid_files` (neither an object nor a `Map`), `invalid_path`,
/// `invalid_contents` or `archive_failed`; the message names the file.
#[wasm_bindgen(unchecked_return_type = "ArchiveDigest")]
pub fn digest(
    #[wasm_bindgen(
        unchecked_param_type = "Record<string, string | Uint8Array> | Map<string, string | Uint8Array>"
    )]
    files: &JsValue,
) -> Result<Object, JsValue> {
    pack(&files::read(files)?)
}

fn pack(files: &BTreeMap<String, Vec<u8>>) -> Result<Object, JsValue> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    for (path, contents) in files {
        writer.add(path, contents.len() as u64, &mut contents.as_slice()).map_err(|error| {
            let invalid = matches!(error, ArchiveError::InvalidPath);
            thrown(if invalid { "invalid_path" } else { "archive_failed" }, &format!("{path} {error}"))
        })?;
    }
    let (archive, manifest) =
        writer.finish().map_err(|error| thrown("archive_failed", &error.to_string()))?;
    let archive = archive.into_inner();
    let result = Object::new();
    let set = |name: &str, value: JsValue| {
        // A fresh plain object takes every property.
        let _ = Reflect::set(&result, &name.into(), &value);
    };
    set("digest", manifest.digest().into());
    set("sha256", hex(&Sha256::digest(&archive)).into());
    set("fileCount", number(manifest.entries().len() as u64));
    set("contentBytes", number(manifest.size()));
    set("sizeBytes", number(archive.len() as u64));
    Ok(result)
}

/// A JavaScript `Error` with a `code` for programs and a message for people.
fn thrown(code: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    // A fresh error takes every property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

/// Exact below 2^53, far beyond what an archive holds.
#[expect(clippy::cast_precision_loss, reason = "sizes of archives are far below 2^53")]
fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}
