//! The layers that contain a child process, and what each of them holds.

use std::fmt;

/// A layer between a page and the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "the kernel's layers are those of Linux"))]
pub(crate) enum Layer {
    /// Node's permission model: Node reads the project, the engine and the programs only. Programs that Node starts,
    /// such as FFmpeg, are not limited.
    NodePermission,
    /// The proxy of this process and the guard inside Node: browser and Node reach public addresses only, or none.
    NetworkProxy,
    /// Namespaces of the Linux kernel, made by Bubblewrap: other files, sockets that are files, and other processes do not
    /// exist for the engine.
    Bubblewrap,
    /// A network namespace, made by Bubblewrap: no process of the engine reaches anything but its own servers and the proxy.
    NetworkNamespace,
    /// Landlock of the Linux kernel, without capabilities: no process of the engine reads or writes other files.
    Landlock,
    /// Landlock's rules for TCP: no process of the engine connects to anything but the proxy and its own ports.
    LandlockTcp,
}

impl Layer {
    /// All layers, the weakest first.
    #[cfg(test)]
    pub(super) const ALL: &'static [Self] = &[
        Self::NodePermission,
        Self::NetworkProxy,
        Self::Bubblewrap,
        Self::NetworkNamespace,
        Self::Landlock,
        Self::LandlockTcp,
    ];

    /// The layers that every system has.
    pub(super) const EVERYWHERE: [Self; 2] = [Self::NodePermission, Self::NetworkProxy];

    /// Returns the name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NodePermission => "node-permission",
            Self::NetworkProxy => "network-proxy",
            Self::Bubblewrap => "bubblewrap",
            Self::NetworkNamespace => "network-namespace",
            Self::Landlock => "landlock",
            Self::LandlockTcp => "landlock-tcp",
        }
    }

    /// Returns the name of the software, for people.
    #[cfg(target_os = "linux")]
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bubblewrap => "Bubblewrap",
            Self::NetworkNamespace => "a network namespace of Bubblewrap",
            Self::Landlock | Self::LandlockTcp => "Landlock",
            Self::NodePermission | Self::NetworkProxy => "Node",
        }
    }

    /// Returns whether no process of the engine reads files of the machine, even where the engine has a fault.
    pub(crate) fn holds_files(self) -> bool {
        matches!(self, Self::Landlock | Self::Bubblewrap)
    }

    /// Returns whether a page does not reach services of the machine and of its network.
    pub(crate) fn holds_network(self) -> bool {
        matches!(self, Self::NetworkProxy | Self::NetworkNamespace | Self::LandlockTcp)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which public addresses a page may reach. Loopback and private addresses are never reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Network {
    /// None.
    None,
    /// Public addresses, on the ports 80 and 443: most compositions load a script or a font.
    #[default]
    Public,
}

/// What the user and the event say about containing the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SandboxOptions {
    /// What pages reach.
    pub(crate) network: Network,
    /// Whether the user renders without any layer. Has no effect on pages that may be from a fork.
    pub(crate) is_off: bool,
    /// Whether the pages may be from a fork, and require a layer for files and one for the network.
    pub(crate) is_for_strangers: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_network_are_held_by_different_layers() {
        for layer in Layer::ALL {
            assert!(!(layer.holds_files() && layer.holds_network()), "{layer}");
        }
        assert!(!Layer::NodePermission.holds_files(), "FFmpeg follows playlists");
    }
}
