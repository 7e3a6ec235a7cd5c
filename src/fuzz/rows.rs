//! Rows: CSV, TSV, JSON and JSON Lines.

use std::io::{BufRead, BufReader};

use hyperframes_ci_core::check::Values;
use hyperframes_ci_core::variables::{RowFormat, Rows, fill};

use super::findings::check_project;

const PAGE: &[u8] =
    b"<html data-composition-variables='[{\"id\":\"a\",\"label\":\"A\",\"type\":\"number\",\"default\":1}]'>\
    <div data-composition-id=main data-width=1920 data-height=1080 data-duration=5>";

/// A file of rows, in each format.
pub(super) fn run(input: &[u8]) {
    let lines = 1 + input.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    for (format, path) in
        [(RowFormat::Csv, "rows.csv"), (RowFormat::Tsv, "rows.tsv"), (RowFormat::Json, "rows.jsonl")]
    {
        let read = outcomes(input, format, lines);
        // How the file arrives in pieces makes no difference.
        assert_eq!(read, outcomes(BufReader::with_capacity(1, input), format, lines), "{format:?}");
        let text = String::from_utf8_lossy(input).into_owned();
        check_project(&[("index.html", PAGE)], vec![Values::Rows { path: path.to_owned(), text }]);
    }
}

/// Reads all rows; what they are, as text.
fn outcomes(reader: impl BufRead, format: RowFormat, lines: usize) -> Vec<String> {
    let mut rows = match Rows::new(reader, format) {
        Ok(rows) => rows,
        Err(error) => return vec![format!("{error:?}")],
    };
    let mut outcomes = Vec::new();
    for (number, row) in rows.by_ref().enumerate() {
        let line = match &row {
            Ok(row) => {
                assert_eq!(row.index, number as u64);
                if let Ok(path) = fill("out/{a}/{title}.{ext}", row, "mp4") {
                    let parts = path.split('/').collect::<Vec<_>>();
                    assert!(parts.len() == 3 && !parts.contains(&".."), "{path:?}");
                }
                row.line
            }
            Err(error) => {
                assert!(error.message.len() <= 4096, "{} bytes", error.message.len());
                error.line
            }
        };
        assert!((1..=lines as u64).contains(&line), "line {line} of {lines}");
        outcomes.push(format!("{row:?}"));
    }
    assert!(outcomes.len() <= lines + 1 + if format == RowFormat::Json { 1 << 20 } else { 0 });
    outcomes
}
