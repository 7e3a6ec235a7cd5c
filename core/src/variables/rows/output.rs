//! Output paths of rows.

use serde_json::Value;

use super::row::Row;

/// Fills the placeholders of a path such as `out/{name}.{ext}`: `{index}` (from 1), `{ext}`, `{title}`, or any
/// variable.
///
/// # Errors
/// Returns the problem if a placeholder is not closed, has no value in the row, or has a value that is not valid in a file
/// name, so that no value leads to another directory.
pub fn fill(pattern: &str, row: &Row, ext: &str) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("the output path has a { without a }")?;
        filled.push_str(before);
        let title = || row.options.get("title").and_then(Value::as_str).map(str::to_owned);
        let value = match name {
            "index" => Some((row.index + 1).to_string()),
            "ext" => Some(ext.to_owned()),
            _ => match row.variables.get(name) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
                _ if name == "title" => title(),
                _ => None,
            },
        };
        let value = value
            .ok_or_else(|| format!("the output path uses {{{name}}}, which has no value in this row"))?;
        let is_part =
            !value.chars().any(|character| "/\\:*?\"<>|".contains(character) || character.is_control());
        if value.trim().is_empty() || !is_part || value.trim_matches('.').is_empty() {
            return Err(format!(
                "the output path uses {{{name}}}, and its value {value:?} is not valid in a file name"
            ));
        }
        filled.push_str(&value);
        rest = after;
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn outputs_stay_in_their_folder() {
        let row =
            |name: &str| Row::from_json(0, 1, &json!({"name": name, "n": 5}).to_string()).expect("a row");
        assert_eq!(
            fill("out/{index}-{name}-{n}.{ext}", &row("Ada"), "mp4").as_deref(),
            Ok("out/1-Ada-5.mp4")
        );
        for bad in ["../x", "a/b", "..", "", " ", "a\\b", "c:d", "a\nb"] {
            assert!(fill("out/{name}.mp4", &row(bad), "mp4").is_err(), "{bad:?}");
        }
        assert!(fill("{missing}.mp4", &row("a"), "mp4").is_err_and(|message| message.contains("missing")));
    }
}
