//! Boxes around blocks that belong together.

use super::blocks::{BLOCK, FrameFormat};

/// Maximum number of boxes of a range.
const MAX_BOXES: usize = 8;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelBox {
    /// Distance from the left edge.
    pub x: u32,
    /// Distance from the upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A rectangle of blocks: left, top, right and bottom, inclusive, and its number of marked blocks.
#[derive(Clone, Copy, Debug)]
struct Cells {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    count: usize,
}

/// Returns boxes around the marked blocks, the one with most blocks first. Blocks with at most one block between them are
/// connected; blocks further away are, too, if there would be more than [`MAX_BOXES`].
pub(super) fn around(marked: &[bool], format: &FrameFormat) -> Vec<PixelBox> {
    let grid = format.grid();
    let mut distance = 2;
    let mut groups = connected(marked, grid, distance);
    while groups.len() > MAX_BOXES {
        distance *= 2;
        groups = connected(marked, grid, distance);
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.count), group.top, group.left));
    groups.iter().map(|group| group.pixels(format)).collect()
}

/// Returns the groups of marked blocks that are up to `distance` blocks apart.
fn connected(marked: &[bool], (columns, rows): (usize, usize), distance: usize) -> Vec<Cells> {
    let mut is_left = marked.to_vec();
    let mut groups = Vec::new();
    let mut open = Vec::new();
    for start in 0..is_left.len() {
        if !std::mem::take(&mut is_left[start]) {
            continue;
        }
        let (x, y) = (start % columns, start / columns);
        let mut group = Cells { left: x, top: y, right: x, bottom: y, count: 0 };
        open.push(start);
        while let Some(cell) = open.pop() {
            let (x, y) = (cell % columns, cell / columns);
            group.left = group.left.min(x);
            group.right = group.right.max(x);
            group.top = group.top.min(y);
            group.bottom = group.bottom.max(y);
            group.count += 1;
            for row in y.saturating_sub(distance)..(y + distance + 1).min(rows) {
                for column in x.saturating_sub(distance)..(x + distance + 1).min(columns) {
                    let other = row * columns + column;
                    if std::mem::take(&mut is_left[other]) {
                        open.push(other);
                    }
                }
            }
        }
        groups.push(group);
    }
    groups
}

impl Cells {
    fn pixels(&self, format: &FrameFormat) -> PixelBox {
        let edge = |cells: usize, end: u32| u32::try_from(cells * BLOCK).unwrap_or(u32::MAX).min(end);
        let (x, y) = (edge(self.left, format.width), edge(self.top, format.height));
        PixelBox {
            x,
            y,
            width: edge(self.right + 1, format.width) - x,
            height: edge(self.bottom + 1, format.height) - y,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORMAT: FrameFormat = FrameFormat { width: 100, height: 60, has_alpha: false };

    fn marked(cells: &[(usize, usize)]) -> Vec<bool> {
        let (columns, rows) = FORMAT.grid();
        let mut marked = vec![false; columns * rows];
        cells.iter().for_each(|(x, y)| marked[y * columns + x] = true);
        marked
    }

    #[test]
    fn near_blocks_are_one_box_and_far_ones_two() {
        let boxes = around(&marked(&[(0, 0), (2, 1), (8, 6), (12, 7)]), &FORMAT);
        assert_eq!(
            boxes,
            [
                PixelBox { x: 0, y: 0, width: 24, height: 16 },
                PixelBox { x: 64, y: 48, width: 8, height: 8 },
                // The frame ends within the last block.
                PixelBox { x: 96, y: 56, width: 4, height: 4 },
            ]
        );
        assert!(around(&marked(&[]), &FORMAT).is_empty());
    }

    proptest! {
        #[test]
        fn boxes_are_few_and_contain_every_marked_block(
            cells in proptest::collection::vec((0_usize..13, 0_usize..8), 0..60)
        ) {
            let boxes = around(&marked(&cells), &FORMAT);
            prop_assert!(boxes.len() <= MAX_BOXES);
            for (x, y) in cells {
                let (x, y) = (u32::try_from(x * 8).expect("fits"), u32::try_from(y * 8).expect("fits"));
                let is_inside = boxes.iter().any(|around| {
                    let (columns, rows) = (around.x..around.x + around.width, around.y..around.y + around.height);
                    columns.contains(&x) && rows.contains(&y)
                });
                prop_assert!(is_inside, "{x}, {y}: {boxes:?}");
            }
        }
    }
}
