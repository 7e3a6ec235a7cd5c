//! The media elements that scripts can name, found by the text of a selector.

use std::collections::BTreeMap;

use super::outline::Node;

/// Media elements, by what selectors name: `#id`, `.class`, and names in lower case. All are in the order of the documents.
pub(super) struct MediaElements<'a> {
    all: Vec<&'a Node>,
    by_part: BTreeMap<String, Vec<&'a Node>>,
}

impl<'a> MediaElements<'a> {
    pub(super) fn of(elements: impl Iterator<Item = &'a Node>) -> Self {
        let (all, mut by_part) = (elements.collect::<Vec<_>>(), BTreeMap::<String, Vec<&Node>>::new());
        for node in &all {
            let id = node.attribute("id").map(|id| format!("#{id}"));
            let classes = node.attribute("class").unwrap_or_default().split_whitespace();
            let parts =
                classes.map(|class| format!(".{class}")).chain(id).chain([node.name.to_ascii_lowercase()]);
            for part in parts {
                by_part.entry(part).or_default().push(node);
            }
        }
        Self { all, by_part }
    }

    /// Returns the first element that a selector means.
    pub(super) fn first(&self, selector: &str) -> Option<&'a Node> {
        selector.split(',').find_map(|part| self.selected(part))
    }

    /// Returns the first element that the last compound of a selector means.
    fn selected(&self, selector: &str) -> Option<&'a Node> {
        let last = selector.trim().rsplit([' ', '>', '+', '~']).next().unwrap_or_default();
        let simple = last.split([':', '[']).next().unwrap_or_default();
        let (name, rest) = simple.split_at(simple.find(['#', '.']).unwrap_or(simple.len()));
        let id = rest.split('#').nth(1).map(|id| id.split('.').next().unwrap_or_default());
        let classes = rest.split('.').skip(1).map(|class| class.split('#').next().unwrap_or_default());
        let parts = id.map(|id| format!("#{id}")).into_iter().chain(classes.map(|class| format!(".{class}")));
        let parts = parts.chain((!name.is_empty()).then(|| name.to_ascii_lowercase())).collect::<Vec<_>>();
        if simple.is_empty() {
            return None;
        }
        // The rarest part has the fewest candidates.
        let lists = parts.iter().map(|part| self.by_part.get(part)).collect::<Option<Vec<_>>>()?;
        let candidates = lists.into_iter().min_by_key(|list| list.len()).unwrap_or(&self.all);
        candidates.iter().copied().find(|node| parts.iter().all(|part| has(node, part)))
    }
}

/// Returns whether an element has a part of a selector.
fn has(node: &Node, part: &str) -> bool {
    match part.split_at_checked(1) {
        Some(("#", id)) => node.attribute("id") == Some(id),
        Some((".", class)) => node.has_class(class),
        _ => node.name.eq_ignore_ascii_case(part),
    }
}
