//! JSON Schemas of outcomes by command, for `schema output`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::account::{
    DeleteOutcome, DetailOutcome, ListOutcome, RefreshOutcome, SignInOutcome, SignOutOutcome, StatusOutcome,
};
use super::archive::PackOutcome;
use super::catalogue::{AvatarGroups, Avatars, LanguagesOutcome, QuotaOutcome, Sounds, Voices};
use super::check::{CheckOutcome, RuleOutcome};
use super::collect::CollectOutcome;
use super::config::{ConfigOutcome, EmulatorOutcome};
use super::diff::DiffOutcome;
use super::doctor::DoctorOutcome;
use super::entries::EntriesOutcome;
use super::error::ErrorOutcome;
use super::init::InitOutcome;
use super::media::{MediaAdoptOutcome, MediaOutcome};
use super::media_generate::MediaGenerateOutcome;
use super::media_transfer::MediaTransferOutcome;
use super::publish::PublishOutcome;
use super::render::{Outcome, RenderOutcome};
use super::webhook::{WebhookListenOutcome, WebhookOutcome};
use crate::app::batch::RowOutcome;

/// Generates the schema of an outcome.
type Describe = fn(&mut SchemaGenerator) -> Schema;

/// The outcomes by the names that `schema output` accepts.
pub(crate) const RESULTS: &[(&str, Describe)] = &[
    ("render", render),
    ("render-row", of::<RowOutcome>),
    ("render-all", of::<EntriesOutcome>),
    ("check", of::<CheckOutcome>),
    ("check-explain", of::<RuleOutcome>),
    ("pack", of::<PackOutcome>),
    ("diff", of::<DiffOutcome>),
    ("media-adopt", of::<MediaAdoptOutcome>),
    ("media-check", of::<MediaOutcome>),
    ("media-fetch", of::<MediaTransferOutcome>),
    ("media-generate", of::<MediaGenerateOutcome>),
    ("media-push", of::<MediaTransferOutcome>),
    ("media-plan", of::<MediaOutcome>),
    ("media-list-voices", of::<Voices>),
    ("media-list-avatars", of::<Avatars>),
    ("media-list-avatar-groups", of::<AvatarGroups>),
    ("media-list-languages", of::<LanguagesOutcome>),
    ("media-list-sounds", of::<Sounds>),
    ("get", of::<DetailOutcome>),
    ("get-wait", get_wait),
    ("collect", of::<CollectOutcome>),
    ("list", of::<ListOutcome>),
    ("delete", of::<DeleteOutcome>),
    ("publish", of::<PublishOutcome>),
    ("quota", of::<QuotaOutcome>),
    ("auth-login", of::<SignInOutcome>),
    ("auth-status", of::<StatusOutcome>),
    ("auth-refresh", of::<RefreshOutcome>),
    ("auth-logout", of::<SignOutOutcome>),
    ("emulator", of::<EmulatorOutcome>),
    ("webhook-verify", of::<WebhookOutcome>),
    ("webhook-listen", of::<WebhookListenOutcome>),
    ("config-show", of::<ConfigOutcome>),
    ("init", of::<InitOutcome>),
    ("doctor", of::<DoctorOutcome>),
    ("error", of::<ErrorOutcome>),
];

/// Generates the schema of a type.
fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Returns the schema of a render, or of the last known state of a failed one.
fn render(generator: &mut SchemaGenerator) -> Schema {
    let (outcome, detail) = (of::<Outcome>(generator), of::<DetailOutcome>(generator));
    json_schema!({ "anyOf": [outcome, detail] })
}

/// Returns the schema of an existing render; see [`render`].
fn get_wait(generator: &mut SchemaGenerator) -> Schema {
    let (outcome, detail) = (of::<RenderOutcome>(generator), of::<DetailOutcome>(generator));
    json_schema!({ "anyOf": [outcome, detail] })
}

/// Returns the schema of one command's outcome, or of all by name.
pub(crate) fn output(command: Option<&str>) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let chosen = RESULTS.iter().filter(|(name, _)| command.is_none_or(|command| command == *name));
    let mut schemas =
        chosen.map(|(name, describe)| (*name, describe(&mut generator).to_value())).collect::<Vec<_>>();
    let mut document = match (command, schemas.pop()) {
        (Some(_), Some((_, schema))) => schema,
        (_, last) => {
            schemas.extend(last);
            let properties = schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema));
            json!({
                "description": "Output of each command with --json",
                "type": "object",
                "properties": properties.collect::<serde_json::Map<_, _>>(),
            })
        }
    };
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    document["title"] = "hyperframes-ci output".into();
    document["$defs"] = Value::Object(generator.take_definitions(true).into_iter().collect());
    document
}
