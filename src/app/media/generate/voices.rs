//! Looks at voices before anything is paid: one that is unknown or not ready cannot speak, and not every one has locales.

use std::collections::BTreeMap;

use hyperframes_ci_core::api::Request;
use hyperframes_ci_core::generated::{Presenter, PresenterVoice, SpeechAction, Wanted};
use hyperframes_ci_core::report::plain;
use serde::Deserialize;
use serde_json::Value;

use super::ask::ask;
use super::entry::Task;
use crate::heygen::transport::Transport;

/// Help for a voice that cannot be used.
pub(super) const HELP: &str = "set `voice` to an ID that `hyperframes-ci media list voices` lists";

/// What matters of a voice. Values of other types say nothing.
#[derive(Deserialize)]
struct Voice {
    #[serde(default)]
    support_locale: Value,
    /// Of a clone: `processing`, `complete` or `failed`.
    #[serde(default)]
    status: Value,
}

/// Refuses speech and clips whose voice is unknown, not ready, or does not support a locale that is set, as far as the API can be
/// asked.
pub(super) fn check(tasks: &mut [Task], transport: &Transport) {
    let mut known: BTreeMap<String, Option<Voice>> = BTreeMap::new();
    for task in tasks.iter_mut().filter(|task| task.action == SpeechAction::Request) {
        let (id, locale) = match &task.wanted {
            Some(Wanted::Speech(speech)) => (&speech.voice, speech.locale.as_ref()),
            Some(Wanted::Presenter(Presenter { voice: PresenterVoice::Script { voice, .. }, .. })) => {
                (voice, None)
            }
            _ => continue,
        };
        if !known.contains_key(id) {
            // What is wrong beyond the voice is told by the request that needs it.
            let Ok(found) = ask(&Request::voice(id), transport) else { return };
            known.insert(id.clone(), found);
        }
        let (name, voice) = (plain(id), known.get(id).and_then(Option::as_ref));
        let problem = match (voice, locale) {
            (None, _) => format!("unknown voice {name}"),
            (Some(voice), _) if voice.status == "processing" || voice.status == "failed" => {
                format!("the voice {name} is not ready: {}", plain(voice.status.as_str().unwrap_or_default()))
            }
            (Some(voice), Some(locale)) if voice.support_locale == false => {
                format!("the voice {name} does not support locales, such as {}", plain(locale))
            }
            _ => continue,
        };
        task.refuse(problem, HELP);
    }
}
