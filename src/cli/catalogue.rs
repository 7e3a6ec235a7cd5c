//! `hyperframes-ci media list`

use hyperframes_ci_core::api::{Avatar, AvatarGroup, Sound, Voice};
use serde::Serialize;

use super::page::print_page;
use super::values;
use crate::app::media::catalogue::{CatalogueSpec, avatar_groups, avatars, languages, sounds, voices};
use crate::app::pages::PageSpec;
use crate::fault::Error;
use crate::ui::Console;

/// List voices, avatars, sounds or languages of HeyGen
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List voices, for `voice` of an entry
    Voices(VoiceArgs),
    /// List looks of avatars, for `avatar` of an entry
    ///
    /// A look without an engine cannot be used.
    Avatars(AvatarArgs),
    /// List the languages that videos are translated to
    Languages,
    /// Search music and sound effects, for `sound` of an entry
    Sounds(SoundArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct VoiceArgs {
    /// Only voices of this kind
    #[arg(long = "type", value_name = "TYPE", value_parser = ["public", "private"])]
    kind: Option<String>,
    /// Only voices of this language, such as English
    #[arg(long)]
    language: Option<String>,
    /// Only voices of this gender, such as female
    #[arg(long)]
    gender: Option<String>,
    /// Only voices of this engine; `any` lists all
    ///
    /// Speech requires starfish.
    #[arg(long, default_value = "starfish")]
    engine: String,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct AvatarArgs {
    /// Only looks of this avatar
    #[arg(long, value_name = "ID", conflicts_with = "groups")]
    group: Option<String>,
    /// Only looks of this type, as named by HeyGen
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "groups")]
    kind: Option<String>,
    /// Only looks with this ownership, as named by HeyGen
    #[arg(long)]
    ownership: Option<String>,
    /// List avatars instead of their looks
    #[arg(long)]
    groups: bool,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct SoundArgs {
    /// Words that describe the sound
    query: Option<String>,
    /// Only sounds of this kind
    #[arg(long = "type", value_name = "TYPE", value_parser = ["music", "sound_effects"])]
    kind: Option<String>,
    /// Minimum score, from 0 to 1
    #[arg(long, value_name = "SCORE", value_parser = values::share)]
    min_score: Option<f64>,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct PageArgs {
    /// Entries per page [default: that of the API, or the maximum with --all]
    #[arg(long, value_parser = values::page_size)]
    limit: Option<u32>,
    /// Start from the cursor of a previous page
    #[arg(long)]
    token: Option<String>,
    /// List all pages
    #[arg(long)]
    all: bool,
    /// Include the signatures of presigned URLs in JSON output
    ///
    /// Anyone with a signed URL can download the file.
    #[arg(long)]
    show_urls: bool,
}

impl PageArgs {
    fn spec(&self) -> CatalogueSpec {
        let page = PageSpec { limit: self.limit, token: self.token.clone(), is_all: self.all };
        CatalogueSpec { page, has_urls: self.show_urls }
    }
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    match command {
        Command::Voices(args) => {
            let engine = Some(args.engine.as_str()).filter(|engine| *engine != "any");
            let filters = [
                ("type", args.kind.as_deref()),
                ("engine", engine),
                ("language", args.language.as_deref()),
                ("gender", args.gender.as_deref()),
            ];
            let outcome = voices(&filters, &args.page.spec())?;
            let rows = outcome.voices.iter().map(voice_row).collect();
            print_page(
                "entries",
                ["VOICE", "NAME", "LANGUAGE", "GENDER", "TYPE"],
                rows,
                outcome.next_token.as_deref(),
                console,
            );
            finish(&outcome, console)
        }
        Command::Avatars(args) if args.groups => {
            let filters = [("ownership", args.ownership.as_deref())];
            let outcome = avatar_groups(&filters, &args.page.spec())?;
            let rows = outcome.groups.iter().map(group_row).collect();
            print_page(
                "entries",
                ["AVATAR", "NAME", "LOOKS", "VOICE"],
                rows,
                outcome.next_token.as_deref(),
                console,
            );
            finish(&outcome, console)
        }
        Command::Avatars(args) => {
            let filters = [
                ("group_id", args.group.as_deref()),
                ("avatar_type", args.kind.as_deref()),
                ("ownership", args.ownership.as_deref()),
            ];
            let outcome = avatars(&filters, &args.page.spec())?;
            let rows = outcome.avatars.iter().map(avatar_row).collect();
            let head = ["LOOK", "NAME", "AVATAR", "ENGINES", "ORIENTATION", "VOICE"];
            print_page("entries", head, rows, outcome.next_token.as_deref(), console);
            finish(&outcome, console)
        }
        Command::Languages => {
            let outcome = languages()?;
            outcome
                .languages
                .iter()
                .for_each(|name| console.result(&format!("{}\n", crate::ui::plain(name))));
            finish(&outcome, console)
        }
        Command::Sounds(args) => {
            let score = args.min_score.map(|score| score.to_string());
            let filters = [
                ("query", args.query.as_deref()),
                ("type", args.kind.as_deref()),
                ("min_score", score.as_deref()),
            ];
            let outcome = sounds(&filters, &args.page.spec())?;
            let rows = outcome.sounds.iter().map(sound_row).collect();
            let head = ["SOUND", "NAME", "SECONDS", "SCORE", "DESCRIPTION"];
            print_page("entries", head, rows, outcome.next_token.as_deref(), console);
            finish(&outcome, console)
        }
    }
}

fn finish(outcome: &impl Serialize, console: &mut Console) -> Result<(), Error> {
    console.outcome(outcome);
    Ok(())
}

fn voice_row(voice: &Voice) -> Vec<String> {
    [&voice.voice_id, &voice.name, &voice.language, &voice.gender, &voice.kind].map(Clone::clone).to_vec()
}

fn avatar_row(avatar: &Avatar) -> Vec<String> {
    let engines = match avatar.supported_api_engines.is_empty() {
        true => "none".to_owned(),
        false => avatar.supported_api_engines.join(","),
    };
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        avatar.id.clone(),
        avatar.name.clone(),
        optional(&avatar.group_id),
        engines,
        optional(&avatar.preferred_orientation),
        optional(&avatar.default_voice_id),
    ]
}

fn group_row(group: &AvatarGroup) -> Vec<String> {
    let looks = group.looks_count.map_or_else(String::new, |count| count.to_string());
    vec![group.id.clone(), group.name.clone(), looks, group.default_voice_id.clone().unwrap_or_default()]
}

fn sound_row(sound: &Sound) -> Vec<String> {
    let number =
        |number: &Option<serde_json::Number>| number.as_ref().map_or_else(String::new, ToString::to_string);
    vec![
        sound.id.clone(),
        sound.name.clone(),
        number(&sound.duration),
        number(&sound.score),
        sound.description.clone(),
    ]
}
