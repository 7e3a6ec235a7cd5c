//! The catalogue of voices.

/// A voice.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) language: &'static str,
    /// BCP 47 tag of the language.
    pub(crate) tag: &'static str,
    pub(crate) gender: &'static str,
    /// Whether only this account has the voice.
    pub(crate) is_private: bool,
    /// `None` for a voice that is no clone.
    pub(crate) status: Option<&'static str>,
    /// Whether it can be used for speech.
    pub(crate) is_starfish: bool,
}

impl Voice {
    const fn new(id: &'static str, name: &'static str, language: &'static str, tag: &'static str) -> Self {
        Self { id, name, language, tag, gender: "female", is_private: false, status: None, is_starfish: true }
    }

    const fn male(self) -> Self {
        Self { gender: "male", ..self }
    }

    const fn clone_with(self, status: &'static str) -> Self {
        Self { is_private: true, status: Some(status), ..self }
    }

    /// Returns whether it can speak now.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_starfish && self.status.is_none_or(|status| status == "complete")
    }
}

/// All voices.
pub(crate) const VOICES: &[Voice] = &[
    Voice::new("emulator-ada", "Ada", "English", "en-US"),
    Voice::new("emulator-bruno", "Bruno", "English", "en-GB").male(),
    Voice::new("emulator-carmen", "Carmen", "Spanish", "es-ES"),
    Voice::new("emulator-dieter", "Dieter", "German", "de-DE").male(),
    Voice::new("emulator-emma", "Emma", "French", "fr-FR"),
    Voice::new("emulator-clone", "My voice", "English", "en-US").clone_with("complete"),
    Voice::new("emulator-clone-new", "My new voice", "English", "en-US").clone_with("processing"),
    Voice { is_starfish: false, ..Voice::new("emulator-old", "Old", "English", "en-US") },
];

/// Returns the voice with this ID.
pub(crate) fn voice(id: &str) -> Option<&'static Voice> {
    VOICES.iter().find(|voice| voice.id == id)
}
