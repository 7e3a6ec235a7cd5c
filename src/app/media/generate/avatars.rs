//! Looks at avatars before anything is paid: one without an engine cannot be used.

use std::collections::BTreeMap;

use hyperframes_ci_core::api::{Avatar, Request};
use hyperframes_ci_core::generated::{SpeechAction, Wanted};
use hyperframes_ci_core::report::plain;

use super::ask::ask;
use super::entry::Task;
use crate::fault::Error;
use crate::heygen::transport::Transport;

const HELP: &str = "choose a look with an engine; `hyperframes-ci media list avatars` lists them";

/// Refuses clips whose look is unknown, or whose engine it does not have.
///
/// # Errors
/// Returns an error if the API cannot be asked.
pub(super) fn check(tasks: &mut [Task], transport: &Transport) -> Result<(), Error> {
    let mut looks: BTreeMap<String, Option<Avatar>> = BTreeMap::new();
    for task in tasks.iter_mut().filter(|task| task.action == SpeechAction::Request) {
        let Some(Wanted::Presenter(clip)) = &task.wanted else { continue };
        if !looks.contains_key(&clip.avatar) {
            looks.insert(clip.avatar.clone(), ask(&Request::avatar(&clip.avatar), transport)?);
        }
        let engines =
            looks.get(&clip.avatar).and_then(Option::as_ref).map(|look| &look.supported_api_engines);
        let name = plain(&clip.avatar);
        let problem = match (engines, &clip.engine) {
            (None, _) => format!("unknown avatar {name}"),
            (Some(engines), _) if engines.is_empty() => format!("the avatar {name} has no engine"),
            (Some(engines), Some(engine)) if !engines.contains(engine) => {
                format!(
                    "the avatar {name} does not support the engine {engine}, but {}",
                    plain(&engines.join(", "))
                )
            }
            _ => continue,
        };
        task.refuse(problem, HELP);
    }
    Ok(())
}
