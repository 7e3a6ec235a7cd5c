//! The program as releases have it: small, static, with the archives of a debug build, and installed through every channel.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::suite::Outcome;
use crate::command::{binary, build, root, target};
use crate::release::{BUDGET, gzipped, program};

/// It is small, needs no library, and packs the bytes that a debug build packs.
pub(super) fn test() -> Result<Outcome> {
    let program = program()?;
    let size = gzipped(&program.path)?;
    ensure!(size <= BUDGET, "the program has {size} bytes gzipped, of {BUDGET}");
    if program.lacking.is_none() {
        let bytes = fs::read(&program.path)?;
        ensure!(!has_interpreter(&bytes).context("the program is no ELF file")?, "the program is not static");
        ensure!(!has_symbols(&bytes).context("the program is no ELF file")?, "the program is not stripped");
    }
    build()?;
    let folder = target().join("release-test");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let pack = |program: &Path, name: &str| -> Result<Vec<u8>> {
        let archive = folder.join(name);
        let output = Command::new(program)
            .args(["pack", "examples/portrait-story", "-o"])
            .arg(&archive)
            .current_dir(root())
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(fs::read(archive)?)
    };
    ensure!(
        pack(&program.path, "release.zip")? == pack(&binary("debug"), "debug.zip")?,
        "the archive of a release differs from that of a debug build"
    );
    super::channels::suite(&program.path)?;
    Ok(program.lacking.clone().map_or(Outcome::Passed, Outcome::Partly))
}

/// A table of an ELF file of 64 bits: where its header has the offset, the size of an entry and their number, and
/// where an entry has its type.
struct Table {
    offset: usize,
    size: usize,
    count: usize,
    kind: usize,
}

const PROGRAM_HEADERS: Table = Table { offset: 0x20, size: 0x36, count: 0x38, kind: 0 };
const SECTIONS: Table = Table { offset: 0x28, size: 0x3a, count: 0x3c, kind: 4 };

/// Whether a program asks for a dynamic linker: a program header of type `PT_INTERP`.
fn has_interpreter(elf: &[u8]) -> Option<bool> {
    has_entry(elf, &PROGRAM_HEADERS, 3)
}

/// Whether a program names its functions, which nobody needs: a section of type `SHT_SYMTAB`.
fn has_symbols(elf: &[u8]) -> Option<bool> {
    has_entry(elf, &SECTIONS, 2)
}

fn has_entry(elf: &[u8], table: &Table, kind: usize) -> Option<bool> {
    let number = |at: usize, size: usize| {
        let bytes = elf.get(at..at + size)?;
        bytes.iter().rev().try_fold(0_usize, |value, byte| Some(value << 8 | usize::from(*byte)))
    };
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (start, size, count) = (number(table.offset, 8)?, number(table.size, 2)?, number(table.count, 2)?);
    let kinds =
        (0..count).map(|index| number(start + index * size + table.kind, 4)).collect::<Option<Vec<_>>>()?;
    Some(kinds.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::{has_interpreter, has_symbols};

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    fn this_test_is_a_program_with_an_interpreter_and_symbols() {
        let program = std::fs::read(std::env::current_exe().expect("a path")).expect("a file");
        assert_eq!(has_interpreter(&program), Some(true));
        assert_eq!(has_symbols(&program), Some(true));
        assert_eq!(has_interpreter(b"#!/bin/sh"), None);
    }
}
