//! The ports of a contained process, chosen before it starts.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Number of ports for the servers of Node, and of ports for the control of browsers.
const COUNT: usize = 16;

/// Ports on loopback that a contained process listens on.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    /// Servers of pages; the browser connects to them without the proxy.
    pub(super) servers: Vec<u16>,
    /// Control of browsers by Node; no page reaches them.
    pub(super) browsers: Vec<u16>,
}

impl Ports {
    /// Returns ports that are free now. Where another process takes one before it is used, the next one is used.
    ///
    /// # Errors
    /// Returns an error if the system has no free ports.
    pub(super) fn choose() -> io::Result<Self> {
        let bound = (0..2 * COUNT).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let bound = bound.collect::<io::Result<Vec<_>>>()?;
        let ports = bound.iter().map(|listener| listener.local_addr().map(|address| address.port()));
        let mut servers = ports.collect::<io::Result<Vec<_>>>()?;
        let browsers = servers.split_off(COUNT);
        Ok(Self { servers, browsers })
    }

    /// Returns all ports.
    #[cfg(target_os = "linux")]
    pub(super) fn all(&self) -> impl Iterator<Item = u16> {
        self.servers.iter().chain(&self.browsers).copied()
    }
}
