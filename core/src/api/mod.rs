//! The HeyGen v3 API, as far as rendering and media need it: typed endpoints to bytes and back.
//!
//! No credential passes through here: the shell adds it, and only to a [`Target::Api`].

mod catalogue;
mod decode;
mod details;
mod error;
mod pages;
mod product;
mod request;
mod response;
mod webhook;

pub use catalogue::{Avatar, AvatarGroup, Catalogued, Languages, Sound, Voice};
pub use details::{Account, Asset, Balance, DirectUpload, RenderDetail, RenderStatus, SubmittedRender};
pub use error::{ApiError, ResponseError};
pub use pages::{BrokenPages, Page, Pages, RenderList};
pub use product::Product;
use request::RENDERS;
pub use request::{
    Body, IdempotencyKey, InvalidIdempotencyKey, Method, Project, RenderRequest, Request, Target,
    UploadRequest,
};
pub use response::Response;
pub use webhook::{JobEnd, WebhookEvent};
