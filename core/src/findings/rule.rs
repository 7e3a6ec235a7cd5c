//! The rule table: the code, severity and explanation of every kind of finding.
//!
//! This table is the only source: the severities of findings, `check --explain` and `docs/checks.md` come from it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::severity::Severity;
use crate::text::nearest;

/// The page that explains all checks.
const CHECKS_URL: &str = "https://github.com/hyperframes-ci/hyperframes-ci/blob/main/docs/checks.md";

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $group:ident, $severity:ident
        $(, official = [$($official:literal),+])? $(, fixable = $fixable:literal)?;)+) => {
        /// A kind of finding. `check --explain` prints the documentation of each variant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// All rules, ordered by group.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the stable identifier, such as `undeclared-variable`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Returns the group that the rule belongs to.
            #[must_use]
            pub fn group(self) -> Group {
                match self { $(Self::$name => Group::$group,)+ }
            }

            /// Returns the default severity.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// Returns the codes of the official linter for the same problem. `check --official` drops findings of
            /// theirs that ours has at the same element.
            #[must_use]
            pub fn official(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($($official),+)?],)+ }
            }

            /// Returns whether `check --fix` can correct at least some findings.
            #[must_use]
            pub fn is_fixable(self) -> bool {
                match self { $(Self::$name => false $(|| $fixable)?,)+ }
            }

            /// Returns the lines of the documentation, each with a line break; the first line is the summary.
            fn text(self) -> &'static str {
                // One text, since a table of lines would take 8 bytes more for each in WebAssembly.
                match self { $(Self::$name => concat!($($doc, "\n"),+),)+ }
            }
        }
    };
}

/// The subject of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `data-composition-variables`.
    Declarations,
    /// Values of variables.
    Values,
    /// Reads of variables.
    Bindings,
    /// The entry composition and its mounts.
    Composition,
    /// Scripts.
    Scripts,
    /// References between files.
    References,
    /// Packed files.
    Packing,
    /// Elements, their times, and media.
    Structure,
}

rules! {
    /// Variable declarations are not valid JSON.
    ///
    /// The runtime then ignores the whole attribute: every variable is undefined, and no value is checked. The finding
    /// points at the syntax error inside the attribute. In a double-quoted attribute, write the quotes of the JSON as
    /// `&quot;`, or put the attribute in single quotes.
    DeclarationsInvalidJson = "declarations-invalid-json", Declarations, Error;

    /// Variable declarations are not a JSON array.
    ///
    /// `data-composition-variables` must be an array of declarations:
    /// `[{"id": …, "label": …, "type": …, "default": …}]`. The runtime treats anything else as an empty array.
    DeclarationsNotArray = "declarations-not-array", Declarations, Error;

    /// A variable is declared differently on several elements.
    ///
    /// The runtime merges `data-composition-variables` of all elements. If a variable is declared several times, the
    /// last declaration is used. Identical copies are not reported.
    DuplicateDeclarations = "duplicate-declarations", Declarations, Warning;

    /// A declaration is not a JSON object.
    ///
    /// A declaration has the form `{"id": …, "label": …, "type": …, "default": …}`. The official parser silently drops
    /// anything else.
    DeclarationNotObject = "declaration-not-object", Declarations, Error;

    /// A declaration has no id, or its id is not a string.
    ///
    /// Values and bindings refer to a variable by its id. The official parser silently drops a declaration without one.
    DeclarationWithoutId = "declaration-without-id", Declarations, Error;

    /// A declaration has no label, or its label is not a string.
    ///
    /// Forms show the label. The official parser silently drops a declaration without one, and any value is then
    /// accepted for the variable. The runtime still uses its default.
    DeclarationWithoutLabel = "declaration-without-label", Declarations, Warning, fixable = true;

    /// A declaration has no type, or an unknown type.
    ///
    /// The types are string, number, color, boolean, enum, font and image. Common mistakes are `select` (use enum),
    /// `text` (use string) and `json`. The official parser silently drops the declaration, and any value is then accepted
    /// for the variable. The runtime still uses its default.
    DeclarationUnknownType = "declaration-unknown-type", Declarations, Warning, fixable = true;

    /// A declaration has no default, or its default has the wrong type.
    ///
    /// The default must be a number for type number, true or false for type boolean, and a string for every other type.
    /// The official parser silently drops the declaration, and scripts read a value of another type: the text `"false"`
    /// counts as true.
    DeclarationDefaultType = "declaration-default-type", Declarations, Error;

    /// An enum has no options.
    ///
    /// An enum lists its allowed values: `"options": [{"value": "calm", "label": "Calm"}]`.
    DeclarationWithoutOptions = "declaration-without-options", Declarations, Warning;

    /// An option of an enum is not a `{value, label}` object.
    ///
    /// `value` and `label` must both be strings. If options are bare strings, the official validator rejects every
    /// value of the enum. The checks accept bare strings as values, so that other findings stay useful.
    DeclarationMalformedOption = "declaration-malformed-option", Declarations, Warning, fixable = true;

    /// The default of an enum is not one of its options.
    ///
    /// The runtime still uses it, but it cannot be passed as a value.
    DeclarationDefaultNotInOptions = "declaration-default-not-in-options", Declarations, Warning, fixable = true;

    /// Two different declarations have the same id.
    ///
    /// The last one is used, as in the official validator. Identical copies are not reported.
    DeclarationDuplicateId = "declaration-duplicate-id", Declarations, Warning;

    /// The default of a color is not a valid CSS color.
    ///
    /// A color is a name, `#rgb`, `#rrggbb` (with or without alpha), or a function such as `rgb()` or `oklch()`.
    /// Browsers ignore CSS declarations with anything else. An empty default means no color.
    DeclarationInvalidColor = "declaration-invalid-color", Declarations, Error;

    /// The default of an image is a URL that the runtime rejects.
    ///
    /// Media URLs may be relative, `https:`, `http:`, `blob:` or `data:image/…`. For anything else, such as `file:` or
    /// `javascript:`, the runtime shows the authored fallback instead.
    DeclarationUnsafeUrl = "declaration-unsafe-url", Declarations, Error;

    /// Variable values are not valid JSON.
    ///
    /// If `data-variable-values` is not valid JSON, the runtime ignores it and uses the defaults.
    ValuesInvalidJson = "values-invalid-json", Values, Error;

    /// Variable values are not a JSON object.
    ///
    /// Values are an object with variable ids as names: `{"title": "Hello"}`. A rows file contains one object per row.
    ValuesNotObject = "values-not-object", Values, Error;

    /// A value is set for a variable that the composition does not declare.
    ///
    /// The value is never read; usually its name is misspelled. A composition without declarations accepts all values.
    /// Values on an element with `data-composition-src` are checked against the file that it mounts.
    UndeclaredVariable = "undeclared-variable", Values, Error;

    /// A value does not have the type of its variable.
    ///
    /// The rules are those of the official validator: string and color take a string, number a finite number,
    /// boolean true or false, enum a string, font a string or `{name, source}`, image a string or `{url}`.
    VariableTypeMismatch = "variable-type-mismatch", Values, Error;

    /// A value is not one of the options of its enum.
    VariableNotInEnum = "variable-not-in-enum", Values, Error;

    /// Values are set for a composition that declares no variables.
    ///
    /// The values are accepted, as by the official validator, but nothing about them can be checked. With
    /// `--strict-variables`, this is a warning.
    ValuesNotChecked = "values-not-checked", Values, Note;

    /// A binding refers to an undeclared variable.
    ///
    /// `data-var-text` and `data-var-src` keep the authored content if the variable does not exist, so a misspelled
    /// name goes unnoticed until a value has no effect.
    UndeclaredBinding = "undeclared-binding", Bindings, Warning;

    /// `data-var-src` is on an element that does not support it.
    ///
    /// The runtime binds `src` only on img, video, audio and source, because a URL on other elements could run code.
    BindingOnWrongElement = "binding-on-wrong-element", Bindings, Warning;

    /// CSS reads a custom property that is never set.
    ///
    /// `var(--id)` without a fallback makes the whole CSS declaration invalid if no variable has that id and no CSS or
    /// script of the project sets the property.
    UndeclaredCssVariable = "undeclared-css-variable", Bindings, Warning;

    /// A script reads an undeclared variable.
    ///
    /// `getVariables()` returns the declared variables and the values of the render. Any other name is undefined.
    UndeclaredRead = "undeclared-read", Bindings, Warning;

    /// A declared variable is never read.
    ///
    /// No binding, CSS or script of the composition refers to the variable, so setting it has no effect. A script that
    /// handles all values as a whole counts as reading every variable.
    UnusedVariable = "unused-variable", Bindings, Warning;

    /// The composition was not found in the project.
    ///
    /// A project must have `index.html` at its root, whichever composition is rendered.
    CompositionMissing = "composition-missing", Composition, Error;

    /// The composition is excluded from the archive.
    ///
    /// It is excluded by a rule of `.hyperframesignore`, or has a name that is never packed.
    CompositionIgnored = "composition-ignored", Composition, Error;

    /// No element has `data-composition-id`.
    ///
    /// The element with `data-composition-id` is the root of the composition. Without it there is nothing to render.
    RootMissing = "root-missing", Composition, Error, official = ["missing_timeline_registry"];

    /// The root element has no width or no height.
    ///
    /// The cloud then renders at 16:9, whatever the layout of the composition.
    DimensionsMissing = "dimensions-missing", Composition, Warning;

    /// The width or height of the root element is not a positive number of pixels.
    DimensionsInvalid = "dimensions-invalid", Composition, Error;

    /// The cloud does not support the aspect ratio.
    ///
    /// The cloud supports 16:9, 9:16 and 1:1, with a tolerance of 0.05. It distorts a composition with another aspect
    /// ratio, or rejects it. Local rendering (`--renderer local`) supports any aspect ratio.
    AspectRatioUnsupported = "aspect-ratio-unsupported", Composition, Warning;

    /// `--aspect-ratio` does not match the composition.
    ///
    /// A render has the aspect ratio of the composition; no option changes it.
    AspectRatioMismatch = "aspect-ratio-mismatch", Composition, Error;

    /// The duration of the composition is unknown.
    ///
    /// The duration is set by `data-duration` on the root element, or follows from clips with `data-duration`, from
    /// media, from animations that end, or from a timeline that a script registers. Without any of them, the render fails:
    /// the composition has zero duration.
    DurationMissing = "duration-missing", Composition, Error,
        official = ["root_composition_missing_duration_source"];

    /// `data-duration` is not a positive number of seconds.
    DurationInvalid = "duration-invalid", Composition, Error;

    /// A mounted composition was not found.
    ///
    /// `data-composition-src` must refer to an existing HTML file.
    MountMissing = "mount-missing", Composition, Error, official = ["missing_or_empty_sub_composition"];

    /// The path of a mount is relative to its own file.
    ///
    /// `data-composition-src` starts at the root of the project, also in files of subdirectories. A path that is
    /// relative to the mounting file renders blank, without an error.
    MountRelative = "mount-relative", Composition, Error, official = ["missing_or_empty_sub_composition"], fixable = true;

    /// A mounted composition is excluded from the archive.
    MountIgnored = "mount-ignored", Composition, Error, official = ["missing_or_empty_sub_composition"];

    /// Compositions mount each other in a cycle.
    ///
    /// The renderer leaves the slot blank that would begin the cycle again.
    MountCycle = "mount-cycle", Composition, Warning;

    /// A script has a syntax error.
    ///
    /// Browsers do not run any part of such a script. If it registers the timeline, nothing moves, and the renderer
    /// waits 45 seconds for the timeline before it gives up.
    ScriptSyntaxError = "script-syntax-error", Scripts, Error, official = ["invalid_inline_script_syntax"];

    /// A script uses a library that is not loaded.
    ///
    /// The script stops at the first use of GSAP, ScrollTrigger, SplitText, Lottie or Three.js, and its timeline is never
    /// registered: the render fails after 45 seconds. Without MotionPathPlugin, GSAP ignores `motionPath`, and the element
    /// does not move. A module that imports a package by name does not run unless an import map has the name. The library must
    /// be loaded before the script that uses it: the renderer ignores `defer` and `async`.
    LibraryNotLoaded = "library-not-loaded", Scripts, Error, official = [
        "missing_gsap_plugin",
        "missing_gsap_script",
        "missing_lottie_script",
        "missing_three_script"
    ];

    /// A script creates a GSAP timeline and never registers it.
    ///
    /// The renderer only moves timelines in `window.__timelines`. Others do not play, and the renderer waits 45 seconds
    /// for a timeline of the composition.
    TimelineNotRegistered = "timeline-not-registered", Scripts, Error,
        official = ["gsap_timeline_not_registered", "missing_timeline_registry"];

    /// A timeline is registered under an id that no composition has.
    ///
    /// The key in `window.__timelines` must be the `data-composition-id` of the element that the timeline animates.
    /// Otherwise the timeline does not play.
    TimelineIdMismatch = "timeline-id-mismatch", Scripts, Error, official = ["timeline_id_mismatch"], fixable = true;

    /// A composition has no timeline and no `data-no-timeline`.
    ///
    /// The renderer waits up to 45 seconds for a timeline in `window.__timelines`, in every render. `data-no-timeline`
    /// on the element says that there is none. An element that mounts a file needs it too, whatever the root of that file
    /// has.
    TimelineMissing = "timeline-missing", Scripts, Warning,
        official = [
        "gsap_timeline_not_registered",
        "missing_data_no_timeline",
        "missing_timeline_registry"
    ], fixable = true;

    /// A handler is set for an event that is over.
    ///
    /// The renderer runs scripts when the page has loaded, so it never calls `window.onload` or
    /// `document.onreadystatechange`, and `onload` attributes do not find the functions of scripts. It does call what
    /// `addEventListener("load", …)` and `"DOMContentLoaded"` add.
    HandlerNotCalled = "handler-not-called", Scripts, Error;

    /// A script opens a dialog, or replaces the page.
    ///
    /// The renderer answers no `alert()`, `confirm()` or `prompt()`, and waits for ever. It runs scripts when the page has
    /// loaded, so that `document.write()` replaces the page, as does `location.reload()`. Only calls that are certain when the
    /// script is run are found.
    PageBlocked = "page-blocked", Scripts, Error;

    /// A source file must be compiled first.
    ///
    /// Browsers read neither Sass and Less nor modules in TypeScript or JSX, and run no scripts of type `text/babel`, unless a
    /// library compiles them.
    UncompiledSource = "uncompiled-source", Scripts, Error, official = ["invalid_inline_script_syntax"];

    /// A timeline is registered before its animations are added.
    ///
    /// The script registers the timeline at once and adds animations when fonts have loaded. Where the composition is
    /// mounted, the runtime takes the timeline while it is empty, and nothing moves.
    TimelineRegisteredEarly = "timeline-registered-early", Scripts, Warning,
        official = ["gsap_timeline_registered_before_async_build"];

    /// An animation repeats forever in a composition without a duration.
    ///
    /// `repeat: -1` makes the timeline endless. Without `data-duration` on the root element, the renderer cannot plan
    /// the frames, and the render fails.
    InfiniteRepeat = "infinite-repeat", Scripts, Error, official = ["gsap_infinite_repeat"];

    /// The number of repeats is rounded in a way that can exceed the duration.
    ///
    /// `Math.ceil(duration / cycle) - 1` is too large by a part of a cycle. `Math.floor(duration / cycle) - 1` is -1,
    /// which means forever, if a cycle is longer than the duration.
    RepeatOvershoot = "repeat-overshoot", Scripts, Warning,
        official = ["gsap_repeat_ceil_overshoot", "gsap_repeat_floor_unclamped"], fixable = true;

    /// A script uses values that differ between runs.
    ///
    /// Random numbers, the current time and answers of other servers change from render to render, and between the
    /// processes that render parts of one video. Renders are reused for equal input, so a repeated render may differ
    /// from the reused one. Use a random number generator with a fixed seed, and times of the timeline.
    NondeterministicScript = "nondeterministic-script", Scripts, Warning, official = ["non_deterministic_code"];

    /// A script animates with `requestAnimationFrame`.
    ///
    /// Its callbacks follow the real clock, not the time of the frame that is captured, so frames repeat or are skipped.
    RealTimeAnimation = "real-time-animation", Scripts, Warning,
        official = ["requestanimationframe_in_composition"];

    /// CSS changes a style with a transition.
    ///
    /// Transitions follow the real clock, not the time of the frame that is captured. Where a script changes the style,
    /// frames differ from run to run.
    CssTransition = "css-transition", Scripts, Warning, official = ["css_transition_used"];

    /// An animation does not follow the time of the frame.
    ///
    /// The renderer sets the time of timelines, of `element.animate()` and of CSS animations of HTML elements. CSS animations
    /// of SVG elements and of pseudo-elements are early or late by up to a few frames. SMIL (`<animate>`) and `<marquee>` run by
    /// the real clock. Frames differ from run to run.
    UnseekedAnimation = "unseeked-animation", Scripts, Warning;

    /// A script plays, pauses or seeks a media element.
    ///
    /// The renderer sets the time of audio and video for each frame. A script that does so as well changes which frame
    /// is captured. Use `data-start`, `data-duration` and `data-media-start`.
    MediaControlledByScript = "media-controlled-by-script", Scripts, Warning, official = ["imperative_media_control"];

    /// A script sets the source of a media element.
    ///
    /// The renderer extracts frames and sound from the authored source before scripts run. Use `data-var-src` with a
    /// declared variable.
    MediaSourceSetByScript = "media-source-set-by-script", Scripts, Warning,
        official = ["media_runtime_src_mutation"];

    /// A selector contains a variable.
    ///
    /// The official bundler reads selectors of `querySelector` in scripts, and does not evaluate `${…}`. Where a
    /// composition is mounted, the selector is not rewritten.
    TemplateSelector = "template-selector", Scripts, Warning, official = ["template_literal_selector"];

    /// A selector cannot match.
    ///
    /// `[a="1" b="2"]` is a syntax error: each attribute needs its own brackets. `#a #a` asks for an element inside
    /// another one with the same id. `#1a` is invalid, because a name cannot start with a digit: write `#\31 a`, or
    /// rename the id.
    UnmatchableSelector = "unmatchable-selector", Scripts, Warning, official = [
        "id_requires_css_escape",
        "repeated_id_descendant_selector",
        "split_data_attribute_selector"
    ];

    /// A tween animates the visibility of a clip.
    ///
    /// The renderer sets `visibility` and `display` of elements of class `clip` for each frame, and overrides what a
    /// tween of `visibility`, `display` or `autoAlpha` sets. Animate `opacity`, or an element inside the clip.
    ClipVisibilityTween = "clip-visibility-tween", Scripts, Warning, official = ["gsap_animates_clip_element"];

    /// An element that should fade in stays invisible.
    ///
    /// CSS hides the element with `opacity: 0`, and the tween ends at the value of the CSS: `from` with `opacity: 0`
    /// goes from 0 to 0, and `fromTo` without an opacity in its second object keeps the hidden state where rendering
    /// starts later in the video.
    InvisibleReveal = "invisible-reveal", Scripts, Warning,
        official = ["gsap_cold_seek_hidden_fromto_missing_reveal", "gsap_from_opacity_noop"];

    /// An element is hidden at the start of a timeline.
    ///
    /// `timeline.set()` at position 0 has no effect on the first frame, which shows the element. Use `gsap.set()`, or
    /// hide the element in CSS.
    LateInitialState = "late-initial-state", Scripts, Warning, official = ["gsap_timeline_set_initial_hide"];

    /// A referenced file was not found.
    ///
    /// The file would be missing from the video. Commit the file, or correct the reference. It is a warning if the
    /// browser may do without the file: a fallback of `var()`, one of several alternatives in `@font-face`, `image-set()`,
    /// `srcset` or `<picture>`, an element with `display: none`, an unused `<template>`, a font without text in its
    /// `unicode-range`, `@supports not`, or a page with `<base href>`.
    MissingAsset = "missing-asset", References, Error;

    /// A referenced file is excluded from the archive.
    ///
    /// The file exists, but it is excluded by a rule of `.hyperframesignore`, or has a name that is never packed.
    IgnoredAsset = "ignored-asset", References, Error;

    /// A reference and its file differ in upper and lower case.
    ///
    /// The reference works on macOS and Windows, where file systems ignore case, and fails in the cloud. The same holds
    /// for two encodings of letters with accents (Unicode normal forms), which macOS treats as equal.
    AssetCaseMismatch = "asset-case-mismatch", References, Error, fixable = true;

    /// A reference points outside the repository.
    ///
    /// Files of the same repository are packed with the project. Files outside the repository, below a name that starts
    /// with a dot, or behind a symbolic link to either are never packed, because workflows also pack untrusted pull
    /// requests.
    EscapingReference = "escaping-reference", References, Error;

    /// A reference points to a file on this machine.
    ///
    /// `file:` URLs and drive letters do not work on other machines.
    LocalFileUrl = "local-file-url", References, Error;

    /// A reference leads outside of the project and is not packed.
    ///
    /// The engine would read the file from the machine, also for links (`<a href>`). Renders on this machine are
    /// refused with such a reference, whatever the severity of this finding is.
    OutsideReference = "outside-reference", References, Error;

    /// A reference points to a host that is not public, or a script has another scheme than `https:` or `http:`.
    ///
    /// Loopback and private addresses and names of local networks are never loaded. Renders on this machine are refused
    /// with such a reference, whatever the severity of this finding is.
    PrivateAddress = "private-address", References, Error;

    /// A reference uses `http:`.
    ///
    /// The content can be modified in transit. Use `https:`, or copy the file into the project.
    InsecureReference = "insecure-reference", References, Warning;

    /// A reference contains a placeholder.
    ///
    /// `{{name}}`, `${name}`, `<<name>>` or `__NAME__` is replaced in a later step, so the checks cannot look for the
    /// file.
    PlaceholderReference = "placeholder-reference", References, Note;

    /// A file is a Git LFS pointer instead of the actual content.
    ///
    /// The checkout did not download the content. In GitHub Actions, set `lfs: true` for `actions/checkout`; elsewhere,
    /// run `git lfs pull`. Files that no composition refers to are one warning per directory.
    LfsPointer = "lfs-pointer", References, Error;

    /// The project is too large for the cloud.
    ///
    /// The limit for an archive is 200 MB. Only files that are already compressed, such as media, are counted, since
    /// packing does not make them smaller. Use `.hyperframesignore` to exclude files that the video does not need.
    ProjectTooLarge = "project-too-large", Packing, Error;

    /// An HTML, CSS or script file is not UTF-8.
    ///
    /// The file is packed unchanged. Its contents are not checked, and its references to files outside the project are
    /// not followed.
    NotUtf8 = "not-utf8", Packing, Warning;

    /// A file is a playlist.
    ///
    /// FFmpeg decides by contents what a file is, and opens the files that a playlist lists, wherever they are. Renders
    /// on this machine are refused with such a file, whatever the severity of this finding is.
    PlaylistFile = "playlist-file", Packing, Error;

    /// A file name cannot be stored in an archive.
    ///
    /// Names that contain a backslash or a control character, or that are not valid Unicode, cannot be unpacked on
    /// every system.
    UnportableName = "unportable-name", Packing, Error;

    /// A symbolic link points to a directory that contains it.
    LinkCycle = "link-cycle", Packing, Error;

    /// The target of a symbolic link was not found.
    DanglingLink = "dangling-link", Packing, Error;

    /// A symbolic link points outside the repository.
    ///
    /// Only files inside the repository, on paths without a name that starts with a dot, are packed.
    EscapingLink = "escaping-link", Packing, Error;

    /// A directory entry is neither a file nor a directory.
    ///
    /// Sockets, pipes and devices are not packed.
    NotAFile = "not-a-file", Packing, Warning;

    /// A tag is not closed before the next one.
    ///
    /// Without `>`, browsers read the next tag as attributes of this one: the element after it does not exist. The same holds
    /// for a comment that is never closed, and for `<iframe/>`, `<script/>` and `<textarea/>`, which need an end tag. Elements
    /// after `<canvas/>` or `<object/>` are not shown, and those after `<div data-start="0" …/>` are inside it, and are shown only while it is. In SVG, the renderer leaves `<title>`,
    /// `<desc>` and `<foreignObject>` open if they are empty.
    UnclosedTag = "unclosed-tag", Structure, Error, official = ["unclosed_tag_swallowed_element"];

    /// A video or audio element is closed with `/>`.
    ///
    /// HTML has no such syntax. Browsers leave the element open, and everything after it becomes its invisible fallback. If
    /// its end tag follows, the slash has no effect, and the finding is a warning.
    SelfClosingMedia = "self-closing-media", Structure, Error, official = ["self_closing_media_tag"], fixable = true;

    /// An attribute that the renderer reads is not written in lower case.
    ///
    /// Browsers do not distinguish `DATA-WIDTH` from `data-width`, but the renderer does: a root without its size is rendered at
    /// 1080x1920, and media without their source have no sound.
    UppercaseAttribute = "uppercase-attribute", Structure, Error, fixable = true;

    /// A style is never closed, or closed twice.
    ///
    /// Markup after an open `<style>` is parsed as CSS. CSS before an extra `</style>` is shown as text; it is a warning if
    /// there is none.
    UnbalancedStyle = "unbalanced-style", Structure, Error, official = ["unbalanced_style_tags"];

    /// A style is in a CDATA section, or is in SVG and has a selector with `>`.
    ///
    /// Drawing programs export `<style><![CDATA[ … ]]></style>`. The renderer reads inline SVG as HTML, in which the section is
    /// not CSS (and in a script, a syntax error), and it writes `>` in such a style as `&gt;`. Neither is applied. CDATA sections
    /// around text of SVG are fine.
    UnreadStyle = "unread-style", Structure, Error, official = ["css_parse_error"];

    /// Two elements have the same composition id.
    ///
    /// The runtime finds compositions and their timelines by id, so only one of the elements is played. If
    /// `<html>` has the id of the root, the video has the size of `<html>`, which has none.
    DuplicateCompositionId = "duplicate-composition-id", Structure, Error, official = ["duplicate_composition_id"];

    /// An element that mounts a composition has no `data-composition-id`.
    ///
    /// The renderer waits 45 s for its timeline in every render.
    MountWithoutId = "mount-without-id", Structure, Warning, official = ["host_missing_composition_id"], fixable = true;

    /// A mounted file has nothing to mount.
    ///
    /// The file is empty, or its `<template>` (or its body, without one) has no element with `data-composition-id`. The
    /// renderer rejects the project.
    MountUnusable = "mount-unusable", Structure, Error, official = ["missing_or_empty_sub_composition"];

    /// A mounted composition ends before the composition around it.
    ///
    /// Its slot is blank for the rest, and nothing else is shown then.
    MountEndsEarly = "mount-ends-early", Structure, Warning,
        official = ["subcomposition_blanks_before_host"];

    /// The root of the rendered composition is inside `<template>`.
    ///
    /// The contents of `<template>` are not rendered. Only compositions that others mount may have it.
    RootInTemplate = "root-in-template", Structure, Error,
        official = ["standalone_composition_wrapped_in_template"];

    /// The root of `index.html` is empty, although the project has another composition.
    ///
    /// The renderer rejects such a project, unless the other file is chosen with `--composition`.
    BlankRoot = "blank-root", Structure, Error, official = ["blank_root_with_standalone_composition"];

    /// `compositions` is a file.
    ///
    /// The renderer reads it as a directory and fails.
    CompositionsNotDirectory = "compositions-not-directory", Structure, Error;

    /// The root has an opaque background, but the video is to have transparency.
    ///
    /// The renderer removes the backgrounds of `<html>` and `<body>` for `webm` and `mov`, but not that of the root: it
    /// covers every frame. The format is that of the render, or of an entry of the configuration.
    OpaqueRoot = "opaque-root", Structure, Note;

    /// An element ends after its composition.
    ///
    /// The rest of it is cut off.
    ClipPastEnd = "clip-past-end", Structure, Warning, official = ["clip_ends_past_root_duration"];

    /// A nested element is never shown.
    ///
    /// `data-start` counts from the start of the composition, not of the element around it. An element is shown only
    /// while the element around it is.
    ClipNeverVisible = "clip-never-visible", Structure, Error, official = ["nested_clip_never_visible"];

    /// A video with `data-start` is inside an element with `data-start`.
    ///
    /// Frames are extracted by the time of the video alone, but it is shown by the time of the element around it: wrong
    /// frames are shown, or none.
    VideoInTimedElement = "video-in-timed-element", Structure, Error,
        official = ["video_nested_in_timed_element"];

    /// A video or audio element with a time has no source.
    ///
    /// Nothing is shown or heard. It is a warning if a script sets `src`.
    MediaWithoutSrc = "media-without-src", Structure, Error, official = ["media_missing_src"];

    /// A video or audio element has `data-var-src`, but no `src`.
    ///
    /// Audio is extracted from the `src` in the file, and without a value for the variable there is nothing to load.
    MediaWithoutFallback = "media-without-fallback", Structure, Warning,
        official = ["media_variable_src_no_fallback"];

    /// A video or audio element has no `data-start`.
    ///
    /// The renderer controls only media with a time, so others play at another time, or not at all.
    MediaWithoutStart = "media-without-start", Structure, Warning, official = ["media_missing_data_start"];

    /// A file is not of the kind that its element needs.
    ///
    /// The renderer rejects a video element with an image or a sound, an audio element without sound, and an image element
    /// with a video. The kind is determined by the name, the first bytes and the headers of the file. Browsers show no HEIC, TIFF
    /// or Photoshop images.
    MediaKindMismatch = "media-kind-mismatch", Structure, Error, official = ["media_src_kind_mismatch"];

    /// Two media elements have the same id and different sources.
    ///
    /// The renderer extracts media by id, so the second source is used for both elements.
    DuplicateMediaId = "duplicate-media-id", Structure, Error;

    /// A media file is empty.
    ///
    /// The file has no bytes, or an image without pixels, or is an SVG file that is cut or has no `xmlns`. It cannot be shown.
    EmptyMedia = "empty-media", Structure, Error;

    /// Media starts after its end.
    ///
    /// `data-media-start` is not before the end of the file: the last frame of a video is shown, and nothing is heard. The
    /// length is read from the file.
    MediaStartPastEnd = "media-start-past-end", Structure, Warning,
        official = ["video_media_start_at_or_past_eof"];

    /// Media is shorter than its element.
    ///
    /// After the end of the file, the last frame of a video is shown, and nothing is heard. The latter is a note.
    MediaTooShort = "media-too-short", Structure, Warning;

    /// A video has a codec that browsers do not play.
    ///
    /// The renderer decodes HEVC, ProRes and others with FFmpeg, but a preview in a browser shows nothing.
    CodecWithoutPreview = "codec-without-preview", Structure, Note;

    /// Video or audio is embedded as base64.
    ///
    /// The renderer cannot extract it and rejects the project. Save it as a file.
    InlineMedia = "inline-media", Structure, Error, official = ["base64_media_prohibited"];

    /// Media is loaded from a host of placeholders.
    ///
    /// Hosts such as example.com do not have the file.
    PlaceholderMedia = "placeholder-media", Structure, Warning, official = ["placeholder_media_url"];

    /// A video does not declare whether it has sound.
    ///
    /// The sound of a video is used only with `data-has-audio="true"`. For a video without sound, add `muted`.
    VideoSoundUndeclared = "video-sound-undeclared", Structure, Warning, official = ["video_missing_muted"];

    /// A video is muted and declares sound.
    VideoSoundContradiction = "video-sound-contradiction", Structure, Warning,
        official = ["video_muted_with_declared_audio"];

    /// A comment of CSS or scripts is in the markup.
    ///
    /// HTML comments are written `<!-- … -->`; `/* … */` is shown as text.
    VisibleComment = "visible-comment", Structure, Warning, official = ["visible_markup_comment"];

    /// The rendered file starts with a byte order mark.
    ///
    /// The renderer puts the mark into the page as text: everything is shown a line lower, unless the root element has an absolute
    /// position. Files that are mounted, style sheets and scripts may have one.
    ByteOrderMark = "byte-order-mark", Structure, Warning, fixable = true;

    /// The rendered file is a fragment.
    ///
    /// Without `<!doctype html>` and `<html>`, browsers use another layout mode, and the renderer cannot add its scripts. The
    /// same holds if something is before them, even a comment: the renderer puts the file into a page of its own, with a black
    /// background, another font and without margins.
    NotADocument = "not-a-document", Structure, Warning,
        official = ["root_composition_missing_html_wrapper"];

    /// A video and an audio element play the same sound.
    ///
    /// Both have the same source and play at the same time, and the video is not muted.
    SoundTwice = "sound-twice", Structure, Warning, official = ["video_audio_double_source"];

    /// Two elements with sound are on the same track at the same time.
    ///
    /// Both are heard.
    TrackOverlap = "track-overlap", Structure, Warning, official = ["duplicate_audio_track"];

    /// A negative `z-index` paints an element behind the background.
    ///
    /// Without a stacking context around it, the element is behind the background of the composition and cannot be seen
    /// if that is opaque.
    NegativeZIndex = "negative-z-index", Structure, Warning, official = ["negative_z_index"];

    /// The official linter found a problem.
    ///
    /// `check --official` runs the linter of the pinned engine as well, and adds what these checks do not find. The
    /// message starts with the code of the official linter. Its errors are errors, except for codes that were rendered
    /// and found to be harmless, which are notes.
    Official = "official", Structure, Warning;

    /// A selector matches elements while the renderer hides them.
    ///
    /// The renderer hides each video and shows its frames instead, with the opacity that CSS gives to the video. A rule
    /// for `[style*="visibility: hidden"]` with `opacity: 0` makes these frames transparent.
    HiddenStyleSelector = "hidden-style-selector", Structure, Warning, official = ["runtime_hidden_style_opacity"];

    /// A style sheet has a syntax error.
    ///
    /// Browsers skip what they cannot read: the declaration, and often the rule after it.
    CssSyntaxError = "css-syntax-error", Structure, Warning, official = ["css_parse_error"];

    /// The page has another size than its composition.
    ///
    /// Width and height of `body` should be those of the root element. A smaller page with `overflow: hidden` cuts off
    /// a part of the video.
    CanvasSizeMismatch = "canvas-size-mismatch", Structure, Warning, official = ["root_dimensions_mismatch"];

    /// `zoom` is set on the root element or around it.
    ///
    /// It changes the size of everything in the frame, but not that of the frame: the rest of the frame stays empty, or
    /// contents are cut off.
    CanvasZoom = "canvas-zoom", Structure, Warning, official = ["root_zoom_rescales_a_fixed_canvas"];

    /// A page has many elements with expensive effects.
    ///
    /// With about 40 elements with `blur()`, `radial-gradient()` or `clip-path`, hidden or not, the first half of a video
    /// was observed to be black. The warning starts at 25.
    ManyEffects = "many-effects", Structure, Warning, official = ["composition_heavy_overlay_count_high"];

    /// An overlay covers the video before it is shown.
    ///
    /// The element covers the whole frame, and nothing hides it until its first tween, which shows it.
    OverlayVisibleAtStart = "overlay-visible-at-start", Structure, Warning,
        official = ["gsap_fullscreen_overlay_starts_visible"];

    /// A selector names a composition that the file does not have.
    ///
    /// `[data-composition-id="…"]` matches nothing, so the rule has no effect.
    SelectorWithoutComposition = "selector-without-composition", Structure, Warning,
        official = ["scoped_css_missing_wrapper"];

    /// The renderer does not have a font.
    ///
    /// Another font is used instead, unless a later family of the list exists. Fonts are known by `@font-face`, a link
    /// to a font service, or because the renderer has them.
    FontUnavailable = "font-unavailable", Structure, Warning, official = ["font_family_without_font_face"];

    /// A distributed renderer does not have a font.
    ///
    /// Other renderers replace fonts of operating systems, such as Arial and Georgia, with similar ones. On AWS Lambda and
    /// Google Cloud Run, the text is set in another font. The finding is for renders with `--renderer lambda` or
    /// `--renderer cloudrun`, and for entries of `hyperframes-ci.toml` with one of these renderers.
    FontSubstituted = "font-substituted", Structure, Warning, official = ["system_font_will_alias"];

    /// A file holds credentials.
    ///
    /// It is never packed, whatever the severity of this rule. Earlier steps of a job may leave such files in a workspace:
    /// `gha-creds-*.json`, keys, `*.env`, files with tokens. They are recognised by their names or first bytes. A hard link
    /// to a hidden file counts as well.
    CredentialFile = "credential-file", Packing, Warning;

    /// A generated file is missing.
    ///
    /// A `[[media]]` entry of `hyperframes-ci.toml` declares it, or its words or captions.
    MediaMissing = "media-missing", Structure, Error;

    /// A generated file was made from another script, audio or option.
    ///
    /// `hyperframes-ci.lock` records what it was made from.
    MediaOutdated = "media-outdated", Structure, Error;

    /// A generated file is not in `hyperframes-ci.lock`.
    MediaUnlocked = "media-unlocked", Structure, Warning;

    /// A generated file has changed since `hyperframes-ci.lock` recorded it.
    MediaChanged = "media-changed", Structure, Error;

    /// A generated file cannot be made.
    ///
    /// The script is missing, empty, too long or not valid SSML, the audio is too long or of another type, or a file
    /// cannot be read.
    MediaInvalid = "media-invalid", Structure, Error;
}

impl Rule {
    /// Returns the summary, which is one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.text().lines().next().unwrap_or_default().trim()
    }

    /// Returns the explanation, with line breaks; empty if the rule has a summary only.
    #[must_use]
    pub fn explanation(self) -> String {
        let lines = self.text().lines().skip(1).map(str::trim).collect::<Vec<_>>();
        lines.join("\n").trim().to_owned()
    }

    /// Returns the URL of the explanation in `docs/checks.md`.
    #[must_use]
    pub fn url(self) -> String {
        format!("{CHECKS_URL}#{}", self.code())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// An unknown rule code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRule {
    given: String,
}

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown check {:?}", self.given)?;
        let codes = || Rule::ALL.iter().map(|rule| rule.code());
        // A part of a code is as good as a misspelled one.
        let part = self.given.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        let near = nearest(&part, codes())
            .or_else(|| codes().filter(|_| part.len() >= 3).find(|code| code.contains(&part)));
        match near {
            Some(near) => write!(f, "; did you mean {near}?"),
            None => write!(f, "; see {CHECKS_URL} for the codes"),
        }
    }
}

impl std::error::Error for UnknownRule {}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        let known = Self::ALL.iter().find(|rule| rule.code() == text);
        known.copied().ok_or_else(|| UnknownRule { given: text.to_owned() })
    }
}

impl Group {
    /// All groups, in the order of the rules.
    pub const ALL: &'static [Self] = &[
        Self::Declarations,
        Self::Values,
        Self::Bindings,
        Self::Composition,
        Self::Scripts,
        Self::References,
        Self::Packing,
        Self::Structure,
    ];

    /// Returns the heading of the group.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Declarations => "Declarations",
            Self::Values => "Values",
            Self::Bindings => "Bindings",
            Self::Composition => "Compositions",
            Self::Scripts => "Scripts",
            Self::References => "References",
            Self::Packing => "Packing",
            Self::Structure => "Structure and media",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_lead_back() {
        for rule in Rule::ALL {
            assert_eq!(rule.code().parse(), Ok(*rule));
            assert!(
                rule.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'8')
            );
            assert!(rule.summary().ends_with('.'), "{rule}");
        }
        let error = "undeclared-variabel".parse::<Rule>().expect_err("no such code").to_string();
        assert_eq!(error, "unknown check \"undeclared-variabel\"; did you mean undeclared-variable?");
    }
}
