//! Mode `plan`: finds what to render and hands it to the jobs of a matrix, which pass it on as the input `targets`.

use std::collections::BTreeSet;

use hyperframes_ci_core::report::plain;
use serde_json::{Value, json};

use super::scope::{RenderTarget, Scope};
use crate::ui::counted;

/// Jobs that a matrix generates at most; source: docs.github.com, "Usage limits".
const MAX_JOBS: usize = 256;

/// Longest name of a job, in characters.
const MAX_NAME: usize = 80;

/// Who renders what.
pub(super) struct Plan {
    /// The number of compositions.
    pub(super) count: usize,
    /// The matrix of GitHub: each job has a `name`, and `targets` for the input of that name.
    pub(super) matrix: Value,
    /// What the summary says.
    pub(super) note: String,
}

impl Plan {
    /// Distributes the targets of `scope`: a job each, or as equally as possible if there are more than a matrix can have.
    pub(super) fn new(scope: &Scope) -> Self {
        let targets = scope.targets.iter().collect::<Vec<_>>();
        let per_job = targets.len().div_ceil(MAX_JOBS).max(1);
        let jobs = targets.chunks(per_job).map(job).collect::<Vec<_>>();
        let note =
            format!("Planned: {} in {}.", counted(targets.len(), "composition"), counted(jobs.len(), "job"));
        Self { count: targets.len(), matrix: json!({ "include": jobs }), note }
    }
}

fn job(targets: &[&RenderTarget]) -> Value {
    let words = |name: &str| plain(name).split_whitespace().collect::<Vec<_>>().join(" ");
    let first = targets.first().map(|target| words(&target.display_name));
    let mut name = first.unwrap_or_default().chars().take(MAX_NAME).collect::<String>();
    if targets.len() > 1 {
        name.push_str(&format!(" and {} more", targets.len() - 1));
    }
    let targets = targets.iter().map(|target| target.unique_name()).collect::<Vec<_>>();
    json!({ "name": name, "targets": targets })
}

/// Returns the names in the input `targets`.
///
/// # Errors
/// Returns the rule that the value does not follow.
pub(super) fn parse_targets(text: &str) -> Result<BTreeSet<String>, &'static str> {
    let names = serde_json::from_str::<BTreeSet<String>>(text);
    names.map_err(|_| "must be a JSON array of strings from the output matrix of mode plan")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hyperframes_ci_core::composition::Composition;

    use super::*;

    fn scope(count: usize) -> Scope {
        let target = |number: usize| RenderTarget {
            directory: PathBuf::new(),
            prefix: format!("videos/{number:04}"),
            composition: None,
            display_name: format!("videos/{number:04}\n"),
            parsed: Composition::default(),
            errors: 0,
            entry: None,
        };
        Scope { targets: (0..count).map(target).collect(), ..Scope::default() }
    }

    #[test]
    fn every_target_has_one_job_and_a_matrix_is_never_too_large() {
        for count in [0, 1, 3, MAX_JOBS, MAX_JOBS + 1, 1000] {
            let plan = Plan::new(&scope(count));
            let jobs = plan.matrix["include"].as_array().expect("a list");
            assert!(jobs.len() <= MAX_JOBS && plan.count == count, "{count}");
            let targets = jobs.iter().flat_map(|job| job["targets"].as_array().expect("a list"));
            let targets = targets.map(|name| name.as_str().expect("a name")).collect::<BTreeSet<_>>();
            assert_eq!(targets.len(), count);
        }
        let jobs = Plan::new(&scope(2)).matrix;
        let expected = json!({ "include": [
            { "name": "videos/0000", "targets": ["videos/0000/index.html"] },
            { "name": "videos/0001", "targets": ["videos/0001/index.html"] },
        ] });
        assert_eq!(jobs, expected);
    }

    #[test]
    fn targets_are_a_list_of_names() {
        let names = parse_targets("[\n  \"a\",\n  \"b\\nc\"\n]").expect("names");
        assert_eq!(names, BTreeSet::from(["a".to_owned(), "b\nc".to_owned()]));
        for text in ["", "a", "{}", "[1]", "\"a\"", "null"] {
            assert!(parse_targets(text).is_err(), "{text}");
        }
    }
}
