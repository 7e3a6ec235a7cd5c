//! Errors that are thrown to JavaScript.

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;

/// An error with a code for programs and a message for people.
#[derive(Debug)]
pub struct Problem {
    code: &'static str,
    message: String,
}

impl Problem {
    /// Creates an error. The codes are those of `PreflightError` in `index.d.ts`.
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }
}

impl From<Problem> for JsValue {
    fn from(problem: Problem) -> Self {
        let error = Error::new(&problem.message);
        // Setting a property of a new error cannot fail.
        let _ = Reflect::set(&error, &"code".into(), &problem.code.into());
        error.into()
    }
}
