//! The catalogues of avatars, sounds and languages.

/// A look of an avatar.
#[derive(Debug)]
pub(crate) struct Avatar {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    /// Engines that can animate it; empty if it cannot be used.
    pub(crate) engines: &'static [&'static str],
    pub(crate) orientation: &'static str,
    /// ID of the voice that suits it.
    pub(crate) voice: &'static str,
}

/// All looks.
pub(crate) const AVATARS: &[Avatar] = &[
    Avatar {
        id: "emulator-iris-office",
        name: "Iris in the office",
        group: "emulator-iris",
        engines: &["avatar_iv", "avatar_v"],
        orientation: "landscape",
        voice: "emulator-ada",
    },
    Avatar {
        id: "emulator-iris-street",
        name: "Iris on the street",
        group: "emulator-iris",
        engines: &["avatar_iv"],
        orientation: "portrait",
        voice: "emulator-ada",
    },
    Avatar {
        id: "emulator-max-old",
        name: "Max",
        group: "emulator-max",
        engines: &[],
        orientation: "landscape",
        voice: "emulator-bruno",
    },
];

/// Returns the look with this ID.
pub(crate) fn avatar(id: &str) -> Option<&'static Avatar> {
    AVATARS.iter().find(|avatar| avatar.id == id)
}

/// Music or a sound effect.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) seconds: f64,
}

/// All sounds.
pub(crate) const SOUNDS: &[Sound] = &[
    Sound {
        id: "emulator-calm-piano",
        name: "Calm piano",
        description: "Slow chords for a quiet background",
        kind: "music",
        seconds: 6.0,
    },
    Sound {
        id: "emulator-upbeat-drums",
        name: "Upbeat drums",
        description: "Fast rhythm for a launch",
        kind: "music",
        seconds: 4.0,
    },
    Sound {
        id: "emulator-whoosh",
        name: "Whoosh",
        description: "Fast transition between scenes",
        kind: "sound_effects",
        seconds: 0.8,
    },
];

/// Names of the languages that videos are translated to.
pub(crate) const LANGUAGES: &[&str] = &["English", "French (France)", "German (Germany)", "Spanish (Spain)"];
