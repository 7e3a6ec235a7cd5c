//! The variables that a script reads through `getVariables()`.

use oxc_ast::ast::{
    AssignmentTargetProperty, BindingPattern, BindingPatternKind, Expression, MemberExpression,
    ObjectAssignmentTarget, PropertyKey,
};
use oxc_span::GetSpan;

use super::constants::{call, identifier, inside, member};
use super::walk::{Phase, Walker};

/// Returns whether the expression calls `getVariables()`.
fn is_call(expression: &Expression<'_>) -> bool {
    call(expression).is_some_and(|call| {
        let callee = &call.callee;
        let name =
            identifier(callee).or_else(|| member(callee).and_then(MemberExpression::static_property_name));
        name == Some("getVariables") && call.arguments.is_empty()
    })
}

impl<'a> Walker<'_> {
    /// Returns whether an expression has the values, and marks what it consists of as understood.
    fn values(&mut self, expression: &Expression<'a>) -> bool {
        match expression {
            Expression::LogicalExpression(logical) => self.values(&logical.left),
            Expression::ConditionalExpression(choice) => {
                let first = self.values(&choice.consequent);
                self.values(&choice.alternate) || first
            }
            Expression::Identifier(name) if self.values.is_alias(&name.name) => {
                self.understand(name.span);
                true
            }
            other if is_call(other) => {
                if let Some(call) = call(other) {
                    self.understand(call.span);
                }
                true
            }
            _ => false,
        }
    }

    /// Reads a declaration `const pattern = value`.
    pub(super) fn values_declared(&mut self, pattern: &BindingPattern<'a>, value: &Expression<'a>) {
        if !self.values(value) {
            return;
        }
        match &pattern.kind {
            BindingPatternKind::BindingIdentifier(name) => self.values_named(&name.name),
            BindingPatternKind::ObjectPattern(object) => {
                for property in &object.properties {
                    self.values_key(&property.key, value);
                }
                self.script.is_opaque |= object.rest.is_some();
            }
            _ => self.script.is_opaque = true,
        }
    }

    /// Reads an assignment of the values to a name.
    pub(super) fn values_assigned(&mut self, name: &str, value: &Expression<'a>) {
        if self.values(value) {
            self.values_named(name);
        }
    }

    /// Reads `({ title } = values)`.
    pub(super) fn values_destructured(
        &mut self,
        target: &ObjectAssignmentTarget<'a>,
        value: &Expression<'a>,
    ) {
        if !self.values(value) {
            return;
        }
        for property in &target.properties {
            match property {
                AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(name) => {
                    let text = name.binding.name.to_string();
                    self.values_read(text, name.binding.span, value);
                }
                AssignmentTargetProperty::AssignmentTargetPropertyProperty(pair) => {
                    self.values_key(&pair.name, value);
                }
            }
        }
        self.script.is_opaque |= target.rest.is_some();
    }

    /// Reads `values.title`, and returns whether the object has the values.
    pub(super) fn values_member(&mut self, object: &Expression<'a>, name: Option<(oxc_span::Span, &str)>) {
        if !self.values(object) {
            return;
        }
        match name {
            Some((span, name)) => self.values_read(name.to_owned(), span, object),
            None => self.script.is_opaque = true,
        }
    }

    /// A call as a statement reads nothing.
    pub(super) fn values_ignored(&mut self, expression: &Expression<'a>) {
        if is_call(expression) {
            self.values(expression);
        }
    }

    /// Notes a call that was not understood by what is around it.
    pub(super) fn values_called(&mut self, callee: &Expression<'a>, is_empty: bool, span: oxc_span::Span) {
        let name =
            identifier(callee).or_else(|| member(callee).and_then(MemberExpression::static_property_name));
        if name == Some("getVariables") && is_empty && !self.is_understood(span) {
            self.script.is_opaque = true;
        }
    }

    /// Notes a use of a name that was not understood by what is around it.
    pub(super) fn values_used(&mut self, name: &str, span: oxc_span::Span) {
        if self.values.is_alias(name) && !self.is_understood(span) {
            self.values.is_unclear = true;
        }
    }

    fn values_named(&mut self, name: &str) {
        if self.phase == Phase::Names {
            *self.values.aliases.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn values_key(&mut self, key: &PropertyKey<'a>, value: &Expression<'a>) {
        match key.static_name() {
            Some(name) => {
                let mut span = key.span();
                if matches!(key, PropertyKey::StringLiteral(_)) {
                    span = inside(span);
                }
                self.values_read(name.into_owned(), span, value);
            }
            None => self.script.is_opaque = true,
        }
    }

    fn values_read(&mut self, name: String, span: oxc_span::Span, value: &Expression<'a>) {
        if self.phase == Phase::Names {
            return;
        }
        if is_direct(value) {
            self.script.reads.push((name, self.span(span)));
        } else {
            self.values.reads.push((name, span));
        }
    }

    /// Adds the reads through names, unless a name may hold something else.
    pub(super) fn finish_values(&mut self) {
        let is_shadowed = self
            .values
            .aliases
            .iter()
            .any(|(name, given)| self.values.bindings.get(name).is_some_and(|count| count > given));
        if self.values.is_unclear || is_shadowed {
            self.script.is_opaque = true;
        } else {
            for (name, span) in std::mem::take(&mut self.values.reads) {
                let span = self.span(span);
                self.script.reads.push((name, span));
            }
        }
        self.script.reads.sort_by_key(|(_, span)| span.start);
    }
}

/// Returns whether the values come from a call, not through a name.
fn is_direct(value: &Expression<'_>) -> bool {
    match value {
        Expression::LogicalExpression(logical) => is_direct(&logical.left),
        Expression::ConditionalExpression(choice) => {
            is_direct(&choice.consequent) || is_direct(&choice.alternate)
        }
        other => is_call(other),
    }
}
