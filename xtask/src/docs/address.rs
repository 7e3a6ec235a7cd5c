//! Addresses of pages and files.

/// Where the site is published.
pub(super) const SITE: &str = "https://hyperframes-ci.github.io/hyperframes-ci/";

/// Where files of the repository are shown.
pub(super) const BLOB: &str = "https://github.com/hyperframes-ci/hyperframes-ci/blob/main/";

/// Returns `path`, which is relative to the folder of `page`, relative to the root of the repository.
pub(super) fn resolve(page: &str, path: &str) -> String {
    let mut parts = page.split('/').collect::<Vec<_>>();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_against_their_page() {
        assert_eq!(resolve("docs/recipes/forks.md", "../action.md"), "docs/action.md");
        assert_eq!(resolve("README.md", "docs/action.md"), "docs/action.md");
    }
}
