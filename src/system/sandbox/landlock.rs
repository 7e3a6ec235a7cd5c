//! Landlock, without capabilities: the layers `landlock` and `landlock-tcp`.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::restriction::Restriction;

/// The newest interface whose rights are used where the kernel knows them.
const NEWEST: ABI = ABI::V10;

/// What the kernel offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Support {
    /// Whether files are protected against reading, writing and truncation (interface 3, Linux 6.2).
    pub(super) files: bool,
    /// Whether TCP connections can be limited (interface 4, Linux 6.7).
    pub(super) tcp: bool,
}

impl Support {
    /// Asks the kernel.
    pub(super) fn of_this_kernel() -> Self {
        let ruleset = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let is_supported = |ruleset: Result<Ruleset, _>| ruleset.and_then(Ruleset::create).is_ok();
        Self {
            files: is_supported(ruleset().handle_access(AccessFs::from_all(ABI::V3))),
            tcp: is_supported(ruleset().handle_access(AccessNet::ConnectTcp)),
        }
    }
}

/// Restricts this process and everything that it starts.
///
/// # Errors
/// Returns a message if the kernel does not enforce the restrictions.
pub(super) fn apply(restriction: &Restriction) -> Result<(), String> {
    drop_privileges().map_err(|error| format!("capabilities: {error}"))?;
    let limit = |maximum| Rlimit { current: Some(maximum), maximum: Some(maximum) };
    setrlimit(Resource::Fsize, limit(restriction.max_file_size))
        .map_err(|error| format!("limits: {error}"))?;
    // A page must not leave its memory on the disk.
    setrlimit(Resource::Core, limit(0)).map_err(|error| format!("limits: {error}"))?;
    // Where memory runs out, the kernel ends the engine rather than this program or the runner.
    let _ = std::fs::write("/proc/self/oom_score_adj", "800");
    if restriction.has_landlock {
        restrict(restriction).map_err(|error| format!("landlock: {error}"))?;
    }
    // The proxy does not see UDP, and Landlock does not limit it.
    super::seccomp::forbid_udp().map_err(|error| format!("seccomp: {error}"))?;
    Ok(())
}

/// Gives up all capabilities, also those that root would get back by starting a program. Otherwise root reads the
/// environment of other processes, on kernels from 6.16 in spite of Landlock.
fn drop_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let _ = rustix::thread::clear_ambient_capability_set();
    for capability in CapabilitySet::all().iter() {
        // Needs CAP_SETPCAP, which only root has; without privileges there is nothing to remove.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    Ok(rustix::thread::set_capabilities(None, none)?)
}

fn restrict(restriction: &Restriction) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V3))
        .map_err(|error| text(&error))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .map_err(|error| text(&error))?
        .scope(Scope::from_all(NEWEST))
        .map_err(|error| text(&error))?;
    if restriction.ports.is_some() {
        ruleset = ruleset
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessNet::ConnectTcp)
            .map_err(|error| text(&error))?
            .set_compatibility(CompatLevel::BestEffort);
    }
    let mut created = ruleset.create().map_err(|error| text(&error))?;
    for (paths, access) in [
        (&restriction.readable, AccessFs::from_read(NEWEST)),
        (&restriction.writable, AccessFs::from_all(NEWEST) & !AccessFs::MakeBlock & !AccessFs::MakeChar),
    ] {
        for path in paths {
            // What this machine does not have needs no rule.
            let Ok(descriptor) = PathFd::new(path) else { continue };
            let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
            created = created.add_rule(PathBeneath::new(descriptor, access)).map_err(|error| text(&error))?;
        }
    }
    for (path, access) in devices() {
        let Ok(descriptor) = PathFd::new(path) else { continue };
        created = created.add_rule(PathBeneath::new(descriptor, access)).map_err(|error| text(&error))?;
    }
    for port in restriction.ports.iter().flatten() {
        created =
            created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(|error| text(&error))?;
    }
    let status = created.restrict_self().map_err(|error| text(&error))?;
    match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err("not enforced by this kernel".to_owned()),
    }
}

/// Returns the devices that programs need.
fn devices() -> [(&'static str, BitFlags<AccessFs>); 5] {
    let both = AccessFs::ReadFile | AccessFs::WriteFile;
    // Shared memory of browsers. Without the right to list it, files of other programs cannot be found.
    let shared = both | AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::Truncate;
    [
        ("/dev/null", both),
        ("/dev/zero", both),
        ("/dev/random", AccessFs::ReadFile.into()),
        ("/dev/urandom", AccessFs::ReadFile.into()),
        ("/dev/shm", shared),
    ]
}
