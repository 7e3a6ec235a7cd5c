//! The job of a render or a presenter clip: find or upload, submit, poll and download, as a state machine. Events in, actions out.
//!
//! ```text
//! ledger ─ list ─┬─ found ──────────────────────────────────────────────────┐
//!                └─ limits ─┬─ known asset ───────────────────────┐         │
//!                           ├─ create upload ─ put ─ complete ────┤         │
//!                           ├─ inline (1 MB) ────────────────────┤         │
//!                           └─ proxy upload (32 MB) ──────────────┴─ submit ┴─ poll ⟲ ─ save
//! render id ──────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The shell performs one [`Action`] after the other and returns its result. Before that, it writes the
//! [`Step`]'s fact to the ledger: everything with an ID of the server must be known to the next process if this one is
//! killed.
//!
//! Repeats are decided here. Every request is safe to repeat (reads, and POSTs with an idempotency key), so all of them
//! are repeated after transient errors: a bounded number of times and within [`Plan::max_wait`], except polls and
//! downloads that get on, which only the time ends.

mod account;
mod backoff;
mod calls;
mod decision;
mod failure;
mod follow;
mod identity;
mod ledger;
mod ledger_index;
mod lookup;
mod machine;
mod plan;
mod state;
mod upload;

pub use account::{AccountIndex, GENERATIONS};
pub use backoff::{poll_delay, retry_delay};
pub use decision::{AnswerSays, Decision, LedgerSays, ListSays, decide};
pub use failure::{Failure, FailureKind, Refusal, Stage};
pub use identity::{ProjectIdentity, RenderIdentity, RenderKey};
pub use ledger::{
    AssetFact, AssetState, Fact, KeyFact, Ledger, LedgerEntry, RenderFact, RenderState, SpeechFact,
};
pub use ledger_index::{Compaction, LedgerIndex, LineRef};
pub use machine::GONE_GRACE;
pub use plan::{
    Action, Archive, Event, FileKind, Keys, Limits, Origin, Outcome, Pause, Plan, Remedy, Replacement, Retry,
    Reuse, SaveError, Source, Step, UploadRoute, Wait,
};
pub use state::Job;
