//! Which addresses are public: the only ones that a page may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyperframes_ci_core::refusal::is_public_address;

/// Blocks of IPv4 addresses that a page must not reach, besides those that are not public, as address and prefix length;
/// source: the IANA registry of IPv4 special-purpose addresses.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    // Metadata and agents of Azure, which are reached from inside only.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Blocks of IPv6 addresses inside 2000::/3, likewise; source: the IANA registry of IPv6 special-purpose addresses.
/// Everything outside of 2000::/3 is forbidden: mapped and NAT64 addresses too.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    // 6to4, which contains an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x004f, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Returns whether a page may reach an address: it belongs to the public internet and contains no other address.
pub(super) fn is_public(address: IpAddr) -> bool {
    let is_special = match address {
        IpAddr::V4(address) => SPECIAL_V4.iter().any(|(block, length)| {
            let shift = 32 - length;
            address.to_bits() >> shift == block.to_bits() >> shift
        }),
        IpAddr::V6(address) => is_special_v6(address),
    };
    is_public_address(address) && !is_special
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_global_unicast = segments[0] & 0xe000 == 0x2000;
    // An ISATAP interface identifier contains an IPv4 address (RFC 5214).
    let is_isatap = matches!(segments[4], 0 | 0x0200) && segments[5] == 0x5efe;
    let is_in = |(block, length): &(Ipv6Addr, u32)| {
        let shift = 128 - length;
        address.to_bits() >> shift == block.to_bits() >> shift
    };
    !is_global_unicast || is_isatap || SPECIAL_V6.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (address, expected) in [
            ("1.1.1.1", true),
            ("8.8.8.8", true),
            ("151.101.1.229", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.100.100.200", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("168.63.129.16", false),
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.192", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.9", false),
            ("224.0.0.251", false),
            ("255.255.255.255", false),
            ("2606:4700::6810:85e5", true),
            ("2a04:4e42::485", true),
            ("2001:4860:4860::8888", true),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:1.1.1.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::a00:1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("2002:a9fe:a9fe::", false),
            ("2600:1234::5efe:7f00:1", false),
            ("3fff::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
