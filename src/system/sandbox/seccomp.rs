//! Forbids UDP by a filter of system calls: Landlock limits TCP only, and browsers send WebRTC's first packets themselves.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

/// `EACCES`.
const DENIED: u32 = 13;

/// `AF_INET` and `AF_INET6`.
const INTERNET: [u64; 2] = [2, 10];

/// `SOCK_DGRAM`, and the bits of a socket's type that are not flags.
const DATAGRAM: (u64, u64) = (2, 0xf);

/// `io_uring_setup`: its requests create sockets without the call.
const IO_URING_SETUP: i64 = 425;

/// Keeps this process, and everything that it starts, from creating UDP sockets. Names are resolved by the proxy.
///
/// # Errors
/// Returns a message if the kernel has no filters. On processors without a table of calls here, nothing is filtered.
pub(super) fn forbid_udp() -> Result<(), String> {
    let (arch, socket) = match std::env::consts::ARCH {
        "x86_64" => (TargetArch::x86_64, 41),
        "aarch64" => (TargetArch::aarch64, 198),
        _ => return Ok(()),
    };
    let program = program(arch, socket).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}

fn program(arch: TargetArch, socket: i64) -> Result<BpfProgram, seccompiler::BackendError> {
    let (datagram, bits) = DATAGRAM;
    let rule = |domain| {
        let domain = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, domain)?;
        let kind = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bits), datagram)?;
        SeccompRule::new(vec![domain, kind])
    };
    let sockets = INTERNET.into_iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    let rules = BTreeMap::from([(socket, sockets), (IO_URING_SETUP, Vec::new())]);
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(DENIED), arch)?.try_into()
}
