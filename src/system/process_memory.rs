//! The memory of this process, which contains credentials.

/// Forbids other processes of the same user, such as a rendered page, to read the memory and the environment of this one.
/// Programs that it starts are not affected. Has an effect on Linux only.
pub(crate) fn protect() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        // The call fails for invalid arguments only.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
