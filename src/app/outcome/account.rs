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
    /// As the API describes it. URLs have no query unless `--show-urls` is set.
    #[schemars(schema_with = "parts::render_detail")]
    pub(crate) render: RenderDetail,
}

/// Renders of the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ListOutcome {
    /// Newest first. URLs have no query unless `--show-urls` is set.
    #[schemars(schema_with = "parts::render_details")]
    pub(crate) renders: Vec<RenderDetail>,
    /// Whether more pages follow.
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
    /// Always true.
    pub(crate) deleted: bool,
}

/// The result of deleting a render.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DeletedRender {
    /// ID of the render.
    pub(crate) render_id: String,
}

/// The credential and its status.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct StatusOutcome {
    /// Whether a credential is set or stored.
    pub(crate) configured: bool,
    /// Whether the API accepts the credential.
    pub(crate) valid: bool,
    /// Details of the credential.
    #[serde(flatten)]
    pub(crate) credential: Option<CredentialOutcome>,
}

/// A credential and its account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CredentialOutcome {
    /// Environment variable or file of the credential.
    pub(crate) source: String,
    /// `oauth` or `api_key`.
    pub(crate) kind: &'static str,
    /// Time when the stored sign-in expires.
    pub(crate) expires_at: Option<Value>,
    /// User of the account.
    pub(crate) user: Value,
    /// How the account is billed.
    pub(crate) billing: Map<String, Value>,
    /// Balance of the account, in the unit that it is billed in.
    pub(crate) left: Option<f64>,
}

/// A stored sign-in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SignInOutcome {
    /// Always true.
    pub(crate) signed_in: bool,
    /// User who is signed in.
    pub(crate) user: Value,
}

/// A refreshed sign-in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RefreshOutcome {
    /// Always true.
    pub(crate) refreshed: bool,
    /// Time when it expires.
    pub(crate) expires_at: Option<Value>,
}

/// The result of signing out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct SignOutOutcome {
    /// Whether stored credentials were removed.
    pub(crate) signed_out: bool,
    /// Whether the server has revoked the sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<bool>,
}
