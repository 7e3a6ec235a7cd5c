//! References from scripts to other files.

use oxc_ast::ast::{Expression, NewExpression, StringLiteral};
use oxc_span::GetSpan;

use super::constants::{argument, identifier, inside, member};
use super::facts::ScriptReference;
use super::walk::Walker;

impl<'a> Walker<'_> {
    /// Records `import … from "specifier"`. Names of packages are not files.
    pub(super) fn import(&mut self, literal: &StringLiteral<'a>) {
        if is_path(&literal.value) {
            self.reference(&literal.value, literal.span, true);
        } else {
            let span = self.span(inside(literal.span));
            self.script.packages.push((literal.value.to_string(), span));
        }
    }

    /// Records `import("specifier")`.
    pub(super) fn dynamic_import(&mut self, source: &Expression<'a>) {
        if let Some(text) = plain(source)
            && is_path(&text)
        {
            self.reference(&text, source.span(), true);
        }
    }

    /// Records `new URL("file", import.meta.url)` and `new Worker("file")`.
    pub(super) fn constructed(&mut self, new: &NewExpression<'a>) {
        let Some(first) = argument(&new.arguments, 0) else { return };
        let Some(text) = plain(first) else { return };
        let is_reference = match identifier(&new.callee) {
            Some("Worker" | "SharedWorker") => true,
            Some("URL") => argument(&new.arguments, 1).is_some_and(is_module_url),
            _ => false,
        };
        if is_reference {
            self.reference(&text, first.span(), false);
        }
    }

    fn reference(&mut self, target: &str, literal: oxc_span::Span, is_module: bool) {
        let quote = self.source[literal.start as usize..].chars().next().unwrap_or('"');
        let span = self.span(inside(literal));
        self.script.references.push(ScriptReference { target: target.to_owned(), span, is_module, quote });
    }
}

/// Returns whether a module specifier is a path, not the name of a package.
fn is_path(specifier: &str) -> bool {
    ["./", "../", "/"].iter().any(|start| specifier.starts_with(start)) || specifier.contains("://")
}

fn plain(expression: &Expression<'_>) -> Option<String> {
    match expression {
        Expression::StringLiteral(literal) => Some(literal.value.to_string()),
        Expression::TemplateLiteral(template) if template.quasis.len() == 1 => {
            template.quasis.first()?.value.cooked.as_ref().map(ToString::to_string)
        }
        _ => None,
    }
}

/// Returns whether the expression is `import.meta.url`.
fn is_module_url(expression: &Expression<'_>) -> bool {
    member(expression).is_some_and(|member| {
        member.static_property_name() == Some("url") && matches!(member.object(), Expression::MetaProperty(_))
    })
}
