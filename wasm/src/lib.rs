//! `hyperframes-preflight`: the core of hyperframes-ci for Node and browsers.
//!
//! A thin facade: JavaScript values in, JavaScript values out, everything else in the core.

use std::collections::BTreeMap;
use std::io::Cursor;

use hyperframes_ci_core::ArchiveWriter;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

/// The manifest digest of a project's files as they are packed, and the archive's size and SHA-256.
///
/// `files` is an object from path (with `/`) to a string or a `Uint8Array`. The result is
/// `{digest, fileCount, contentBytes, sizeBytes}`, equal to that of `hyperframes-ci pack --json` over the same
/// files.
///
/// # Errors
/// Throws an `Error` that names the file whose path or contents are of no use.
#[wasm_bindgen]
pub fn digest(files: &Object) -> Result<Object, JsError> {
    let mut sorted = BTreeMap::new();
    for entry in Object::entries(files).iter() {
        let pair = js_sys::Array::from(&entry);
        let path = pair.get(0).as_string().ok_or_else(|| JsError::new("a path is not a string"))?;
        let contents = bytes(&pair.get(1)).ok_or_else(|| {
            JsError::new(&format!("the contents of {path} are neither a string nor a Uint8Array"))
        })?;
        sorted.insert(path, contents);
    }
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    for (path, contents) in &sorted {
        writer
            .add(path, contents.len() as u64, &mut contents.as_slice())
            .map_err(|error| JsError::new(&format!("{path} {error}")))?;
    }
    let (archive, manifest) = writer.finish().map_err(|error| JsError::new(&error.to_string()))?;
    let result = Object::new();
    let set = |name: &str, value: &JsValue| {
        // A fresh plain object takes every property.
        let _ = Reflect::set(&result, &name.into(), value);
    };
    set("digest", &manifest.digest().into());
    set("fileCount", &number(manifest.entries().len() as u64));
    set("contentBytes", &number(manifest.size()));
    set("sizeBytes", &number(archive.get_ref().len() as u64));
    Ok(result)
}

/// Exact below 2^53, far beyond what an archive holds.
#[expect(clippy::cast_precision_loss, reason = "sizes of archives are far below 2^53")]
fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

fn bytes(value: &JsValue) -> Option<Vec<u8>> {
    match value.as_string() {
        Some(text) => Some(text.into_bytes()),
        None => value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec),
    }
}
