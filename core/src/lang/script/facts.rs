//! What the checks learn about a script. Spans are offsets into the file that contains it.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::Span;

/// How a script is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScriptKind {
    /// A classic script, or the value of an event attribute.
    Classic,
    /// `<script type="module">`, or a file that a module imports.
    Module,
    /// A file that may be either.
    File,
}

/// Facts about a script.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Why browsers do not run the script.
    pub(crate) error: Option<SyntaxError>,
    /// The first `return` outside of a function, which only scripts of mounted compositions may have: they run in one.
    pub(crate) outer_return: Option<Span>,
    /// The variables that the script reads through `getVariables()`, with the positions of their names.
    pub(crate) reads: Vec<(String, Span)>,
    /// The script may read other variables as well.
    pub(crate) is_opaque: bool,
    /// All strings and identifiers of the script. A variable whose id is not among them is not mentioned.
    pub(crate) words: BTreeSet<String>,
    /// Calls of `gsap.timeline()`.
    pub(crate) timelines: Vec<Span>,
    /// Assignments to entries of `window.__timelines`.
    pub(crate) registrations: Vec<Registration>,
    /// `window.__timelines` is used in a way that may register any timeline.
    pub(crate) may_register: bool,
    /// The offset of the script in the file that contains it.
    pub(crate) start: usize,
    /// The first use of each library, except behind a test for its existence.
    pub(crate) uses: Libraries<Span>,
    /// The first use of each library that is certain to happen when the script is run, not in a function that something calls
    /// later.
    pub(crate) uses_at_once: Libraries<Span>,
    /// A call that ends the render when the script is run: its name.
    pub(crate) blocker: Option<(&'static str, Span)>,
    /// `window.onload = …` and the like, and how it is called.
    pub(crate) load_handler: Option<(&'static str, Span)>,
    /// The libraries that the script contains or imports.
    pub(crate) provides: Libraries<()>,
    /// `repeat` values that may exceed the duration.
    pub(crate) repeats: Vec<(Repeat, Span)>,
    /// Values that differ from run to run.
    pub(crate) clocks: Vec<(Clock, Span)>,
    /// Calls and assignments that control media elements.
    pub(crate) media: Vec<MediaControl>,
    /// Selectors passed to the DOM or to GSAP.
    pub(crate) selectors: Vec<Selector>,
    /// Tweens with a known target.
    pub(crate) tweens: Vec<Tween>,
    /// A call of `element.animate()`: the runtime infers the duration from it.
    pub(crate) animates: bool,
    /// References to other files.
    pub(crate) references: Vec<ScriptReference>,
    /// The packages that a module imports by name, except by `import()`.
    pub(crate) packages: Vec<(String, Span)>,
    /// The names that a classic script declares outside of functions, and whether another script may not declare them,
    /// too: they are `let`, `const` or `class`.
    pub(crate) globals: Vec<(String, bool, Span)>,
}

/// A syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The problem, as a lowercase phrase.
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// `window.__timelines["id"] = timeline`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// The id; `None` if it is computed.
    pub(crate) id: Option<String>,
    pub(crate) span: Span,
    /// The timeline is still empty: its animations are added later, when fonts are loaded.
    pub(crate) is_early: bool,
}

/// A library that scripts use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    Gsap,
    MotionPath,
    ScrollTrigger,
    SplitText,
    Lottie,
    Three,
}

/// Something about some of the libraries. A map would be several kilobytes of the WebAssembly module.
#[derive(Clone, Debug)]
pub(crate) struct Libraries<T>([Option<T>; Library::ALL.len()]);

impl<T> Default for Libraries<T> {
    fn default() -> Self {
        Self([const { None }; Library::ALL.len()])
    }
}

impl<T> Libraries<T> {
    /// Sets what is known of a library, unless it is known already.
    pub(crate) fn insert(&mut self, library: Library, value: T) {
        self.0[library as usize].get_or_insert(value);
    }

    pub(crate) fn remove(&mut self, library: Library) {
        self.0[library as usize] = None;
    }

    pub(crate) fn get(&self, library: Library) -> Option<&T> {
        self.0[library as usize].as_ref()
    }

    pub(crate) fn contains(&self, library: Library) -> bool {
        self.get(library).is_some()
    }

    /// Returns the libraries of which something is known.
    pub(crate) fn names(&self) -> impl Iterator<Item = Library> {
        Library::ALL.into_iter().filter(|library| self.contains(*library))
    }
}

impl Library {
    pub(crate) const ALL: [Self; 6] =
        [Self::Gsap, Self::MotionPath, Self::ScrollTrigger, Self::SplitText, Self::Lottie, Self::Three];

    /// The names of global variables that the library sets.
    pub(crate) fn globals(self) -> &'static [&'static str] {
        match self {
            Self::Gsap => &["gsap", "TweenMax", "TimelineMax", "GreenSockGlobals"],
            Self::MotionPath => &["MotionPathPlugin"],
            Self::ScrollTrigger => &["ScrollTrigger"],
            Self::SplitText => &["SplitText"],
            Self::Lottie => &["lottie", "bodymovin"],
            Self::Three => &["THREE"],
        }
    }

    /// Returns the library that sets a global variable.
    pub(crate) fn with_global(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|library| library.globals().contains(&name))
    }

    /// Returns whether a URL is that of the library, by its name.
    pub(crate) fn is_in(self, url: &str) -> bool {
        let url = url.to_ascii_lowercase();
        let names: &[&str] = match self {
            Self::Gsap => &["gsap"],
            Self::MotionPath => &["motionpath"],
            Self::ScrollTrigger => &["scrolltrigger"],
            Self::SplitText => &["splittext"],
            Self::Lottie => &["lottie", "bodymovin"],
            Self::Three => &["three"],
        };
        // GSAP's own bundles have all plugins; a bundle of another name is not known.
        let is_plugin = matches!(self, Self::ScrollTrigger | Self::SplitText);
        let is_bundle = || url.contains("gsap") && ["all.", "bundle"].iter().any(|part| url.contains(part));
        names.iter().any(|name| url.contains(name)) || (is_plugin && is_bundle())
    }
}

/// Returns whether a URL is that of a file of a library, which makes no timeline on its own.
pub(crate) fn is_library_file(url: &str) -> bool {
    const FILES: &[&str] = &[
        "gsap",
        "motionpathplugin",
        "scrolltrigger",
        "splittext",
        "lottie",
        "lottie_light",
        "bodymovin",
        "three",
    ];
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    FILES.contains(&name.split(['.', '@']).next().unwrap_or_default())
}

/// How a `repeat` may exceed the duration of the composition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// `-1`: for ever.
    Infinite,
    /// `Math.ceil(…) - 1`.
    Ceil,
    /// `Math.floor(…) - 1`, which may be -1.
    Floor,
}

/// A source of values that differ from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// A call such as `Math.random()` or `Date.now()`.
    Call(&'static str),
    /// `"random(…)"` as the value of a tween.
    RandomText,
    /// `requestAnimationFrame()`.
    Frame,
    /// `fetch()` of another host.
    Network(String),
}

/// A script controls a media element, which is the renderer's task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaControl {
    /// The selector of the element.
    pub(crate) target: String,
    pub(crate) action: MediaAction,
    pub(crate) span: Span,
}

/// What a script does with a media element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaAction {
    /// `play()`, `pause()`, `currentTime =` or `muted =`.
    Control(&'static str),
    /// `src =` or `setAttribute("src", …)`.
    Source,
}

/// A selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    /// The text; `None` for a template with a `${…}`.
    pub(crate) text: Option<String>,
    pub(crate) span: Span,
    /// It is passed to `querySelector` or `querySelectorAll`.
    pub(crate) is_query: bool,
}

/// A tween of one target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tween {
    /// `to`, `from`, `fromTo` or `set`.
    pub(crate) method: &'static str,
    /// `gsap.to(…)`, not a call of a timeline.
    pub(crate) is_global: bool,
    pub(crate) selector: String,
    /// The values of the last object.
    pub(crate) values: BTreeMap<String, TweenValue>,
    /// The values that `fromTo` starts with.
    pub(crate) from: BTreeMap<String, TweenValue>,
    /// The position in the timeline, if it is a number.
    pub(crate) position: Option<f64>,
    /// No tween of the script is before it, other than `set`.
    pub(crate) is_initial: bool,
    pub(crate) span: Span,
}

/// A value of a tween.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TweenValue {
    Number(f64),
    Text(String),
    Flag(bool),
    Unknown,
}

/// A reference to another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScriptReference {
    pub(crate) target: String,
    /// The characters between the quotes.
    pub(crate) span: Span,
    /// The file is loaded as a module.
    pub(crate) is_module: bool,
    /// The character that encloses the text.
    pub(crate) quote: char,
}

impl Script {
    /// Returns whether a timeline is registered, or may be.
    pub(crate) fn may_have_timeline(&self) -> bool {
        self.may_register || !self.registrations.is_empty()
    }
}
