//! Looks at languages before anything is paid: only those of the catalogue can be translated to.

use hyperframes_ci_core::api::{Languages, Request};
use hyperframes_ci_core::generated::{SpeechAction, Wanted};
use hyperframes_ci_core::report::plain;
use hyperframes_ci_core::text::nearest;

use super::entry::Task;
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::{CallError, Transport};
use crate::system::random;

const HELP: &str = "choose a name that `hyperframes-ci media list languages` lists";

/// Refuses translations to languages that the catalogue does not have.
///
/// # Errors
/// Returns an error if the API cannot be asked.
pub(super) fn check(tasks: &mut [Task], transport: &Transport) -> Result<(), Error> {
    let mut catalogue: Option<Vec<String>> = None;
    for task in tasks.iter_mut().filter(|task| task.action == SpeechAction::Request) {
        let Some(Wanted::Translation(translation)) = &task.wanted else { continue };
        let known = match &catalogue {
            Some(known) => known,
            None => catalogue.insert(languages(transport)?),
        };
        if known.contains(&translation.language) {
            continue;
        }
        let near = nearest(&translation.language, known.iter().map(String::as_str));
        // Names of languages without their region.
        let start = format!("{} (", translation.language);
        let near = near.or(known.iter().map(String::as_str).find(|name| name.starts_with(&start)));
        let near = near.map(|near| format!("; did you mean {}?", plain(near))).unwrap_or_default();
        let problem = format!("unknown language {}{near}", plain(&translation.language));
        task.refuse(problem, HELP);
    }
    Ok(())
}

fn languages(transport: &Transport) -> Result<Vec<String>, Error> {
    let response = transport.call(&Request::languages(), environment::max_retries()?, random())?;
    let Languages(languages) = response.data().map_err(CallError::from)?;
    Ok(languages)
}
