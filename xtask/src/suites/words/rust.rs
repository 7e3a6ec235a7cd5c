//! Texts in sources: string literals outside of tests, and doc comments if they are published.

use anyhow::{Context, Result};
use proc_macro2::{Literal, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::phrases::{self, Hit};
use crate::suites::layers::is_for_tests;

/// Returns the phrases in the texts of a source.
///
/// # Errors
/// Returns an error if the source cannot be parsed.
pub(super) fn hits(name: &str, source: &str, has_comments: bool) -> Result<Vec<Hit>> {
    let is_test = name.ends_with("/tests.rs") || name.contains("/tests/") || name.ends_with("/snapshots.rs");
    if is_test {
        return Ok(Vec::new());
    }
    let mut texts = Texts { has_comments, hits: Vec::new() };
    texts.visit_file(&syn::parse_file(source).with_context(|| name.to_owned())?);
    texts.hits.sort_by_key(|hit| hit.line);
    Ok(texts.hits)
}

struct Texts {
    has_comments: bool,
    hits: Vec<Hit>,
}

impl Texts {
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => self.literal(&literal),
                _ => {}
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        let parsed = syn::parse_str::<syn::LitStr>(&literal.to_string());
        if let Ok(text) = parsed {
            self.hits.extend(phrases::find(&text.value(), literal.span().start().line));
        }
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let is_comment = attribute.path().is_ident("doc");
        match &attribute.meta {
            // Arguments of clap have texts as well.
            syn::Meta::List(list) if !is_comment => self.tokens(list.tokens.clone()),
            syn::Meta::NameValue(_) if is_comment && self.has_comments => {
                visit::visit_attribute(self, attribute);
            }
            _ => {}
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.hits.extend(phrases::find(&literal.value(), literal.span().start().line));
    }
}
