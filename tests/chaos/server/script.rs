//! A story as the server needs it: which request meets which fault, and what kind of server it is.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::faults::{Fault, Site};
use crate::story::{Decision, Keys, Story, Validators};

/// See the documentation of the module.
pub(crate) struct Script {
    faults: HashMap<(Site, u64), Fault>,
    decisions: Vec<Decision>,
    pub(crate) steps: u64,
    pub(crate) keys: Keys,
}

impl Script {
    pub(crate) fn new(story: &Story) -> Self {
        let faults = story.decisions.iter().filter_map(|decision| match decision {
            Decision::Fault { site, ordinal, fault } => Some(((*site, *ordinal), *fault)),
            _ => None,
        });
        Self {
            faults: faults.collect(),
            decisions: story.decisions.clone(),
            steps: story.shape.steps,
            keys: story.keys(),
        }
    }

    /// What the request with this ordinal meets.
    pub(crate) fn fault(&self, site: Site, ordinal: u64) -> Option<Fault> {
        self.faults.get(&(site, ordinal)).copied()
    }

    /// The value of the first decision that has one.
    pub(crate) fn find<T: Default>(&self, value: impl Fn(&Decision) -> Option<T>) -> T {
        self.decisions.iter().find_map(value).unwrap_or_default()
    }

    /// Answers that leave out a new render: its own, and lists.
    pub(crate) fn lag(&self) -> (u64, u64) {
        self.find(|decision| match decision {
            Decision::Lag { reads, lists, .. } => Some((*reads, *lists)),
            _ => None,
        })
    }

    pub(crate) fn is_lag_a_page(&self) -> bool {
        self.decisions.iter().any(|decision| matches!(decision, Decision::Lag { is_page: true, .. }))
    }

    pub(crate) fn stale_lists(&self) -> u64 {
        self.find(|decision| if let Decision::StaleLists(count) = decision { Some(*count) } else { None })
    }

    pub(crate) fn null_urls(&self) -> u64 {
        self.find(|decision| if let Decision::NullUrl(count) = decision { Some(*count) } else { None })
    }

    pub(crate) fn not_visible(&self) -> u64 {
        self.find(|decision| if let Decision::NotVisible(count) = decision { Some(*count) } else { None })
    }

    pub(crate) fn validators(&self) -> Validators {
        self.find(|decision| if let Decision::Validators(kind) = decision { Some(*kind) } else { None })
    }

    pub(crate) fn has_creation_time(&self) -> bool {
        !self.decisions.contains(&Decision::NoCreationTime)
    }

    pub(crate) fn are_upload_keys_ignored(&self) -> bool {
        self.decisions.contains(&Decision::UploadKeysIgnored)
    }

    /// Renders of a row that fail, the first ones.
    pub(crate) fn failures(&self, wanted: &str) -> u64 {
        self.find(|decision| match decision {
            Decision::Failure { row, times, .. } if title(*row) == wanted => Some(*times),
            _ => None,
        })
    }

    pub(crate) fn failed_status(&self) -> &'static str {
        let status = self.find(|decision| match decision {
            Decision::Failure { status, .. } => Some(*status),
            _ => None,
        });
        if status.is_empty() { "failed" } else { status }
    }

    fn clock(&self) -> Option<(Option<i64>, i64)> {
        self.find(|decision| match decision {
            Decision::Clock { date, created } => Some(Some((*date, *created))),
            _ => None,
        })
    }

    /// `created_at` of what is made now, in unix seconds.
    pub(crate) fn now(&self) -> i64 {
        unix_now() + self.clock().map_or(0, |(_, created)| created)
    }

    /// The `Date` of an answer, in unix seconds, if it has one.
    pub(crate) fn date(&self) -> Option<i64> {
        self.clock().map_or(Some(0), |(date, _)| date).map(|offset| unix_now() + offset)
    }
}

fn unix_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// The title of a row, which tells it apart.
pub(crate) fn title(row: u64) -> String {
    format!("row {row}")
}

/// A time as HTTP writes it.
pub(crate) fn http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of year 0, as leap days come last then.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12);
    let year = year + era * 400 + i64::from(month < 2);
    let index = |value: i64| usize::try_from(value).unwrap();
    format!(
        "{}, {day:02} {} {year} {:02}:{:02}:{:02} GMT",
        DAYS[index(days.rem_euclid(7))],
        MONTHS[index(month)],
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(super::http_date(1_795_176_000), "Fri, 20 Nov 2026 12:00:00 GMT");
        assert_eq!(super::http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(super::http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
