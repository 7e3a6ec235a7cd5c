//! The sans-IO core of hyperframes-ci.
//!
//! No clock, no network, no file system, no environment, no threads, no printing: text and bytes go in,
//! findings, archives and actions come out. It builds for `wasm32-unknown-unknown`.

mod api;
mod archive;
mod backoff;
mod carry;
mod check;
mod color;
mod composition;
mod config;
mod css;
mod diagnostic;
mod failure;
mod findings;
mod fold;
mod format;
mod html;
mod identity;
mod json;
mod ledger;
mod levels;
mod nearest;
mod number;
mod options;
mod order;
mod pattern;
mod project;
mod reference;
mod render;
mod resolve;
mod rows;
mod rule;
mod script;
mod time;
mod tree;
mod variables;
mod video;
mod zip;

pub use api::{
    Account, ApiError, Asset, Body, DirectUpload, IdempotencyKey, InvalidIdempotencyKey, Method, Project,
    RenderDetail, RenderList, RenderRequest, RenderStatus, Request, Response, ResponseError, SubmittedRender,
    Target, UploadRequest,
};
pub use archive::{
    ArchiveError, ArchiveWriter, DIRECT_UPLOAD_LIMIT, Encoded, Entry, EntryEncoder, Manifest,
    PROXY_UPLOAD_LIMIT, hex,
};
pub use backoff::{poll_delay, retry_delay};
pub use carry::{Carried, contained};
pub use check::{CheckOptions, Report, Values, check};
pub use composition::{Composition, Measure, Mount, MountValues, Root, Shape};
pub use config::{CONFIG_FILE, CheckConfig};
pub use diagnostic::{Diagnostic, Position, Severity, Span, Text};
pub use failure::{Failure, FailureKind, Refusal, Stage};
pub use findings::Findings;
pub use format::{ReportFormat, excerpt, plain, workflow_data, workflow_property};
pub use identity::{ProjectIdentity, RenderIdentity, RenderKey};
pub use json::{canonical, compact_json, json_object};
pub use ledger::{AssetFact, AssetState, Fact, Ledger, LedgerEntry, RenderFact, RenderState, compact};
pub use levels::{Level, Levels};
pub use nearest::to as nearest;
pub use options::{AspectRatio, Format, Quality, Resolution, UnknownValue};
pub use order::{SortedMap, SortedSet};
pub use project::{DEFAULT_COMPOSITION, Exclusion, IGNORE_FILE, IgnoreRules};
pub use reference::{Link, Reference, TextKind, percent_decode, references, resolve, rewrite};
pub use render::{
    Action, Archive, Event, Job, Keys, Limits, Origin, Outcome, Pause, Plan, Remedy, Retry, Reuse, SaveError,
    Source, Step, UploadRoute, Wait,
};
pub use rows::{Outputs, Row, RowError, RowFormat, Rows, fill, type_fields};
pub use rule::{Group, Rule, UnknownRule};
pub use time::{format_http_date, format_unix, format_utc, parse_http_date, parse_iso8601};
pub use tree::{
    Contents, Found, HEAD, Listing, MemoryTree, ProjectFile, Tree, below, join, parent, unportable_name,
};
pub use variables::{Choice, Declaration, Declarations, ValueIssue, VariableType, json_kind};
pub use video::{Audio, Container, Expected, Signature, Video, VideoError, signature};
