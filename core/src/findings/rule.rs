//! The rules: everything that a check can find, with its code, its severity and its explanation.
//!
//! This table is the only place that knows them. Findings take their severity from it, `check --explain` and
//! `docs/checks.md` are made from it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::severity::Severity;
use crate::text::nearest;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $group:ident, $severity:ident;)+) => {
        /// Something that a check can find. The documentation of each is what `check --explain` prints.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// All rules, grouped.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Stable identifier, such as `undeclared-variable`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The group that the rule belongs to.
            #[must_use]
            pub fn group(self) -> Group {
                match self { $(Self::$name => Group::$group,)+ }
            }

            /// The default severity.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// Lines of text, the first a summary.
            fn lines(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($doc),+],)+ }
            }
        }
    };
}

/// The subject of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `data-composition-variables`.
    Declarations,
    /// Values for variables.
    Values,
    /// Reads of variables.
    Bindings,
    /// The composition itself.
    Composition,
    /// References between files.
    References,
    /// Packed files.
    Packing,
}

rules! {
    /// The declared variables are not valid JSON.
    ///
    /// The runtime ignores the whole attribute then: every variable is undefined, and no value is checked. The
    /// position is that of the mistake inside the attribute. In an attribute with double quotes, write `&quot;`
    /// for the quotes of the JSON, or put the attribute into single quotes.
    DeclarationsInvalidJson = "declarations-invalid-json", Declarations, Error;

    /// The declared variables are no JSON array.
    ///
    /// `data-composition-variables` is a list of declarations: `[{"id": …, "label": …, "type": …, "default": …}]`.
    /// The runtime takes anything else for an empty list.
    DeclarationsNotArray = "declarations-not-array", Declarations, Error;

    /// The declarations are on an element where nobody reads them.
    ///
    /// `data-composition-variables` counts on `<html>`, and on the root, which is the element with
    /// `data-composition-id`. Elsewhere it has no effect.
    DeclarationsMisplaced = "declarations-misplaced", Declarations, Error;

    /// Two elements carry declarations.
    ///
    /// `<html>` and the root both have `data-composition-variables`; the first one counts and the other is ignored.
    DuplicateDeclarations = "duplicate-declarations", Declarations, Error;

    /// An entry of the declarations is no object.
    ///
    /// An entry is `{"id": …, "label": …, "type": …, "default": …}`. The official parser drops anything else
    /// silently.
    DeclarationNotObject = "declaration-not-object", Declarations, Error;

    /// A declaration has no id, or one that is not a string.
    ///
    /// The id is what values and bindings name the variable by. The official parser drops the entry silently.
    DeclarationWithoutId = "declaration-without-id", Declarations, Error;

    /// A declaration has no label, or one that is not a string.
    ///
    /// The label is what people see in forms. The official parser drops an entry without one silently, and then
    /// accepts any value for it.
    DeclarationWithoutLabel = "declaration-without-label", Declarations, Error;

    /// A declaration has no type, or an unknown one.
    ///
    /// The types are string, number, color, boolean, enum, font and image. Seen in the wild and unknown to the
    /// runtime: `select` (write enum), `text` (write string), `json`. The official parser drops the entry silently.
    DeclarationUnknownType = "declaration-unknown-type", Declarations, Error;

    /// A declaration has no default, or one of another type.
    ///
    /// A default is a number for number, true or false for boolean, and a string for every other type. The official
    /// parser drops the entry silently.
    DeclarationDefaultType = "declaration-default-type", Declarations, Error;

    /// An enum has no options.
    ///
    /// An enum lists what it can be: `"options": [{"value": "calm", "label": "Calm"}]`.
    DeclarationWithoutOptions = "declaration-without-options", Declarations, Error;

    /// An option of an enum is not `{value, label}`.
    ///
    /// Options are objects with two strings. Bare strings are refused by the official validator, every legal value
    /// with them; here they count as values, so that the other findings make sense.
    DeclarationMalformedOption = "declaration-malformed-option", Declarations, Error;

    /// The default of an enum is none of its options.
    DeclarationDefaultNotInOptions = "declaration-default-not-in-options", Declarations, Error;

    /// Two declarations have one id.
    ///
    /// The last one counts, as in the official validator.
    DeclarationDuplicateId = "declaration-duplicate-id", Declarations, Error;

    /// The default of a color is no CSS color.
    ///
    /// A color is a name, `#rgb`, `#rrggbb` (with or without alpha), or a function such as `rgb()` or `oklch()`.
    /// Browsers drop a declaration with anything else. An empty default stands for no color.
    DeclarationInvalidColor = "declaration-invalid-color", Declarations, Error;

    /// The default of an image is a URL that the runtime refuses.
    ///
    /// Media may be relative, `https:`, `http:`, `blob:` or `data:image/…`. Of anything else, such as `file:` or
    /// `javascript:`, the authored fallback is shown instead.
    DeclarationUnsafeUrl = "declaration-unsafe-url", Declarations, Error;

    /// Values are not valid JSON.
    ///
    /// In `data-variable-values` the runtime ignores them then and shows the defaults.
    ValuesInvalidJson = "values-invalid-json", Values, Error;

    /// Values are no JSON object.
    ///
    /// Values are an object of ids and values: `{"title": "Hello"}`. A file of rows holds one object a row.
    ValuesNotObject = "values-not-object", Values, Error;

    /// A value is for a variable that the composition does not declare.
    ///
    /// Nothing reads it, most often because its name is misspelt. A composition that declares nothing takes
    /// everything. Values on an element with `data-composition-src` are for the file that it mounts.
    UndeclaredVariable = "undeclared-variable", Values, Error;

    /// A value has another type than its variable.
    ///
    /// The rules are those of the official validator: string and color take a string, number a finite number,
    /// boolean true or false, enum a string, font a string or `{name, source}`, image a string or `{url}`.
    VariableTypeMismatch = "variable-type-mismatch", Values, Error;

    /// A value is none of its enum's options.
    VariableNotInEnum = "variable-not-in-enum", Values, Error;

    /// A binding names a variable that nothing declares.
    ///
    /// `data-var-text` and `data-var-src` keep the authored contents where the variable does not exist, so that a
    /// misspelt name goes unnoticed until somebody's value has no effect.
    UndeclaredBinding = "undeclared-binding", Bindings, Warning;

    /// `data-var-src` is on an element that cannot take it.
    ///
    /// The runtime binds `src` on img, video, audio and source only, since elsewhere a URL could run code.
    BindingOnWrongElement = "binding-on-wrong-element", Bindings, Warning;

    /// CSS reads a custom property that nothing defines.
    ///
    /// `var(--id)` without a fallback makes the whole declaration invalid where no variable has that id and no CSS
    /// or script of the project sets the property.
    UndeclaredCssVariable = "undeclared-css-variable", Bindings, Warning;

    /// A script reads a variable that nothing declares.
    ///
    /// `getVariables()` gives back what is declared and what a render was given; the name is undefined otherwise.
    UndeclaredRead = "undeclared-read", Bindings, Warning;

    /// A variable is declared and nothing reads it.
    ///
    /// No binding, no CSS and no script of the composition mentions it: setting it changes nothing. Scripts that
    /// handle the values as a whole are taken to read all of them.
    UnusedVariable = "unused-variable", Bindings, Warning;

    /// The composition is not in the project.
    ///
    /// A project has `index.html` at its root, whichever composition is rendered.
    CompositionMissing = "composition-missing", Composition, Error;

    /// The composition is left out of the archive.
    ///
    /// A rule of `.hyperframesignore`, or a name that is never packed, takes it out.
    CompositionIgnored = "composition-ignored", Composition, Error;

    /// No element has `data-composition-id`.
    ///
    /// The root is the element with `data-composition-id`; without one there is nothing to render.
    RootMissing = "root-missing", Composition, Error;

    /// The root says no width or no height.
    ///
    /// The cloud takes 16:9 then, whatever the composition looks like.
    DimensionsMissing = "dimensions-missing", Composition, Warning;

    /// The root's width or height is no positive number of pixels.
    DimensionsInvalid = "dimensions-invalid", Composition, Error;

    /// The cloud does not render this shape.
    ///
    /// It renders 16:9, 9:16 and 1:1, within 0.05 of the ratio. Another shape is squeezed into one of them, or
    /// refused. Rendering on this machine (`--renderer local`) takes any.
    AspectRatioUnsupported = "aspect-ratio-unsupported", Composition, Warning;

    /// `--aspect-ratio` contradicts the composition.
    ///
    /// A render keeps the authored shape and cannot change it.
    AspectRatioMismatch = "aspect-ratio-mismatch", Composition, Error;

    /// Nothing says how long the composition is.
    ///
    /// Its duration is `data-duration` on the root, or follows from clips with `data-duration`, from media, or from
    /// a timeline that a script registers.
    DurationMissing = "duration-missing", Composition, Warning;

    /// `data-duration` is no positive number of seconds.
    DurationInvalid = "duration-invalid", Composition, Error;

    /// A mounted composition is not there.
    ///
    /// `data-composition-src` names a file of the project.
    MountMissing = "mount-missing", Composition, Error;

    /// A mounted composition is left out of the archive.
    MountIgnored = "mount-ignored", Composition, Error;

    /// Compositions mount each other in a circle.
    MountCycle = "mount-cycle", Composition, Error;

    /// A referenced file is not there.
    ///
    /// The video would show nothing in its place. Commit the file, or correct the reference.
    MissingAsset = "missing-asset", References, Error;

    /// A referenced file is left out of the archive.
    ///
    /// It exists, but a rule of `.hyperframesignore` or a name that is never packed takes it out.
    IgnoredAsset = "ignored-asset", References, Error;

    /// A reference differs from its file in case.
    ///
    /// It works on macOS and Windows, whose file systems ignore case, and fails in the cloud.
    AssetCaseMismatch = "asset-case-mismatch", References, Error;

    /// A reference reaches out of the repository.
    ///
    /// Files of the same repository are carried along; whatever lies outside it, below a name that starts with a
    /// dot, or behind a link that leads there never leaves the machine: workflows pack the work of strangers.
    EscapingReference = "escaping-reference", References, Error;

    /// A reference names a file of this machine.
    ///
    /// `file:` URLs and drive letters mean nothing elsewhere.
    LocalFileUrl = "local-file-url", References, Error;

    /// A reference uses `http:`.
    ///
    /// It can be changed on the way, and is slower to fail than a file of the project. Use `https:`, or copy the file
    /// into the project.
    InsecureReference = "insecure-reference", References, Warning;

    /// A reference holds a placeholder.
    ///
    /// `{{name}}`, `${name}`, `<<name>>` or `__NAME__` is filled in by something that runs later, so that it is not
    /// known whether the file is there.
    PlaceholderReference = "placeholder-reference", References, Note;

    /// A file is a pointer of git LFS, not the media itself.
    ///
    /// The checkout did not fetch the contents. In GitHub Actions: `actions/checkout` with `lfs: true`; elsewhere
    /// `git lfs pull`.
    LfsPointer = "lfs-pointer", References, Error;

    /// The project is larger than the cloud takes.
    ///
    /// An archive may have 200 MB. The sizes of the files before compression are counted for those that are compressed
    /// already, such as media. Leave out what the video does not need with `.hyperframesignore`.
    ProjectTooLarge = "project-too-large", Packing, Error;

    /// An HTML or CSS file is not UTF-8.
    ///
    /// It is packed as it is, and nothing in it can be checked or carried along.
    NotUtf8 = "not-utf8", Packing, Warning;

    /// A file's name cannot be in an archive.
    ///
    /// Names with a backslash, a control character, or that are not Unicode cannot be unpacked on every system.
    UnportableName = "unportable-name", Packing, Error;

    /// A symbolic link leads back to a directory that it is in.
    LinkCycle = "link-cycle", Packing, Error;

    /// A symbolic link leads nowhere.
    DanglingLink = "dangling-link", Packing, Error;

    /// A symbolic link leads out of the repository.
    ///
    /// Only files of the repository without dotted names are packed.
    EscapingLink = "escaping-link", Packing, Error;

    /// Something is neither a file nor a directory.
    ///
    /// Sockets, pipes and devices are left out.
    NotAFile = "not-a-file", Packing, Warning;
}

impl Rule {
    /// One line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.lines()[0].trim()
    }

    /// Returns the explanation, as text in lines; empty if the summary is complete.
    #[must_use]
    pub fn explanation(self) -> String {
        let lines = self.lines()[1..].iter().map(|line| line.trim()).collect::<Vec<_>>();
        lines.join("\n").trim().to_owned()
    }

    /// Returns the URL of the explanation in `docs/checks.md`.
    #[must_use]
    pub fn url(self) -> String {
        format!("https://github.com/hyperframes-ci/hyperframes-ci/blob/main/docs/checks.md#{}", self.code())
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

/// A code that no rule has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRule {
    given: String,
}

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no check {:?}", self.given)?;
        match nearest(&self.given, Rule::ALL.iter().map(|rule| rule.code())) {
            Some(near) => write!(f, "; did you mean {near}?"),
            None => Ok(()),
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
        Self::References,
        Self::Packing,
    ];

    /// A heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Declarations => "Declarations",
            Self::Values => "Values",
            Self::Bindings => "Bindings",
            Self::Composition => "Compositions",
            Self::References => "References",
            Self::Packing => "Packing",
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
        assert_eq!(error, "there is no check \"undeclared-variabel\"; did you mean undeclared-variable?");
    }
}
