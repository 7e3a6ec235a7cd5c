//! Walks the tree of a script and collects its facts.

use std::collections::{BTreeMap, BTreeSet};

use oxc_ast::ast::{
    AssignmentExpression, AssignmentOperator, AssignmentTarget, BindingIdentifier, BindingPatternKind,
    CallExpression, ComputedMemberExpression, ConditionalExpression, ExportAllDeclaration,
    ExportNamedDeclaration, Expression, ExpressionStatement, FunctionBody, IdentifierName,
    IdentifierReference, ImportDeclaration, ImportExpression, LogicalExpression, NewExpression,
    ObjectProperty, PropertyDefinition, ReturnStatement, Statement, StaticMemberExpression, StringLiteral,
    TemplateElement, TryStatement, UnaryExpression, UnaryOperator, VariableDeclarationKind,
    VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};

use super::constants::{Constants, inside, text};
use super::facts::{Libraries, Script};
use super::values::Values;
use crate::text::Span;

/// A tree is walked once for the names that it declares, and once for what happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Names,
    Facts,
}

/// Collects facts.
pub(super) struct Walker<'s> {
    pub(super) source: &'s str,
    offset: usize,
    pub(super) phase: Phase,
    pub(super) script: Script,
    pub(super) values: Values,
    pub(super) constants: Constants,
    /// The selectors of elements that names hold.
    pub(super) named: BTreeMap<String, Option<String>>,
    /// Names that hold `window.__timelines`.
    pub(super) registries: BTreeSet<String>,
    /// Where `document.fonts.ready` is.
    pub(super) fonts_ready: Option<u32>,
    /// Where tweens are.
    pub(super) tween_starts: Vec<u32>,
    /// Libraries whose existence is tested.
    pub(super) tested: Libraries<()>,
    /// `Math.random` and the like that the script replaces.
    pub(super) replaced: BTreeSet<String>,
    /// Number of functions around the place.
    functions: usize,
    /// Number of functions and branches around the place that may run later, or not at all.
    pub(super) deferred: usize,
    /// The functions that are called.
    pub(super) called: BTreeSet<String>,
    /// Those that are called when the script is run.
    called_at_once: BTreeSet<String>,
    /// Expressions whose meaning is clear from what is around them.
    understood: BTreeSet<(u32, u32)>,
}

impl<'s> Walker<'s> {
    pub(super) fn new(source: &'s str, offset: usize) -> Self {
        Self {
            source,
            offset,
            phase: Phase::Names,
            script: Script::default(),
            values: Values::default(),
            constants: Constants::new(),
            named: BTreeMap::new(),
            registries: BTreeSet::new(),
            fonts_ready: None,
            tween_starts: Vec::new(),
            tested: Libraries::default(),
            replaced: BTreeSet::new(),
            functions: 0,
            deferred: 0,
            called: BTreeSet::new(),
            called_at_once: BTreeSet::new(),
            understood: BTreeSet::new(),
        }
    }

    pub(super) fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.understood.clear();
    }

    /// Returns the facts.
    pub(super) fn finish(mut self) -> Script {
        self.finish_values();
        self.finish_timelines();
        self.script.start = self.offset;
        self.script
    }

    /// Returns a span in the file.
    pub(super) fn span(&self, span: oxc_span::Span) -> Span {
        Span { start: span.start as usize, end: span.end as usize }.after(self.offset)
    }

    /// Marks an expression as understood.
    pub(super) fn understand(&mut self, span: oxc_span::Span) {
        self.understood.insert((span.start, span.end));
    }

    pub(super) fn is_understood(&self, span: oxc_span::Span) -> bool {
        self.understood.contains(&(span.start, span.end))
    }

    /// Returns the value of a string or a constant.
    pub(super) fn text<'e>(&'e self, expression: &'e Expression<'_>) -> Option<&'e str> {
        text(expression, &self.constants)
    }

    /// Walks a part that may run later, or not at all.
    fn deferred(&mut self, walk: impl FnOnce(&mut Self)) {
        self.deferred += 1;
        walk(self);
        self.deferred -= 1;
    }

    /// Notes a function that is called where it is written, or by its name.
    fn function_called(&mut self, callee: &Expression<'_>) {
        match callee {
            Expression::Identifier(name) if self.phase == Phase::Names => {
                self.called.insert(name.name.to_string());
                if self.deferred == 0 {
                    self.called_at_once.insert(name.name.to_string());
                }
            }
            Expression::FunctionExpression(_) | Expression::ArrowFunctionExpression(_) => self.runs(callee),
            _ => {}
        }
    }

    /// Notes that the body of a function is run when the script is. Others wait for something.
    fn runs(&mut self, function: &Expression<'_>) {
        let body = match function {
            Expression::FunctionExpression(function) if !function.r#async && !function.generator => {
                function.body.as_ref()
            }
            Expression::ArrowFunctionExpression(function) if !function.r#async => Some(&function.body),
            _ => None,
        };
        if let Some(body) = body {
            self.understand(body.span);
        }
    }

    fn word(&mut self, word: &str) {
        if self.phase == Phase::Facts && !self.script.words.contains(word) {
            self.script.words.insert(word.to_owned());
        }
    }
}

impl<'a> Visit<'a> for Walker<'_> {
    fn visit_identifier_name(&mut self, it: &IdentifierName<'a>) {
        self.word(&it.name);
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.word(&it.name);
        if self.phase == Phase::Facts {
            self.values_used(&it.name, it.span);
            self.registry_used(&it.name, it.span);
        }
    }

    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        self.word(&it.name);
        if self.phase == Phase::Names {
            self.values.bind(&it.name);
        }
        self.provide(&it.name);
    }

    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        self.word(&it.value);
    }

    fn visit_template_element(&mut self, it: &TemplateElement<'a>) {
        self.word(it.value.cooked.as_ref().unwrap_or(&it.value.raw));
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let Some(value) = &it.init {
            self.values_declared(&it.id, value);
            if let BindingPatternKind::BindingIdentifier(name) = &it.id.kind {
                if self.called_at_once.contains(&*name.name) {
                    self.runs(value);
                }
                self.declared(&name.name, it.kind == VariableDeclarationKind::Const, value);
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_assignment_expression(&mut self, it: &AssignmentExpression<'a>) {
        match &it.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                self.values_assigned(&name.name, &it.right);
                self.provide(&name.name);
                self.handler(&name.name, it);
            }
            AssignmentTarget::ObjectAssignmentTarget(target) if it.operator == AssignmentOperator::Assign => {
                self.values_destructured(target, &it.right);
            }
            target => {
                if let Some(member) = target.as_member_expression() {
                    self.assigned(member, it);
                }
            }
        }
        walk::walk_assignment_expression(self, it);
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        self.values_member(&it.object, Some((it.property.span, &it.property.name)));
        self.member_read(&it.object, &it.property.name, it.span);
        walk::walk_static_member_expression(self, it);
    }

    fn visit_computed_member_expression(&mut self, it: &ComputedMemberExpression<'a>) {
        let name = match &it.expression {
            Expression::StringLiteral(literal) => Some((inside(literal.span), literal.value.as_str())),
            _ => None,
        };
        self.values_member(&it.object, name);
        self.member_read(&it.object, name.map_or("", |(_, name)| name), it.span);
        walk::walk_computed_member_expression(self, it);
    }

    fn visit_expression_statement(&mut self, it: &ExpressionStatement<'a>) {
        self.values_ignored(&it.expression);
        walk::walk_expression_statement(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        self.function_called(&it.callee);
        if self.phase == Phase::Facts {
            self.values_called(&it.callee, it.arguments.is_empty(), it.span);
            self.called(it);
            if let Some((name, elements)) = self.callback(it) {
                let before = self.named.insert(name.clone(), elements);
                walk::walk_call_expression(self, it);
                self.named.insert(name, before.flatten());
                return;
            }
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        if self.phase == Phase::Facts {
            self.constructed(it);
            self.created(it);
        }
        walk::walk_new_expression(self, it);
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        if self.phase == Phase::Facts {
            self.property(it);
        }
        walk::walk_object_property(self, it);
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        match it.operator {
            UnaryOperator::Typeof => self.test(&it.argument),
            UnaryOperator::LogicalNot => {
                self.test(&it.argument);
                self.registry(&it.argument);
            }
            _ => {}
        }
        walk::walk_unary_expression(self, it);
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        self.test(&it.left);
        self.registry(&it.left);
        self.deferred(|own| walk::walk_logical_expression(own, it));
    }

    fn visit_if_statement(&mut self, it: &oxc_ast::ast::IfStatement<'a>) {
        self.test(&it.test);
        self.registry(&it.test);
        self.deferred(|own| walk::walk_if_statement(own, it));
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.deferred(|own| walk::walk_conditional_expression(own, it));
    }

    fn visit_try_statement(&mut self, it: &TryStatement<'a>) {
        self.deferred(|own| walk::walk_try_statement(own, it));
    }

    fn visit_property_definition(&mut self, it: &PropertyDefinition<'a>) {
        self.deferred(|own| walk::walk_property_definition(own, it));
    }

    fn visit_statement(&mut self, it: &Statement<'a>) {
        if let Statement::FunctionDeclaration(function) = it
            && let (Some(name), Some(body)) = (&function.id, &function.body)
            && self.called_at_once.contains(&*name.name)
            && !function.r#async
            && !function.generator
        {
            self.understand(body.span);
        }
        walk::walk_statement(self, it);
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        let is_deferred = usize::from(!self.is_understood(it.span));
        self.functions += 1;
        self.deferred += is_deferred;
        walk::walk_function_body(self, it);
        self.functions -= 1;
        self.deferred -= is_deferred;
    }

    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        if self.functions == 0 && self.phase == Phase::Facts {
            let span = self.span(it.span);
            self.script.outer_return.get_or_insert(span);
        }
        walk::walk_return_statement(self, it);
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if self.phase == Phase::Facts {
            self.import(&it.source);
        }
        walk::walk_import_declaration(self, it);
    }

    fn visit_export_named_declaration(&mut self, it: &ExportNamedDeclaration<'a>) {
        if self.phase == Phase::Facts
            && let Some(source) = &it.source
        {
            self.import(source);
        }
        walk::walk_export_named_declaration(self, it);
    }

    fn visit_export_all_declaration(&mut self, it: &ExportAllDeclaration<'a>) {
        if self.phase == Phase::Facts {
            self.import(&it.source);
        }
        walk::walk_export_all_declaration(self, it);
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        if self.phase == Phase::Facts {
            self.word("import");
            self.dynamic_import(&it.source);
        }
        walk::walk_import_expression(self, it);
    }
}
