//! Parsed text files of a project: HTML, CSS and scripts. Each file is read once.

use std::collections::{BTreeMap, BTreeSet};

use super::outline::{Outline, OutlineReader};
use super::style_facts::transitions;
use crate::composition::{Composition, CompositionReader};
use crate::findings::{Diagnostic, Rule, Text};
use crate::lang::css::Role;
use crate::lang::html::{Element, EmbeddedTexts, Part};
use crate::lang::script::{Script, ScriptKind, parse};
use crate::lang::style::Sheet;
use crate::lang::{css, html};
use crate::project::{
    Destination, Reference, ReferenceCollector, Resolver, TextKind, Tree, join, references, script_references,
};
use crate::text::Span;
use crate::variables::ATTRIBUTE;

/// A text file of the project, or a text file of the repository that the project refers to.
#[derive(Debug)]
pub(super) struct Page {
    /// Repository path.
    pub(super) path: String,
    pub(super) source: String,
    /// The composition in an HTML file; empty for other files.
    pub(super) composition: Composition,
    pub(super) facts: Facts,
    /// The elements of an HTML file; empty for other files.
    pub(super) outline: Outline,
    /// The references and their destinations.
    pub(super) references: Vec<(Reference, Destination)>,
}

/// Facts about a text file other than its references.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) bindings: Vec<Binding>,
    /// Reads of custom properties (`var(--name)`), with and without a fallback, and their positions.
    pub(super) reads: Vec<(String, Span, Role)>,
    /// Custom properties that the file sets.
    pub(super) sets: BTreeSet<String>,
    /// The variables that its scripts use.
    pub(super) usage: Usage,
    /// Its scripts, other than event attributes.
    pub(super) scripts: Vec<Script>,
    /// The scripts that it loads: the value of `src`, and its position.
    pub(super) sources: Vec<(String, Span)>,
    /// An import map names other scripts.
    pub(super) import_map: String,
    /// CSS transitions that take time.
    pub(super) transitions: Vec<Span>,
    /// The values of other `data-` attributes, which may name variables.
    pub(super) data: BTreeSet<String>,
    /// The words of `onload` attributes, and their positions.
    pub(super) load_handlers: Vec<(BTreeSet<String>, Span)>,
    /// The first `<base href>`.
    pub(super) base: Option<String>,
    /// The style sheets: the file itself, or each `<style>`.
    pub(super) sheets: Vec<Sheet>,
    /// The file has an `<html>` element.
    pub(super) is_document: bool,
    /// An element other than the root has a duration.
    pub(super) has_clips: bool,
    /// A style sheet of the document or an inline style has an animation.
    pub(super) has_animation: bool,
    /// A style sheet is loaded from another host, fonts excepted.
    pub(super) has_remote_style: bool,
}

/// The variables that the scripts of a file use.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// The variables that the scripts read, with the positions of their names.
    pub(super) reads: Vec<(String, Span)>,
    /// The scripts may read other variables as well.
    pub(super) opaque: bool,
    /// A script may add others: by an element, by markup, or by `import()`.
    pub(super) injects: bool,
    /// All strings and identifiers of the scripts.
    pub(super) words: BTreeSet<String>,
}

/// `data-var-text` or `data-var-src`.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) attribute: &'static str,
    /// The element's name.
    pub(super) element: String,
    /// The variable.
    pub(super) id: String,
    /// The attribute's value.
    pub(super) span: Span,
}

/// Attributes that bind an element to a variable.
const BINDINGS: &[&str] = &["data-var-text", "data-var-src"];

impl Page {
    /// Returns whether the page is a composition, that is, has a root element.
    pub(super) fn is_composition(&self) -> bool {
        self.composition.root.is_some()
    }

    /// Returns the referenced files that do not exist.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        self.references.iter().filter_map(|(_, destination)| match destination {
            Destination::Missing(path) => Some(path.as_str()),
            _ => None,
        })
    }

    /// Returns the destination of the reference at a position.
    pub(super) fn destination(&self, span: Span) -> Option<&Destination> {
        // References are in source order.
        let first = self.references.partition_point(|(reference, _)| reference.span.start < span.start);
        let (_, destination) =
            self.references[first..].iter().find(|(reference, _)| reference.span == span)?;
        Some(destination)
    }

    /// Returns the scripts that the page loads: the value of `src`, and the path.
    pub(super) fn scripts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let sources = self.facts.sources.iter();
        sources.map(|(url, span)| (url.as_str(), self.destination(*span).and_then(Destination::path)))
    }

    pub(super) fn text(&self) -> Text<'_> {
        Text::new(&self.path, &self.source)
    }

    fn read(path: String, source: String, kind: TextKind, resolver: &Resolver<'_>) -> Self {
        let mut facts = Facts::default();
        let mut composition = Composition::default();
        let mut outline = Outline::default();
        let found = match kind {
            TextKind::Script => {
                facts.script(&source, 0, ScriptKind::File);
                script_references(facts.scripts.iter().flat_map(|script| &script.references))
            }
            TextKind::Css => {
                facts.sheet(&source, 0);
                references(TextKind::Css, &source)
            }
            TextKind::Html => {
                let text = Text::new(&path, &source);
                let mut reader = CompositionReader::new(&text);
                let mut collector = ReferenceCollector::default();
                let mut elements = OutlineReader::default();
                let texts = html::scan_parts(&source, &mut |part| {
                    if let Part::Start(element) = &part {
                        reader.element(element);
                        facts.element(element);
                        collector.element(element);
                    }
                    elements.part(&part);
                });
                composition = reader.finish();
                outline = elements.finish(source.len());
                facts.texts(&source, &texts);
                let scripts = script_references(facts.scripts.iter().flat_map(|script| &script.references));
                collector.finish(&source, &texts, scripts)
            }
        };
        // In source order.
        let mounts = composition.mounts.iter().map(|mount| mount.source_span).collect::<Vec<_>>();
        let references = found
            .into_iter()
            .map(|reference| {
                let is_mount = mounts.binary_search(&reference.span).is_ok();
                let destination = if is_mount {
                    resolver.mount(&path, &reference.target)
                } else {
                    let found = resolver.destination(&path, &reference.target);
                    let base = facts.base.as_deref().filter(|_| !matches!(found, Destination::Packed(_)));
                    base.and_then(|base| resolver.below_base(&path, base, &reference.target)).unwrap_or(found)
                };
                let destination = match destination {
                    Destination::None if reference.is_module() => resolver.module(&path, &reference.target),
                    other => other,
                };
                (reference, destination)
            })
            .collect();
        Self { path, source, composition, facts, outline, references }
    }
}

impl Facts {
    /// Collects facts from the next element of a document.
    fn element(&mut self, element: &Element<'_>) {
        self.is_document |= element.name == "html";
        if element.name == "base" && self.base.is_none() {
            self.base = element.value("href").map(str::to_owned);
        }
        let is_media = matches!(&*element.name, "video" | "audio");
        self.has_clips |= (is_media && element.attribute("data-start").is_some())
            || (element.attribute("data-composition-id").is_none()
                && ["data-duration", "data-end"].iter().any(|name| element.attribute(name).is_some()));
        if element.name == "script"
            && let Some(source) = element.attribute("src")
        {
            self.sources.push((source.value.trim().to_owned(), source.span));
        }
        if element.name == "link" {
            let url = element.value("href").unwrap_or_default();
            self.has_remote_style |= url.contains("//") && !url.contains("//fonts.");
            // A style sheet of the project may have an animation.
            self.has_animation |=
                element.value("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("stylesheet"));
        }
        for attribute in &element.attributes {
            let name = &*attribute.name;
            if let Some(binding) = BINDINGS.iter().find(|binding| **binding == name) {
                let id = attribute.value.trim().to_owned();
                let element = element.name.to_string();
                self.bindings.push(Binding { attribute: binding, element, id, span: attribute.span });
            } else if name == "style" {
                let offsets = attribute.offsets();
                self.css(&attribute.value, &|span| offsets.span(span));
                if attribute.value.contains("transition") {
                    let found = transitions(&Sheet::parse(&attribute.value, 0));
                    self.transitions.extend(found.into_iter().map(|span| offsets.span(span)));
                }
            } else if name.starts_with("data-") && name != ATTRIBUTE && name != "data-variable-values" {
                // Most values repeat, such as times, tracks and group ids.
                if !self.data.contains(&*attribute.value) {
                    self.data.insert(attribute.value.to_string());
                }
            } else if name.starts_with("on") {
                let script = parse(&attribute.value, 0, ScriptKind::Classic);
                self.usage.opaque |= script.is_opaque || !script.reads.is_empty();
                if name == "onload" && element.name != "script" {
                    self.load_handlers.push((script.words.clone(), attribute.span));
                }
                self.usage.words.extend(script.words);
            }
        }
    }

    /// Collects facts from the styles and scripts of a document.
    fn texts(&mut self, source: &str, texts: &EmbeddedTexts) {
        for style in &texts.styles {
            self.sheet(&source[style.start..style.end], style.start);
        }
        let kinds = [(&texts.scripts, ScriptKind::Classic), (&texts.modules, ScriptKind::Module)];
        for (spans, kind) in kinds {
            for span in spans {
                self.script(&source[span.start..span.end], span.start, kind);
            }
        }
        for map in &texts.import_maps {
            self.import_map.push_str(&source[map.start..map.end]);
        }
    }

    /// Collects facts from a style sheet that starts at `offset`.
    fn sheet(&mut self, source: &str, offset: usize) {
        self.css(source, &|span| span.after(offset));
        let sheet = Sheet::parse(source, offset);
        self.transitions.extend(transitions(&sheet));
        self.sheets.push(sheet);
    }

    /// Collects facts from a style sheet, or from a style attribute.
    fn css(&mut self, source: &str, place: &dyn Fn(Span) -> Span) {
        self.has_animation |= source.contains("animation");
        for property in css::scan(source).properties {
            match property.role {
                Role::Set => {
                    self.sets.insert(property.name);
                }
                role => self.reads.push((property.name, place(property.span), role)),
            }
        }
    }

    /// Collects facts from a script that starts at `offset`.
    fn script(&mut self, source: &str, offset: usize, kind: ScriptKind) {
        let mut script = parse(source, offset, kind);
        self.usage.reads.append(&mut script.reads);
        self.usage.opaque |= script.is_opaque;
        let words = &script.words;
        self.usage.injects |= words.contains("import")
            || (words.contains("createElement") && words.contains("script"))
            || words.iter().any(|word| word.contains("<script"));
        self.usage.words.append(&mut script.words);
        self.scripts.push(script);
    }
}

/// The text files of a project, and those of the repository that they refer to, by repository path.
pub(super) struct Pages<'a> {
    pub(super) tree: &'a dyn Tree,
    pages: BTreeMap<String, Page>,
    /// Findings about files that are not valid UTF-8.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Pages<'a> {
    pub(super) fn read(tree: &'a dyn Tree) -> Self {
        let resolver = Resolver::new(tree);
        let mut read = Self { tree, pages: BTreeMap::new(), diagnostics: Vec::new() };
        // Scripts are read only if a page refers to them: most scripts of a project are libraries.
        let mut queue = tree
            .files()
            .iter()
            .filter(|file| matches!(TextKind::of_path(&file.path), Some(TextKind::Html | TextKind::Css)))
            .map(|file| join(tree.project(), &file.path))
            .collect::<Vec<_>>();
        let mut seen = BTreeSet::from_iter(queue.iter().cloned());
        while let Some(path) = queue.pop() {
            let Some(kind) = TextKind::of_path(&path) else { continue };
            let Some(bytes) = tree.read(&path) else { continue };
            let Ok(source) = String::from_utf8(bytes) else {
                let help = "save the file as UTF-8";
                read.diagnostics.push(
                    Diagnostic::new(
                        Rule::NotUtf8,
                        &path,
                        "the file is not UTF-8; its contents are not checked",
                    )
                    .help(help),
                );
                continue;
            };
            let page = Page::read(path, source, kind, &resolver);
            for (_, destination) in &page.references {
                if let Destination::Packed(path) | Destination::Outside(path) = destination
                    && TextKind::of_path(path).is_some()
                    && seen.insert(path.clone())
                {
                    queue.push(path.clone());
                }
            }
            read.pages.insert(page.path.clone(), page);
        }
        read
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Page> {
        self.pages.values()
    }

    /// Returns the page at a repository path.
    pub(super) fn get(&self, path: &str) -> Option<&Page> {
        self.pages.get(path)
    }

    /// Returns the page at a project path, if the file is packed.
    pub(super) fn inside(&self, path: &str) -> Option<&Page> {
        self.tree.packed(path)?;
        self.pages.get(&join(self.tree.project(), path))
    }

    /// Returns whether a page is the file at a project path.
    pub(super) fn is_at(&self, page: &Page, path: &str) -> bool {
        page.path == join(self.tree.project(), path)
    }

    /// Returns the paths of the pages that others mount.
    pub(super) fn all_mounted(&self) -> BTreeSet<&str> {
        let mounts =
            self.all().flat_map(|host| host.composition.mounts.iter().map(move |mount| (host, mount)));
        mounts
            .filter_map(|(host, mount)| Some(self.mounted(host, mount.source_span)?.path.as_str()))
            .collect()
    }

    /// Returns the page that a mount of `page` refers to.
    pub(super) fn mounted(&self, page: &Page, source_span: Span) -> Option<&Page> {
        self.get(page.destination(source_span)?.path()?)
    }
}
