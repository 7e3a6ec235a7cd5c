//! What earlier runs have paid for: the ledger, one JSON object a line, only ever appended to.
//!
//! ```text
//! {"at":1763700000,"api":"https://api.heygen.com","asset":{"digest":"…","asset_id":"…","state":"ready"}}
//! {"at":1763700001,"api":"https://api.heygen.com","render":{"identity":"hfci_…","generation":0,"render_id":"…","state":"submitted"}}
//! ```
//!
//! `"account":"…"` follows `api` if the account is known: a digest that identifies the account. Accounts do not share
//! renders, so a line with an account applies to that account only. A line without one, as written by earlier versions,
//! applies to every account, and without a known account every line applies: at worst, a render is searched that the
//! account does not have, which costs time but no money. Otherwise, the owner would be billed again.
//!
//! A third kind of line says what an idempotency key of the user's was used for, since the API answers a second request
//! with that key by the first one's render: `"key":{"key":"…","identity":"hfci_…"}`.
//!
//! A fourth kind says how far a request for speech is: `"speech":{"identity":"hfcm_…","state":"submitted"}`. It is written before the
//! request, since speech has neither an idempotency key nor a list.
//!
//! A later line about the same thing counts. A line that is none (the last one of a process that was killed while it
//! wrote, or one of a later version) is passed over: whatever it said can be asked of the server again, since every
//! request that creates something, but for speech, carries a key. Nothing here is a secret: ids and digests open nothing without a
//! credential.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::IdempotencyKey;
use crate::generated::SpeechState;
use crate::job::RenderKey;

/// One line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// When, in unix seconds.
    pub at: i64,
    /// The API's base URL: ids mean nothing elsewhere.
    pub api: String,
    /// A digest of the account; see the documentation of the module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// Something that must not be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// An upload and how far it is.
    Asset(AssetFact),
    /// A render and how far it is.
    Render(RenderFact),
    /// What an idempotency key of the user's was used for.
    Key(KeyFact),
    /// A request for speech and how far it is.
    Speech(SpeechFact),
}

/// A request for speech and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechFact {
    /// The media key.
    pub identity: String,
    /// How far it is.
    pub state: SpeechState,
}

/// An upload and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetFact {
    /// Manifest digest of the archive.
    pub digest: String,
    /// The asset.
    pub asset_id: String,
    /// How far it is.
    pub state: AssetState,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetState {
    /// The server has given it an id.
    Announced,
    /// The storage has its bytes.
    Stored,
    /// It can be rendered.
    Ready,
    /// The server does not take it any more.
    Refused,
}

/// A render and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderFact {
    /// Identity of the render: the key of generation 0.
    pub identity: String,
    /// Its generation.
    pub generation: u32,
    /// The render.
    pub render_id: String,
    /// How far it is.
    pub state: RenderState,
}

/// Generations that one identity can have: `--no-reuse` makes one a run, which is one an hour for seven years.
const MOST_GENERATIONS: u32 = 1 << 16;

impl RenderFact {
    /// Returns whether this program can have written it: a damaged line must not be used.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.generation < MOST_GENERATIONS && !self.render_id.is_empty()
    }
}

/// What an idempotency key of the user's was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFact {
    /// The key, as the user gave it.
    pub key: String,
    /// Render key of generation 0 that was submitted with it.
    pub identity: String,
}

/// How far a render is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenderState {
    /// It exists, and is billed.
    Submitted,
    /// The video is available.
    Completed,
    /// There will be no video.
    Failed,
    /// It exists no more.
    Gone,
}

/// The last entries of a ledger about one API.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    assets: BTreeMap<String, AssetFact>,
    renders: BTreeMap<String, RenderFact>,
    keys: BTreeMap<String, KeyFact>,
    speeches: BTreeMap<String, SpeechState>,
}

impl Ledger {
    /// Reads the entries of a ledger about `api` and `account`.
    #[must_use]
    pub fn read(text: &str, api: &str, account: Option<&str>) -> Self {
        let mut ledger = Self::default();
        let is_ours = |entry: &LedgerEntry| {
            let account = account.zip(entry.account.as_deref());
            entry.api == api && account.is_none_or(|(ours, theirs)| ours == theirs)
        };
        for entry in text.lines().filter_map(parse).filter(is_ours) {
            ledger.record(entry.fact);
        }
        ledger
    }

    /// Takes in one more fact.
    pub fn record(&mut self, fact: Fact) {
        match fact {
            Fact::Asset(fact) => {
                self.assets.insert(fact.digest.clone(), fact);
            }
            Fact::Render(fact) => {
                if !fact.is_plausible() {
                    return;
                }
                let known = self.renders.get(&fact.identity);
                if known.is_none_or(|known| known.generation <= fact.generation) {
                    self.renders.insert(fact.identity.clone(), fact);
                }
            }
            // The server answers with the first request's render.
            Fact::Key(fact) => {
                self.keys.entry(fact.key.clone()).or_insert(fact);
            }
            Fact::Speech(fact) => {
                self.speeches.insert(fact.identity, fact.state);
            }
        }
    }

    /// Returns the upload with this manifest digest, unless the server refuses it.
    #[must_use]
    pub fn asset(&self, digest: &str) -> Option<&AssetFact> {
        self.assets.get(digest).filter(|fact| fact.state != AssetState::Refused)
    }

    /// Returns the render key of generation 0 of the first submission with this idempotency key.
    #[must_use]
    pub fn key(&self, key: &IdempotencyKey) -> Option<&str> {
        self.keys.get(key.as_str()).map(|fact| fact.identity.as_str())
    }

    /// Returns how far the last request for the speech with this media key is.
    #[must_use]
    pub fn speech(&self, identity: &str) -> Option<SpeechState> {
        self.speeches.get(identity).copied()
    }

    /// Returns the render of the highest generation with this identity, named by its key of generation 0.
    #[must_use]
    pub fn render(&self, identity: &RenderKey) -> Option<&RenderFact> {
        self.render_of(identity.as_str())
    }

    pub(super) fn render_of(&self, identity: &str) -> Option<&RenderFact> {
        self.renders.get(identity)
    }
}

impl LedgerEntry {
    /// Returns the line, with its line feed.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}\n", serde_json::to_string(self).expect("texts and numbers always serialize"))
    }
}

/// Parses a line; returns `None` if it is not an entry.
pub(super) fn parse(line: &str) -> Option<LedgerEntry> {
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ProjectIdentity, RenderIdentity};
    use proptest::prelude::*;

    const API: &str = "https://api.example";

    fn asset(digest: &str, asset_id: &str, state: AssetState) -> Fact {
        Fact::Asset(AssetFact { digest: digest.to_owned(), asset_id: asset_id.to_owned(), state })
    }

    fn render(identity: &str, generation: u32, render_id: &str, state: RenderState) -> Fact {
        let (identity, render_id) = (identity.to_owned(), render_id.to_owned());
        Fact::Render(RenderFact { identity, generation, render_id, state })
    }

    fn text(facts: &[Fact]) -> String {
        let line = |(at, fact): (usize, &Fact)| {
            LedgerEntry {
                at: i64::try_from(at).expect("small"),
                api: API.to_owned(),
                account: None,
                fact: fact.clone(),
            }
            .line()
        };
        facts.iter().enumerate().map(line).collect()
    }

    #[test]
    fn the_last_word_counts_and_the_highest_generation() {
        let key = RenderIdentity::new(ProjectIdentity::Digest("d"), &serde_json::Map::new()).key(0);
        let ledger = Ledger::read(
            &text(&[
                asset("d", "a1", AssetState::Announced),
                render(key.as_str(), 1, "r2", RenderState::Submitted),
                asset("d", "a1", AssetState::Ready),
                render(key.as_str(), 0, "r1", RenderState::Failed),
                render(key.as_str(), 1, "r2", RenderState::Completed),
                asset("e", "a2", AssetState::Ready),
                asset("e", "a2", AssetState::Refused),
            ]),
            API,
            None,
        );
        assert_eq!(ledger.asset("d").map(|fact| fact.state), Some(AssetState::Ready));
        assert_eq!(ledger.asset("e"), None);
        let known = ledger.render(&key).expect("known");
        assert_eq!((known.render_id.as_str(), known.state), ("r2", RenderState::Completed));
    }

    #[test]
    fn a_fact_that_cannot_be_hides_no_other() {
        let key = RenderIdentity::new(ProjectIdentity::Digest("d"), &serde_json::Map::new()).key(0);
        for (generation, id) in [(MOST_GENERATIONS, "r9"), (u32::MAX, "r9"), (2, "")] {
            let odd = render(key.as_str(), generation, id, RenderState::Failed);
            let good = render(key.as_str(), 1, "r1", RenderState::Completed);
            let ledger = Ledger::read(&text(&[good, odd.clone()]), API, None);
            assert_eq!(ledger.render(&key).map(|known| known.render_id.as_str()), Some("r1"), "{generation}");
            assert_eq!(Ledger::read(&text(&[odd]), API, None).render(&key), None, "{generation}");
        }
    }

    #[test]
    fn another_api_is_another_world() {
        let ledger =
            Ledger::read(&text(&[asset("d", "a1", AssetState::Ready)]), "https://other.example", None);
        assert_eq!(ledger.asset("d"), None);
    }

    #[test]
    fn a_line_counts_for_its_account_and_one_without_for_all() {
        let line = |account: Option<&str>, id: &str| {
            let fact = asset("d", id, AssetState::Ready);
            LedgerEntry { at: 1, api: API.to_owned(), account: account.map(str::to_owned), fact }.line()
        };
        let text = [line(None, "old"), line(Some("x"), "of x"), line(Some("y"), "of y")].concat();
        let known = |text: &str, account| {
            Ledger::read(text, API, account).asset("d").map(|fact| fact.asset_id.clone()).unwrap_or_default()
        };
        let ids = [Some("x"), Some("y"), Some("z"), None].map(|account| known(&text, account));
        assert_eq!(ids, ["of x", "of y", "old", "of y"]);
        assert!(
            line(Some("x"), "a")
                .starts_with("{\"at\":1,\"api\":\"https://api.example\",\"account\":\"x\",\"asset\"")
        );
    }

    #[test]
    fn the_lines_are_the_documented_ones() {
        let facts = [asset("…", "…", AssetState::Ready), render("hfci_…", 0, "…", RenderState::Submitted)];
        let lines = facts.map(|fact| LedgerEntry { at: 1, api: API.to_owned(), account: None, fact }.line());
        assert_eq!(
            lines.concat(),
            "{\"at\":1,\"api\":\"https://api.example\",\"asset\":{\"digest\":\"…\",\"asset_id\":\"…\",\"state\":\"ready\"}}\n\
             {\"at\":1,\"api\":\"https://api.example\",\"render\":{\"identity\":\"hfci_…\",\"generation\":0,\"render_id\":\"…\",\"state\":\"submitted\"}}\n"
        );
    }

    #[test]
    fn the_last_line_about_a_speech_counts() {
        let speech = |state| Fact::Speech(SpeechFact { identity: "hfcm_…".to_owned(), state });
        let facts = [SpeechState::Submitted, SpeechState::NotTaken, SpeechState::Submitted].map(speech);
        let text = text(&facts);
        assert!(text.ends_with("\"speech\":{\"identity\":\"hfcm_…\",\"state\":\"submitted\"}}\n"), "{text}");
        assert_eq!(Ledger::read(&text, API, None).speech("hfcm_…"), Some(SpeechState::Submitted));
        assert_eq!(Ledger::read(&text, API, None).speech("hfcm_x"), None);
    }

    proptest! {
        /// Whatever a kill leaves of the last line, everything before it counts.
        #[test]
        fn a_torn_line_costs_nothing_but_itself(cut in 0..200_usize) {
            let whole = text(&[asset("d", "a1", AssetState::Announced)]);
            let last = text(&[asset("d", "a1", AssetState::Ready)]);
            let torn = format!("{whole}{}", &last[..cut.min(last.len() - 1)]);
            let state = Ledger::read(&torn, API, None).asset("d").map(|fact| fact.state);
            // Without its line feed alone, a line is whole.
            let expected = if cut >= last.len() - 1 { AssetState::Ready } else { AssetState::Announced };
            prop_assert_eq!(state, Some(expected));
        }
    }
}
