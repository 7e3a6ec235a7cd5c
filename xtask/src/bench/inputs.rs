//! What is packed, checked and rendered: made anew, and the same every time.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Result;

/// Bytes that cannot be compressed: a generator of Marsaglia's.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A file that begins with `head` and has `size` bytes.
    pub(super) fn write(&mut self, path: &Path, head: &[u8], size: usize) -> Result<()> {
        let mut file = std::io::BufWriter::new(fs::File::create(path)?);
        file.write_all(head)?;
        let mut left = size - head.len();
        while left > 0 {
            let bytes = self.next().to_le_bytes();
            let count = left.min(bytes.len());
            file.write_all(&bytes[..count])?;
            left -= count;
        }
        Ok(file.flush()?)
    }
}

/// A script of `size` bytes or a little more, as compressible as scripts are.
pub(super) fn script(noise: &mut Noise, size: usize) -> String {
    let mut text = String::new();
    let mut word = || {
        // 3,000 words, of two to nine letters.
        let mut letters = Noise(noise.next() % 3000 + 1);
        let length = 2 + letters.next() % 8;
        (0..length)
            .map(|_| char::from(b'a' + u8::try_from(letters.next() % 26).unwrap_or_default()))
            .collect::<String>()
    };
    while text.len() < size {
        let line = format!("  const {} = {}({}, '{}');\n", word(), word(), text.len() % 997, word());
        text.push_str(&line);
    }
    text
}

/// A page without anything in it.
pub(super) const PAGE: &str = "<!doctype html><html><body><div data-composition-id=\"m\" data-width=\"1280\" data-height=\"720\" \
     data-start=\"0\" data-duration=\"1\" data-no-timeline>x</div></body></html>";

/// A composition of 30 clips.
pub(super) fn composition(number: u32, up: &str) -> String {
    let clip = |index: u32| {
        let start = f64::from(index) / 10.0;
        format!(
            "  <div class=\"clip\" id=\"e{index}\" data-start=\"{start}\" data-duration=\"1\" data-track-index=\"{index}\">\
             <h2 data-var-text=\"title\">Text {index}</h2><img src=\"{up}assets/a.png\" alt=\"\"></div>\n"
        )
    };
    format!(
        "<!doctype html>\n<html lang=\"en\" data-composition-variables='[{{\"id\":\"title\",\"label\":\"Title\",\"type\":\"string\",\
         \"default\":\"Hi\"}},{{\"id\":\"ink\",\"label\":\"Ink\",\"type\":\"color\",\"default\":\"#123456\"}}]'>\n\
         <head><meta charset=\"utf-8\"><style>#r {{ color: var(--ink); position: relative }}</style></head><body>\n\
         <div id=\"r\" data-composition-id=\"c{number}\" data-width=\"1920\" data-height=\"1080\" data-start=\"0\" data-duration=\"5\">\n\
         {}</div>\n<script>window.__timelines = window.__timelines || {{}};</script></body></html>\n",
        (0..30).map(clip).collect::<String>()
    )
}
