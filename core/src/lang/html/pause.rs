//! A source that the tokenizer reads with pauses.
//!
//! The states of html5gum 0.9 for a tag call each other: a value in double quotes is followed by the next attribute in the same
//! call. A tag with thousands of attributes overflows the stack. An error of the source ends all calls, and the tokenizer goes
//! on in the same state with the next one.

use std::fmt;

use html5gum::{Readable, Reader, StringReader};

/// The number of reads inside of values in double quotes between two pauses. Each takes up to 2 KB of stack.
const READS: u32 = 64;

/// The source of a document.
pub(super) struct PausingSource<'a> {
    inner: StringReader<'a>,
    /// Reads until the next pause.
    left: u32,
}

/// The calls of the tokenizer end here; the next one goes on.
#[derive(Debug)]
pub(super) struct Pause;

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tokenizer pauses")
    }
}

impl std::error::Error for Pause {}

impl<'a> PausingSource<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { inner: source.to_reader(), left: READS }
    }
}

impl Reader for PausingSource<'_> {
    type Error = Pause;

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn read_byte(&mut self) -> Result<Option<u8>, Pause> {
        let Ok(byte) = self.inner.read_byte();
        Ok(byte)
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> Result<bool, Pause> {
        let Ok(is_read) = self.inner.try_read_string(text, case_sensitive);
        Ok(is_read)
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        buffer: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, Pause> {
        // Only a value in double quotes ends like this, and the tokenizer knows that it is in this state; of others, such as
        // the name of an attribute, it does not.
        if needle.contains(&b'"') && needle.contains(&b'&') {
            if self.left == 0 {
                self.left = READS;
                return Err(Pause);
            }
            self.left -= 1;
        }
        let Ok(chunk) = self.inner.read_until(needle, buffer);
        Ok(chunk)
    }
}

#[cfg(test)]
mod tests {
    use crate::lang::html::scan;

    /// The names and values of the attributes of each element.
    fn attributes(source: &str) -> Vec<Vec<(String, String)>> {
        let mut found = Vec::new();
        scan(source, &mut |element| {
            let attributes = element.attributes.iter();
            found.push(attributes.map(|it| (it.name.to_string(), it.value.to_string())).collect());
        });
        found
    }

    #[test]
    fn a_tag_with_many_attributes_does_not_overflow_the_stack() {
        for value in ["", "b", "&amp;", "b&amp;c\r\nd"] {
            let decoded = value.replace("&amp;", "&").replace("\r\n", "\n");
            for space in [" ", ""] {
                let named = (0..20_000).map(|index| format!("a{index}=\"{value}\"")).collect::<Vec<_>>();
                let found = attributes(&format!("<p {}><i b=\"c\">", named.join(space)));
                let expected = (0..20_000).map(|index| (format!("a{index}"), decoded.clone()));
                assert_eq!(found[0], expected.collect::<Vec<_>>(), "{value:?} {space:?}");
                assert_eq!(found[1], [("b".to_owned(), "c".to_owned())]);
            }
        }
    }
}
