//! Expressions whose value is known without running the script.

use std::collections::BTreeMap;

use oxc_ast::ast::{
    Argument, CallExpression, ChainElement, Expression, MemberExpression, TemplateLiteral, UnaryOperator,
};

/// Returns the member expression, also that of an optional chain.
pub(super) fn member<'e, 'a>(expression: &'e Expression<'a>) -> Option<&'e MemberExpression<'a>> {
    match expression {
        Expression::ChainExpression(chain) => chain.expression.as_member_expression(),
        other => other.as_member_expression(),
    }
}

/// Returns the call, also that of an optional chain.
pub(super) fn call<'e, 'a>(expression: &'e Expression<'a>) -> Option<&'e CallExpression<'a>> {
    match expression {
        Expression::CallExpression(call) => Some(call),
        Expression::ChainExpression(chain) => match &chain.expression {
            ChainElement::CallExpression(call) => Some(call),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the name of an identifier.
pub(super) fn identifier<'e>(expression: &'e Expression<'_>) -> Option<&'e str> {
    match expression {
        Expression::Identifier(identifier) => Some(identifier.name.as_str()),
        _ => None,
    }
}

/// Returns whether the expression is the global variable `name`, possibly as a member of `window`.
pub(super) fn is_global(expression: &Expression<'_>, name: &str) -> bool {
    if identifier(expression) == Some(name) {
        return true;
    }
    member(expression).is_some_and(|member| {
        member.static_property_name() == Some(name)
            && matches!(identifier(member.object()), Some("window" | "globalThis" | "self"))
    })
}

/// Returns the expression of the argument at `index`; `None` for `...spread`.
pub(super) fn argument<'e, 'a>(arguments: &'e [Argument<'a>], index: usize) -> Option<&'e Expression<'a>> {
    arguments.get(index)?.as_expression()
}

/// The values of variables that are declared once, with `const`.
pub(super) type Constants = BTreeMap<String, Option<String>>;

/// Returns the value of a string, of a template without `${…}`, or of a constant.
pub(super) fn text<'e>(expression: &'e Expression<'_>, constants: &'e Constants) -> Option<&'e str> {
    match expression {
        Expression::StringLiteral(literal) => Some(literal.value.as_str()),
        Expression::TemplateLiteral(template) => plain(template),
        Expression::Identifier(identifier) => constants.get(identifier.name.as_str())?.as_deref(),
        _ => None,
    }
}

fn plain<'e>(template: &'e TemplateLiteral<'_>) -> Option<&'e str> {
    match template.quasis.as_slice() {
        [only] => only.value.cooked.as_ref().map(oxc_span::Atom::as_str),
        _ => None,
    }
}

/// Returns the value of a number.
pub(super) fn number(expression: &Expression<'_>) -> Option<f64> {
    match expression {
        Expression::NumericLiteral(literal) => Some(literal.value),
        Expression::UnaryExpression(unary) => match unary.operator {
            UnaryOperator::UnaryNegation => match &unary.argument {
                Expression::NumericLiteral(literal) => Some(-literal.value),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Returns the span between the quotes of a literal.
pub(super) fn inside(span: oxc_span::Span) -> oxc_span::Span {
    oxc_span::Span::new(span.start + 1, span.end.saturating_sub(1).max(span.start + 1))
}
