//! The sans-IO core of hyperframes-ci.
//!
//! No clock, no network, no file system, no environment, no threads, no printing: text and bytes go in,
//! findings, archives and actions come out. It builds for `wasm32-unknown-unknown`.

mod api;
mod archive;
mod backoff;
mod composition;
mod css;
mod diagnostic;
mod failure;
mod html;
mod options;
mod project;
mod reference;
mod render;
mod variables;

pub use api::{
    ApiError, Asset, Body, DirectUpload, IdempotencyKey, InvalidIdempotencyKey, Method, Project,
    RenderDetail, RenderList, RenderRequest, RenderStatus, Request, Response, ResponseError, SubmittedRender,
    Target, UploadRequest,
};
pub use archive::{
    ArchiveError, ArchiveWriter, DIRECT_UPLOAD_LIMIT, Entry, Manifest, PROXY_UPLOAD_LIMIT, hex,
};
pub use backoff::{poll_delay, retry_delay};
pub use composition::{Composition, Mount, Root, Shape};
pub use diagnostic::{Diagnostic, Position, Severity, Span};
pub use failure::{Failure, FailureKind, Stage};
pub use options::{AspectRatio, Format, Quality, Resolution, UnknownValue};
pub use project::{DEFAULT_COMPOSITION, Exclusion, IGNORE_FILE, IgnoreRules};
pub use reference::{Link, Reference, TextKind, references, resolve, rewrite};
pub use render::{Action, Archive, Event, Job, Outcome, Plan, SaveError, Source, UploadRoute, Wait};
pub use variables::{Choice, Declaration, Declarations, ValueIssue, VariableType, json_kind};
