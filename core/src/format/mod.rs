//! Findings as text: for people, for programs, for the pages of a code host.
//!
//! Whatever comes from a file may be hostile: no format lets it command a terminal or a workflow.

mod github;
mod human;
mod plain;
mod sarif;
mod width;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::options::{UnknownValue, closed_set};

pub(crate) use github::github;
pub use github::{workflow_data, workflow_property};
pub use human::excerpt;
pub(crate) use human::human;
pub use plain::plain;
pub(crate) use sarif::sarif;

closed_set! {
    /// How findings are told.
    ReportFormat {
        /// As a compiler tells errors: with an excerpt and a caret.
        Human = "human",
        /// As one JSON object.
        Json = "json",
        /// As workflow commands, which GitHub shows at the lines of a pull request.
        Github = "github",
        /// As SARIF 2.1.0, for code scanning.
        Sarif = "sarif",
    }
}
