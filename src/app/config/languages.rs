//! Tags of languages for file names, by the names that HeyGen's catalogue has.

/// Languages, and the first part of their tags; source: the IANA registry of language subtags.
const LANGUAGES: &[(&str, &str)] = &[
    ("Afrikaans", "af"),
    ("Albanian", "sq"),
    ("Amharic", "am"),
    ("Arabic", "ar"),
    ("Armenian", "hy"),
    ("Azerbaijani", "az"),
    ("Basque", "eu"),
    ("Bengali", "bn"),
    ("Bangla", "bn"),
    ("Bosnian", "bs"),
    ("Bulgarian", "bg"),
    ("Burmese", "my"),
    ("Catalan", "ca"),
    ("Chinese", "zh"),
    ("Croatian", "hr"),
    ("Czech", "cs"),
    ("Danish", "da"),
    ("Dutch", "nl"),
    ("English", "en"),
    ("Estonian", "et"),
    ("Filipino", "fil"),
    ("Finnish", "fi"),
    ("French", "fr"),
    ("Galician", "gl"),
    ("Georgian", "ka"),
    ("German", "de"),
    ("Greek", "el"),
    ("Gujarati", "gu"),
    ("Hebrew", "he"),
    ("Hindi", "hi"),
    ("Hungarian", "hu"),
    ("Icelandic", "is"),
    ("Indonesian", "id"),
    ("Irish", "ga"),
    ("Italian", "it"),
    ("Japanese", "ja"),
    ("Javanese", "jv"),
    ("Kannada", "kn"),
    ("Kazakh", "kk"),
    ("Khmer", "km"),
    ("Korean", "ko"),
    ("Lao", "lo"),
    ("Latvian", "lv"),
    ("Lithuanian", "lt"),
    ("Macedonian", "mk"),
    ("Malay", "ms"),
    ("Malayalam", "ml"),
    ("Maltese", "mt"),
    ("Mandarin", "cmn"),
    ("Marathi", "mr"),
    ("Mongolian", "mn"),
    ("Nepali", "ne"),
    ("Norwegian", "no"),
    ("Norwegian Bokmål", "nb"),
    ("Pashto", "ps"),
    ("Persian", "fa"),
    ("Polish", "pl"),
    ("Portuguese", "pt"),
    ("Punjabi", "pa"),
    ("Romanian", "ro"),
    ("Russian", "ru"),
    ("Serbian", "sr"),
    ("Sinhala", "si"),
    ("Slovak", "sk"),
    ("Slovenian", "sl"),
    ("Somali", "so"),
    ("Spanish", "es"),
    ("Sundanese", "su"),
    ("Swahili", "sw"),
    ("Swedish", "sv"),
    ("Tamil", "ta"),
    ("Telugu", "te"),
    ("Thai", "th"),
    ("Turkish", "tr"),
    ("Ukrainian", "uk"),
    ("Urdu", "ur"),
    ("Uzbek", "uz"),
    ("Vietnamese", "vi"),
    ("Welsh", "cy"),
    ("Zulu", "zu"),
];

/// Countries, and the last part of tags; source: ISO 3166-1.
const REGIONS: &[(&str, &str)] = &[
    ("Argentina", "AR"),
    ("Australia", "AU"),
    ("Austria", "AT"),
    ("Bangladesh", "BD"),
    ("Belgium", "BE"),
    ("Brazil", "BR"),
    ("Canada", "CA"),
    ("Chile", "CL"),
    ("China", "CN"),
    ("Colombia", "CO"),
    ("Egypt", "EG"),
    ("France", "FR"),
    ("Germany", "DE"),
    ("Hong Kong", "HK"),
    ("India", "IN"),
    ("Indonesia", "ID"),
    ("Iran", "IR"),
    ("Ireland", "IE"),
    ("Israel", "IL"),
    ("Italy", "IT"),
    ("Japan", "JP"),
    ("Kenya", "KE"),
    ("Korea", "KR"),
    ("Malaysia", "MY"),
    ("Mexico", "MX"),
    ("Netherlands", "NL"),
    ("New Zealand", "NZ"),
    ("Nigeria", "NG"),
    ("Norway", "NO"),
    ("Pakistan", "PK"),
    ("Peru", "PE"),
    ("Philippines", "PH"),
    ("Poland", "PL"),
    ("Portugal", "PT"),
    ("Russia", "RU"),
    ("Saudi Arabia", "SA"),
    ("Singapore", "SG"),
    ("South Africa", "ZA"),
    ("Spain", "ES"),
    ("Sri Lanka", "LK"),
    ("Sweden", "SE"),
    ("Switzerland", "CH"),
    ("Taiwan", "TW"),
    ("Thailand", "TH"),
    ("Turkey", "TR"),
    ("UK", "GB"),
    ("Ukraine", "UA"),
    ("United Arab Emirates", "AE"),
    ("United Kingdom", "GB"),
    ("United States", "US"),
    ("Vietnam", "VN"),
];

/// Returns the tag of a language for file names: `es-ES` for `Spanish (Spain)`. A name without a known tag is written in lowercase,
/// with hyphens: `english-your-accent`.
pub(super) fn tag(name: &str) -> String {
    let (language, region) = match name.strip_suffix(')').and_then(|name| name.split_once(" (")) {
        Some((language, region)) => (language, Some(region)),
        None => (name, None),
    };
    let find = |table: &[(&str, &'static str)], name: &str| {
        table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, tag)| *tag)
    };
    match (find(LANGUAGES, language), region, region.and_then(|region| find(REGIONS, region))) {
        (Some(language), None, _) => language.to_owned(),
        (Some(language), Some(_), Some(region)) => format!("{language}-{region}"),
        _ => words(name),
    }
}

/// Returns letters and digits in lowercase, with one hyphen for everything between them.
fn words(name: &str) -> String {
    let words = name.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// Returns whether a name looks like a tag, which the catalogue does not have: `es-ES` or `de`.
pub(super) fn is_tag(name: &str) -> bool {
    let mut parts = name.split('-');
    let is_language = parts.next().is_some_and(|part| {
        (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    is_language && parts.all(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !part.is_empty())
}

/// Returns a name of the catalogue's form for a tag, if the language is known: `Spanish (Spain)` for `es-ES`.
pub(super) fn name_of(tag: &str) -> Option<String> {
    let (language, region) = match tag.split_once('-') {
        Some((language, region)) => (language, Some(region)),
        None => (tag, None),
    };
    let find = |table: &[(&'static str, &str)], tag: &str| {
        table.iter().find(|(_, known)| *known == tag).map(|found| found.0)
    };
    let language = find(LANGUAGES, language)?;
    match region {
        None => Some(language.to_owned()),
        Some(region) => Some(format!("{language} ({})", find(REGIONS, region)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_tags() {
        for (name, expected) in [
            ("Spanish (Spain)", "es-ES"),
            ("German", "de"),
            ("german (austria)", "de-AT"),
            ("English - Your Accent", "english-your-accent"),
            ("Chinese (Cantonese, Traditional)", "chinese-cantonese-traditional"),
            ("Klingon (Spain)", "klingon-spain"),
            ("../../x", "x"),
            ("日本語", "日本語"),
            ("(", ""),
        ] {
            assert_eq!(tag(name), expected, "{name}");
        }
    }

    #[test]
    fn tags_have_names() {
        for (tag, expected) in
            [("es-ES", Some("Spanish (Spain)")), ("de", Some("German")), ("xx", None), ("de-XX", None)]
        {
            assert!(is_tag(tag));
            assert_eq!(name_of(tag).as_deref(), expected, "{tag}");
        }
        assert!(!is_tag("German") && !is_tag("Lao") && !is_tag("es-") && !is_tag(""));
    }
}
