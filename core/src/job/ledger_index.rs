//! An index of the lines of a ledger: entries are read when they are needed, so that a ledger of a million lines takes a
//! few megabytes of memory, and a single render a few milliseconds.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;

use super::ledger::{Fact, LedgerEntry, parse};

/// Bits of a [`LineRef`] that hold the offset of the line: 1 TiB.
const OFFSET_BITS: u32 = 40;

/// A line of a ledger: some bits of the hash of its subject, and its offset in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineRef(u64);

impl LineRef {
    /// Returns the reference to a `line` at `offset` bytes; `None` if the line states no fact.
    #[must_use]
    pub fn new(line: &[u8], offset: u64) -> Option<Self> {
        let subject = match Canonical::of(line) {
            Some(head) => hash(head.subject),
            None => match parse(std::str::from_utf8(line).ok()?)?.fact {
                Fact::Asset(fact) => hash(fact.digest.as_bytes()),
                Fact::Render(fact) => hash(fact.identity.as_bytes()),
                Fact::Key(fact) => hash(fact.key.as_bytes()),
                Fact::Speech(fact) => hash(fact.identity.as_bytes()),
            },
        };
        (offset >> OFFSET_BITS == 0).then_some(Self(subject >> OFFSET_BITS << OFFSET_BITS | offset))
    }
}

/// The lines of a ledger, by what they are about: about ten bytes each.
#[derive(Clone, Debug, Default)]
pub struct LedgerIndex {
    /// Sorted parts of at most [`LINES`], in their order: a copy to grow one list would double the memory of a ledger of
    /// millions.
    parts: Vec<Vec<LineRef>>,
}

/// The largest number of lines in a part.
const LINES: usize = 4096;

impl LedgerIndex {
    /// Adds a line.
    pub fn insert(&mut self, line: LineRef) {
        let place = self.part_of(&line).min(self.parts.len().saturating_sub(1));
        let Some(part) = self.parts.get_mut(place) else {
            self.parts.push(vec![line]);
            return;
        };
        part.insert(part.partition_point(|known| *known < line), line);
        if part.len() > LINES {
            let rest = part.split_off(LINES / 2);
            self.parts.insert(place + 1, rest);
        }
    }

    /// Returns the place of the first part with a line that is not before `line`.
    fn part_of(&self, line: &LineRef) -> usize {
        self.parts.partition_point(|part| part.last().is_none_or(|last| last < line))
    }

    /// Returns the offsets, in their order, of all lines that are about `subject` (a manifest digest, a render key of
    /// generation 0 or an idempotency key), and of a few others that have the same hash.
    pub fn offsets(&self, subject: &str) -> impl Iterator<Item = u64> + '_ {
        let mask = (1 << OFFSET_BITS) - 1;
        let first = LineRef(hash(subject.as_bytes()) & !mask);
        let lines = self.parts.iter().skip(self.part_of(&first)).flatten();
        let wanted = lines.skip_while(move |line| **line < first);
        wanted.take_while(move |line| line.0 & !mask == first.0).map(move |line| line.0 & mask)
    }
}

impl FromIterator<LineRef> for LedgerIndex {
    fn from_iter<I: IntoIterator<Item = LineRef>>(lines: I) -> Self {
        let mut sorted = lines.into_iter().collect::<Vec<_>>();
        sorted.sort_unstable();
        Self { parts: sorted.chunks(LINES / 2).map(<[_]>::to_vec).collect() }
    }
}

/// Decides which lines of a ledger are still needed: those since a certain time, and of these the last one about each
/// thing. Lines of later versions are kept as they are.
#[derive(Debug)]
pub struct Compaction {
    since: i64,
    /// For each line, the hash of its subject, or [`OBSOLETE`].
    subjects: Vec<u64>,
}

/// Marks a line that is too old or invalid.
const OBSOLETE: u64 = 0;

impl Compaction {
    /// Starts; `since` is in Unix seconds.
    #[must_use]
    pub fn new(since: i64) -> Self {
        Self { since, subjects: Vec::new() }
    }

    /// Adds the next line.
    pub fn line(&mut self, line: &[u8]) {
        let subject = self.subject(line).filter(|(at, _)| *at >= self.since);
        self.subjects.push(subject.map_or(OBSOLETE, |(_, hash)| hash.max(1)));
    }

    /// Returns the time of a line, and the hash of its subject, which a later line replaces.
    fn subject(&self, line: &[u8]) -> Option<(i64, u64)> {
        #[derive(Deserialize)]
        struct Dated {
            at: i64,
        }
        if let Some(line) = Canonical::of(line) {
            return Some((line.at, hash(line.scope)));
        }
        let Dated { at } = serde_json::from_slice(line).ok()?;
        let entry = std::str::from_utf8(line).ok().and_then(parse);
        // The subject of a line of a later version is unknown.
        let unique = || hash(&self.subjects.len().to_le_bytes());
        Some((at, entry.map_or_else(unique, |entry| scope(&entry))))
    }

    /// Returns for each line whether to keep it; `None` if less than a third of the lines would go.
    #[must_use]
    pub fn kept(self) -> Option<Vec<bool>> {
        let subjects = self.subjects;
        let mut order = (0..subjects.len()).filter_map(|line| u32::try_from(line).ok()).collect::<Vec<_>>();
        let subject = |line: u32| subjects.get(line as usize).copied().unwrap_or(OBSOLETE);
        order.sort_unstable_by_key(|line| (subject(*line), *line));
        let mut kept = vec![false; subjects.len()];
        for same in order.chunk_by(|one, other| subject(*one) == subject(*other)) {
            let last = same.last().filter(|line| subject(**line) != OBSOLETE);
            if let Some(kept) = last.and_then(|line| kept.get_mut(*line as usize)) {
                *kept = true;
            }
        }
        let superseded = kept.iter().filter(|is_kept| !**is_kept).count();
        (superseded.saturating_mul(3) >= kept.len()).then_some(kept)
    }
}

/// A line as [`LedgerEntry::line`] writes it: taking that apart is ten times as fast as reading any JSON.
struct Canonical<'a> {
    at: i64,
    /// Returns the part from the API to the digest or the generation: a later line with the same bytes replaces this one.
    scope: &'a [u8],
    /// The digest, or the identity.
    subject: &'a [u8],
}

impl<'a> Canonical<'a> {
    /// Returns `None` for a line in any other form, which may be a valid one.
    fn of(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"at\":")?;
        let end = rest.iter().position(|byte| *byte == b',')?;
        let at = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        let whole = &rest[end + 1..];
        let (_, mut rest) = string(whole.strip_prefix(b"\"api\":\"")?)?;
        if let Some(account) = rest.strip_prefix(b",\"account\":\"") {
            (_, rest) = string(account)?;
        }
        let (subject, rest, states): (_, _, &[&[u8]]) =
            if let Some(rest) = rest.strip_prefix(b",\"render\":{\"identity\":\"") {
                let (identity, rest) = string(rest)?;
                let digits = rest.strip_prefix(b",\"generation\":")?;
                let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
                let rest = digits[end..].strip_prefix(b",\"render_id\":\"")?;
                (identity, rest, &[b"submitted", b"completed", b"failed", b"gone"])
            } else {
                let (digest, rest) = string(rest.strip_prefix(b",\"asset\":{\"digest\":\"")?)?;
                let rest = rest.strip_prefix(b",\"asset_id\":\"")?;
                (digest, rest, &[b"announced", b"stored", b"ready", b"refused"])
            };
        let scope = &whole[..whole.len() - rest.len()];
        let (_, rest) = string(rest)?;
        let (state, rest) = string(rest.strip_prefix(b",\"state\":\"")?)?;
        (rest == b"}}" && states.contains(&state)).then_some(Self { at, scope, subject })
    }
}

/// Splits after the closing quotation mark; `None` where something in the string is escaped.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr2(b'"', b'\\', text)?;
    (text[end] == b'"').then(|| (&text[..end], &text[end + 1..]))
}

/// Returns the hash of the subject of a line that was not written by [`LedgerEntry::line`].
fn scope(entry: &LedgerEntry) -> u64 {
    let line = entry.line();
    let line = line.trim_end().as_bytes();
    Canonical::of(line).map_or_else(|| hash(line), |head| hash(head.scope))
}

/// Returns a hash of a subject, which is equal in every process, though nothing depends on that. In a ledger of a million
/// lines, a collision has a probability of one in ten million, and would cost a search of the account's list.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::{AssetFact, AssetState, Ledger, RenderFact, RenderState};

    const API: &str = "https://api.example";

    fn line(at: i64, account: Option<&str>, fact: Fact) -> String {
        LedgerEntry { at, api: API.to_owned(), account: account.map(str::to_owned), fact }.line()
    }

    fn asset(digest: &str, asset_id: &str, state: AssetState) -> Fact {
        Fact::Asset(AssetFact { digest: digest.to_owned(), asset_id: asset_id.to_owned(), state })
    }

    fn render(identity: &str, generation: u32, render_id: &str, state: RenderState) -> Fact {
        let (identity, render_id) = (identity.to_owned(), render_id.to_owned());
        Fact::Render(RenderFact { identity, generation, render_id, state })
    }

    fn lines(text: &str) -> impl Iterator<Item = (&str, u64)> {
        let offset = |line: &str| line.as_ptr() as usize - text.as_ptr() as usize;
        text.lines().map(move |line| (line, offset(line) as u64))
    }

    fn index(text: &str) -> LedgerIndex {
        lines(text).filter_map(|(line, offset)| LineRef::new(line.as_bytes(), offset)).collect()
    }

    /// Reads the lines that the index refers to.
    fn ask(text: &str, subject: &str) -> Ledger {
        let index = index(text);
        let found = index.offsets(subject).map(|offset| {
            let rest = &text[usize::try_from(offset).expect("small")..];
            format!("{}\n", rest.lines().next().unwrap_or_default())
        });
        Ledger::read(&found.collect::<String>(), API, None)
    }

    fn compact(text: &str, since: i64) -> String {
        let mut compaction = Compaction::new(since);
        text.lines().for_each(|line| compaction.line(line.as_bytes()));
        let Some(kept) = compaction.kept() else { return text.to_owned() };
        let kept = text.lines().zip(kept).filter(|(_, is_kept)| *is_kept);
        kept.map(|(line, _)| format!("{line}\n")).collect()
    }

    #[test]
    fn lines_in_any_form_are_found() {
        let ours = line(1, Some("x"), asset("d", "a", AssetState::Ready));
        assert!(Canonical::of(ours.trim_end().as_bytes()).is_some(), "the short way is taken");
        let states = [RenderState::Submitted, RenderState::Completed, RenderState::Failed, RenderState::Gone];
        for line in states.map(|state| line(1, None, render("k", 12, "r", state))) {
            assert!(Canonical::of(line.trim_end().as_bytes()).is_some(), "{line}");
        }
        let states = [AssetState::Announced, AssetState::Stored, AssetState::Ready, AssetState::Refused];
        for line in states.map(|state| line(1, None, asset("d", "a", state))) {
            assert!(Canonical::of(line.trim_end().as_bytes()).is_some(), "{line}");
        }
        let forms = [
            ours,
            format!(
                "{{\"at\": 1, \"api\": \"{API}\", \"asset\": {{\"digest\": \"d\", \"asset_id\": \"a\", \"state\": \"ready\"}}}}"
            ),
            format!(
                "{{\"asset\":{{\"digest\":\"\\u0064\",\"asset_id\":\"a\",\"state\":\"ready\"}},\"at\":1,\"api\":\"{API}\"}}"
            ),
        ];
        for form in forms {
            assert!(ask(&form, "d").asset("d").is_some(), "{form}");
        }
        for other in ["", "{", "null", "{\"at\":1,\"api\":\"x\",\"poem\":{\"lines\":2}}", "\u{feff}{}"] {
            assert_eq!(LineRef::new(other.as_bytes(), 0), None, "{other}");
        }
        assert_eq!(LineRef::new(b"\xff\xfe", 0), None);
    }

    #[test]
    fn what_is_added_later_is_found_behind_what_was_there() {
        let line = |number: u64| {
            let text = line(1, None, asset(&format!("d{}", number % 3000), "a", AssetState::Ready));
            LineRef::new(text.trim_end().as_bytes(), number * 10).expect("a fact")
        };
        let mut index = (0..100).map(line).collect::<LedgerIndex>();
        (100..10_000).for_each(|number| index.insert(line(number)));
        for digest in 0..3000_u64 {
            let expected = (0..10_000).filter(|number| number % 3000 == digest).map(|number| number * 10);
            let found = index.offsets(&format!("d{digest}")).filter(|offset| offset / 10 % 3000 == digest);
            assert!(found.eq(expected), "{digest}");
        }
    }

    #[test]
    fn compaction_keeps_the_last_word_in_order_and_lines_of_later_versions() {
        let facts = [
            line(0, None, asset("old", "a0", AssetState::Ready)),
            line(1, None, asset("d", "a1", AssetState::Announced)),
            line(2, None, render("k", 0, "r1", RenderState::Failed)),
            line(3, None, asset("d", "a1", AssetState::Ready)),
        ];
        let later = "{\"at\":9,\"api\":\"x\",\"poem\":{\"lines\":2}}\n";
        let compacted = compact(&format!("{}{later}torn {{\"at\"", facts.concat()), 1);
        let lines = compacted.lines().collect::<Vec<_>>();
        assert_eq!(lines.len(), 3, "{compacted}");
        assert!(lines[0].contains("r1") && lines[1].contains("ready") && lines[2].contains("poem"));
    }

    #[test]
    fn accounts_and_generations_are_kept_apart_and_a_short_gain_is_none() {
        let facts = [
            line(1, Some("x"), asset("d", "of x", AssetState::Ready)),
            line(1, Some("y"), asset("d", "of y", AssetState::Ready)),
            line(1, None, asset("d", "of all", AssetState::Ready)),
            line(1, None, render("k", 0, "r0", RenderState::Failed)),
            line(1, None, render("k", 1, "r1", RenderState::Submitted)),
            line(2, None, render("k", 1, "r1", RenderState::Completed)),
        ];
        assert_eq!(compact(&facts.concat(), 0), facts.concat());
        let more = [
            line(1, None, asset("e", "a", AssetState::Announced)),
            line(2, None, asset("e", "a", AssetState::Ready)),
        ];
        let text = [facts.concat(), more.concat(), more.concat()].concat();
        let expected = [&facts[..4], &facts[5..], &more[1..]].concat().concat();
        assert_eq!(compact(&text, 0), expected);
    }

    proptest! {
        #[test]
        fn index_and_compaction_change_no_answer(
            order in prop::collection::vec((0..3_u32, 0..2_u32, 0..4_usize, any::<bool>()), 0..30),
        ) {
            let states = [RenderState::Submitted, RenderState::Completed, RenderState::Failed, RenderState::Gone];
            let text = order.iter().map(|(identity, generation, state, is_spaced)| {
                let fact = render(&format!("k{identity}"), *generation, &format!("r{generation}"), states[*state]);
                let line = line(1, None, fact);
                if *is_spaced { line.replace("\",\"", "\", \"") } else { line }
            });
            let text = text.collect::<String>();
            let whole = Ledger::read(&text, API, None);
            let compacted = compact(&text, 0);
            for key in ["k0", "k1", "k2", "k3"] {
                let render = |ledger: &Ledger| ledger.render_of(key).cloned();
                prop_assert_eq!(render(&whole), render(&ask(&text, key)));
                prop_assert_eq!(render(&whole), render(&ask(&compacted, key)));
            }
        }
    }
}
