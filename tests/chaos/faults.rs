//! What can go wrong with one request.

use crate::random::Random;

/// The kinds of requests; the ordinal of a request is counted per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Site {
    Account,
    List,
    CreateUpload,
    Put,
    Complete,
    ProxyUpload,
    Submit,
    Get,
    Video,
}

/// Whether a fault comes before the request takes effect, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

/// A signal to the processes of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Kill,
    Term,
    Int,
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed without an answer.
    Reset(When),
    /// The connection is closed, and nobody listens for a while.
    Refused { milliseconds: u64 },
    /// An error status, as the API's envelope or as a proxy's page.
    Status { status: u16, when: When, is_page: bool, retry_after: Option<u64> },
    /// A proxy's page with status 200.
    Page(When),
    /// The first half of the answer; with the length of the whole, or with its own.
    Cut { when: When, has_whole_length: bool },
    /// The answer comes byte by byte.
    Drip,
    /// No answer until the client closes the connection.
    Stall(When),
    /// Half of the answer, and then nothing until the client closes the connection.
    StallHalfway,
    /// The answer comes so slowly that it does not end within any time, and never falls silent.
    Trickle,
    /// 504 at once; the submission takes effect later, and its key is in progress until then.
    Late { milliseconds: u64 },
    /// 301 to a path of the same origin, which answers.
    Redirect,
    /// A status that no client knows.
    UnknownStatus,
    /// The URL of the video has expired already.
    ExpiredUrl,
    /// The processes of the run get a signal, and this request no answer.
    Signal(Signal, When),
    /// The processes of the run get a signal a moment after the answer.
    SignalLater { signal: Signal, milliseconds: u64 },
    /// The body of the video ends early.
    CutVideo { per_mille: u64, has_length: bool },
    /// 206 with the first bytes only.
    Part,
    /// From now on the storage has another version of the video.
    Changed,
    /// Another version from now on, sent as the rest of the old one.
    Spliced,
    /// Neither `ETag` nor `Last-Modified`.
    NoValidator,
    /// No `Content-Length`; the body is whole.
    NoLength,
}

impl Fault {
    /// Whether what was asked for has happened although the client cannot know.
    pub(crate) fn hides_effect(self) -> bool {
        match self {
            Self::Reset(when)
            | Self::Page(when)
            | Self::Stall(when)
            | Self::Signal(_, when)
            | Self::Cut { when, .. }
            | Self::Status { when, .. } => when == When::After,
            Self::Late { .. } | Self::SignalLater { .. } | Self::StallHalfway | Self::Trickle => true,
            _ => false,
        }
    }

    /// Whether it ends processes.
    pub(crate) fn signal(self) -> Option<Signal> {
        match self {
            Self::Signal(signal, _) | Self::SignalLater { signal, .. } => Some(signal),
            _ => None,
        }
    }

    /// A fault that a request of kind `site` may meet.
    pub(crate) fn draw(site: Site, random: &mut Random) -> Self {
        let special = match site {
            Site::Video => random.below(10) < 6,
            Site::Get => random.below(10) < 2,
            Site::Submit => random.below(10) < 1,
            _ => false,
        };
        match site {
            Site::Video if special => draw_download(random),
            Site::Get if special => {
                random.pick(&[Self::Redirect, Self::UnknownStatus, Self::UnknownStatus, Self::ExpiredUrl])
            }
            Site::Submit if special => Self::Late { milliseconds: 5 + random.below(60) },
            _ => draw_common(site, random),
        }
    }
}

fn draw_common(site: Site, random: &mut Random) -> Fault {
    let when = random.pick(&[When::Before, When::After]);
    let signal = random.pick(&[Signal::Kill, Signal::Kill, Signal::Kill, Signal::Term, Signal::Int]);
    match random.below(100) {
        0..22 => Fault::Reset(when),
        22..26 => Fault::Refused { milliseconds: 1 + random.below(30) },
        26..50 => {
            let status = random.pick(&[500, 500, 502, 503, 503, 504]);
            Fault::Status { status, when, is_page: random.chance(40), retry_after: None }
        }
        50..62 => {
            let retry_after = random.pick(&[None, None, Some(0), Some(1), Some(7)]);
            let status = if site == Site::Put { 503 } else { 429 };
            Fault::Status { status, when: When::Before, is_page: random.chance(20), retry_after }
        }
        62..65 => {
            let status = random.pick(&[408, 425]);
            Fault::Status { status, when: When::Before, is_page: false, retry_after: None }
        }
        65..68 => {
            let status = random.pick(&[401, 403, 404]);
            Fault::Status { status, when: When::Before, is_page: true, retry_after: None }
        }
        68..72 => Fault::Page(when),
        72..80 => Fault::Cut { when, has_whole_length: random.chance(50) },
        80..84 => Fault::Drip,
        84 if random.chance(60) => Fault::Stall(when),
        84 => Fault::StallHalfway,
        85..93 => Fault::Signal(signal, when),
        _ => Fault::SignalLater { signal, milliseconds: random.below(15) },
    }
}

fn draw_download(random: &mut Random) -> Fault {
    match random.below(8) {
        0 | 1 => Fault::CutVideo { per_mille: random.below(1000), has_length: true },
        2 => Fault::CutVideo { per_mille: random.below(1000), has_length: false },
        3 => Fault::Part,
        4 => Fault::Changed,
        5 => Fault::Spliced,
        6 => Fault::NoValidator,
        _ => Fault::NoLength,
    }
}
