//! How the variables of a composition differ from those of the base.

use hyperframes_ci_core::variables::Declarations;

/// How a variable differs from that of the base.
#[derive(Debug, PartialEq)]
pub(super) enum VariableChange {
    /// The id of a new variable.
    Added(String),
    /// The id of a removed variable.
    Removed(String),
    /// The id, and the types of base and head.
    Retyped(String, &'static str, &'static str),
}

/// Returns how the declarations of `head` differ from those of `base`.
pub(super) fn variable_changes(base: &Declarations, head: &Declarations) -> Vec<VariableChange> {
    let mut changes = Vec::new();
    for after in head.entries() {
        match base.get(&after.id) {
            None => changes.push(VariableChange::Added(after.id.clone())),
            Some(before) if before.kind != after.kind => {
                let (before, after_kind) = (before.kind.as_str(), after.kind.as_str());
                changes.push(VariableChange::Retyped(after.id.clone(), before, after_kind));
            }
            Some(_) => {}
        }
    }
    let removed = base.entries().iter().filter(|before| head.get(&before.id).is_none());
    changes.extend(removed.map(|before| VariableChange::Removed(before.id.clone())));
    changes
}

#[cfg(test)]
mod tests {
    use hyperframes_ci_core::composition::Composition;

    use super::*;

    fn declarations(json: &str) -> Declarations {
        let page =
            format!("<html data-composition-variables='{json}'><div data-composition-id=\"a\"></div></html>");
        Composition::parse("index.html", &page).declarations
    }

    #[test]
    fn variables_that_differ_are_reported() {
        let variable = |id: &str, kind: &str, default: &str| {
            format!(r#"{{"id":"{id}","label":"L","type":"{kind}","default":{default}}}"#)
        };
        let before = format!("[{},{}]", variable("size", "number", "1"), variable("old", "string", "\"x\""));
        let after =
            format!("[{},{}]", variable("size", "string", "\"1\""), variable("new", "boolean", "true"));
        assert_eq!(
            variable_changes(&declarations(&before), &declarations(&after)),
            [
                VariableChange::Retyped("size".to_owned(), "number", "string"),
                VariableChange::Added("new".to_owned()),
                VariableChange::Removed("old".to_owned()),
            ]
        );
    }
}
