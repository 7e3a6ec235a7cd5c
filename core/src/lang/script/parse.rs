//! Parses a script with `oxc_parser`.

use std::collections::BTreeMap;

use oxc_allocator::Allocator;
use oxc_ast::ast::{Statement, VariableDeclarationKind};
use oxc_ast_visit::Visit;
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_span::{GetSpan, SourceType};

use super::facts::{Script, ScriptKind, SyntaxError};
use super::nesting;
use super::walk::{Phase, Walker};
use crate::text::Span;

/// Parses a script whose text starts at `offset` of its file, and collects facts about it.
pub(crate) fn parse(source: &str, offset: usize, kind: ScriptKind) -> Script {
    // Without these words, no name has to be known before it is used.
    const NAMED: &[&str] =
        &["getVariables", "__timelines", "gsap", "document.", "onload", "alert", "confirm", "prompt"];
    let kinds: &[ScriptKind] = match kind {
        ScriptKind::File => &[ScriptKind::Module, ScriptKind::Classic],
        ScriptKind::Module => &[ScriptKind::Module],
        ScriptKind::Classic => &[ScriptKind::Classic],
    };
    if u32::try_from(source.len()).is_err() || !kinds.iter().all(|kind| nesting::is_bounded(source, *kind)) {
        return Script { is_opaque: true, may_register: true, ..Script::default() };
    }
    let allocator = Allocator::default();
    let mut error = None;
    for kind in kinds {
        let parsed = tree(&allocator, source, *kind);
        let found = syntax_error(&parsed, source, offset);
        let found =
            found.or_else(|| (kinds == [ScriptKind::Classic]).then(|| module_error(&parsed, offset))?);
        let globals = match found.map_or_else(|| globals(&parsed, offset), Err) {
            Ok(globals) => globals,
            Err(found) => {
                error = Some(found);
                continue;
            }
        };
        let mut walker = Walker::new(source, offset);
        if NAMED.iter().any(|name| source.contains(name)) {
            walker.set_phase(Phase::Names);
            walker.visit_program(&parsed.program);
        }
        walker.set_phase(Phase::Facts);
        walker.visit_program(&parsed.program);
        let mut script = walker.finish();
        if kinds != [ScriptKind::Module] && module_error(&parsed, offset).is_none() {
            script.globals = globals;
        }
        return script;
    }
    Script { error, is_opaque: true, ..Script::default() }
}

fn tree<'a>(allocator: &'a Allocator, source: &'a str, kind: ScriptKind) -> ParserReturn<'a> {
    let source_type = if kind == ScriptKind::Module { SourceType::mjs() } else { SourceType::cjs() };
    // Scripts of mounted compositions run in a function, and so do event attributes.
    let options = ParseOptions {
        allow_return_outside_function: true,
        preserve_parens: false,
        ..ParseOptions::default()
    };
    Parser::new(allocator, source, source_type).with_options(options).parse()
}

/// Returns an error for `import` and `export` in a classic script.
fn module_error(parsed: &ParserReturn<'_>, offset: usize) -> Option<SyntaxError> {
    let declaration = parsed.program.body.iter().find_map(|statement| statement.as_module_declaration())?;
    let span = declaration.span();
    let span = Span { start: span.start as usize, end: span.end as usize }.after(offset);
    Some(SyntaxError { message: "import and export need <script type=\"module\">".to_owned(), span })
}

/// Returns the names that are declared outside of functions.
///
/// # Errors
/// Fails if a name is declared twice, with `let`, `const` or `class` once or twice.
fn globals(parsed: &ParserReturn<'_>, offset: usize) -> Result<Vec<(String, bool, Span)>, SyntaxError> {
    let mut known = BTreeMap::<&str, bool>::new();
    let mut globals = Vec::new();
    for statement in &parsed.program.body {
        let (names, is_lexical) = match statement {
            Statement::VariableDeclaration(declaration) => {
                let names = declaration.declarations.iter().flat_map(|one| one.id.get_binding_identifiers());
                (names.collect(), declaration.kind != VariableDeclarationKind::Var)
            }
            Statement::FunctionDeclaration(function) => (Vec::from_iter(function.id.as_ref()), false),
            Statement::ClassDeclaration(class) => (Vec::from_iter(class.id.as_ref()), true),
            _ => continue,
        };
        for name in names {
            let span = Span { start: name.span.start as usize, end: name.span.end as usize }.after(offset);
            if known.get(name.name.as_str()).is_some_and(|earlier| *earlier || is_lexical) {
                let message = format!("{} has already been declared", name.name);
                return Err(SyntaxError { message, span });
            }
            known.insert(name.name.as_str(), is_lexical);
            globals.push((name.name.to_string(), is_lexical, span));
        }
    }
    Ok(globals)
}

fn syntax_error(parsed: &ParserReturn<'_>, source: &str, offset: usize) -> Option<SyntaxError> {
    let error = parsed.errors.first()?;
    let label = error.labels.as_ref().and_then(|labels| labels.first());
    let (start, length) = match label {
        Some(label) => (label.offset().min(source.len()), label.len()),
        None => (0, 0),
    };
    let end = start.saturating_add(length).min(source.len());
    let mut message = error.message.to_string();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    let message = message.trim_end_matches('.').to_owned();
    Some(SyntaxError { message, span: Span { start, end }.after(offset) })
}
