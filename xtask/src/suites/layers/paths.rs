//! Reads one Rust file: what it defines, what it imports and which paths it names.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};

/// A module of a file: the file's own, or an inline one.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The inline modules around it, from the outside; empty for the file's own module.
    pub(super) inline: Vec<String>,
    /// The names of items that it defines.
    pub(super) defined: Vec<String>,
    /// Names brought into scope by `use`, with the path behind each.
    pub(super) imports: Vec<(String, Vec<String>)>,
    /// The paths behind `use …::*`.
    pub(super) globs: Vec<Vec<String>>,
    /// Every path that its code names.
    pub(super) references: Vec<Reference>,
}

/// A path in the code.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) segments: Vec<String>,
    /// Its line, from 1.
    pub(super) line: usize,
    pub(super) kind: ReferenceKind,
}

/// Where a path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReferenceKind {
    /// In a `use` that only this module sees.
    Import,
    /// In a `pub use`.
    Reexport,
    /// In code.
    Code,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Its own module first, then the inline ones.
    pub(super) scopes: Vec<Scope>,
    /// The modules in other files that are declared for tests only, as paths from the file's own module.
    pub(super) tests: Vec<Vec<String>>,
}

/// Reads the text of a file. Whatever is compiled for tests only is left out, and so are links in doc comments.
///
/// # Errors
/// Returns the parser's error if the text is not Rust.
pub(super) fn parse(text: &str) -> syn::Result<Parsed> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader { parsed: Parsed::default(), current: 0 };
    reader.parsed.scopes.push(Scope::default());
    for item in &file.items {
        reader.visit_item(item);
    }
    Ok(reader.parsed)
}

struct Reader {
    parsed: Parsed,
    /// The scope that is being read.
    current: usize,
}

impl Reader {
    fn scope(&mut self) -> &mut Scope {
        &mut self.parsed.scopes[self.current]
    }

    fn reference(&mut self, segments: Vec<String>, line: usize, kind: ReferenceKind) {
        if !segments.is_empty() {
            self.scope().references.push(Reference { segments, line, kind });
        }
    }

    /// The leaves of a `use`: a name in scope and a reference each.
    fn leaves(&mut self, tree: &UseTree, before: &[String], kind: ReferenceKind) {
        let joined = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.leaves(&path.tree, &joined(path.ident.to_string()), kind),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.leaves(tree, before, kind);
                }
            }
            UseTree::Glob(_) => self.scope().globs.push(before.to_vec()),
            UseTree::Name(name) => {
                let (name, line) = (name.ident.to_string(), name.ident.span().start().line);
                let path = if name == "self" { before.to_vec() } else { joined(name) };
                let alias = path.last().cloned().unwrap_or_default();
                self.import(alias, path, line, kind);
            }
            UseTree::Rename(rename) => {
                let (name, line) = (rename.ident.to_string(), rename.ident.span().start().line);
                let path = if name == "self" { before.to_vec() } else { joined(name) };
                self.import(rename.rename.to_string(), path, line, kind);
            }
        }
    }

    fn import(&mut self, alias: String, path: Vec<String>, line: usize, kind: ReferenceKind) {
        self.reference(path.clone(), line, kind);
        self.scope().imports.push((alias, path));
    }

    /// The paths in the tokens of a macro or an attribute, which have no syntax tree: names with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        let mut after_dot = false;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons < 2 || path.is_empty() {
                        self.reference(std::mem::take(&mut path), line, ReferenceKind::Code);
                        line = ident.span().start().line;
                    }
                    // A name behind a dot is a field or a method.
                    if !after_dot {
                        path.push(ident.to_string());
                    }
                    (colons, after_dot) = (0, false);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.reference(std::mem::take(&mut path), line, ReferenceKind::Code);
                    colons = 0;
                    after_dot = matches!(&other, TokenTree::Punct(punct) if punct.as_char() == '.');
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.reference(path, line, ReferenceKind::Code);
    }

    /// The inline module `name` of the current one; the same for two that bear one name under different conditions.
    fn inline(&mut self, name: &str) -> usize {
        let inline = [self.scope().inline.as_slice(), &[name.to_owned()]].concat();
        let scopes = &mut self.parsed.scopes;
        scopes.iter().position(|scope| scope.inline == inline).unwrap_or_else(|| {
            scopes.push(Scope { inline, ..Scope::default() });
            scopes.len() - 1
        })
    }
}

impl Visit<'_> for Reader {
    fn visit_item(&mut self, item: &Item) {
        if is_for_tests(item) {
            if let Item::Mod(ItemMod { content: None, ident, .. }) = item {
                let path = [self.scope().inline.as_slice(), &[ident.to_string()]].concat();
                self.parsed.tests.push(path);
            }
            return;
        }
        if let Some(name) = name(item) {
            self.scope().defined.push(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &ItemMod) {
        let Some((_, items)) = &module.content else { return };
        let outer = self.current;
        self.current = self.inline(&module.ident.to_string());
        for item in items {
            self.visit_item(item);
        }
        self.current = outer;
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        let kind = match item.vis {
            Visibility::Inherited => ReferenceKind::Import,
            _ => ReferenceKind::Reexport,
        };
        self.leaves(&item.tree, &[], kind);
    }

    fn visit_impl_item(&mut self, item: &syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => item.attrs.as_slice(),
            syn::ImplItem::Const(item) => item.attrs.as_slice(),
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.reference(segments, line, ReferenceKind::Code);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &syn::Macro) {
        self.visit_path(&invocation.path);
        self.tokens(invocation.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        match &attribute.meta {
            Meta::List(list) => {
                self.visit_path(&list.path);
                self.tokens(list.tokens.clone());
            }
            Meta::Path(path) => self.visit_path(path),
            Meta::NameValue(_) => {}
        }
    }
}

/// The name that an item brings into its module; a module's own is known by its file.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled for tests only.
pub(in crate::suites) fn is_for_tests(item: &Item) -> bool {
    is_test(attributes(item))
}

/// Whether an item is compiled for tests only: `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => requires_test(list.tokens.clone()),
        _ => false,
    })
}

/// Whether a condition holds in tests only. `any` and `not` hold elsewhere too.
fn requires_test(condition: TokenStream) -> bool {
    let mut tokens = condition.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let TokenTree::Ident(ident) = token else { continue };
        match tokens.peek() {
            Some(TokenTree::Group(group)) if ident == "all" && requires_test(group.stream()) => return true,
            Some(TokenTree::Group(_)) => {}
            _ if ident == "test" => return true,
            _ => {}
        }
    }
    false
}
