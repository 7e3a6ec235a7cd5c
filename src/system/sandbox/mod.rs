//! The sandbox of the engine: layers between the pages that it renders and the machine.
//!
//! Pages are programs, and the engine runs whatever they say. [`Sandbox::find`] chooses the layers that work on this
//! machine, and [`Sandbox::contain`] starts a Node program inside of them.

mod address;
#[cfg(target_os = "linux")]
mod bubblewrap;
mod contained;
mod error;
#[cfg(target_os = "linux")]
mod landlock;
mod launcher;
mod layer;
mod limits;
mod ports;
mod proxy;
mod readable;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod restriction;
#[cfg(target_os = "linux")]
mod seccomp;
mod trial;
mod tunnel;

pub(crate) use contained::Contained;
pub(crate) use error::SandboxError;
pub(crate) use launcher::launch;
pub(crate) use layer::{Layer, Network, SandboxOptions};
pub(crate) use limits::{Excess, Watch};
pub(crate) use readable::ContainedPrograms;
pub(crate) use trial::{ProgramVersions, version_line};

use crate::system::deadline::Deadline;
use crate::system::programs::WorkDir;

/// The layers that work on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    options: SandboxOptions,
    layers: Vec<Layer>,
    programs: ContainedPrograms,
    versions: ProgramVersions,
    /// Why a layer that this system may have is missing.
    missing: Option<String>,
}

impl Sandbox {
    /// Finds the strongest layers that work with `programs`, until `deadline`: a program that has not printed its version by
    /// then counts as one that does not start.
    ///
    /// # Errors
    /// Returns [`SandboxError::Strangers`] if pages that may be from a fork would lack a layer for files or one for the
    /// network.
    pub(crate) fn find(
        options: SandboxOptions,
        programs: ContainedPrograms,
        deadline: Deadline,
    ) -> Result<Self, SandboxError> {
        let mut sandbox = Self {
            options,
            layers: Vec::new(),
            programs,
            versions: ProgramVersions::default(),
            missing: None,
        };
        if options.is_off && !options.is_for_strangers {
            sandbox.versions = ProgramVersions::outside(&sandbox.programs, deadline);
            return Ok(sandbox);
        }
        sandbox.layers = Layer::EVERYWHERE.to_vec();
        let mut missing = Vec::new();
        match sandbox.layers_of_kernel(&mut missing, deadline) {
            Some((layers, versions)) => (sandbox.layers, sandbox.versions) = (layers, versions),
            None => sandbox.versions = ProgramVersions::outside(&sandbox.programs, deadline),
        }
        sandbox.missing = (!missing.is_empty()).then(|| missing.join("; "));
        if options.is_for_strangers {
            sandbox.check_for_strangers()?;
        }
        Ok(sandbox)
    }

    /// Returns the layers, the weakest first; none if the user has turned them off.
    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Returns whether the engine may find devices such as a graphics card: layers for files have none.
    pub(crate) fn has_devices(&self) -> bool {
        !self.holds_files()
    }

    /// Returns whether a layer protects the files of the machine.
    fn holds_files(&self) -> bool {
        self.layers.iter().any(|layer| layer.holds_files())
    }

    /// Returns the versions of the programs.
    pub(crate) fn versions(&self) -> &ProgramVersions {
        &self.versions
    }

    /// Returns why a layer of the kernel is missing.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// Checks that pages that may be from a fork may be rendered.
    ///
    /// # Errors
    /// Returns [`SandboxError::Strangers`] if no layer protects files, or none protects the network.
    pub(crate) fn check_for_strangers(&self) -> Result<(), SandboxError> {
        let holds_network = self.layers.iter().any(|layer| layer.holds_network());
        if self.holds_files() && holds_network {
            return Ok(());
        }
        let reason = self.missing.clone().unwrap_or_else(|| "it is turned off".to_owned());
        Err(SandboxError::Strangers(reason))
    }

    /// Prepares a command that runs Node in the layers, for the files in `work_dir`.
    ///
    /// # Errors
    /// Returns an error if the proxy cannot be started or its files cannot be written.
    pub(crate) fn contain(&self, work_dir: &WorkDir) -> Result<Contained, SandboxError> {
        Contained::new(self.options.network, &self.layers, &self.programs, work_dir)
            .map_err(SandboxError::Start)
    }

    /// Returns the layers if some of the kernel hold with these programs, and the versions of the programs. Adds why a layer
    /// is missing to `missing`.
    #[cfg(target_os = "linux")]
    fn layers_of_kernel(
        &self,
        missing: &mut Vec<String>,
        deadline: Deadline,
    ) -> Option<(Vec<Layer>, ProgramVersions)> {
        let support = landlock::Support::of_this_kernel();
        let mut landlock = Vec::new();
        if !support.files || !is_allowed(Layer::Landlock) {
            missing.push("this kernel does not have Landlock, interface 3 (Linux 6.2)".to_owned());
        } else {
            landlock.push(Layer::Landlock);
            landlock.extend(Some(Layer::LandlockTcp).filter(|layer| support.tcp && is_allowed(*layer)));
        }
        let has_bubblewrap = bubblewrap::program().is_some() && is_allowed(Layer::Bubblewrap);
        if !has_bubblewrap {
            missing.push("Bubblewrap is not installed".to_owned());
        }
        let mut candidates = Vec::new();
        if has_bubblewrap && is_allowed(Layer::NetworkNamespace) {
            candidates.push([&[Layer::NetworkNamespace, Layer::Bubblewrap], &landlock[..]].concat());
        }
        if has_bubblewrap {
            candidates.push([&[Layer::Bubblewrap], &landlock[..]].concat());
        }
        candidates.extend((!landlock.is_empty()).then_some(landlock));
        candidates.into_iter().find_map(|added| {
            let mut layers = [&Layer::EVERYWHERE[..], &added].concat();
            layers.sort_unstable();
            let trial = Self { layers: layers.clone(), missing: None, ..self.clone() };
            let tried = WorkDir::new().map_err(SandboxError::Start).and_then(|work_dir| {
                let contained = trial.contain(&work_dir)?;
                Ok(trial::try_programs(&contained, &self.programs, added[0], deadline))
            });
            match tried.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(versions) => Some((layers, versions)),
                Err(reason) => {
                    missing.push(reason);
                    None
                }
            }
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn layers_of_kernel(
        &self,
        missing: &mut Vec<String>,
        deadline: Deadline,
    ) -> Option<(Vec<Layer>, ProgramVersions)> {
        missing.push(format!("{} does not support a sandbox for files", std::env::consts::OS));
        None
    }
}

/// Returns whether a test allows a layer of the kernel, by `HYPERFRAMES_CI_TEST_LAYERS=landlock,…`. Builds for users allow
/// all of them.
#[cfg(target_os = "linux")]
fn is_allowed(layer: Layer) -> bool {
    let allowed = std::env::var("HYPERFRAMES_CI_TEST_LAYERS").ok().filter(|_| cfg!(debug_assertions));
    allowed.is_none_or(|allowed| allowed.split(',').any(|name| name == layer.name()))
}
