//! A composition file: its root element, size, declared variables and mounted compositions.

use std::fmt;

use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::html;
use crate::lang::html::{Attribute, Element, Offsets};
use crate::lang::json::spelling;
use crate::options::AspectRatio;
use crate::project::Link;
use crate::text::Span;
use crate::variables::{ATTRIBUTE, Declarations};
/// A composition file.
#[derive(Clone, Debug, Default)]
pub struct Composition {
    /// The root element, if the file has one.
    pub root: Option<Root>,
    /// The variables that the file declares, on any of its elements.
    pub declarations: Declarations,
    /// The compositions that it mounts.
    pub mounts: Vec<Mount>,
    /// Findings about the declarations.
    pub diagnostics: Vec<Diagnostic>,
}

/// The root element: it has `data-composition-id` and no `data-composition-src`.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    /// `data-composition-id`.
    pub id: String,
    /// `data-width` in pixels.
    pub width: Measure,
    /// `data-height` in pixels.
    pub height: Measure,
    /// `data-duration` in seconds.
    pub duration: Measure,
    /// The start tag.
    pub span: Span,
}

/// A numeric attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// The attribute is missing.
    Missing,
    /// A finite number.
    Number(f64, Span),
    /// Something else.
    Invalid(String, Span),
    /// A placeholder that a later step replaces.
    Placeholder,
}

impl Measure {
    /// Returns the number; `None` if the attribute is missing or not a number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value, _) => Some(*value),
            _ => None,
        }
    }

    /// Reads an attribute whose number may have a unit.
    fn of(element: &Element<'_>, name: &str, unit: &str) -> Self {
        let Some(attribute) = element.attribute(name) else { return Self::Missing };
        // Rust also parses `inf` and `nan`; browsers do not.
        match attribute
            .value
            .trim()
            .trim_end_matches(unit)
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
        {
            Some(value) => Self::Number(value, attribute.span),
            None if Link::is_placeholder(&attribute.value) => Self::Placeholder,
            None => Self::Invalid(attribute.value.to_string(), attribute.span),
        }
    }
}

/// An element with `data-composition-src`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// `data-composition-src` as written.
    pub source: String,
    /// Its place in the source.
    pub source_span: Span,
    /// `data-composition-id`.
    pub id: Option<String>,
    /// `data-variable-values`.
    pub values: Option<MountValues>,
    /// The start tag.
    pub span: Span,
}

/// `data-variable-values` of a mount.
#[derive(Clone, Debug, PartialEq)]
pub struct MountValues {
    /// The value as written, with entities decoded.
    pub text: String,
    /// Maps offsets in the text to offsets in the file.
    pub(crate) offsets: Offsets,
}

/// The size of a composition, compared with the aspect ratios that the cloud supports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A supported ratio.
    Matched {
        /// The ratio.
        ratio: AspectRatio,
        /// In pixels.
        width: f64,
        /// In pixels.
        height: f64,
    },
    /// No element has `data-composition-id`.
    NoRoot,
    /// The root element has no width or no height.
    NoDimensions,
    /// A dimension is zero or less.
    InvalidDimensions {
        /// In pixels.
        width: f64,
        /// In pixels.
        height: f64,
    },
    /// Another ratio.
    Unsupported {
        /// In pixels.
        width: f64,
        /// In pixels.
        height: f64,
    },
}

fn size(width: f64, height: f64) -> String {
    format!("{}x{}", spelling(width), spelling(height))
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { ratio, width, height } => {
                write!(f, "{}, aspect ratio {ratio}", size(*width, *height))
            }
            Self::NoRoot => f.write_str("no element has data-composition-id"),
            Self::NoDimensions => f.write_str("data-width or data-height is missing on the root element"),
            Self::InvalidDimensions { width, height } => {
                write!(f, "{} is not a valid size", size(*width, *height))
            }
            Self::Unsupported { width, height } => {
                let ratio = spelling((width / height * 1000.0).round() / 1000.0);
                write!(f, "{}, ratio {ratio}", size(*width, *height))
            }
        }
    }
}

impl Composition {
    /// Parses a composition file. `path` is the path in findings.
    ///
    /// ```
    /// use hyperframes_ci_core::composition::{Composition, Shape};
    /// use hyperframes_ci_core::options::AspectRatio;
    ///
    /// let page = r#"<div data-composition-id="launch" data-width="1920" data-height="1080"></div>"#;
    /// let composition = Composition::parse("index.html", page);
    /// assert_eq!(composition.root.as_ref().map(|root| root.id.as_str()), Some("launch"));
    /// assert!(matches!(composition.shape(), Shape::Matched { ratio: AspectRatio::Landscape, .. }));
    /// ```
    #[must_use]
    pub fn parse(path: &str, source: &str) -> Self {
        let text = Text::new(path, source);
        let mut reader = CompositionReader::new(&text);
        html::scan(source, &mut |element| reader.element(element));
        reader.finish()
    }

    /// Compares the size with the aspect ratios that the cloud supports.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let Some(root) = &self.root else { return Shape::NoRoot };
        let (Some(width), Some(height)) = (root.width.number(), root.height.number()) else {
            return Shape::NoDimensions;
        };
        if width <= 0.0 || height <= 0.0 {
            return Shape::InvalidDimensions { width, height };
        }
        let matched = AspectRatio::ALL.iter().find(|ratio| ratio.fits(width, height));
        match matched {
            Some(ratio) => Shape::Matched { ratio: *ratio, width, height },
            None => Shape::Unsupported { width, height },
        }
    }
}

/// Collects a composition from the elements of its file.
pub(crate) struct CompositionReader<'a> {
    text: &'a Text<'a>,
    composition: Composition,
}

impl<'a> CompositionReader<'a> {
    /// Starts reading the file `text`.
    pub(crate) fn new(text: &'a Text<'a>) -> Self {
        Self { text, composition: Composition::default() }
    }

    /// Reads the next element.
    pub(crate) fn element(&mut self, element: &Element<'_>) {
        let is_root = self.composition.root.is_none()
            && element.attribute("data-composition-id").is_some()
            && element.attribute("data-composition-src").is_none();
        if is_root {
            self.composition.root = Some(Root::of(element));
        }
        self.composition.mounts.extend(Mount::of(element));
        if let Some(attribute) = element.attribute(ATTRIBUTE) {
            self.declarations(attribute);
        }
    }

    /// Adds the declarations of one element to those before it, as the runtime does.
    fn declarations(&mut self, attribute: &Attribute<'_>) {
        let (declarations, found) = Declarations::parse(self.text, attribute);
        self.composition.diagnostics.extend(found);
        for changed in self.composition.declarations.merge(declarations) {
            let message = format!(
                "the variable {:?} is declared differently on an earlier element; this declaration is used",
                changed.id
            );
            let help = "keep one of the declarations, or make them equal";
            let found = self.text.finding(Rule::DuplicateDeclarations, changed.span, message);
            self.composition.diagnostics.push(found.help(help));
        }
    }

    /// Returns the composition.
    pub(crate) fn finish(self) -> Composition {
        self.composition
    }
}

impl Root {
    fn of(element: &Element<'_>) -> Self {
        Self {
            id: element.value("data-composition-id").unwrap_or_default().to_owned(),
            width: Measure::of(element, "data-width", "px"),
            height: Measure::of(element, "data-height", "px"),
            duration: Measure::of(element, "data-duration", " "),
            span: element.span,
        }
    }
}

impl Mount {
    fn of(element: &Element<'_>) -> Option<Self> {
        let source = element.attribute("data-composition-src")?;
        let values = element
            .attribute("data-variable-values")
            .map(|attribute| MountValues { text: attribute.value.to_string(), offsets: attribute.offsets() });
        Some(Self {
            source: source.value.to_string(),
            source_span: source.span,
            id: element.value("data-composition-id").map(str::to_owned),
            values,
            span: element.span,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(attributes: &str) -> Shape {
        Composition::parse("index.html", &format!("<div data-composition-id=main {attributes}>")).shape()
    }

    #[test]
    fn shapes() {
        let ratio =
            |width: u32, height: u32| match shape(&format!("data-width={width} data-height='{height}'")) {
                Shape::Matched { ratio, .. } => Some(ratio),
                _ => None,
            };
        assert_eq!(ratio(1920, 1080), Some(AspectRatio::Landscape));
        assert_eq!(ratio(1080, 1920), Some(AspectRatio::Portrait));
        assert_eq!(ratio(1080, 1080), Some(AspectRatio::Square));
        // Seen in the wild: each is refused by the cloud's three ratios, the last by 0.002.
        for (width, height) in [(1080, 1350), (1024, 768), (1920, 1216), (392, 768)] {
            assert_eq!(
                ratio(width, height).is_some(),
                (width, height) == (392, 768) && 392.0 / 768.0 > 0.5125
            );
        }
        assert_eq!(shape(""), Shape::NoDimensions);
        assert_eq!(shape("data-width=0 data-height=5"), Shape::InvalidDimensions { width: 0.0, height: 5.0 });
        assert_eq!(shape("data-width=wide data-height=5"), Shape::NoDimensions);
        assert_eq!(Composition::parse("a", "<p>").shape(), Shape::NoRoot);
    }

    #[test]
    fn numbers_are_what_people_write() {
        let width = |text: &str| {
            let page = format!("<div data-composition-id=a data-width='{text}'>");
            Composition::parse("a", &page).root.expect("a root").width.number()
        };
        for (text, number) in [
            ("1920", 1920.0),
            (" 2.5 ", 2.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("+1e3", 1000.0),
            ("-007", -7.0),
            ("1080px", 1080.0),
        ] {
            assert_eq!(width(text), Some(number), "{text}");
        }
        for text in ["", ".", "-", "1080em", "100%", "inf", "NaN", "0x10", "1e", "1e999", "1,5", "--1", "1 2"]
        {
            assert_eq!(width(text), None, "{text}");
        }
    }

    #[test]
    fn the_root_is_no_mount_and_no_decoy() {
        let source = "<!-- <div data-composition-id=no> --><script>'<div data-composition-id=no>'</script>\
            <div data-composition-id=m data-composition-src=a.html data-variable-values='{\"x\":\"&lt;\"}'></div>\
            <DIV Data-Composition-Id=main DATA-WIDTH=16 data-height=9 data-duration=2.5>";
        let composition = Composition::parse("index.html", source);
        let root = composition.root.expect("a root");
        assert_eq!((root.id.as_str(), root.duration.number()), ("main", Some(2.5)));
        assert_eq!(composition.mounts.len(), 1);
        assert_eq!(
            composition.mounts[0].values.as_ref().map(|values| values.text.as_str()),
            Some("{\"x\":\"<\"}")
        );
    }
}
