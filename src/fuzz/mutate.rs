//! Inputs that depend on a seed only.

/// Numbers that depend on a seed only (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `limit`, which is at least 1.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A range of at most `longest` bytes of an input.
    fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(longest) + 1)
    }
}

/// The longest input, in bytes.
const LONGEST: usize = 16 * 1024;

/// Pieces that parsers look for, beside the words of the seeds.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "\"",
    "'",
    "`",
    "\\",
    "\\u{",
    "\\uD800",
    "&amp;",
    "&#",
    "&",
    ";",
    "=",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "(",
    ")",
    ",",
    ":",
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "\u{202e}",
    "\u{1b}[31m",
    "é",
    "🎬",
    "..",
    "../",
    "/",
    "//",
    "\\\\",
    "~",
    "%2e",
    "%00",
    "*",
    "**",
    "?",
    "!",
    "#",
    "-",
    "--",
    "/*",
    "*/",
    "//",
    "${",
    "=>",
    "url(",
    "@import ",
    "var(--",
    "<script>",
    "</script>",
    "<style>",
    "<template>",
    "<svg>",
    "<img src=",
    "null",
    "true",
    "1e999",
    "-0",
    "0",
    "9007199254740993",
    "18446744073709551616",
    "::error::",
    "##[",
    "file:",
    "data:",
    "http://127.0.0.1",
    "PK\u{3}\u{4}",
];

/// Numbers at which lengths and counters overflow, as bytes.
const NUMBERS: &[&[u8]] = &[
    &[0],
    &[1],
    &[0x7f],
    &[0x80],
    &[0xff],
    &[0, 0, 0, 0],
    &[0, 0, 0, 1],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0xff; 4],
    &[0xff; 8],
    &[0, 0, 0, 8],
    &[0x80, 0, 0, 0],
];

/// Makes an input from the seeds of a target and their words.
pub(super) fn input(random: &mut Random, seeds: &[Vec<u8>], words: &[Vec<u8>]) -> Vec<u8> {
    let mut input = random.pick(seeds).clone();
    for _ in 0..1 << random.below(5) {
        change(random, &mut input, seeds, words);
        input.truncate(LONGEST);
    }
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>]) {
    let at = random.below(input.len() + 1);
    match random.below(11) {
        0 if !input.is_empty() => {
            let at = random.below(input.len());
            input[at] ^= 1 << random.below(8);
        }
        1 => {
            let range = random.range(input.len(), 64);
            input.drain(range);
        }
        2 => drop(input.splice(at..at, random.pick(PIECES).bytes())),
        3 | 4 if !words.is_empty() => drop(input.splice(at..at, random.pick(words).iter().copied())),
        5 => {
            let range = random.range(input.len(), 256);
            let copy = input[range].to_vec();
            input.splice(at..at, copy);
        }
        6 => {
            let other = random.pick(seeds);
            let range = random.range(other.len(), 512);
            input.splice(at..at, other[range].iter().copied());
        }
        7 => {
            let number = *random.pick(NUMBERS);
            let end = (at + number.len()).min(input.len());
            input.splice(at..end, number.iter().copied());
        }
        8 => {
            let range = random.range(input.len(), 32);
            let repeated = input[range].repeat(1 + random.below(200));
            input.splice(at..at, repeated);
        }
        9 if !words.is_empty() => {
            let range = random.range(input.len(), 16);
            input.splice(range, random.pick(words).iter().copied());
        }
        _ => {
            let range = random.range(input.len(), 16);
            input.splice(range, random.pick(PIECES).bytes());
        }
    }
}

/// The words of texts: runs of letters, digits and dashes of up to 40 bytes.
pub(super) fn words(seeds: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let words = seeds.iter().flat_map(|seed| seed.split(|byte| !is_word(byte)));
    let mut words =
        words.filter(|word| (2..=40).contains(&word.len())).map(<[u8]>::to_vec).collect::<Vec<_>>();
    words.sort();
    words.dedup();
    words
}

/// An input that grows: what it starts and ends with, and what is repeated between them.
pub(super) struct Growing {
    start: Vec<u8>,
    repeated: Vec<u8>,
    closing: Vec<u8>,
    end: Vec<u8>,
}

impl Growing {
    pub(super) fn new(random: &mut Random, seeds: &[Vec<u8>], words: &[Vec<u8>]) -> Self {
        let input = input(random, seeds, words);
        let mut piece = || match random.below(3) {
            0 => random.pick(PIECES).as_bytes().to_vec(),
            1 if !words.is_empty() => random.pick(words).clone(),
            _ => {
                let range = random.range(input.len(), 48);
                input[range].to_vec()
            }
        };
        let mut repeated = [piece(), piece()].concat();
        let closing = piece();
        if repeated.is_empty() {
            repeated.push(b'a');
        }
        let is_nested = random.below(3) == 0;
        let at = random.below(input.len() + 1);
        let (start, end) = input.split_at(at);
        let closing = if is_nested { closing } else { Vec::new() };
        Self { start: start.to_vec(), repeated, closing, end: end.to_vec() }
    }

    /// An input that is known.
    pub(super) fn of([start, repeated, closing, end]: [&str; 4]) -> Self {
        let [start, repeated, closing, end] =
            [start, repeated, closing, end].map(|part| part.as_bytes().to_vec());
        Self { start, repeated, closing, end }
    }

    /// The input with about `length` bytes.
    pub(super) fn of_length(&self, length: usize) -> Vec<u8> {
        let count = length / (self.repeated.len() + self.closing.len());
        [&*self.start, &*self.repeated.repeat(count), &*self.closing.repeat(count), &*self.end].concat()
    }
}
