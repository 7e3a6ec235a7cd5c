//! The lines that programs print.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The longest line that is read, in bytes; the rest of a longer one is left out. Compositions are untrusted code, which prints what
/// it wants.
pub(super) const MAX_LINE: u64 = 1 << 20;

/// Calls `on_line` with each line, of at most `max_line` bytes, until it returns false. A carriage return ends a line as well: progress
/// bars use it.
pub(super) fn read_lines(output: impl Read, max_line: u64, on_line: &dyn Fn(String) -> bool) {
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    while reader.by_ref().take(max_line).read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
        if !bytes.ends_with(b"\n") && reader.skip_until(b'\n').is_err() {
            return;
        }
        for part in String::from_utf8_lossy(&bytes).trim_end_matches('\n').split('\r') {
            if !on_line(strip_escapes(part)) {
                return;
            }
        }
        bytes.clear();
    }
}

/// Returns the text without terminal escape sequences.
fn strip_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        // A control sequence lasts to its final byte; source: ECMA-48, section 5.4.
        if characters.next() == Some('[') {
            for following in characters.by_ref() {
                if ('@'..='~').contains(&following) {
                    break;
                }
            }
        }
    }
    plain
}

/// An output that tells whether its reader waits for more: nothing that was printed is on its way then.
pub(super) struct Drained<R> {
    inner: R,
    is_drained: Arc<AtomicBool>,
}

impl<R> Drained<R> {
    /// Wraps an output, and adds what it tells to `all`.
    pub(super) fn new(inner: R, all: &mut Vec<Arc<AtomicBool>>) -> Self {
        let is_drained = Arc::new(AtomicBool::new(false));
        all.push(Arc::clone(&is_drained));
        Self { inner, is_drained }
    }
}

impl<R: Read> Read for Drained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_drained.store(true, Ordering::SeqCst);
        let read = self.inner.read(buffer);
        self.is_drained.store(false, Ordering::SeqCst);
        read
    }
}

impl<R> Drop for Drained<R> {
    fn drop(&mut self) {
        self.is_drained.store(true, Ordering::SeqCst);
    }
}
