//! Calls and properties: tweens, libraries, media elements, and values that differ from run to run.

use std::collections::BTreeMap;

use oxc_ast::ast::{
    ArrayExpressionElement, AssignmentExpression, BinaryOperator, CallExpression, Expression,
    MemberExpression, NewExpression, ObjectProperty, ObjectPropertyKind,
};
use oxc_span::GetSpan;

use super::constants::{argument, call, identifier, inside, is_global, member, number};
use super::facts::{Clock, Library, MediaAction, MediaControl, Repeat, Selector, Tween, TweenValue};
use super::walk::{Phase, Walker};

/// The longest list of elements that is followed, in bytes.
const MAX_SELECTOR: usize = 1000;

/// Methods of GSAP and of timelines that make tweens.
const TWEENS: &[&str] = &["to", "from", "fromTo", "set"];

/// Calls whose result differs from run to run: the object, the method, and how it is named.
const CLOCKS: &[(&str, &str, &str)] = &[
    ("Math", "random", "Math.random()"),
    ("Date", "now", "Date.now()"),
    ("performance", "now", "performance.now()"),
    ("crypto", "getRandomValues", "crypto.getRandomValues()"),
    ("crypto", "randomUUID", "crypto.randomUUID()"),
];

/// Calls that no render survives: the object, the name, and how it is called.
const BLOCKERS: &[(&str, &str, &str)] = &[
    ("", "alert", "alert()"),
    ("", "confirm", "confirm()"),
    ("", "prompt", "prompt()"),
    ("document", "write", "document.write()"),
    ("document", "writeln", "document.writeln()"),
    ("document", "open", "document.open()"),
    ("location", "reload", "location.reload()"),
];

impl<'a> Walker<'_> {
    /// Notes a name that is declared with a value.
    pub(super) fn declared(&mut self, name: &str, is_constant: bool, value: &Expression<'a>) {
        self.registry_declared(name, value);
        if self.phase == Phase::Facts {
            return;
        }
        let target = self.elements(value);
        self.named.entry(name.to_owned()).and_modify(|known| *known = None).or_insert(target);
        let text = is_constant.then(|| self.text(value).map(str::to_owned)).flatten();
        self.constants.entry(name.to_owned()).and_modify(|known| *known = None).or_insert(text);
    }

    /// Notes that the script sets a global variable.
    pub(super) fn provide(&mut self, name: &str) {
        if let Some(library) = Library::with_global(name) {
            self.script.provides.insert(library, ());
        }
    }

    /// Notes a test for the existence of a library.
    pub(super) fn test(&mut self, expression: &Expression<'a>) {
        let name = identifier(expression).or_else(|| member(expression)?.static_property_name());
        let Some(name) = name else { return };
        if let Some(library) = Library::with_global(name) {
            self.tested.insert(library, ());
        }
    }

    /// Reads an assignment to a member.
    pub(super) fn assigned(&mut self, target: &MemberExpression<'a>, it: &AssignmentExpression<'a>) {
        self.registry_assigned(target, it);
        let name = target.static_property_name().unwrap_or_default();
        self.provide(name);
        if ["window", "globalThis", "self", "document"].iter().any(|root| is_global(target.object(), root))
            || member(target.object()).and_then(MemberExpression::static_property_name) == Some("body")
        {
            self.handler(name, it);
        }
        if matches!(name, "random" | "now") {
            self.replaced.insert(name.to_owned());
        }
        if self.phase == Phase::Names {
            return;
        }
        let action = match name {
            "currentTime" => MediaAction::Control("currentTime"),
            "muted" => MediaAction::Control("muted"),
            "src" => MediaAction::Source,
            _ => return,
        };
        self.control(target.object(), action, it.span);
    }

    /// Reads a member of an object.
    pub(super) fn member_read(&mut self, object: &Expression<'a>, name: &str, span: oxc_span::Span) {
        self.registry_member(object, name, span);
        if self.phase == Phase::Names {
            return;
        }
        if name == "ready"
            && member(object).is_some_and(|fonts| fonts.static_property_name() == Some("fonts"))
        {
            self.fonts_ready.get_or_insert(span.start);
        }
        let library = if is_global(object, "gsap") {
            Library::Gsap
        } else if is_global(object, "lottie") || is_global(object, "bodymovin") {
            Library::Lottie
        } else if let Some(library @ (Library::ScrollTrigger | Library::SplitText | Library::Three)) =
            identifier(object).and_then(Library::with_global)
        {
            library
        } else {
            return;
        };
        self.uses(library, object.span());
    }

    /// Notes the use of a library.
    fn uses(&mut self, library: Library, span: oxc_span::Span) {
        let span = self.span(span);
        self.script.uses.insert(library, span);
        if self.deferred == 0 {
            self.script.uses_at_once.insert(library, span);
        }
    }

    /// Notes `window.onload = …` and `document.onreadystatechange = …`: the name, with what it is a member of.
    pub(super) fn handler(&mut self, name: &str, it: &AssignmentExpression<'a>) {
        let is_function = match &it.right {
            Expression::Identifier(name) => !self.called.contains(&*name.name),
            right => right.is_function(),
        };
        let name = match name {
            "onload" => "window.onload",
            "onreadystatechange" => "document.onreadystatechange",
            _ => return,
        };
        if is_function && self.deferred == 0 && self.phase == Phase::Facts {
            let span = self.span(it.left.span());
            self.script.load_handler.get_or_insert((name, span));
        }
    }

    /// Reads a call.
    pub(super) fn called(&mut self, it: &CallExpression<'a>) {
        self.timeline_called(it);
        self.clock(it);
        self.block(it);
        let Some(callee) = member(&it.callee) else { return };
        let name = callee.static_property_name().unwrap_or_default();
        match name {
            "querySelector" | "querySelectorAll" => self.selector(it, true),
            "closest" | "matches" => self.selector(it, false),
            "play" => self.control(callee.object(), MediaAction::Control("play()"), it.span),
            "pause" => self.control(callee.object(), MediaAction::Control("pause()"), it.span),
            "setAttribute"
                if argument(&it.arguments, 0).and_then(|first| self.text(first)) == Some("src") =>
            {
                self.control(callee.object(), MediaAction::Source, it.span);
            }
            "animate" => self.script.animates |= !it.arguments.is_empty(),
            "registerPlugin" => {
                for plugin in it.arguments.iter().filter_map(|plugin| plugin.as_expression()) {
                    self.plugin(plugin);
                }
            }
            _ if TWEENS.contains(&name) => self.tween(name, callee.object(), it),
            _ => {}
        }
    }

    /// Notes a call that opens a dialog or replaces the page at once, unless the script declares the name.
    fn block(&mut self, it: &CallExpression<'a>) {
        let known = BLOCKERS.iter().find(|(object, name, _)| match *object {
            "" => is_global(&it.callee, name) && !self.values.bindings.contains_key(*name),
            object => member(&it.callee).is_some_and(|callee| {
                callee.static_property_name() == Some(*name) && is_global(callee.object(), object)
            }),
        });
        if let Some((_, _, label)) = known.filter(|_| self.deferred == 0) {
            let span = self.span(it.span);
            self.script.blocker.get_or_insert((label, span));
        }
    }

    /// Notes the use of a plugin of GSAP by its global name.
    fn plugin(&mut self, expression: &Expression<'a>) {
        let library = identifier(expression).and_then(Library::with_global);
        let plugins = [Library::MotionPath, Library::ScrollTrigger, Library::SplitText];
        if let Some(library) = library.filter(|library| plugins.contains(library)) {
            self.uses(library, expression.span());
        }
    }

    /// Reads `new Date()` and `new SplitText()`.
    pub(super) fn created(&mut self, it: &NewExpression<'a>) {
        self.plugin(&it.callee);
        if identifier(&it.callee) == Some("Date") && it.arguments.is_empty() && !self.replaced.contains("now")
        {
            let span = self.span(it.span);
            self.script.clocks.push((Clock::Call("new Date()"), span));
        }
    }

    fn clock(&mut self, it: &CallExpression<'a>) {
        let span = self.span(it.span);
        let is_frame = is_global(&it.callee, "requestAnimationFrame");
        if is_frame {
            self.script.clocks.push((Clock::Frame, span));
        }
        if is_global(&it.callee, "fetch")
            && let Some(url) = argument(&it.arguments, 0).and_then(|url| self.text(url))
            && (url.contains("://") || url.starts_with("//"))
        {
            let url = url.to_owned();
            self.script.clocks.push((Clock::Network(url), span));
        }
        let Some(callee) = member(&it.callee) else { return };
        let Some(name) = callee.static_property_name() else { return };
        let known =
            CLOCKS.iter().find(|(object, method, _)| *method == name && is_global(callee.object(), object));
        if let Some((_, _, label)) = known.filter(|_| !self.replaced.contains(name)) {
            self.script.clocks.push((Clock::Call(label), span));
        }
        let is_random = name == "random"
            && member(callee.object()).is_some_and(|utils| {
                utils.static_property_name() == Some("utils") && is_global(utils.object(), "gsap")
            });
        if is_random {
            self.script.clocks.push((Clock::Call("gsap.utils.random()"), span));
        }
    }

    fn selector(&mut self, it: &CallExpression<'a>, is_query: bool) {
        let Some(first) = argument(&it.arguments, 0) else { return };
        let is_computed =
            matches!(first, Expression::TemplateLiteral(template) if !template.expressions.is_empty());
        let text = self.text(first).map(str::to_owned);
        if text.is_some() || is_computed {
            let span = self.span(first.span());
            self.script.selectors.push(Selector { text, span, is_query });
        }
    }

    /// Returns the selector of the elements that an expression looks up, or that a name holds: one, or a list.
    fn elements(&self, expression: &Expression<'a>) -> Option<String> {
        match expression {
            Expression::Identifier(name) => return self.named.get(name.name.as_str())?.clone(),
            Expression::ComputedMemberExpression(one) => return self.elements(&one.object),
            Expression::ArrayExpression(list) => {
                let each = list.elements.iter().map(|one| match one {
                    ArrayExpressionElement::SpreadElement(spread) => self.elements(&spread.argument),
                    one => self.targets(one.as_expression()?),
                });
                let all = each.collect::<Option<Vec<_>>>()?.join(", ");
                return Some(all).filter(|all| !all.is_empty() && all.len() <= MAX_SELECTOR);
            }
            _ => {}
        }
        let call = call(expression)?;
        let first = argument(&call.arguments, 0)?;
        let (object, name) = match member(&call.callee) {
            Some(callee) => (identifier(callee.object()), callee.static_property_name()?),
            None => (None, identifier(&call.callee)?),
        };
        match name {
            "getElementById" => Some(format!("#{}", self.text(first)?)),
            "getElementsByClassName" => Some(format!(".{}", self.text(first)?)),
            "querySelector" | "querySelectorAll" | "$" | "$$" => self.text(first).map(str::to_owned),
            "toArray" => self.targets(first),
            "from" if object == Some("Array") => self.targets(first),
            _ => None,
        }
    }

    fn control(&mut self, object: &Expression<'a>, action: MediaAction, span: oxc_span::Span) {
        if let Some(target) = self.elements(object) {
            let span = self.span(span);
            self.script.media.push(MediaControl { target, action, span });
        }
    }

    /// Returns the parameter of a callback that is called for each of some elements, and their selector.
    pub(super) fn callback(&self, it: &CallExpression<'a>) -> Option<(String, Option<String>)> {
        let callee = member(&it.callee)?;
        let parameters = match argument(&it.arguments, 0)? {
            Expression::ArrowFunctionExpression(function) => &function.params,
            Expression::FunctionExpression(function) => &function.params,
            _ => return None,
        };
        let name = parameters.items.first()?.pattern.get_identifier_name()?;
        let is_each = matches!(callee.static_property_name(), Some("forEach" | "map"));
        Some((name.to_string(), self.elements(callee.object()).filter(|_| is_each)))
    }

    /// Reads `repeat`, `motionPath` and values such as `"random(…)"`.
    pub(super) fn property(&mut self, it: &ObjectProperty<'a>) {
        let Some(name) = it.key.static_name() else { return };
        let span = self.span(it.span);
        match &*name {
            "repeat" => {
                let repeat = repeat(&it.value);
                self.script.repeats.extend(repeat.map(|repeat| (repeat, span)));
            }
            "motionPath" => self.uses(Library::MotionPath, it.span),
            _ => {}
        }
        if let Expression::StringLiteral(literal) = &it.value {
            let value = literal.value.trim_start_matches("+=").trim_start_matches("-=");
            let inner = value.strip_prefix("random(").map(str::trim_start);
            if inner.is_some_and(|inner| inner.starts_with(|c: char| c.is_ascii_digit() || "-.[".contains(c)))
            {
                let span = self.span(inside(literal.span));
                self.script.clocks.push((Clock::RandomText, span));
            }
        }
    }

    fn tween(&mut self, name: &str, object: &Expression<'a>, it: &CallExpression<'a>) {
        let Some(method) = TWEENS.iter().copied().find(|method| *method == name) else { return };
        let (Some(target), Some(vars)) = (argument(&it.arguments, 0), argument(&it.arguments, 1)) else {
            return;
        };
        let Expression::ObjectExpression(_) = vars else { return };
        let is_global = is_global(object, "gsap");
        let last = if method == "fromTo" { 2 } else { 1 };
        let is_first = self.tween_starts.is_empty();
        // Calls are visited from the outside in: of a chain, the last one first.
        let is_chained = call(object).is_some_and(|inner| {
            member(&inner.callee)
                .and_then(MemberExpression::static_property_name)
                .is_some_and(|name| TWEENS.contains(&name) && name != "set")
        });
        if method != "set" {
            self.tween_starts.push(it.span.start.max(callee_end(it)));
        }
        let span = self.span(target.span());
        if let Some(text) = self.text(target).map(str::to_owned) {
            self.script.selectors.push(Selector { text: Some(text), span, is_query: false });
        }
        let Some(selector) = self.targets(target) else { return };
        let Some(Expression::ObjectExpression(values)) = argument(&it.arguments, last) else { return };
        let position = match argument(&it.arguments, last + 1) {
            Some(position) => number(position),
            None => (is_first && !is_chained).then_some(0.0),
        };
        let from = match vars {
            Expression::ObjectExpression(from) if method == "fromTo" => self.tween_values(&from.properties),
            _ => BTreeMap::new(),
        };
        let values = self.tween_values(&values.properties);
        let is_initial = is_first && !is_chained;
        self.script.tweens.push(Tween {
            method,
            is_global,
            selector,
            values,
            from,
            position,
            is_initial,
            span,
        });
    }

    /// Returns the selector of the elements of a tween.
    fn targets(&self, target: &Expression<'a>) -> Option<String> {
        self.text(target).map(str::to_owned).or_else(|| self.elements(target))
    }

    fn tween_values(&self, properties: &[ObjectPropertyKind<'a>]) -> BTreeMap<String, TweenValue> {
        let pairs = properties.iter().filter_map(|property| {
            let ObjectPropertyKind::ObjectProperty(property) = property else { return None };
            let name = property.key.static_name()?.into_owned();
            let value = match &property.value {
                Expression::BooleanLiteral(flag) => TweenValue::Flag(flag.value),
                value => match (number(value), self.text(value)) {
                    (Some(number), _) => TweenValue::Number(number),
                    (None, Some(text)) => TweenValue::Text(text.to_owned()),
                    (None, None) => TweenValue::Unknown,
                },
            };
            Some((name, value))
        });
        pairs.collect()
    }
}

/// Returns where the name of the called method ends.
fn callee_end(it: &CallExpression<'_>) -> u32 {
    it.callee.span().end
}

fn repeat(value: &Expression<'_>) -> Option<Repeat> {
    if number(value) == Some(-1.0) {
        return Some(Repeat::Infinite);
    }
    let Expression::BinaryExpression(difference) = value else { return None };
    if difference.operator != BinaryOperator::Subtraction || number(&difference.right) != Some(1.0) {
        return None;
    }
    let callee = member(&call(&difference.left)?.callee)?;
    match (identifier(callee.object())?, callee.static_property_name()?) {
        ("Math", "ceil") => Some(Repeat::Ceil),
        ("Math", "floor") => Some(Repeat::Floor),
        _ => None,
    }
}
