//! Facts about scripts, from their syntax tree.
//!
//! The parser is `oxc_parser`; none of its types leaves this module. A script with a syntax error has no other facts,
//! since browsers run no part of it.

mod calls;
mod constants;
mod facts;
mod nesting;
mod parse;
mod references;
#[cfg(test)]
mod tests;
mod timelines;
mod values;
mod variables;
mod walk;

pub(crate) use facts::{
    Clock, Library, MediaAction, MediaControl, Repeat, Script, ScriptKind, ScriptReference, Selector, Tween,
    TweenValue, is_library_file,
};
pub(crate) use parse::parse;
