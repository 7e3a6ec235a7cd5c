//! Parses the translations of entries.

use std::path::Path;

use hyperframes_ci_core::generated::{MediaStore, TranslationMode};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{Entry, File, Setting};
use super::languages::{is_tag, name_of, tag};
use super::media::{MediaEntry, MediaKind, TranslationEntry};
use super::read::Reader;
use super::translate::{MAX_NAME, Translate};

/// Output of an entry without `output`, below the root of the repository.
const OUTPUT: &str = "renders/{entry}.{ext}";

impl Reader {
    /// Reads the translations of an entry.
    pub(super) fn translate(&mut self, table: &DeTable<'_>) -> Option<Translate> {
        let mut translate = Translate { languages: Vec::new(), mode: TranslationMode::Speed, line: 0 };
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("translate", DeValue::Array(names)) => {
                    translate.line = self.line(&key.span());
                    for name in names {
                        let Some(language) = self.language(name) else { continue };
                        if translate.languages.iter().any(|known| tag(known) == tag(&language)) {
                            self.report(name.span(), format!("translate has {language:?} twice"));
                        } else {
                            translate.languages.push(language);
                        }
                    }
                }
                ("translate", _) => self.report(
                    value.span(),
                    "translate must be an array of languages, such as [\"Spanish (Spain)\", \"German\"]",
                ),
                ("translate-mode", value_of) => match value_of.as_str().map(str::parse) {
                    Some(Ok(mode)) => translate.mode = mode,
                    Some(Err(error)) => self.report(value.span(), format!("translate-mode {error}")),
                    None => self.report(value.span(), "translate-mode must be a string"),
                },
                _ => {}
            }
        }
        if table.contains_key("translate-mode") && !table.contains_key("translate") {
            let key = table.keys().find(|key| key.get_ref() == "translate-mode").map(Spanned::span);
            self.report(key.unwrap_or_default(), "translate-mode cannot be used without translate");
        }
        (!translate.languages.is_empty()).then_some(translate)
    }

    /// Reads the name of a language. Only the catalogue of the API has them all.
    fn language(&mut self, name: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = name.get_ref().as_str().unwrap_or_default();
        let is_name = text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control);
        let message = if !is_name || text.trim() != text || tag(text).is_empty() {
            "a language must be a name such as \"Spanish (Spain)\"".to_owned()
        } else if is_tag(text) {
            let name = name_of(text).map(|name| format!("; did you mean {name:?}?"));
            format!("unknown language {text:?}: translate has names, not tags{}", name.unwrap_or_default())
        } else {
            return Some(text.to_owned());
        };
        self.report(name.span(), message);
        None
    }

    /// Returns the translations of all entries as media that is generated.
    pub(super) fn translations(&mut self, file: &File) -> Vec<MediaEntry> {
        let mut translations = Vec::new();
        for entry in &file.entries {
            let Some(translate) = &entry.translate else { continue };
            match video(file, entry) {
                Ok(video) => translations.extend(translate.languages.iter().map(|language| {
                    let path = |extension: &str| {
                        let video =
                            Path::new(&video).with_extension(format!("{}.{extension}", tag(language)));
                        video.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
                    };
                    MediaEntry {
                        store: MediaStore::Git,
                        file: path("mp4"),
                        captions: Some(path("vtt")),
                        kind: MediaKind::Translation(TranslationEntry {
                            video: video.clone(),
                            language: language.clone(),
                            mode: translate.mode,
                        }),
                        line: translate.line,
                    }
                })),
                Err(message) => self.report_line(translate.line, message),
            }
        }
        translations
    }
}

/// Returns the path of the video of an entry, relative to the root of the repository.
fn video(file: &File, entry: &Entry) -> Result<String, String> {
    let value = |name: &str| {
        let settings = entry.settings.iter().chain(&file.defaults);
        settings.map(|setting: &Setting| (setting.option.key(), &setting.value)).find(|(key, _)| *key == name)
    };
    if value("rows").is_some() {
        return Err("translate cannot be used with rows".to_owned());
    }
    if let Some((_, format)) = value("format").filter(|(_, format)| *format != "mp4") {
        return Err(format!("translate requires the format mp4, not {format}"));
    }
    let pattern = value("output").map_or(OUTPUT, |(_, output)| output.as_str());
    let path = pattern.replace("{entry}", &entry.name).replace("{ext}", "mp4");
    if path.contains('{') {
        return Err(format!(
            "translate requires an output without other placeholders than {{entry}} and {{ext}}, not {pattern:?}"
        ));
    }
    match Path::new(&path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mp4")) {
        true => Ok(path.trim_start_matches("./").to_owned()),
        false => Err(format!("translate requires an output with the extension .mp4, not {pattern:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::parse;
    use super::*;

    fn read(text: &str) -> Result<Vec<MediaEntry>, String> {
        let file = parse(text, Path::new("hyperframes-ci.toml"));
        file.map(|file| file.translations).map_err(|error| error.to_string())
    }

    #[test]
    fn translations_are_next_to_the_video() {
        let text = "[defaults]\noutput = \"./out/{entry}.{ext}\"\n\n[[render]]\nname = \"launch\"\nproject = \"a\"\n\
            translate = [\"Spanish (Spain)\", \"German\"]\ntranslate-mode = \"precision\"\n\n\
            [[render]]\nproject = \"b\"\noutput = \"b.v2.mp4\"\ntranslate = [\"Thai\"]\n";
        let entries = read(text).expect("valid");
        let files = entries.iter().map(|entry| entry.outputs().collect::<Vec<_>>()).collect::<Vec<_>>();
        assert_eq!(
            files,
            [
                ["out/launch.es-ES.mp4", "out/launch.es-ES.vtt"],
                ["out/launch.de.mp4", "out/launch.de.vtt"],
                ["b.v2.th.mp4", "b.v2.th.vtt"]
            ]
        );
        let MediaKind::Translation(first) = &entries[0].kind else { panic!("a translation") };
        assert_eq!((first.video.as_str(), first.mode), ("out/launch.mp4", TranslationMode::Precision));
        assert_eq!(entries[0].line, 7);
        let default = read("[[render]]\nproject = \"a\"\ntranslate = [\"German\"]\n").expect("valid");
        assert_eq!(default[0].file, "renders/a.de.mp4");
    }

    #[test]
    fn mistakes_have_their_places() {
        for (keys, message) in [
            ("translate = \"German\"", "4:13: translate must be an array of languages"),
            ("translate = [7]", "4:14: a language must be a name such as"),
            ("translate = [\" German\"]", "a language must be a name"),
            ("translate = [\"es-ES\"]", "has names, not tags; did you mean \"Spanish (Spain)\"?"),
            ("translate = [\"German\", \"german\"]", "4:24: translate has \"german\" twice"),
            ("translate-mode = \"speed\"", "4:1: translate-mode cannot be used without translate"),
            ("translate = [\"German\"]\ntranslate-mode = \"fast\"", "5:18: translate-mode"),
            ("translate = [\"German\"]\nrows = \"a.csv\"", "4:1: translate cannot be used with rows"),
            ("translate = [\"German\"]\nformat = \"webm\"", "translate requires the format mp4, not webm"),
            ("translate = [\"German\"]\noutput = \"{title}.mp4\"", "without other placeholders"),
            ("translate = [\"German\"]\noutput = \"a.mov\"", "the extension .mp4"),
        ] {
            let error =
                read(&format!("[[render]]\nproject = \"a\"\nname = \"x\"\n{keys}\n")).expect_err(keys);
            assert!(error.contains(message), "{keys}: {error}");
        }
        let same = "[[media]]\nfile = \"renders/a.de.mp4\"\nsound = \"s\"\n[[render]]\nproject = \"a\"\ntranslate = [\"German\"]\n";
        assert!(read(same).expect_err("twice").contains("is also written by the entry on line"));
    }
}
