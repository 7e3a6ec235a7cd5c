//! Decides whether to submit a billed render: one pure function of the known state.
//!
//! It does not depend on clocks: a render is recognized as new by its ID. A job submits if the decision is
//! [`Decision::Pay`], and nowhere else.

/// The state of the identity in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerSays {
    /// No render is recorded.
    Nothing,
    /// A render exists that may be used.
    Usable,
    /// Its render failed, or may not be used (`--no-reuse`, `--reuse-window`).
    Ended,
    /// The render counts as deleted.
    Gone,
}

/// The state of the identity in the account's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListSays {
    /// It was not asked since the last answer.
    #[default]
    Unasked,
    /// It cannot be had, or not to the end.
    Unavailable,
    /// It has no render.
    Nothing,
    /// A render exists that may be used.
    Usable,
    /// Its render failed, or may not be used.
    Ended,
}

/// The last response of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerSays {
    /// Nothing was submitted yet.
    Nothing,
    /// To the submission: nothing that could be read; a render may exist.
    Lost,
    /// To the submission: its key is in use or was used, and no render was named.
    KeyTaken,
    /// To the submission, or to a poll: a render that may be used.
    Render,
    /// The render failed or may not be used.
    Ended {
        /// Whether the render was known before this job submitted one.
        is_earlier: bool,
    },
    /// The API does not know the render.
    Missing {
        /// Whether the render was known before this job submitted one.
        is_earlier: bool,
        /// Whether it was missing during the whole grace period.
        is_over: bool,
    },
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Search the account's list, which costs nothing.
    Search,
    /// Submit: the same render under the same key where an answer is missing, otherwise a new one.
    Pay,
    /// Ask again later.
    Wait,
    /// Follow the render that exists.
    Fetch,
    /// Give up; nothing more is paid.
    Fail,
}

/// Decides on the next step.
#[must_use]
pub fn decide(ledger: LedgerSays, list: ListSays, answer: AnswerSays) -> Decision {
    use AnswerSays as Answer;
    use ListSays as List;
    match (answer, list) {
        (Answer::Render, _) => Decision::Fetch,
        (Answer::Nothing, _) if ledger == LedgerSays::Usable => Decision::Fetch,
        (Answer::Missing { is_over: false, .. }, _) => Decision::Wait,
        // A render that this job submitted has failed: whoever wants another one runs again.
        (Answer::Ended { is_earlier: false }, _) => Decision::Fail,
        (_, List::Unasked) => Decision::Search,
        (_, List::Usable) => Decision::Fetch,
        // Its ID is requested once more: without the list, its deletion is not certain.
        (Answer::Nothing, List::Unavailable) if ledger == LedgerSays::Gone => Decision::Fetch,
        (Answer::Nothing | Answer::Ended { .. }, _) => Decision::Pay,
        // A server that ignores keys would render again.
        (Answer::Lost, List::Unavailable) => Decision::Fail,
        (Answer::Lost, List::Nothing | List::Ended) => Decision::Pay,
        // The server knows the key: under the same one it cannot be billed twice.
        (Answer::KeyTaken, _) => Decision::Pay,
        (Answer::Missing { .. }, List::Unavailable) => Decision::Wait,
        (Answer::Missing { is_earlier: true, .. }, List::Nothing | List::Ended) => Decision::Pay,
        (Answer::Missing { is_earlier: false, .. }, List::Nothing | List::Ended) => Decision::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::AnswerSays as A;
    use super::Decision as D;
    use super::LedgerSays as L;
    use super::ListSays as S;
    use super::*;

    const LEDGER: [L; 4] = [L::Nothing, L::Usable, L::Ended, L::Gone];
    const LIST: [S; 5] = [S::Unasked, S::Unavailable, S::Nothing, S::Usable, S::Ended];

    /// In the order of [`LIST`].
    #[test]
    fn the_table() {
        let missing = |is_earlier, is_over| A::Missing { is_earlier, is_over };
        let rows = [
            (L::Nothing, A::Nothing, [D::Search, D::Pay, D::Pay, D::Fetch, D::Pay]),
            (L::Usable, A::Nothing, [D::Fetch; 5]),
            (L::Ended, A::Nothing, [D::Search, D::Pay, D::Pay, D::Fetch, D::Pay]),
            (L::Gone, A::Nothing, [D::Search, D::Fetch, D::Pay, D::Fetch, D::Pay]),
        ];
        let for_every_ledger = [
            (A::Render, [D::Fetch; 5]),
            (A::Lost, [D::Search, D::Fail, D::Pay, D::Fetch, D::Pay]),
            (A::KeyTaken, [D::Search, D::Pay, D::Pay, D::Fetch, D::Pay]),
            (A::Ended { is_earlier: false }, [D::Fail; 5]),
            (A::Ended { is_earlier: true }, [D::Search, D::Pay, D::Pay, D::Fetch, D::Pay]),
            (missing(false, false), [D::Wait; 5]),
            (missing(true, false), [D::Wait; 5]),
            (missing(false, true), [D::Search, D::Wait, D::Fail, D::Fetch, D::Fail]),
            (missing(true, true), [D::Search, D::Wait, D::Pay, D::Fetch, D::Pay]),
        ];
        let repeated = for_every_ledger
            .iter()
            .flat_map(|(answer, wanted)| LEDGER.map(|ledger| (ledger, *answer, *wanted)));
        for (ledger, answer, wanted) in rows.into_iter().chain(repeated) {
            let decided = LIST.map(|list| decide(ledger, list, answer));
            assert_eq!(decided, wanted, "{ledger:?}, {answer:?}");
        }
    }
}
