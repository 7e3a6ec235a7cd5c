//! Pages of lists, as tables.

use crate::ui::{Console, table};

/// Prints a page of `what`, such as `renders`, and how to see the next one.
pub(super) fn print_page<const COLUMNS: usize>(
    what: &str,
    head: [&str; COLUMNS],
    rows: Vec<Vec<String>>,
    token: Option<&str>,
    console: &mut Console,
) {
    if rows.is_empty() {
        console.result(&format!("No {what}\n"));
    } else {
        let head = head.map(str::to_owned).to_vec();
        console.result(&table(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    if let Some(token) = token {
        console.detail(&format!("show the next page with --token {token}, or all pages with --all"));
    }
}
