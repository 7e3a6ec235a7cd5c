//! Outcomes of commands about the account.

use hyperframes_ci_core::api::RenderDetail;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::parts;

/// One render of the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DetailOutcome {
    /// As the API describes it; URLs without their queries unless they were asked for.
    #[schemars(schema_with = "parts::render_detail")]
    pub(crate) render: RenderDetail,
}

/// Renders of the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ListOutcome {
    /// Newest first; URLs without their queries unless they were asked for.
    #[schemars(schema_with = "parts::render_details")]
    pub(crate) renders: Vec<RenderDetail>,
    /// Whether there are more.
    pub(crate) has_more: bool,
    /// The cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// A render that was deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DeleteOutcome {
    /// The render.
    pub(crate) render: DeletedRender,
    /// True.
    pub(crate) deleted: bool,
}

/// See [`DeleteOutcome`].
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DeletedRender {
    /// The render's id.
    pub(crate) render_id: String,
}

/// What is set to sign in, and whether it works.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct StatusOutcome {
    /// Whether there is a credential.
    pub(crate) configured: bool,
    /// Whether the API accepts it.
    pub(crate) valid: bool,
    /// More about it, where there is one.
    #[serde(flatten)]
    pub(crate) credential: Option<CredentialOutcome>,
}

/// A credential and its account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CredentialOutcome {
    /// Where it comes from.
    pub(crate) source: String,
    /// `oauth` or `api_key`.
    pub(crate) kind: &'static str,
    /// When a stored sign-in expires.
    pub(crate) expires_at: Option<Value>,
    /// Who it belongs to.
    pub(crate) user: Value,
    /// How the account is billed.
    pub(crate) billing: Map<String, Value>,
    /// What is left to spend, in the unit that the account is billed in.
    pub(crate) left: Option<f64>,
}

/// A sign-in that is stored.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SignInOutcome {
    /// True.
    pub(crate) signed_in: bool,
    /// Who is signed in.
    pub(crate) user: Value,
}

/// A sign-in that was refreshed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RefreshOutcome {
    /// True.
    pub(crate) refreshed: bool,
    /// When it expires.
    pub(crate) expires_at: Option<Value>,
}

/// A sign-in that was forgotten.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SignOutOutcome {
    /// Whether there was something to forget.
    pub(crate) signed_out: bool,
    /// Whether the server has taken the sign-in back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<bool>,
}
