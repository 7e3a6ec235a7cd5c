//! Asks the API about what entries name, before anything is paid.

use hyperframes_ci_core::api::{Request, Response};
use serde::de::DeserializeOwned;

use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::deadline::Deadline;
use crate::system::random;

/// Returns what the API has at a request; `None` if it does not know it.
///
/// # Errors
/// Returns an error if the API cannot be asked.
pub(super) fn ask<T: DeserializeOwned>(request: &Request, transport: &Transport) -> Result<Option<T>, Error> {
    let read = |response: Response| response.data::<T>();
    let retries = environment::max_retries()?;
    match transport.call_by(request, retries, random(), Deadline::NEVER, read) {
        Ok(found) => Ok(Some(found)),
        Err(CallError::Api(error)) if error.status == 404 && error.is_of_api() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
