//! Outcomes of `media list` and `quota`.

use hyperframes_ci_core::api::{Avatar, AvatarGroup, Sound, Voice};
use schemars::JsonSchema;
use serde::Serialize;

use super::parts;

/// Voices.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Voices {
    /// In the order of the API. URLs have no query unless `--show-urls` is set.
    #[schemars(schema_with = "parts::voices")]
    pub(crate) voices: Vec<Voice>,
    /// Whether more pages follow.
    pub(crate) has_more: bool,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// Looks of avatars.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Avatars {
    /// In the order of the API. URLs have no query unless `--show-urls` is set.
    #[schemars(schema_with = "parts::avatars")]
    pub(crate) avatars: Vec<Avatar>,
    /// Whether more pages follow.
    pub(crate) has_more: bool,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// Avatars without their looks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct AvatarGroups {
    /// In the order of the API. URLs have no query unless `--show-urls` is set.
    #[schemars(schema_with = "parts::avatar_groups")]
    pub(crate) groups: Vec<AvatarGroup>,
    /// Whether more pages follow.
    pub(crate) has_more: bool,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// Music and sound effects.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Sounds {
    /// In the order of the API, the best matches first. URLs have no query unless `--show-urls` is set.
    #[schemars(schema_with = "parts::sounds")]
    pub(crate) sounds: Vec<Sound>,
    /// Whether more pages follow.
    pub(crate) has_more: bool,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// The languages that videos are translated to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct LanguagesOutcome {
    /// Names, such as `Spanish (Spain)`.
    pub(crate) languages: Vec<String>,
}

/// The balance of the account and what it buys.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct QuotaOutcome {
    /// `wallet`, `subscription` or `usage_based`; null if the API does not say.
    pub(crate) billing_type: Option<String>,
    /// What is left to spend; null if it is unknown or has no limit.
    pub(crate) balance: Option<f64>,
    /// Currency of the balance in lowercase, such as `usd`; null for credits, or if the balance is unknown.
    pub(crate) currency: Option<String>,
    /// Whether spending is unlimited.
    pub(crate) unlimited: bool,
    /// What can be bought, by HeyGen's price list.
    pub(crate) buys: Vec<Purchase>,
}

/// What a kind of media costs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Purchase {
    /// Kind of media: `speech`, `presenter`, `translation` or `precise translation`.
    pub(crate) media: &'static str,
    /// Price in US dollars per second.
    pub(crate) usd_per_second: f64,
    /// Seconds that the balance buys; null unless the balance is known and in US dollars.
    pub(crate) seconds: Option<f64>,
}
