//! The messages of errors and warnings beside their entries in `docs/troubleshooting.md`.
//!
//! Each code of an error is followed by its messages, so that readers find the entry by the words they saw. The messages are
//! those of `tests/snapshots/errors`, and for `usage` those in the sources. Warnings have no code: the page lists them by
//! message.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Expr, ExprLit, Lit, Token};

use super::codes;
use super::page::Page;
use crate::command::{root, say};

/// The heading of the list of warnings.
const WARNINGS: &str = "## Warnings and notes";

/// The code of errors that are not in the snapshots one by one.
const USAGE: &str = "usage";

/// Warnings without an entry, and why.
const OBVIOUS: &[(&str, &str)] = &[
    ("…: detected … as column separator", "nothing is wrong"),
    ("found …; --hooks … checks projects before each commit", "a suggestion"),
];

/// Files whose errors become usage errors with the same message.
const FORWARDED: &[&str] = &["src/project/discover.rs"];

/// Returns codes with other messages than the program has, and warnings without an entry.
pub(super) fn problems(pages: &[Page]) -> Result<Vec<String>> {
    let page = page(pages)?;
    let mut problems = Vec::new();
    if written(&page.text)? != page.text {
        problems.push(format!("{}: other messages (cargo xtask docs --update)", page.path));
    }
    let expected = found()?.warnings;
    let listed = warnings(&page.text);
    let is_obvious = |message: &String| OBVIOUS.iter().any(|(obvious, _)| obvious == message);
    let missing = expected.difference(&listed).filter(|message| !is_obvious(message));
    problems.extend(missing.map(|message| format!("{}: no entry for the warning {message:?}", page.path)));
    let unknown = listed.difference(&expected);
    problems.extend(unknown.map(|message| format!("{}: nothing prints the warning {message:?}", page.path)));
    Ok(problems)
}

/// Writes the messages of each code into the page.
pub(super) fn update(pages: &[Page]) -> Result<()> {
    let page = page(pages)?;
    let text = written(&page.text)?;
    if text != page.text {
        fs::write(root().join(&page.path), text)?;
        say(&format!("{}: messages updated", page.path));
    }
    Ok(())
}

fn page(pages: &[Page]) -> Result<&Page> {
    pages.iter().find(|page| page.path == codes::PAGE).context("docs/troubleshooting.md is missing")
}

/// Returns the text of the page with a block of messages below each heading that is a code.
fn written(text: &str) -> Result<String> {
    let messages = samples()?;
    let mut result = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        result += line;
        result.push('\n');
        let code = line.strip_prefix("### `").and_then(|line| line.strip_suffix('`'));
        let Some(code) = code else { continue };
        // The empty line, and the block of an earlier run.
        while lines.next_if(|line| line.is_empty()).is_some() {}
        if lines.next_if_eq(&"```text").is_some() {
            while lines.next().is_some_and(|line| line != "```") {}
            while lines.next_if(|line| line.is_empty()).is_some() {}
        }
        result.push('\n');
        if let Some(messages) = messages.get(code) {
            result += &format!("```text\n{}\n```\n\n", messages.join("\n"));
        }
    }
    Ok(result)
}

/// Returns the messages in the list of warnings: what is in code at the beginning of each item.
fn warnings(text: &str) -> BTreeSet<String> {
    let section = text.split_once(WARNINGS).map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    let items = section.lines().filter_map(|line| line.strip_prefix("- `"));
    // Two backticks surround a message that contains some.
    let message = |item: &str| match item.strip_prefix("` ") {
        Some(item) => item.split_once(" ``").map(|(message, _)| message.to_owned()),
        None => item.split_once('`').map(|(message, _)| message.to_owned()),
    };
    items.filter_map(message).collect()
}

/// Returns the first lines of the messages of each code.
fn samples() -> Result<BTreeMap<String, Vec<String>>> {
    let mut samples = BTreeMap::<String, Vec<String>>::new();
    for code in codes::snapshots()? {
        let path = root().join("tests/snapshots/errors").join(format!("{code}.txt"));
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // The provider of the tests is not part of the program.
        let messages = text.lines().filter_map(|line| line.strip_prefix("error: "));
        let messages = messages.map(|line| line.replace(" or Example CI", ""));
        let messages = samples.entry(code).or_insert_with(|| messages.collect());
        let mut seen = BTreeSet::new();
        messages.retain(|message| seen.insert(message.clone()));
    }
    let usage = samples.entry(USAGE.to_owned()).or_default();
    *usage = found()?.usage.into_iter().collect();
    Ok(samples)
}

/// Messages in the sources.
#[derive(Default)]
struct Found {
    usage: BTreeSet<String>,
    warnings: BTreeSet<String>,
    /// Whether the messages that the file writes are those of usage errors.
    is_forwarded: bool,
}

/// Finds the messages in the sources.
fn found() -> Result<Found> {
    let mut found = Found::default();
    for folder in ["src", "core/src/job"] {
        let mut files = Vec::new();
        codes::sources(&root().join(folder), &mut files)?;
        for file in files.iter().filter(|file| !is_test(file)) {
            let text = fs::read_to_string(file)?;
            let parsed =
                syn::parse_file(&text).with_context(|| format!("cannot parse {}", file.display()))?;
            found.is_forwarded = FORWARDED.iter().any(|path| file.ends_with(path));
            found.visit_file(&parsed);
        }
    }
    Ok(found)
}

fn is_test(file: &Path) -> bool {
    let path = file.strip_prefix(root()).unwrap_or(file);
    path.ends_with("snapshots.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

impl<'a> Visit<'a> for Found {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_call(&mut self, call: &'a syn::ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let names = path.path.segments.iter().map(|part| part.ident.to_string()).collect::<Vec<_>>();
            let names = names.iter().map(String::as_str).collect::<Vec<_>>();
            match (&names[..], call.args.first()) {
                ([.., "Error", "usage"], Some(message)) => self.usage.extend(message_of(message)),
                ([.., "Event", "Warning"], Some(message)) => self.warnings.extend(message_of(message)),
                _ => {}
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if call.method == "warning" || call.method == "note" {
            self.warnings.extend(call.args.first().and_then(message_of));
        }
        visit::visit_expr_method_call(self, call);
    }

    // `write!(f, "…")`
    fn visit_macro(&mut self, mac: &'a syn::Macro) {
        if self.is_forwarded && mac.path.is_ident("write") {
            self.usage.extend(message_in(&mac.tokens, 1));
        }
    }

    // `self.notice = Some(…)`
    fn visit_expr_assign(&mut self, assign: &'a syn::ExprAssign) {
        let is_notice = matches!(&*assign.left, Expr::Field(field)
            if matches!(&field.member, syn::Member::Named(name) if name == "notice"));
        if let (true, Expr::Call(some)) = (is_notice, &*assign.right) {
            self.warnings.extend(some.args.first().and_then(message_of));
        }
        visit::visit_expr_assign(self, assign);
    }

    // `let note = "…"; console.warning(note);`
    fn visit_local(&mut self, local: &'a syn::Local) {
        let is_note = matches!(&local.pat, syn::Pat::Ident(name) if name.ident == "note");
        if let (true, Some(init)) = (is_note, &local.init)
            && matches!(&*init.expr, Expr::Lit(_))
        {
            self.warnings.extend(message_of(&init.expr));
        }
        visit::visit_local(self, local);
    }
}

/// Returns the message of a literal or of `format!`, with `…` for each value. Returns `None` if nothing but values is in it.
fn message_of(expression: &Expr) -> Option<String> {
    let text = match expression {
        Expr::Lit(literal) => literal_text(literal)?,
        Expr::Reference(reference) => return message_of(&reference.expr),
        Expr::MethodCall(call) if call.method == "to_owned" => return message_of(&call.receiver),
        Expr::Macro(call) if call.mac.path.is_ident("format") => return message_in(&call.mac.tokens, 0),
        _ => return None,
    };
    let message = without_values(&text);
    let words = message.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
    (words.count() >= 2).then_some(message)
}

/// Returns the message of a format that is the argument of a macro at an index.
fn message_in(tokens: &TokenStream, index: usize) -> Option<String> {
    let arguments = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()).ok()?;
    arguments.get(index).filter(|argument| matches!(argument, Expr::Lit(_))).and_then(message_of)
}

fn literal_text(literal: &ExprLit) -> Option<String> {
    if let Lit::Str(text) = &literal.lit { Some(text.value()) } else { None }
}

/// Replaces `{…}` of a format by `…`.
fn without_values(format: &str) -> String {
    let format = format.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut parts = format.split('{');
    let mut message = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        message.push('…');
        message += part.split_once('}').map_or(part, |(_, rest)| rest);
    }
    message.replace('\u{1}', "{").replace('\u{2}', "}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out() {
        assert_eq!(without_values("no entry named {name:?} in {}"), "no entry named … in …");
        assert_eq!(without_values("{{index}} and {}"), "{index} and …");
    }

    #[test]
    fn messages_are_literals_and_formats() {
        let message = |text: &str| message_of(&syn::parse_str(text).expect("an expression"));
        assert_eq!(message("\"a b\"").as_deref(), Some("a b"));
        assert_eq!(message("&format!(\"cannot use {x}: {}\", y)").as_deref(), Some("cannot use …: …"));
        assert_eq!(message("format!(\"{x}: {y}\")"), None);
        assert_eq!(message("text"), None);
    }

    #[test]
    fn warnings_are_items_of_their_section() {
        let page = "## A\n\n- `no`: x\n\n## Warnings and notes\n\n- `a b`: `c`\n  more\n- `` run `x` now ``: d\n\n## B\n\n- `e`\n";
        assert_eq!(warnings(page), ["a b", "run `x` now"].map(str::to_owned).into());
    }

    #[test]
    fn errors_have_their_messages() {
        let samples = samples().expect("snapshots and sources");
        assert!(samples["network_error"].iter().any(|message| message.starts_with("cannot reach the API")));
        assert!(samples["hyperframes_render_not_found"][0].starts_with("Render not found"));
        assert!(samples["usage"].iter().any(|message| message.contains("requires a project directory")));
        assert!(
            samples["usage"].iter().any(|message| message.starts_with("no HyperFrames project found in"))
        );
        assert!(samples["not_authenticated"].contains(&"no HeyGen credential found".to_owned()));
    }
}
