//! Tables for people.

use super::plain;

/// Formats rows as left-aligned columns, two spaces apart, with widths in characters. Control characters are removed.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let rows =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>()).collect::<Vec<_>>();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths = (0..columns).map(width).collect::<Vec<_>>();
    let mut text = String::new();
    for row in &rows {
        let line = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect::<Vec<_>>()
            .join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned() {
        let rows =
            [vec!["a".to_owned(), "é".to_owned(), "x".to_owned()], vec!["bbb".to_owned(), "cc".to_owned()]];
        assert_eq!(super::table(&rows), "a    é   x\nbbb  cc\n");
    }
}
