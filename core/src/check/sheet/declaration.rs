//! Declarations in blocks of style sheets.

/// Returns the background of a block: `background`, or `background-color`.
pub(super) fn background(body: &str) -> Option<&str> {
    value(body, "background").or_else(|| value(body, "background-color"))
}

/// Returns the value of a declaration in a block, the last one if there are several.
pub(super) fn value<'a>(body: &'a str, property: &str) -> Option<&'a str> {
    let declarations = body.rsplit(';').filter_map(|declaration| declaration.split_once(':'));
    let mut values = declarations.filter(|(name, _)| name.trim().eq_ignore_ascii_case(property));
    let (_, value) = values.next()?;
    let value = value.split('!').next().unwrap_or_default().trim();
    (!value.is_empty()).then_some(value)
}
