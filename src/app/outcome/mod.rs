//! The outcomes of use cases: `--json` prints them, and `schema output` describes them. Documentation of types and members
//! is part of the published schemas.

mod account;
mod archive;
mod batch;
mod catalogue;
mod check;
mod collect;
mod config;
mod diff;
mod doctor;
mod engine;
mod entries;
mod error;
mod init;
mod media;
mod media_generate;
mod media_transfer;
mod parts;
mod publish;
mod render;
mod repeat;
pub(crate) mod schemas;
mod webhook;

pub(crate) use account::{
    CredentialOutcome, DeleteOutcome, DeletedRender, DetailOutcome, ListOutcome, RefreshOutcome,
    SignInOutcome, SignOutOutcome, StatusOutcome,
};
pub(crate) use archive::{ArchiveOutcome, FileDigest, FileSize, PackOutcome};
pub(crate) use batch::{BatchOutcome, BatchResults};
pub(crate) use catalogue::{AvatarGroups, Avatars, LanguagesOutcome, Purchase, QuotaOutcome, Sounds, Voices};
pub(crate) use check::{CheckOutcome, FixedOutcome, RuleOutcome};
pub(crate) use collect::{CollectOutcome, CollectState, CollectedRender};
pub(crate) use config::{ConfigOutcome, EmulatorOutcome, EntryOutcome, MediaEntryOutcome};
pub(crate) use diff::{
    ComparisonOutcome, DiffBox, DiffFrames, DiffImages, DiffOutcome, DiffPicture, DiffRange, DiffRegion,
    DiffReport, DiffSound, DiffSoundRange, DiffThresholds, DiffVideo,
};
pub(crate) use doctor::{
    AdviceOutcome, DoctorOutcome, LayerOutcome, ProgramOutcome, RenderingOutcome, SandboxOutcome,
};
pub(crate) use engine::EngineOutcome;
pub(crate) use entries::{EntriesOutcome, EntryRender, EntryResult};
pub(crate) use error::ErrorOutcome;
pub(crate) use init::{InitAction, InitAddition, InitFile, InitOutcome};
pub(crate) use media::{MediaAdoptOutcome, MediaOutcome, MediaState, MediaStatus};
pub(crate) use media_generate::{GeneratedMedia, GenerationState, MediaGenerateOutcome};
pub(crate) use media_transfer::{Direction, MediaTransferOutcome, TransferState, TransferredMedia};
pub(crate) use publish::PublishOutcome;
pub(crate) use render::{
    DryRunOutcome, Outcome, OwnRender, ProjectOutcome, RenderOutcome, RenderView, VideoOutcome,
};
pub(crate) use repeat::{RepeatComparison, RepeatOutcome};
pub(crate) use webhook::{
    DeliveryOutcome, DeliveryState, ListeningOutcome, WebhookEnd, WebhookListenOutcome, WebhookOutcome,
};
