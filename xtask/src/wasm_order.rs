//! The order of the functions in the WebAssembly module: gzip looks back 32 KB, so functions that share byte sequences
//! should be neighbors.
//!
//! `wasm-opt --reorder-functions-by-name` sorts functions by their names, so [`renamed`] gives them names that sort like the order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result, bail};

/// Length of the byte sequences that are compared.
const SEQUENCE: usize = 5;

/// A sequence that more functions share than this says nothing about their likeness.
const COMMON: usize = 300;

/// Number of the last functions that the next one is compared with.
const LOOK_BACK: usize = 6;

/// What a function counts, relative to the one after it.
const FADE: f64 = 0.7;

/// How much the length of a function counts: at 1, only the share of its sequences would.
const LENGTH: f64 = 0.8;

/// IDs of sections; source: the WebAssembly specification, "Modules", "Sections".
const CUSTOM: u8 = 0;
const IMPORT: u8 = 2;
const CODE: u8 = 10;

/// ID of the names of functions in the custom section `name`; source: the specification's appendix "Custom sections".
const FUNCTION_NAMES: u8 = 1;

/// Returns a module whose functions have names that sort by the likeness of their code.
///
/// # Errors
/// Returns an error if `module` is not a WebAssembly module.
pub(crate) fn renamed(module: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader(module);
    let mut out = reader.take(8)?.to_vec();
    let (mut imported, mut bodies) = (0, Vec::new());
    while !reader.0.is_empty() {
        let id = reader.byte()?;
        let length = reader.number()?;
        let contents = reader.take(length)?;
        match id {
            IMPORT => imported = imported_functions(contents)?,
            CODE => bodies = code(contents)?,
            _ => {}
        }
        let is_name = id == CUSTOM && {
            let mut section = Reader(contents);
            let length = section.number()?;
            section.take(length)? == b"name"
        };
        if !is_name {
            write_section(&mut out, id, contents);
        }
    }
    let order = order(&bodies);
    let ranks =
        order.iter().enumerate().map(|(rank, function)| (*function, rank)).collect::<BTreeMap<_, _>>();
    let mut names = Vec::new();
    write_number(&mut names, ranks.len());
    for (function, rank) in ranks {
        write_number(&mut names, imported + function);
        write_text(&mut names, &format!("f{rank:08}"));
    }
    let mut section = Vec::new();
    write_text(&mut section, "name");
    write_section(&mut section, FUNCTION_NAMES, &names);
    write_section(&mut out, CUSTOM, &section);
    Ok(out)
}

/// Returns the indices of functions, so that each follows those that it shares most byte sequences with.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    let sequences =
        bodies.iter().map(|body| body.windows(SEQUENCE).collect::<BTreeSet<_>>()).collect::<Vec<_>>();
    let mut owners = HashMap::<&[u8], Vec<usize>>::new();
    for (function, sequences) in sequences.iter().enumerate() {
        sequences.iter().for_each(|sequence| owners.entry(sequence).or_default().push(function));
    }
    owners.retain(|_, functions| (2..=COMMON).contains(&functions.len()));
    let mut left = (0..bodies.len()).collect::<BTreeSet<_>>();
    let mut order = Vec::with_capacity(bodies.len());
    while let Some(first) = left.first().copied() {
        let mut scores = BTreeMap::<usize, f64>::new();
        let mut weight = 1.0;
        for function in order.iter().rev().take(LOOK_BACK) {
            let sequences: &BTreeSet<&[u8]> = &sequences[*function];
            for owner in sequences.iter().filter_map(|sequence| owners.get(sequence)).flatten() {
                if left.contains(owner) {
                    *scores.entry(*owner).or_default() += weight;
                }
            }
            weight *= FADE;
        }
        #[expect(clippy::cast_precision_loss, reason = "no function has 2^52 bytes")]
        let likeness =
            |(function, score): (&usize, &f64)| score / (bodies[*function].len() as f64 + 30.0).powf(LENGTH);
        let best = scores.iter().max_by(|one, other| likeness(*one).total_cmp(&likeness(*other)));
        let next = best.map_or(first, |(function, _)| *function);
        left.remove(&next);
        order.push(next);
    }
    order
}

/// Returns the number of imported functions, whose indices are before those of the module.
fn imported_functions(contents: &[u8]) -> Result<usize> {
    let mut reader = Reader(contents);
    let mut functions = 0;
    for _ in 0..reader.number()? {
        for _ in 0..2 {
            let length = reader.number()?;
            reader.take(length)?;
        }
        match reader.byte()? {
            0 => {
                reader.number()?;
                functions += 1;
            }
            kind => bail!("an import of kind {kind}, which wasm-bindgen does not write"),
        }
    }
    Ok(functions)
}

/// Returns the bodies of functions.
fn code(contents: &[u8]) -> Result<Vec<&[u8]>> {
    let mut reader = Reader(contents);
    let count = reader.number()?;
    (0..count)
        .map(|_| {
            let length = reader.number()?;
            reader.take(length)
        })
        .collect()
}

fn write_section(out: &mut Vec<u8>, id: u8, contents: &[u8]) {
    out.push(id);
    write_number(out, contents.len());
    out.extend(contents);
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_number(out, text.len());
    out.extend(text.as_bytes());
}

/// Writes an unsigned LEB128 number.
fn write_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).context("the module ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Reads an unsigned LEB128 number of at most 32 bits.
    fn number(&mut self) -> Result<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        bail!("a number of the module is too long")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_functions_are_neighbors() {
        let one = b"local.get 0 local.get 1 i32.add".as_slice();
        let other = b"memory.copy, memory.fill, unreachable".as_slice();
        let bodies = [one, other, b"local.get 0 local.get 1 i32.sub", b"nothing like any of them", other];
        let order = order(&bodies);
        let place = |function: usize| order.iter().position(|index| *index == function).unwrap();
        assert_eq!(place(0).abs_diff(place(2)), 1, "{order:?}");
        assert_eq!(place(1).abs_diff(place(4)), 1, "{order:?}");
    }

    #[test]
    fn a_module_keeps_its_code_and_gets_names() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        // One imported function, "a" "b", of type 0.
        write_section(&mut module, IMPORT, b"\x01\x01a\x01b\0\0");
        write_section(&mut module, CODE, b"\x02\x02\0\x0b\x02\0\x0b");
        let code_ends = module.len();
        write_section(&mut module, CUSTOM, b"\x04nameold");
        let renamed = renamed(&module).unwrap();
        assert_eq!(renamed[..code_ends], module[..code_ends]);
        let names = renamed[code_ends..].escape_ascii().to_string();
        assert_eq!(names, r"\x00\x1e\x04name\x01\x17\x02\x01\tf00000000\x02\tf00000001");
        assert!(super::renamed(&module[..code_ends - 1]).is_err());
    }
}
