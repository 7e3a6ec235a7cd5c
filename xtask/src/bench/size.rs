//! What is downloaded.

use std::process::Command;

use anyhow::Result;

use super::Row;
use crate::provision::{binary, root};
use crate::wasm;

/// The program and the module, gzipped, beside what they may weigh.
pub(super) fn all() -> Result<Vec<Row>> {
    let packed = Command::new("gzip").args(["-9", "-c"]).arg(binary("release")).output()?.stdout.len();
    let module = root().join("target/wasm/package/wasm_bg.wasm");
    if !module.is_file() {
        crate::npm::pack()?;
    }
    let row = |what: &str, ours: usize, reference: usize| {
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        Row { what: what.to_owned(), ours: megabytes(ours), reference: megabytes(reference), unit: "MB" }
    };
    Ok(vec![
        row("the program, gzipped, and its budget", packed, 5_000_000),
        row("the WebAssembly module, gzipped, and its budget", wasm::gzipped(&module)?, wasm::BUDGET),
    ])
}
