//! Where downloads come from.

use ureq::Body;
use ureq::http::Response;

use crate::system::deadline::Deadline;

/// Opens URLs for reading.
pub(crate) trait Source {
    /// Opens a URL for reading from byte `offset`. `validator` is the `ETag` or the date of the version that was read
    /// before. Reading the body fails at `deadline`.
    ///
    /// # Errors
    /// Returns a message without secrets if there is no response.
    fn open(
        &self,
        url: &str,
        offset: u64,
        validator: Option<&str>,
        deadline: Deadline,
    ) -> Result<Response<Body>, String>;
}
