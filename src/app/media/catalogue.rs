//! Lists what media can be made of: voices, avatars, sounds and languages.

use hyperframes_ci_core::api::{
    Avatar, AvatarGroup, Catalogued, Languages, Page, Pages, Request, Sound, Voice,
};

use crate::app::outcome::{AvatarGroups, Avatars, LanguagesOutcome, Sounds, Voices};
use crate::app::pages::{MAX_PAGES, PageSpec, read_pages};
use crate::fault::Error;
use crate::heygen::environment;
use crate::heygen::transport::CallError;
use crate::system::random;

/// Names and values of filters; those without a value are not sent.
type Filters<'a> = &'a [(&'a str, Option<&'a str>)];

/// Requests entries of a catalogue, without the signatures of URLs unless `has_urls` is set.
fn entries<T: Catalogued>(filters: Filters<'_>, spec: &CatalogueSpec, what: &str) -> Result<Page<T>, Error> {
    let transport = environment::transport()?;
    let pages = Pages::of(T::PATH, filters, spec.page.limit(T::MOST), MAX_PAGES);
    let mut page = read_pages::<T>(&transport, pages, &spec.page, what)?;
    if !spec.has_urls {
        page.data.iter_mut().for_each(T::redact);
    }
    Ok(page)
}

/// Which part of a catalogue to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct CatalogueSpec {
    /// The pages.
    pub(crate) page: PageSpec,
    /// Whether URLs keep their signatures.
    pub(crate) has_urls: bool,
}

/// Lists voices.
///
/// # Errors
/// Returns an error if there is no credential, and as [`read_pages`].
pub(crate) fn voices(filters: Filters<'_>, spec: &CatalogueSpec) -> Result<Voices, Error> {
    let Page { data: voices, has_more, next_token } = entries::<Voice>(filters, spec, "voices")?;
    Ok(Voices { voices, has_more, next_token })
}

/// Lists the looks of avatars.
///
/// # Errors
/// As [`voices`].
pub(crate) fn avatars(filters: Filters<'_>, spec: &CatalogueSpec) -> Result<Avatars, Error> {
    let Page { data: avatars, has_more, next_token } = entries::<Avatar>(filters, spec, "avatars")?;
    Ok(Avatars { avatars, has_more, next_token })
}

/// Lists avatars without their looks.
///
/// # Errors
/// As [`voices`].
pub(crate) fn avatar_groups(filters: Filters<'_>, spec: &CatalogueSpec) -> Result<AvatarGroups, Error> {
    let Page { data: groups, has_more, next_token } = entries::<AvatarGroup>(filters, spec, "avatars")?;
    Ok(AvatarGroups { groups, has_more, next_token })
}

/// Lists sounds.
///
/// # Errors
/// As [`voices`].
pub(crate) fn sounds(filters: Filters<'_>, spec: &CatalogueSpec) -> Result<Sounds, Error> {
    let Page { data: sounds, has_more, next_token } = entries::<Sound>(filters, spec, "sounds")?;
    Ok(Sounds { sounds, has_more, next_token })
}

/// Lists the languages that videos are translated to.
///
/// # Errors
/// Returns an error if there is no credential or the API call fails.
pub(crate) fn languages() -> Result<LanguagesOutcome, Error> {
    let transport = environment::transport()?;
    let response = transport.call(&Request::languages(), environment::max_retries()?, random())?;
    let Languages(languages) = response.data().map_err(CallError::from)?;
    Ok(LanguagesOutcome { languages })
}
