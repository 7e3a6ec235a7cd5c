//! What is downloaded.

use anyhow::Result;

use super::measure::Row;
use crate::command::root;
use crate::{release, wasm};

/// The program and the module, gzipped, beside what they may weigh.
pub(super) fn all() -> Result<Vec<Row>> {
    let program = release::gzipped(&release::program()?.path)?;
    let module = root().join("target/wasm/package/wasm_bg.wasm");
    if !module.is_file() {
        crate::npm::pack()?;
    }
    let row = |what: &str, ours: usize, reference: usize| {
        let megabytes = |bytes: usize| bytes as f64 / 1e6;
        Row { what: what.to_owned(), ours: megabytes(ours), reference: megabytes(reference), unit: "MB" }
    };
    Ok(vec![
        row("the program, gzipped, and its budget", program, release::BUDGET),
        row("the WebAssembly module, gzipped, and its budget", release::gzipped(&module)?, wasm::BUDGET),
    ])
}
