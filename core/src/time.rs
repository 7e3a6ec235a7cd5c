//! Conversions between Unix time and the date formats of the API, HTTP and the credentials file.

/// Parses an ISO 8601 date and time such as `2026-01-31T12:00:00.000Z` or `…+01:00`, and returns Unix time in seconds;
/// `None` for anything else. Fractions of a second are dropped.
///
/// ```
/// use hyperframes_ci_core::time::parse_iso8601;
///
/// assert_eq!(parse_iso8601("2024-02-29T13:30:45.678+01:00"), Some(1_709_209_845));
/// assert_eq!(parse_iso8601("tomorrow"), None);
/// ```
#[must_use]
pub fn parse_iso8601(text: &str) -> Option<i64> {
    let (date, rest) = text.trim().split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let mut clock = clock.split('.').next()?.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    let in_range =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !in_range || !(1..=9999).contains(&year) {
        return None;
    }
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let digits = zone[1..].replace(':', "");
            let hours = digits.get(..2)?.parse::<i64>().ok()?;
            let minutes =
                digits.get(2..).filter(|rest| !rest.is_empty()).unwrap_or("0").parse::<i64>().ok()?;
            let seconds = hours * 3600 + minutes * 60;
            if zone.starts_with('-') { -seconds } else { seconds }
        }
    };
    Some(days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// Formats Unix time in seconds as `2026-01-31 12:00:00Z`.
///
/// ```
/// assert_eq!(hyperframes_ci_core::time::format_utc(1_709_209_845), "2024-02-29 12:30:45Z");
/// ```
#[must_use]
pub fn format_utc(seconds: i64) -> String {
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The inverse of `days_from_civil`; source: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// Formats a Unix time as RFC 3339, such as `2024-02-29T12:30:45Z`.
#[must_use]
pub fn format_rfc3339(seconds: i64) -> String {
    format_utc(seconds).replace(' ', "T")
}

/// Formats a Unix time of the API like [`format_utc`]; fractions of a second are dropped.
#[must_use]
pub fn format_unix(seconds: &serde_json::Number) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "casts saturate, and no time is that far away")]
    let whole = seconds.as_f64().unwrap_or_default() as i64;
    format_utc(whole)
}

/// Parses an HTTP date such as `Sun, 06 Nov 1994 08:49:37 GMT`, and returns Unix time in seconds; `None` for anything
/// else, including the two obsolete formats; source: RFC 9110, section 5.6.7.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<i64> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = parts.next()?.parse::<i64>().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().zip(1..).find_map(|(month, number)| (*month == name).then_some(number))?;
    let year = parts.next()?.parse::<i64>().ok()?;
    let clock = parts.next()?;
    if parts.next() != Some("GMT") || parts.next().is_some() {
        return None;
    }
    parse_iso8601(&format!("{year:04}-{month:02}-{day:02}T{clock}Z"))
}

/// Formats Unix time in seconds as an HTTP date such as `Sun, 06 Nov 1994 08:49:37 GMT`; source as above.
#[must_use]
pub fn format_http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let utc = format_utc(seconds);
    let number = |range: std::ops::Range<usize>| utc[range].parse::<usize>().unwrap_or_default();
    let weekday = usize::try_from(seconds.div_euclid(86_400).rem_euclid(7)).unwrap_or_default();
    format!(
        "{}, {} {} {} {} GMT",
        DAYS[weekday],
        &utc[8..10],
        MONTHS[number(5..7).saturating_sub(1).min(11)],
        &utc[..4],
        &utc[11..19]
    )
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns the number of days from 1970-01-01 to a Gregorian date; source as above.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        assert_eq!(parse_iso8601("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse_iso8601("2024-02-29T12:30:45.678Z"), Some(1_709_209_845));
        assert_eq!(parse_iso8601("2024-02-29T13:30:45+01:00"), Some(1_709_209_845));
        assert_eq!(format_utc(1_709_209_845), "2024-02-29 12:30:45Z");
        for bad in ["", "soon", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00"] {
            assert_eq!(parse_iso8601(bad), None, "{bad}");
        }
    }

    /// Source of the first: RFC 9110, section 5.6.7.
    #[test]
    fn http_dates() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(format_http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        for seconds in (0..4_000_000_000).step_by(98_765_432) {
            assert_eq!(parse_http_date(&format_http_date(seconds)), Some(seconds));
        }
        for bad in
            ["", "120", "Sun, 06 Now 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994"]
        {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn there_and_back() {
        for seconds in (-1_000_000_000..4_000_000_000).step_by(12_345_677) {
            assert_eq!(parse_iso8601(&format_utc(seconds)), Some(seconds));
        }
    }
}
