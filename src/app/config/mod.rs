//! `hyperframes-ci.toml` at the root of the repository: severities, defaults, and the videos of the repository.

mod diff;
mod error;
mod file;
mod languages;
mod load;
mod media;
mod publish;
mod read;
mod read_diff;
mod read_media;
mod read_publish;
mod read_translate;
mod schema;
mod settings;
mod translate;

pub(crate) use diff::DiffConfig;
pub(crate) use error::ConfigError;
pub(crate) use file::{EVENTS, Entry, File};
pub(crate) use load::{of_text, read};
pub(crate) use media::{
    DeclaredMedia, MediaEntry, MediaKind, PresenterEntry, Says, Script, TranslationEntry,
};
pub(crate) use publish::{PublishConfig, is_plain_id};
pub(crate) use read::slug;
pub(crate) use schema::schema;
pub(crate) use settings::Settings;
pub(crate) use translate::Translate;
