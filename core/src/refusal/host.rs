//! Hosts of URLs, as the URL standard reads them, and whether they are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::project::percent_decode;

/// Names that never belong to a public host: the machine itself, local networks, and metadata services of clouds.
const PRIVATE_SUFFIXES: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
    "localdomain",
];

/// Blocks of IPv4 addresses that are not public, as (address, number of leading bits); source: the special-purpose
/// address registry of IANA.
const PRIVATE_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The host of a URL with `http:`, `https:`, `ws:` or `wss:`, or with `//`, and its scheme; `None` for other targets.
pub(super) fn host_of(target: &str) -> Option<String> {
    let target = target.trim_matches(|character: char| character <= ' ');
    let target = target.replace(['\t', '\n', '\r'], "").replace('\\', "/");
    let rest = match target.split_once(':') {
        Some((scheme, rest))
            if ["http", "https", "ws", "wss", "ftp"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known)) =>
        {
            // Without a slash, the rest is relative to a page with the same scheme.
            if rest.starts_with('/') { rest } else { return None }
        }
        _ => target.strip_prefix("//").map(|_| &*target)?,
    };
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    Some(percent_decode(host).to_lowercase())
}

/// Returns whether `host`, a name or an address in any spelling that browsers accept, may be public. A name may still
/// resolve to an address that is not.
///
/// ```
/// use hyperframes_ci_core::refusal::is_public;
///
/// assert!(is_public("cdn.jsdelivr.net"));
/// assert!(!is_public("127.1") && !is_public("2130706433") && !is_public("metadata.google.internal"));
/// ```
#[must_use]
pub fn is_public(host: &str) -> bool {
    // An entity that is still one may be any letter. Browsers map letters such as `①` and `。` to others, or drop them,
    // and then read the host.
    if host.contains('&') || host.chars().any(is_mapped) {
        return false;
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() {
        return false;
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return is_public_address(IpAddr::V6(address));
    }
    match number_address(&host) {
        Numbers::Address(address) => return is_public_address(IpAddr::V4(address)),
        Numbers::Invalid => return false,
        Numbers::Name => {}
    }
    let is_private = PRIVATE_SUFFIXES
        .iter()
        .any(|suffix| host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    // A name without a dot is one of the local network.
    !is_private && host.contains('.')
}

/// Returns whether a host is a placeholder, which no name or address is.
pub(super) fn is_placeholder(host: &str) -> bool {
    host.contains(['{', '$', '<']) || host.starts_with("__")
}

/// Returns whether an address is public. One that contains an address of IPv4 is public if that is.
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !PRIVATE_V4.iter().any(|(block, bits)| {
            let shift = 32 - bits;
            address.to_bits() >> shift == block.to_bits() >> shift
        }),
        IpAddr::V6(address) => {
            let segments = address.segments();
            // Addresses that contain one of IPv4: mapped, translated (NAT64) and 6to4.
            let inner = match segments {
                [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    Some((high, low))
                }
                [0x2002, high, low, ..] => Some((high, low)),
                _ => None,
            };
            if let Some((high, low)) = inner {
                let bits = u32::from(high) << 16 | u32::from(low);
                return is_public_address(IpAddr::V4(Ipv4Addr::from_bits(bits)));
            }
            // Global unicast, without the blocks for documentation and Teredo.
            segments[0] & 0xe000 == 0x2000
                && !(segments[0] == 0x2001 && (segments[1] == 0xdb8 || segments[1] < 0x200))
        }
    }
}

/// A host that may be an IPv4 address.
enum Numbers {
    Address(Ipv4Addr),
    /// The last label is a number, but the whole is not an address: browsers reject it.
    Invalid,
    Name,
}

/// Reads an IPv4 address with one to four parts, decimal, octal or hexadecimal; source: URL standard, section 3.5.
fn number_address(host: &str) -> Numbers {
    let parts = host.split('.').collect::<Vec<_>>();
    let last = parts.last().copied().unwrap_or_default();
    let is_number = |part: &str| {
        !part.is_empty() && (part.bytes().all(|byte| byte.is_ascii_digit()) || number(part).is_some())
    };
    if !is_number(last) {
        return Numbers::Name;
    }
    let numbers = parts.iter().map(|part| number(part)).collect::<Option<Vec<_>>>();
    let Some(numbers) = numbers.filter(|numbers| numbers.len() <= 4) else { return Numbers::Invalid };
    let Some((last, first)) = numbers.split_last() else { return Numbers::Invalid };
    if first.iter().any(|number| *number > 255)
        || *last >= 256_u64.pow(5 - u32::try_from(numbers.len()).unwrap_or(4))
    {
        return Numbers::Invalid;
    }
    let high = first.iter().zip([24, 16, 8]).map(|(number, shift)| number << shift).sum::<u64>();
    u32::try_from(high + last).map_or(Numbers::Invalid, |bits| Numbers::Address(Ipv4Addr::from_bits(bits)))
}

/// Reads a number with the prefixes `0x` and `0`.
fn number(part: &str) -> Option<u64> {
    let (digits, radix) = match part.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&part[2..], 16),
        [b'0', _, ..] => (&part[1..], 8),
        _ => (part, 10),
    };
    if digits.is_empty() && radix == 16 { Some(0) } else { u64::from_str_radix(digits, radix).ok() }
}

/// Returns whether browsers may map the letter to ASCII, or drop it; source: Unicode technical standard 46.
fn is_mapped(letter: char) -> bool {
    matches!(u32::from(letter),
        0xaa | 0xad | 0xb2 | 0xb3 | 0xb9 | 0xba | 0xbc..=0xbe | 0x17f | 0x34f | 0x2b0..=0x2ff
        | 0x180b..=0x180f | 0x1d2c..=0x1dbf | 0x2000..=0x214f | 0x2150..=0x218f | 0x2460..=0x24ff
        | 0x2c7c | 0x2c7d | 0x3000..=0x3002 | 0x3200..=0x33ff | 0xfb00..=0xfb06 | 0xfe00..=0xfe0f
        | 0xfe10..=0xfe6f | 0xfeff | 0xff00..=0xffef | 0x1d400..=0x1d7ff | 0x1f100..=0x1f2ff
        | 0x1fbf0..=0x1fbf9 | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_spelling() {
        for private in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "127.0.0.1",
            "127.1",
            "0",
            "0x7f.1",
            "0177.0.0.1",
            "2130706433",
            "0x7f000001",
            "169.254.169.254",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:a00:1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "2002:7f00:1::",
            "metadata.google.internal",
            "printer.local",
            "intranet",
            "",
            "127.0.0.1.",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "localhoſt",
            "1.2.3.4.5",
            "256.1.1.1",
        ] {
            assert!(!is_public(private), "{private}");
        }
        for public in [
            "example.com",
            "8.8.8.8",
            "1.1",
            "cdn.jsdelivr.net",
            "2606:4700::1111",
            "münchen.de",
            "localhost.example",
        ] {
            assert!(is_public(public), "{public}");
        }
    }

    #[test]
    fn hosts_are_read_as_browsers_do() {
        for (target, host) in [
            ("http://127.0.0.1:80/x.js", Some("127.0.0.1")),
            (" HTTP:\\\\127.0.0.1\\x", Some("127.0.0.1")),
            ("http:/127.0.0.1/x", Some("127.0.0.1")),
            ("//a.example/x", Some("a.example")),
            ("https://user:pass@[::1]:8080/", Some("::1")),
            ("http://127.\n0.0.1/", Some("127.0.0.1")),
            ("https://%6cocalhost/", Some("localhost")),
            ("https://cdn.example@10.0.0.1/", Some("10.0.0.1")),
            ("a/b.js", None),
            ("data:text/plain,x", None),
        ] {
            assert_eq!(host_of(target).as_deref(), host, "{target:?}");
        }
    }
}
