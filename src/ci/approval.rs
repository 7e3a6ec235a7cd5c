//! The approval of changes by a label of the pull request.
//!
//! Anyone who may triage can set a label, and a label stays when the pull request gets new commits. So a label counts only if
//! a user with write access set it, and no commit was pushed after that. All of it is read from the service: the event of a
//! run is older than what has happened since, and times in commits are written by their authors.

use hyperframes_ci_core::time::parse_iso8601;

/// Whether a label approves the head of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Approval {
    /// It does; the user who set it.
    Given(String),
    /// The pull request does not have the label.
    Missing,
    /// The label was set for an earlier commit, or the run is for one.
    Outdated,
    /// The user who set it does not have write access.
    NotAllowed(String),
}

/// What a service knows about a label of a pull request.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelFacts {
    /// The commit of the run.
    pub(super) commit: String,
    /// The newest commit of the pull request.
    pub(super) head: String,
    /// When the service got the newest commit, as an ISO 8601 time; `None` if that is unknown.
    pub(super) pushed: Option<String>,
    /// Whether the pull request has the label.
    pub(super) is_set: bool,
    /// When it was last set, and by whom; `None` if that is unknown.
    pub(super) set: Option<(String, String)>,
}

impl LabelFacts {
    /// Returns whether the label approves the commit of the run. `can_write` is asked about the user who set it, at the end.
    ///
    /// # Errors
    /// Returns the error of `can_write`.
    pub(super) fn judge<E>(&self, can_write: impl FnOnce(&str) -> Result<bool, E>) -> Result<Approval, E> {
        if !self.is_set {
            return Ok(Approval::Missing);
        }
        let (Some((time, user)), Some(pushed)) = (&self.set, &self.pushed) else {
            return Ok(Approval::Outdated);
        };
        // Of two events within a second, the order is unknown.
        let is_after =
            matches!((parse_iso8601(time), parse_iso8601(pushed)), (Some(set), Some(pushed)) if set > pushed);
        if !is_after || self.head != self.commit {
            return Ok(Approval::Outdated);
        }
        Ok(if can_write(user)? { Approval::Given(user.clone()) } else { Approval::NotAllowed(user.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> LabelFacts {
        LabelFacts {
            commit: "a".to_owned(),
            head: "a".to_owned(),
            pushed: Some("2026-11-27T10:00:00Z".to_owned()),
            is_set: true,
            set: Some(("2026-11-27T10:00:01Z".to_owned(), "kim".to_owned())),
        }
    }

    fn judged(facts: &LabelFacts) -> Approval {
        facts.judge(|user| Ok::<_, ()>(user == "kim")).expect("an answer")
    }

    #[test]
    fn a_label_counts_for_the_commit_that_it_was_set_on() {
        assert_eq!(judged(&facts()), Approval::Given("kim".to_owned()));
        for (set, pushed) in [
            ("2026-11-27T10:00:00Z", "2026-11-27T10:00:00Z"),
            ("2026-11-27T09:59:59Z", "2026-11-27T10:00:00Z"),
            ("2026-11-27T10:00:01.000+02:00", "2026-11-27T10:00:00.000Z"),
            ("9", "2026-11-27T10:00:00Z"),
            ("2026-11-27T10:00:01Z", ""),
        ] {
            let set = Some((set.to_owned(), "kim".to_owned()));
            let facts = LabelFacts { set, pushed: Some(pushed.to_owned()), ..facts() };
            assert_eq!(judged(&facts), Approval::Outdated, "{facts:?}");
        }
        // The run is for an earlier commit, or nothing is known.
        let unknown = [
            LabelFacts { head: "b".to_owned(), ..facts() },
            LabelFacts { pushed: None, ..facts() },
            LabelFacts { set: None, ..facts() },
        ];
        for facts in unknown {
            assert_eq!(judged(&facts), Approval::Outdated, "{facts:?}");
        }
        assert_eq!(judged(&LabelFacts { is_set: false, ..facts() }), Approval::Missing);
    }

    #[test]
    fn a_label_of_somebody_without_write_access_does_not_count() {
        let set = Some(("2026-11-27T10:00:01.250Z".to_owned(), "stranger".to_owned()));
        assert_eq!(judged(&LabelFacts { set, ..facts() }), Approval::NotAllowed("stranger".to_owned()));
    }
}
