//! Maps positions in a decoded value to the source.

use crate::text::Span;

/// Maps offsets in a decoded value to offsets in the source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offsets {
    /// The raw value in the source.
    raw: Span,
    /// Units that differ from their source, such as entities, in source order.
    jumps: Box<[Jump]>,
}

/// A unit of a value that differs from its source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Jump {
    /// Its position in the value.
    pub(super) decoded: Span,
    /// The end of its source, as an offset into the source.
    pub(super) raw_end: usize,
}

impl Offsets {
    pub(super) fn new(raw: Span, jumps: Box<[Jump]>) -> Self {
        Self { raw, jumps }
    }

    /// Returns the offset in the source of byte `offset` of the decoded value. Inside a unit, that is the end
    /// of the unit.
    pub(crate) fn of(&self, offset: usize) -> usize {
        let passed = self.jumps.partition_point(|jump| jump.decoded.start < offset);
        let found = match self.jumps[..passed].last() {
            Some(jump) => jump.raw_end + offset.saturating_sub(jump.decoded.end),
            None => self.raw.start + offset,
        };
        found.min(self.raw.end)
    }

    /// Returns the span in the source of a part of the decoded value.
    pub(crate) fn span(&self, part: Span) -> Span {
        Span { start: self.of(part.start), end: self.of(part.end) }
    }
}
