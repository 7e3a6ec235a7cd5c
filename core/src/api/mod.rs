//! The HeyGen v3 API, as far as rendering needs it: typed endpoints to bytes and back.
//!
//! No credential passes through here: the shell adds it, and only to a [`Target::Api`].

mod decode;
mod details;
mod error;
mod pages;
mod request;
mod response;

pub use details::{Account, Asset, DirectUpload, RenderDetail, RenderList, RenderStatus, SubmittedRender};
pub use error::{ApiError, ResponseError};
pub use pages::{BrokenPages, RenderPages};
pub use request::{
    Body, IdempotencyKey, InvalidIdempotencyKey, Method, Project, RenderRequest, Request, Target,
    UploadRequest,
};
pub use response::Response;
