//! Timelines: whether they are created and registered, and under which id.

use std::borrow::Cow;

use oxc_ast::ast::{
    AssignmentExpression, CallExpression, Expression, MemberExpression, ObjectExpression, ObjectPropertyKind,
};
use oxc_span::GetSpan;

use super::constants::{argument, identifier, is_global, member};
use super::facts::{Library, Registration};
use super::walk::{Phase, Walker};

/// The global object that timelines are registered in.
const REGISTRY: &str = "__timelines";

impl<'a> Walker<'_> {
    /// Returns whether an expression is the registry, and marks its parts as understood.
    pub(super) fn registry(&mut self, expression: &Expression<'a>) -> bool {
        match expression {
            Expression::LogicalExpression(logical) => {
                let left = self.registry(&logical.left);
                self.registry(&logical.right) || left
            }
            Expression::AssignmentExpression(assignment) => {
                let is_registry = assignment.left.as_member_expression().is_some_and(is_registry_member);
                self.registry(&assignment.right);
                is_registry
            }
            Expression::Identifier(name)
                if name.name == REGISTRY || self.registries.contains(&*name.name) =>
            {
                self.understand(name.span);
                true
            }
            other => match member(other) {
                Some(member) if is_registry_member(member) => {
                    self.understand(member.span());
                    true
                }
                _ => false,
            },
        }
    }

    /// Notes a name that holds the registry.
    pub(super) fn registry_declared(&mut self, name: &str, value: &Expression<'a>) {
        if self.registry(value) && self.phase == Phase::Names && self.values.is_unique(name) {
            self.registries.insert(name.to_owned());
        }
    }

    /// Notes a use of a name of the registry that was not understood by what is around it.
    pub(super) fn registry_used(&mut self, name: &str, span: oxc_span::Span) {
        if (name == REGISTRY || self.registries.contains(name)) && !self.is_understood(span) {
            self.script.may_register = true;
        }
    }

    /// Reads `registry.name`, or notes a use of `window.__timelines` that was not understood.
    pub(super) fn registry_member(&mut self, object: &Expression<'a>, name: &str, span: oxc_span::Span) {
        self.registry(object);
        if self.phase == Phase::Facts && name == REGISTRY && !self.is_understood(span) {
            self.script.may_register = true;
        }
    }

    /// Reads an assignment to a member: `registry["id"] = …`, or `window.__timelines = …`.
    pub(super) fn registry_assigned(&mut self, target: &MemberExpression<'a>, it: &AssignmentExpression<'a>) {
        if is_registry_member(target) {
            self.understand(target.span());
            self.registry_value(&it.right);
        } else if self.registry(target.object()) && self.phase == Phase::Facts {
            let id = match target {
                MemberExpression::ComputedMemberExpression(member) => {
                    self.text(&member.expression).map(str::to_owned)
                }
                member => member.static_property_name().map(str::to_owned),
            };
            self.register(id, target.span());
        }
    }

    /// Reads what is assigned to `window.__timelines`.
    fn registry_value(&mut self, value: &Expression<'a>) {
        match value {
            Expression::LogicalExpression(logical) => {
                self.registry(&logical.left);
                self.registry_value(&logical.right);
            }
            Expression::ObjectExpression(object) => self.registry_object(object),
            other => {
                if !self.registry(other) && self.phase == Phase::Facts {
                    self.script.may_register = true;
                }
            }
        }
    }

    fn registry_object(&mut self, object: &ObjectExpression<'a>) {
        if self.phase == Phase::Names {
            return;
        }
        for property in &object.properties {
            match property {
                ObjectPropertyKind::ObjectProperty(property) => {
                    let id = property.key.static_name().map(Cow::into_owned);
                    self.register(id, property.key.span());
                }
                ObjectPropertyKind::SpreadProperty(spread) => {
                    if !self.registry(&spread.argument) {
                        self.script.may_register = true;
                    }
                }
            }
        }
    }

    fn register(&mut self, id: Option<String>, span: oxc_span::Span) {
        let span = self.span(span);
        self.script.registrations.push(Registration { id, span, is_early: false });
    }

    /// Reads `Object.assign(registry, { … })` and `gsap.timeline()`.
    pub(super) fn timeline_called(&mut self, it: &CallExpression<'a>) {
        let Some(callee) = member(&it.callee) else { return };
        let name = callee.static_property_name().unwrap_or_default();
        if name == "timeline" && is_global(callee.object(), "gsap") {
            let span = self.span(it.span);
            self.script.timelines.push(span);
        }
        if name == "assign"
            && identifier(callee.object()) == Some("Object")
            && argument(&it.arguments, 0).is_some_and(|first| self.registry(first))
        {
            match argument(&it.arguments, 1) {
                Some(Expression::ObjectExpression(object)) => self.registry_object(object),
                _ => self.script.may_register = true,
            }
        }
        if name == "ready"
            && let Some(fonts) = member(callee.object())
            && fonts.static_property_name() == Some("fonts")
        {
            self.fonts_ready.get_or_insert(it.span.start);
        }
    }

    /// Finds registrations of timelines that are still empty.
    pub(super) fn finish_timelines(&mut self) {
        if self.script.words.contains("_gsScope") || self.script.words.contains("GreenSock") {
            self.script.provides.insert(Library::Gsap, ());
        }
        for library in self.tested.names() {
            self.script.uses.remove(library);
            self.script.uses_at_once.remove(library);
        }
        let Some(ready) = self.fonts_ready else { return };
        let is_built_later = self.tween_starts.iter().max().is_some_and(|start| *start > ready);
        let first = self.tween_starts.iter().min().map(|start| *start as usize);
        let offset = self.span(oxc_span::Span::new(0, 0)).start;
        for registration in &mut self.script.registrations {
            let at = registration.span.start - offset;
            let is_built = first.is_some_and(|start| start < at);
            registration.is_early = is_built_later && !is_built && at < ready as usize;
        }
    }
}

fn is_registry_member(member: &MemberExpression<'_>) -> bool {
    member.static_property_name() == Some(REGISTRY)
}
