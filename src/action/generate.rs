//! Mode `media`: generates media within a budget, and proposes it as a pull request, or as a patch where the token may not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperframes_ci_core::generated::{LOCK_FILE, MediaStore, SpeechPermissions, stored_name};
use serde_json::json;

use super::error::ActionError;
use super::inputs::Inputs;
use super::markdown::{code, short_code};
use super::mode::Mode;
use super::outputs::{set_outputs, write_report};
use super::stored;
use crate::app::config::Settings;
use crate::app::media::{GenerateSpec, MediaLimits, MediaSpec, forget, generate, restore};
use crate::app::outcome::{GeneratedMedia, GenerationState, MediaGenerateOutcome};
use crate::ci::{CiProvider, Media, Proposal, Proposed, ProviderError, Subject, Trust};
use crate::fault::Error;
use crate::system::abort::abort_at;
use crate::system::deadline::Deadline;
use crate::system::digest::Hasher;
use crate::system::gate::{self, Folder, Reach};
use crate::system::programs::process;
use crate::system::programs::{GitNetwork, PLAIN_DIFF, git};
use crate::ui::{Console, counted};

/// Name of the patch in the artifact.
const PATCH: &str = "media.patch";

const TITLE: &str = "chore(media): generate media";

/// Longest description of a problem, in characters.
const MAX_MESSAGE: usize = 300;

/// How long Git may take to write the patch.
const PATCH_TIMEOUT: Duration = Duration::from_secs(120);

/// Maximum time for a clip.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// Returns whether a run generates media: it is for a branch of the repository, and for no pull request. All others check only.
pub(super) fn is_allowed(provider: &dyn CiProvider) -> bool {
    provider.event().subject == Subject::Other && provider.event().trust == Trust::Own
}

/// Generates what is missing or outdated, and proposes the files.
///
/// # Errors
/// Returns an error if there is no budget, media cannot be generated, or the files cannot be handed over.
pub(super) fn run(
    inputs: &Inputs,
    provider: &dyn CiProvider,
    environment: &dyn Fn(&str) -> Option<String>,
    console: &mut Console,
) -> Result<(), Error> {
    let Some(max_cost) = inputs.max_cost else {
        return Err(Error::usage(
            "mode media requires the input max-cost",
            "set it to the most that one run may cost in US dollars, for example max-cost: 0.50",
        ));
    };
    if environment("GITHUB_REF").as_deref() == Some(&format!("refs/heads/{}", inputs.media_branch)) {
        console.done("nothing to generate: this is the branch of generated media");
        return Ok(());
    }
    let folder = &inputs.output_dir;
    Folder::of(folder).map_err(|error| ActionError::from(ProviderError::Runner(folder.clone(), error)))?;
    let media = MediaSpec {
        directory: inputs.workspace.clone(),
        config: None,
        entries: Vec::new(),
        workspace: Some(inputs.workspace.clone()),
    };
    let restored = restore(&media, &mut |path| match provider.file_of_branch(&inputs.media_branch, path) {
        Err(ProviderError::Forbidden(_) | ProviderError::Unsupported(_)) => Ok(None),
        read => read.map_err(|error| ActionError::from(error).into()),
    })?;
    // What a store keeps is paid for: it is never generated again because it is not here.
    let settings = Settings::read(&inputs.workspace, None, Some(inputs.workspace.clone()))?;
    stored::fetch(&settings, provider, console);
    let spec = GenerateSpec {
        media,
        limits: MediaLimits { max_cost: Some(max_cost), ..MediaLimits::default() },
        is_dry_run: false,
        permissions: SpeechPermissions {
            can_repeat: inputs.repeats_unconfirmed,
            ..SpeechPermissions::default()
        },
        concurrency: 4,
        max_wait: MAX_WAIT,
        ledger: environment("HYPERFRAMES_CI_LEDGER").map(PathBuf::from),
        keeps_answers: true,
    };
    let (outcome, error) = generate(&spec, console)?;
    abort_at("generated");
    let is_new = |media: &&GeneratedMedia| {
        matches!(media.status, GenerationState::Generated | GenerationState::Recovered)
            || restored.contains(&media.file)
    };
    let new = outcome.media.iter().filter(is_new).map(|media| media.file.as_str()).collect::<Vec<_>>();
    let handed_over = match new.is_empty() {
        true => HandedOver::default(),
        false => hand_over(inputs, &settings, provider, &new, &outcome, console)?,
    };
    abort_at("proposed");
    // The branch or the checkout has the files. A patch can be lost, and the next run does not know it.
    if new.is_empty() || handed_over.url.is_some() {
        forget(&spec, &outcome);
    }
    if new.is_empty() && error.is_none() {
        console.done(&format!("{} current; nothing was billed", counted(outcome.media.len(), "media file")));
    }
    write_results(inputs, provider, &outcome, &restored, &handed_over)?;
    handed_over.error.or(error).map_or(Ok(()), Err)
}

/// Where the files went.
#[derive(Default)]
struct HandedOver {
    /// URL of the pull request, or of the page that opens it.
    url: Option<String>,
    /// Path of the patch.
    patch: Option<PathBuf>,
    /// Why there is no pull request, for people.
    note: Option<String>,
    /// Why the files could not be proposed, although the token may.
    error: Option<Error>,
}

/// Uploads the files of entries with a store, and proposes the others and the lock file. Whatever happens, what was paid for is in the pull request or the patch.
fn hand_over(
    inputs: &Inputs,
    settings: &Settings,
    provider: &dyn CiProvider,
    new: &[&str],
    outcome: &MediaGenerateOutcome,
    console: &mut Console,
) -> Result<HandedOver, Error> {
    let entries = settings.file.generated().filter(|entry| new.contains(&entry.file.as_str()));
    let entries = entries.collect::<Vec<_>>();
    let kept = entries.iter().filter(|entry| entry.store != MediaStore::Git);
    let kept = kept.map(|entry| (entry.store, entry.file.as_str())).collect::<Vec<_>>();
    let mut paths = entries.iter().flat_map(|entry| entry.outputs().map(str::to_owned)).collect::<Vec<_>>();
    paths.push(LOCK_FILE.to_owned());
    let media = |path: &String| Media { name: path.clone(), path: inputs.workspace.join(path) };
    let proposed = paths.iter().filter(|path| kept.iter().all(|(_, file)| file != path));
    let files = proposed.map(media).collect::<Vec<_>>();
    let body = format!("{}\nMade by [this run]({}).\n", table(outcome), provider.event().run_url);
    let proposal = Proposal { branch: &inputs.media_branch, title: TITLE, body: &body, files: &files };
    let mut handed_over = HandedOver::default();
    // The lock file is proposed once the store has what it records.
    let uploaded = upload(inputs, &kept, provider);
    if uploaded.is_ok() && !kept.is_empty() {
        console.done(&format!("uploaded {} to the store", counted(kept.len(), "media file")));
    }
    abort_at("stored");
    match uploaded.and_then(|()| provider.propose(&proposal)) {
        Ok(Proposed::PullRequest(url)) => {
            console.done(&format!("proposed the files in {url}"));
            handed_over.url = Some(url);
        }
        Ok(Proposed::Branch(url, reason)) => {
            console.warning(&format!("cannot open a pull request: {reason}"));
            handed_over.note = Some(format!("The branch was written; open the pull request at {url}"));
            handed_over.url = Some(url);
        }
        Err(error) => {
            let patch = write_patch(inputs, &paths)?;
            console.warning(&format!("cannot propose the files as a pull request: {error}"));
            handed_over.note = Some(format!(
                "The files are in `{PATCH}` of the artifact; apply it with `git apply {PATCH}`."
            ));
            handed_over.patch = Some(patch);
            handed_over.error = match error {
                ProviderError::Forbidden(_) | ProviderError::Unsupported(_) => None,
                error => Some(ActionError::from(error).into()),
            };
        }
    }
    Ok(handed_over)
}

/// Uploads files to their stores, under the names of their digests.
fn upload(
    inputs: &Inputs,
    kept: &[(MediaStore, &str)],
    provider: &dyn CiProvider,
) -> Result<(), ProviderError> {
    let named = |path: &str| {
        let path_of = inputs.workspace.join(path);
        let failed = |error: &dyn std::fmt::Display| ProviderError::Failed(format!("{path}: {error}"));
        let mut hasher = Hasher::default();
        let read = gate::open(&path_of, &Reach::inside(&inputs.workspace, "the repository"));
        read.and_then(|mut file| hasher.read(&mut file)).map_err(|error| failed(&error))?;
        let name = stored_name(&hasher.finish().1, path).ok_or_else(|| failed(&"no SHA-256"))?;
        Ok(Media { name, path: path_of })
    };
    for store in MediaStore::ALL {
        let files = kept.iter().filter(|(of, _)| of == store).map(|(_, path)| named(path));
        let mut files = files.collect::<Result<Vec<_>, ProviderError>>()?;
        // Entries with the same contents have the same file.
        files.sort_by(|one, other| one.name.cmp(&other.name));
        files.dedup_by(|one, other| one.name == other.name);
        if !files.is_empty() {
            provider.media_store(*store)?.add(&files)?;
        }
    }
    Ok(())
}

/// Writes the difference between the commit and the files as a patch that `git apply` takes.
fn write_patch(inputs: &Inputs, paths: &[String]) -> Result<PathBuf, Error> {
    let patch = inputs.output_dir.join(PATCH);
    let index = inputs.output_dir.join(".media-index");
    let mut output = OsString::from("--output=");
    output.push(&patch);
    let run = |arguments: &[&OsStr], paths: &[String]| {
        let mut command = git(&inputs.workspace, GitNetwork::Off);
        command.env("GIT_INDEX_FILE", &index).args(arguments).args(paths);
        let exited = process::run(command, Deadline::after(PATCH_TIMEOUT), &mut |_| true);
        let failed = |reason: String| {
            Error::from(ActionError::from(ProviderError::Failed(format!("cannot write {PATCH}: {reason}"))))
        };
        match exited {
            Ok(exited) if exited.status.success() => Ok(()),
            Ok(exited) => Err(failed(exited.output.join("\n"))),
            Err(error) => Err(failed(error.to_string())),
        }
    };
    let result = run(&os(&["read-tree", "HEAD"]), &[])
        .and_then(|()| run(&os(&["add", "--force", "--"]), paths))
        .and_then(|()| {
            let mut diff = os(&["diff", "--cached", "--binary", "--full-index"]);
            diff.extend(os(PLAIN_DIFF));
            diff.extend([output.as_os_str(), "HEAD".as_ref(), "--".as_ref()]);
            run(&diff, paths)
        });
    if let (Ok(folder), Some(name)) = (Folder::of(&inputs.output_dir), index.file_name()) {
        let _ = folder.remove(name);
    }
    result.map(|()| patch)
}

/// Converts arguments.
fn os(arguments: &[&'static str]) -> Vec<&'static OsStr> {
    arguments.iter().map(|argument| OsStr::new(*argument)).collect()
}

/// Returns whether an entry needs no row.
fn is_untouched(state: GenerationState) -> bool {
    matches!(state, GenerationState::Current | GenerationState::Waiting)
}

/// Returns what was generated, as a table.
fn table(outcome: &MediaGenerateOutcome) -> String {
    let rows = outcome.media.iter().filter(|media| !is_untouched(media.status)).map(|media| {
        let result = match &media.message {
            Some(message) => short_code(message, MAX_MESSAGE),
            None => format!("{:.1} s, ${:.4}", media.seconds, media.usd),
        };
        format!("| {} | {result} |\n", code(&media.file))
    });
    let rows = rows.collect::<String>();
    let sum = format!(
        "Generated {}, ${:.4}; {} current before.\n",
        counted(outcome.generated + outcome.recovered, "media file"),
        outcome.usd,
        outcome.current
    );
    if rows.is_empty() { sum } else { format!("{sum}\n| Media | Result |\n|---|---|\n{rows}") }
}

fn write_results(
    inputs: &Inputs,
    provider: &dyn CiProvider,
    outcome: &MediaGenerateOutcome,
    restored: &[String],
    handed_over: &HandedOver,
) -> Result<(), Error> {
    let folder = &inputs.output_dir;
    let url = handed_over.url.clone().unwrap_or_default();
    let report = json!({
        "event": provider.event().name, "mode": Mode::Media.to_string(), "generated": outcome,
        "restored": restored, "pull_request_url": handed_over.url,
    });
    let report = write_report(folder, &report)?;
    let mut summary = format!("## HyperFrames\n\n{}", table(outcome));
    match (&handed_over.note, &handed_over.url) {
        (Some(note), _) => summary.push_str(&format!("\n> {note}\n")),
        (None, Some(url)) => summary.push_str(&format!("\n> Proposed in {url}\n")),
        (None, None) => {}
    }
    provider.summary(&summary).map_err(ActionError::from)?;
    let shown = |path: &Path| path.display().to_string();
    let patch = handed_over.patch.as_deref().map(shown).unwrap_or_default();
    let artifact = match patch.is_empty() {
        true => String::new(),
        false => inputs.artifact_name(&provider.event().job, None),
    };
    let outputs = [
        ("pull-request-url", url),
        ("count", (outcome.generated + outcome.recovered).to_string()),
        ("report-path", shown(&report)),
        ("artifact-path", patch),
        ("artifact-name", artifact),
    ];
    set_outputs(provider, outputs)
}
