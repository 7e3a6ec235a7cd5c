//! An image in memory.

/// Red, green, blue and opacity.
pub(super) type Color = [u8; 4];

/// Digits and the signs between them, 3x5 pixels each: rows from the top, the left pixel in the highest of three bits.
const GLYPHS: &[(char, [u8; 5])] = &[
    ('0', [7, 5, 5, 5, 7]),
    ('1', [2, 6, 2, 2, 7]),
    ('2', [7, 1, 7, 4, 7]),
    ('3', [7, 1, 7, 1, 7]),
    ('4', [5, 5, 7, 1, 1]),
    ('5', [7, 4, 7, 1, 7]),
    ('6', [7, 4, 7, 5, 7]),
    ('7', [7, 1, 1, 2, 2]),
    ('8', [7, 5, 7, 5, 7]),
    ('9', [7, 5, 7, 1, 7]),
    ('.', [0, 0, 0, 0, 2]),
    ('s', [3, 4, 2, 1, 6]),
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
        let advance = 4 * GLYPH_SCALE;
        let width = text.chars().count() * advance + GLYPH_SCALE;
        self.fill(Area { x: left, y: top, width, height: 7 * GLYPH_SCALE }, [20, 20, 24, 255]);
        for (index, character) in text.chars().enumerate() {
            let rows = GLYPHS.iter().find(|(known, _)| *known == character).map_or([0; 5], |(_, rows)| *rows);
            for (y, row) in rows.iter().enumerate() {
                for x in (0..3).filter(|x| row >> (2 - x) & 1 == 1) {
                    let x = left + GLYPH_SCALE + index * advance + x * GLYPH_SCALE;
                    let y = top + GLYPH_SCALE + y * GLYPH_SCALE;
                    let dot = Area { x, y, width: GLYPH_SCALE, height: GLYPH_SCALE };
                    self.fill(dot, [255, 255, 255, 255]);
                }
            }
        }
    }
}
