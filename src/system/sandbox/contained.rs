//! One run of a contained program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::layer::{Layer, Network};
use super::ports::Ports;
use super::proxy::FilteringProxy;
use super::readable;
use super::readable::ContainedPrograms;
#[cfg(target_os = "linux")]
use super::relay::{Entrance, Relay};
#[cfg(target_os = "linux")]
use super::restriction::Restriction;
#[cfg(target_os = "linux")]
use super::{bubblewrap, launcher};
use crate::system::programs::WorkDir;
use crate::system::temporary::{self, TemporaryFolder};

/// The script that limits Node.
const GUARD: &str = include_str!("guard.js");

/// Maximum size of a file, in bytes: 16 GiB, a lossless film in 4K of several minutes.
#[cfg(target_os = "linux")]
const MAX_FILE_SIZE: u64 = 16 << 30;

/// Variables of the environment that would lead around the layers, or to directories that the program cannot read.
const REMOVED: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "HYPERFRAMES_EXTRACT_CACHE_DIR",
];

/// A contained program, and the proxy that it uses; dropping it stops the proxy.
#[derive(Debug)]
pub(crate) struct Contained {
    node: PathBuf,
    /// The files of the sandbox, which the program cannot change; `None` without layers.
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    folder: TemporaryFolder,
    home: PathBuf,
    proxy: FilteringProxy,
    /// The way to the proxy from a network namespace.
    #[cfg(target_os = "linux")]
    _entrance: Option<Entrance>,
    /// Settings of the guard.
    guard: String,
    /// Flags of Node's permission model.
    permissions: Vec<String>,
    /// What the kernel enforces; `None` if the program starts without the launcher.
    #[cfg(target_os = "linux")]
    restriction: Option<Restriction>,
    /// Whether the launcher starts in namespaces.
    #[cfg(target_os = "linux")]
    is_wrapped: bool,
}

impl Contained {
    /// Starts the proxy and writes the files of the sandbox.
    ///
    /// # Errors
    /// Returns an error if a file or a directory cannot be written, or there is no free port.
    pub(super) fn new(
        network: Network,
        layers: &[Layer],
        programs: &ContainedPrograms,
        work_dir: &WorkDir,
    ) -> io::Result<Self> {
        let node = programs.node.clone();
        if layers.is_empty() {
            return Ok(Self { node, state: None });
        }
        let folder = temporary::create_folder("hyperframes-ci-sandbox-")?;
        let home = work_dir.temporary().join("home");
        fs::create_dir_all(&home)?;
        let proxy = FilteringProxy::start(network)?;
        let ports = Ports::choose()?;
        fs::write(folder.path().join("guard.js"), GUARD)?;
        let work = real(work_dir.path());
        let own = real(folder.path());
        #[cfg(target_os = "linux")]
        let has = |layer| layers.contains(&layer);
        #[cfg(target_os = "linux")]
        let relay =
            has(Layer::NetworkNamespace).then(|| Relay { port: proxy.port(), socket: own.join("proxy") });
        #[cfg(target_os = "linux")]
        let entrance = match &relay {
            Some(relay) => Some(Entrance::open(relay.socket.clone(), relay.port)?),
            None => None,
        };
        #[cfg(target_os = "linux")]
        let restriction = {
            let is_launched = has(Layer::Landlock) || has(Layer::Bubblewrap);
            is_launched.then(|| Restriction {
                readable: readable::readable(programs).into_iter().chain([own.clone()]).collect(),
                writable: vec![work.clone()],
                has_landlock: has(Layer::Landlock),
                ports: has(Layer::LandlockTcp).then(|| ports.all().chain([proxy.port()]).collect()),
                relay,
                max_file_size: MAX_FILE_SIZE,
            })
        };
        #[cfg(target_os = "linux")]
        if let Some(restriction) = &restriction {
            fs::write(folder.path().join("policy.json"), serde_json::to_vec(restriction)?)?;
        }
        let guard = guard_settings(&programs.browser, &proxy, &ports, network);
        let mut permissions = Vec::new();
        if layers.contains(&Layer::NodePermission) {
            permissions = node_permissions(programs, &work, &own);
        }
        let state = State {
            folder,
            home,
            proxy,
            #[cfg(target_os = "linux")]
            _entrance: entrance,
            guard,
            permissions,
            #[cfg(target_os = "linux")]
            restriction,
            #[cfg(target_os = "linux")]
            is_wrapped: layers.contains(&Layer::Bubblewrap),
        };
        Ok(Self { node, state: Some(state) })
    }

    /// Returns a command that runs Node in the layers; the script and its arguments follow. Before it starts, its
    /// environment must be completed by [`Contained::set_environment`].
    pub(crate) fn command(&self) -> Command {
        let mut command = self.launch(&self.node);
        command.args(self.state.iter().flat_map(|state| &state.permissions));
        command
    }

    /// Returns a command that runs a program in the layers of the kernel.
    pub(super) fn launch(&self, program: &Path) -> Command {
        #[cfg(target_os = "linux")]
        if let Some(state) = &self.state
            && let Some(restriction) = &state.restriction
        {
            let policy = real(state.folder.path()).join("policy.json");
            let outer = state.is_wrapped.then(|| bubblewrap::command(restriction));
            return launcher::command(outer, &policy, program);
        }
        Command::new(program)
    }

    /// Completes the environment of a command, which has all other variables already.
    pub(crate) fn set_environment(&self, command: &mut Command) {
        let Some(state) = &self.state else { return };
        for name in REMOVED {
            command.env_remove(name);
        }
        let proxy = format!("http://127.0.0.1:{}", state.proxy.port());
        let guard = real(state.folder.path()).join("guard.js");
        let guard_path = guard.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
        command
            .env("HOME", &state.home)
            .env("NODE_OPTIONS", format!("--require=\"{guard_path}\""))
            .env("NODE_USE_ENV_PROXY", "1")
            .env("NO_PROXY", "127.0.0.1,localhost,::1")
            .env("HYPERFRAMES_CI_GUARD", &state.guard);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env(name, &proxy);
        }
    }
}

/// Returns the path without links: rules of the layers are about real paths.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Returns the flags of Node's permission model.
fn node_permissions(programs: &ContainedPrograms, work: &Path, own: &Path) -> Vec<String> {
    let mut flags =
        vec!["--permission".to_owned(), "--allow-child-process".to_owned(), "--allow-worker".to_owned()];
    // Images are scaled by a native library. Node warns of each of these flags in the output of the engine.
    flags.extend(["--allow-addons", "--disable-warning=SecurityWarning"].map(str::to_owned));
    flags.push(format!("--allow-fs-write={}", work.display()));
    let system = ["/usr/bin", "/sys/fs/cgroup"].map(PathBuf::from);
    let system = system.into_iter().filter(|_| cfg!(unix));
    let readable = readable::of_programs(programs).into_iter().chain(system);
    let readable = readable.chain([work.to_owned(), own.to_owned()]);
    flags.extend(readable.map(|path| format!("--allow-fs-read={}", path.display())));
    flags
}

/// Returns the settings of the guard as JSON.
fn guard_settings(browser: &Path, proxy: &FilteringProxy, ports: &Ports, network: Network) -> String {
    let own =
        ports.servers.iter().flat_map(|port| [format!("127.0.0.1:{port}"), format!("localhost:{port}")]);
    let bypass = std::iter::once("<-loopback>".to_owned()).chain(own).collect::<Vec<_>>().join(";");
    let flags = [
        format!("--proxy-server=http://127.0.0.1:{}", proxy.port()),
        // Loopback too goes to the proxy, which refuses it, except for the engine's own servers.
        format!("--proxy-bypass-list={bypass}"),
        // The browser resolves no name itself: a look-up can carry data.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost".to_owned(),
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-background-networking".to_owned(),
    ];
    json!({
        "browser": browser,
        "proxy": proxy.port(),
        "servers": ports.servers,
        "browsers": ports.browsers,
        "flags": flags,
        "isOffline": network == Network::None,
    })
    .to_string()
}
