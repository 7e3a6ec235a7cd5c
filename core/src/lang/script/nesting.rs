//! Bounds the nesting of a script before it is parsed: the parser and the walk over its tree are recursive, and a
//! stack overflow cannot be caught.
//!
//! The bound is computed from tokens, without recursion, in linear time. It may be too high, never too low: where a
//! token cannot be classified without a parser, and its class matters, the script counts as too deep.

use super::ScriptKind;

/// The largest cost of a script that is parsed. Parsing and walking a script of this cost needs less than 1 MB of stack,
/// which is what Windows and WebAssembly give, also in a build without optimization.
const LIMIT: usize = 2000;

/// The cost of an open bracket.
const BRACKET: usize = 10;

/// The cost of an operator whose right side is parsed by recursion, such as `=`, `=>`, `?` and `!`.
const RIGHT: usize = 8;

/// The cost of an operator whose left side is parsed by a loop, such as `.` and `+`. Only the walk is recursive.
const LEFT: usize = 1;

/// The cost of a statement inside another one, without braces.
const STATEMENT: usize = 5;

/// Returns whether a script can be parsed with a small stack.
pub(super) fn is_bounded(source: &str, kind: ScriptKind) -> bool {
    let mut scan = Scan {
        source,
        bytes: source.as_bytes(),
        is_module: kind == ScriptKind::Module,
        at: 0,
        levels: vec![Level::default()],
        cost: 0,
        slack: 0,
        last: Last::Start,
        is_new_line: false,
    };
    if source.starts_with("#!") {
        scan.line_end();
    }
    scan.run().is_some()
}

/// An open bracket, or the whole script.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// The operators of the current expression.
    expression: usize,
    /// The statements that the current one is nested in without braces, such as `if (a) while (b)`.
    statement: usize,
    /// The parentheses after `if`, `while`, `for` or `with`: a statement follows.
    is_header: bool,
    /// `${` of a template.
    is_template: bool,
}

/// The last token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Start,
    /// Ends an expression: a name, a literal, `)`, `]`.
    Operand,
    /// `}`, which may end an expression or a statement.
    Brace,
    /// The closing parenthesis of `if (…)` and the like.
    Header,
    /// A name where a label may be.
    Label,
    Operator,
    /// `++` or `--` after an operand.
    Postfix,
    /// The dot before a property.
    Dot,
    Semicolon,
    /// A keyword before a parenthesis that is followed by a statement.
    Loop,
    /// A keyword that precedes an expression or a statement.
    Keyword,
    /// `yield`, `await`, `async`, `of`: a keyword or a name.
    Either,
}

struct Scan<'a> {
    source: &'a str,
    bytes: &'a [u8],
    is_module: bool,
    at: usize,
    levels: Vec<Level>,
    /// The cost of all levels.
    cost: usize,
    /// The cost of brackets that may be parts of regular expressions.
    slack: usize,
    last: Last,
    is_new_line: bool,
}

impl Scan<'_> {
    /// Returns `None` if the script is too deep.
    fn run(&mut self) -> Option<()> {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            let next = self.bytes.get(self.at + 1).copied();
            match byte {
                b'\n' | b'\r' => {
                    self.is_new_line = true;
                    self.at += 1;
                    continue;
                }
                _ if byte.is_ascii_whitespace() || byte == 0x0b => {
                    self.at += 1;
                    continue;
                }
                b'/' if next == Some(b'/') => {
                    self.line_end();
                    continue;
                }
                b'/' if next == Some(b'*') => {
                    let rest = &self.source[self.at + 2..];
                    let length = rest.find("*/").map_or(rest.len(), |length| length + 2);
                    self.is_new_line |= rest[..length].contains(['\n', '\r', '\u{2028}', '\u{2029}']);
                    self.at += 2 + length;
                    continue;
                }
                b'<' if !self.is_module && self.source[self.at..].starts_with("<!--") => {
                    self.line_end();
                    continue;
                }
                b'-' if !self.is_module && self.source[self.at..].starts_with("-->") => {
                    if self.last == Last::Start {
                        return None;
                    }
                    if self.is_new_line {
                        self.line_end();
                        continue;
                    }
                    self.operator(2, RIGHT);
                }
                b'/' => self.slash()?,
                b'"' | b'\'' => {
                    self.at = quoted_end(self.bytes, self.at + 1, byte);
                    self.operand(Last::Operand);
                }
                b'`' => {
                    self.at += 1;
                    // A template after an operand is a call.
                    if self.ends_operand() {
                        self.add(LEFT);
                    }
                    self.template();
                }
                b'}' if self.levels.last().is_some_and(|level| level.is_template) => {
                    self.at += 1;
                    self.close();
                    self.template();
                }
                b'(' | b'[' | b'{' => {
                    if byte != b'{' && self.ends_operand() {
                        self.add(LEFT);
                    } else if self.last == Last::Semicolon {
                        self.end_statement();
                    }
                    self.at += 1;
                    self.open(byte == b'(' && self.last == Last::Loop, false);
                    self.last = Last::Start;
                }
                b')' | b']' | b'}' => {
                    self.at += 1;
                    let is_header = self.close();
                    self.last = match byte {
                        b'}' => Last::Brace,
                        _ if is_header => Last::Header,
                        _ => Last::Operand,
                    };
                }
                b';' => {
                    self.at += 1;
                    self.last = Last::Semicolon;
                }
                b',' => {
                    self.at += 1;
                    self.end_expression();
                    self.last = Last::Operator;
                }
                b':' => {
                    self.at += 1;
                    if self.last == Last::Label
                        && let Some(level) = self.levels.last_mut()
                    {
                        level.statement += STATEMENT;
                        self.cost += STATEMENT;
                    } else {
                        self.add(LEFT);
                    }
                    self.last = Last::Keyword;
                }
                b'+' | b'-' if next == Some(byte) => {
                    let last = self.last;
                    self.operator(2, RIGHT);
                    self.last = match last {
                        Last::Operand | Last::Label | Last::Postfix if !self.is_new_line => Last::Postfix,
                        Last::Either => Last::Either,
                        _ => Last::Operator,
                    };
                }
                b'.' if !next.is_some_and(|next| next.is_ascii_digit()) => {
                    self.operator(1, LEFT);
                    self.last = Last::Dot;
                }
                b'?' if next == Some(b'.') => {
                    self.operator(2, LEFT);
                    self.last = Last::Dot;
                }
                b'+' | b'-' if self.ends_operand() => self.operator(1, LEFT),
                b'+' | b'-' | b'!' | b'~' | b'@' | b'\\' => self.operator(1, RIGHT),
                b'=' | b'*' | b'%' | b'<' | b'>' | b'&' | b'|' | b'^' | b'?' => {
                    let length = self.bytes[self.at..].iter().take_while(|other| **other == byte).count();
                    let is_arrow = self.bytes.get(self.at + length) == Some(&b'>') && byte == b'=';
                    // `=`, `=>`, `?` and `**`, not `==` and `??`.
                    let is_right = length == 1 && matches!(byte, b'=' | b'?') || length == 2 && byte == b'*';
                    let cost = if is_right { RIGHT } else { LEFT };
                    self.operator(length + usize::from(is_arrow), cost);
                }
                _ => self.name(),
            }
            self.is_new_line = false;
            if self.cost + self.slack > LIMIT {
                return None;
            }
        }
        Some(())
    }

    fn line_end(&mut self) {
        let rest = &self.source[self.at..];
        self.at += rest.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(rest.len());
    }

    /// Returns whether the last token ends an expression.
    fn ends_operand(&self) -> bool {
        matches!(self.last, Last::Operand | Last::Brace | Last::Label | Last::Postfix | Last::Either)
    }

    fn add(&mut self, cost: usize) {
        if let Some(level) = self.levels.last_mut() {
            level.expression += cost;
            self.cost += cost;
        }
    }

    fn end_expression(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            self.cost -= std::mem::take(&mut level.expression);
        }
    }

    fn end_statement(&mut self) {
        self.end_expression();
        if let Some(level) = self.levels.last_mut() {
            self.cost -= std::mem::take(&mut level.statement);
        }
    }

    fn open(&mut self, is_header: bool, is_template: bool) {
        self.levels.push(Level { is_header, is_template, ..Level::default() });
        self.cost += BRACKET;
    }

    /// Closes the innermost bracket, and returns whether it is that of a header.
    fn close(&mut self) -> bool {
        self.end_statement();
        if self.levels.len() == 1 {
            return false;
        }
        self.cost -= BRACKET;
        self.levels.pop().is_some_and(|level| level.is_header)
    }

    fn operator(&mut self, length: usize, cost: usize) {
        if self.last == Last::Semicolon {
            self.end_statement();
        }
        self.at += length;
        self.add(cost);
        self.last = Last::Operator;
    }

    /// Counts a name or a literal. After another one it starts a statement.
    fn operand(&mut self, kind: Last) {
        if matches!(self.last, Last::Operand | Last::Brace | Last::Label | Last::Postfix | Last::Semicolon) {
            self.end_statement();
        }
        self.last = kind;
    }

    fn name(&mut self) {
        let start = self.at;
        for (offset, character) in self.source[start..].char_indices() {
            let is_part = match character {
                '_' | '$' | '#' => true,
                '.' => self.bytes[start].is_ascii_digit() || self.bytes[start] == b'.',
                _ if character.is_ascii() => character.is_ascii_alphanumeric(),
                _ => !character.is_whitespace() && character != '\u{feff}',
            };
            if !is_part {
                break;
            }
            self.at = start + offset + character.len_utf8();
        }
        if self.at == start {
            // White space that is not ASCII, or a character that no token starts with.
            self.at += self.source[start..].chars().next().map_or(1, char::len_utf8);
            self.is_new_line |= self.source[start..self.at].contains(['\u{2028}', '\u{2029}']);
            return;
        }
        if self.last == Last::Dot {
            self.last = Last::Operand;
            return;
        }
        match &self.source[start..self.at] {
            "case" | "default" => {
                self.end_statement();
                self.add(LEFT);
                self.last = Last::Keyword;
            }
            "in" | "instanceof" | "extends" => self.operator(0, LEFT),
            "else" => self.statement(Last::Keyword),
            "if" | "while" | "for" | "with" => {
                self.operand(Last::Keyword);
                self.statement(Last::Loop);
            }
            "do" | "try" => {
                self.operand(Last::Keyword);
                self.statement(Last::Keyword);
            }
            "catch" | "finally" => self.statement(Last::Keyword),
            "return" | "typeof" | "void" | "delete" | "new" | "throw" | "function" | "class" | "var"
            | "const" | "switch" | "import" | "export" => {
                self.operand(Last::Keyword);
                self.add(RIGHT);
            }
            "yield" | "await" | "async" | "of" => {
                if self.last == Last::Loop {
                    return;
                }
                if &self.source[start..self.at] != "of" {
                    self.operand(Last::Keyword);
                }
                self.add(RIGHT);
                self.last = Last::Either;
            }
            _ => {
                let starts = !matches!(self.last, Last::Operator | Last::Either | Last::Dot);
                let is_number = self.bytes[start].is_ascii_digit();
                self.operand(if starts && !is_number { Last::Label } else { Last::Operand });
            }
        }
    }

    /// Counts a keyword that another statement follows.
    fn statement(&mut self, last: Last) {
        if let Some(level) = self.levels.last_mut() {
            level.statement += STATEMENT;
            self.cost += STATEMENT;
        }
        self.last = last;
    }

    /// Reads a part of a template, up to its end or the next `${`.
    fn template(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    break;
                }
                b'$' if self.bytes.get(self.at + 1) == Some(&b'{') => {
                    self.at += 2;
                    self.open(false, true);
                    self.last = Last::Start;
                    return;
                }
                _ => self.at += 1,
            }
        }
        while !self.source.is_char_boundary(self.at.min(self.bytes.len())) {
            self.at += 1;
        }
        self.at = self.at.min(self.bytes.len());
        self.last = Last::Operand;
    }

    /// Reads a division or a regular expression.
    fn slash(&mut self) -> Option<()> {
        match self.last {
            Last::Operand | Last::Label | Last::Postfix => self.operator(1, LEFT),
            Last::Start | Last::Header | Last::Operator | Last::Semicolon | Last::Loop | Last::Keyword => {
                // The parser stops at one that is not closed.
                self.at = regex_end(self.source, self.at).unwrap_or(self.source.len());
                self.operand(Last::Operand);
            }
            Last::Brace | Last::Either | Last::Dot => match regex_end(self.source, self.at) {
                None => self.operator(1, LEFT),
                Some(end) => {
                    // Both readings must agree on everything but brackets.
                    let body = &self.source[self.at + 1..end];
                    let follows = self.source[end..].trim_start().bytes().next();
                    if body.contains(['"', '\'', '`', '{', '}']) || matches!(follows, Some(b'/')) {
                        return None;
                    }
                    self.slack += BRACKET * body.matches(['(', '[']).count() + 2;
                    self.at = end;
                    self.last = Last::Operand;
                }
            },
        }
        Some(())
    }
}

/// Returns the end of a regular expression that starts at `from`; `None` if it is not closed on its line.
fn regex_end(source: &str, from: usize) -> Option<usize> {
    let mut is_class = false;
    let mut is_escaped = false;
    for (offset, character) in source[from + 1..].char_indices() {
        match character {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => return None,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => is_class = true,
            ']' => is_class = false,
            '/' if !is_class => return Some(from + 1 + offset + 1),
            _ => {}
        }
    }
    None
}

/// Returns the end of a string whose first character is at `from`.
fn quoted_end(bytes: &[u8], from: usize, mark: u8) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if bytes.get(at + 1) == Some(&b'\r') && bytes.get(at + 2) == Some(&b'\n') => at += 3,
            b'\\' => at += 2,
            b'\n' | b'\r' => break,
            _ if *byte == mark => return at + 1,
            _ => at += 1,
        }
    }
    let mut end = at.min(bytes.len());
    // An escape may end inside a character.
    while end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
        end += 1;
    }
    end
}
