//! A project's files as JavaScript hands them over.

use std::collections::BTreeMap;

use js_sys::{Array, Map, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::thrown;

/// Copies the files of an object or a `Map` into memory, sorted by path.
///
/// # Errors
/// An `Error` with the code `invalid_files`, `invalid_path` or `invalid_contents`.
pub(crate) fn read(files: &JsValue) -> Result<BTreeMap<String, Vec<u8>>, JsValue> {
    let mut sorted = BTreeMap::new();
    for entry in entries(files)?.iter() {
        let entry = Array::from(&entry);
        let path =
            entry.get(0).as_string().ok_or_else(|| thrown("invalid_path", "a path is not a string"))?;
        let contents = contents(&entry.get(1)).ok_or_else(|| {
            let message = format!("the contents of {path} are neither a string nor a Uint8Array");
            thrown("invalid_contents", &message)
        })?;
        // Half a surrogate pair becomes U+FFFD, so that two JavaScript strings can be one path.
        if let Some(twice) = sorted.insert(path.clone(), contents).map(|_| path) {
            return Err(thrown("invalid_path", &format!("{twice} is there twice")));
        }
    }
    Ok(sorted)
}

/// The `[path, contents]` pairs.
fn entries(files: &JsValue) -> Result<Array, JsValue> {
    if let Some(map) = files.dyn_ref::<Map>() {
        return Ok(Array::from(map.as_ref()));
    }
    match files.dyn_ref::<Object>() {
        Some(object) if !Array::is_array(files) => Ok(Object::entries(object)),
        _ => Err(thrown("invalid_files", "the files are neither an object nor a Map from path to contents")),
    }
}

fn contents(value: &JsValue) -> Option<Vec<u8>> {
    match value.as_string() {
        Some(text) => Some(text.into_bytes()),
        None => value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec),
    }
}
