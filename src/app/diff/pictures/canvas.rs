//! An image in memory.

/// Red, green, blue and opacity.
pub(super) type Color = [u8; 4];

/// Width and height of a glyph.
const GLYPH: [usize; 2] = [5, 7];

/// Digits and the signs between them: rows from the top, the left pixel in the highest of five bits.
const GLYPHS: &[(char, [u8; 7])] = &[
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 6, 8, 16, 31]),
    ('3', [31, 2, 4, 2, 1, 17, 14]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [6, 8, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 8, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 2, 12]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
    ('s', [0, 0, 15, 16, 14, 1, 30]),
];

/// Pixels of a glyph's pixel.
const GLYPH_SCALE: usize = 3;

/// An image with opacity.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pixels: Vec<u8>,
}

/// A rectangle in pixels: left, top, width and height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Canvas {
    /// Returns an image of one color.
    pub(super) fn new(width: usize, height: usize, color: Color) -> Self {
        Self { width, height, pixels: color.repeat(width * height) }
    }

    /// Returns this image with another one below it, and a transparent gap between.
    pub(super) fn above(&self, below: &Self) -> Self {
        const GAP: usize = 8;
        let mut both = Self::new(self.width.max(below.width), self.height + GAP + below.height, [0; 4]);
        for (image, top) in [(self, 0), (below, self.height + GAP)] {
            for (y, row) in image.pixels.chunks_exact(image.width * 4).enumerate() {
                let at = (top + y) * both.width * 4;
                both.pixels[at..at + row.len()].copy_from_slice(row);
            }
        }
        both
    }

    /// Returns the samples as `rgba`.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.pixels
    }

    /// Sets a pixel, if it is inside.
    pub(super) fn set(&mut self, x: usize, y: usize, color: Color) {
        if x < self.width && y < self.height {
            let at = (y * self.width + x) * 4;
            self.pixels[at..at + 4].copy_from_slice(&color);
        }
    }

    /// Fills an area.
    pub(super) fn fill(&mut self, area: Area, color: Color) {
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                self.set(x, y, color);
            }
        }
    }

    /// Draws diagonal lines over an area.
    pub(super) fn hatch(&mut self, area: Area, color: Color) {
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                if (x + y) % 8 < 2 {
                    self.set(x, y, color);
                }
            }
        }
    }

    /// Draws the outline of an area, `thickness` pixels outside of it.
    pub(super) fn outline(&mut self, area: Area, thickness: usize, color: Color) {
        let (left, top) = (area.x.saturating_sub(thickness), area.y.saturating_sub(thickness));
        let (right, bottom) = (area.x + area.width + thickness, area.y + area.height + thickness);
        for y in top..bottom {
            for x in left..right {
                let is_inside =
                    (area.x..area.x + area.width).contains(&x) && (area.y..area.y + area.height).contains(&y);
                if !is_inside {
                    self.set(x, y, color);
                }
            }
        }
    }

    /// Draws an opaque image of `rgb24` samples.
    pub(super) fn draw(&mut self, (left, top): (usize, usize), width: usize, samples: &[u8]) {
        for (row, line) in samples.chunks_exact(width * 3).enumerate() {
            for (column, pixel) in line.as_chunks::<3>().0.iter().enumerate() {
                self.set(left + column, top + row, [pixel[0], pixel[1], pixel[2], 255]);
            }
        }
    }

    /// Writes a time on a dark ground.
    pub(super) fn label(&mut self, (left, top): (usize, usize), text: &str) {
        let advance = (GLYPH[0] + 1) * GLYPH_SCALE;
        let width = text.chars().count() * advance + GLYPH_SCALE;
        self.fill(Area { x: left, y: top, width, height: (GLYPH[1] + 2) * GLYPH_SCALE }, [20, 20, 24, 255]);
        for (index, character) in text.chars().enumerate() {
            let rows = GLYPHS.iter().find(|(known, _)| *known == character).map_or([0; 7], |(_, rows)| *rows);
            for (y, row) in rows.iter().enumerate() {
                for x in (0..GLYPH[0]).filter(|x| row >> (GLYPH[0] - 1 - x) & 1 == 1) {
                    let x = left + GLYPH_SCALE + index * advance + x * GLYPH_SCALE;
                    let y = top + GLYPH_SCALE + y * GLYPH_SCALE;
                    let dot = Area { x, y, width: GLYPH_SCALE, height: GLYPH_SCALE };
                    self.fill(dot, [255, 255, 255, 255]);
                }
            }
        }
    }
}
