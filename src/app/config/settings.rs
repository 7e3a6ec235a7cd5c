//! The configuration of one repository, and what a render comes to with it.

use std::path::{Path, PathBuf};

use super::file::{Entry, File, Setting};
use super::load::read;
use crate::app::options::{Given, OPTIONS, Origin, layered};
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::fault::Error;
use crate::heygen::environment;
use crate::project::collect;

/// A configuration and the repository that it is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// What the file says.
    pub(crate) file: File,
    /// The root that its paths start from.
    pub(crate) root: PathBuf,
    /// The directory that the CI service works in.
    pub(crate) workspace: Option<PathBuf>,
}

impl Settings {
    /// Reads the configuration of the repository around `directory`, or `other` in its place.
    ///
    /// # Errors
    /// Returns an error if it cannot be used.
    pub(crate) fn read(
        directory: &Path,
        other: Option<&Path>,
        workspace: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let root = collect::boundary(directory, workspace.as_deref());
        let file = read(&root, other)?;
        // Paths are shown as short as they can be.
        let here = std::env::current_dir().is_ok_and(|here| here == root);
        Ok(Self { file, root: if here { PathBuf::new() } else { root }, workspace })
    }

    /// The same file for another checkout of the repository.
    pub(crate) fn at(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), ..self.clone() }
    }

    /// Completes a specification: `own` values (flags or inputs) over the environment, `entry`, and the defaults. Returns
    /// those that count.
    ///
    /// # Errors
    /// Returns a usage error that says where an invalid value was set.
    pub(crate) fn resolve(
        &self,
        mut spec: RenderSpec,
        own: &[Given],
        entry: Option<&Entry>,
    ) -> Result<(RenderSpec, Vec<Given>), Error> {
        let given = own.iter().cloned().chain(self.layers(entry)).collect();
        if let (ProjectSource::CurrentDirectory, Some(entry)) = (&spec.source, entry) {
            spec.source = ProjectSource::Directory(self.root.join(&entry.project));
        }
        let counts = layered(&mut spec, given)?;
        let checks = [Some(&self.file.check), entry.map(|entry| &entry.check)];
        spec.severities.known = Some(checks.into_iter().flatten().cloned().collect());
        spec.workspace.clone_from(&self.workspace);
        Ok((spec, counts))
    }

    /// What is set beside flags; what comes first counts.
    fn layers(&self, entry: Option<&Entry>) -> Vec<Given> {
        let environment = OPTIONS.iter().filter(|option| option.scope.is_key()).filter_map(|option| {
            let name = option.variable();
            // A workflow sets what it was not given to nothing.
            let value = environment::variable(&name).filter(|value| !value.trim().is_empty())?;
            Some(Given { option, value: value.into(), origin: Origin::Environment(name) })
        });
        let of_file = |setting: &Setting| Given {
            option: setting.option,
            value: if setting.option.kind.is_path() {
                self.root.join(&setting.value).into_os_string()
            } else {
                setting.value.clone().into()
            },
            origin: Origin::File(self.file.path.clone(), setting.line),
        };
        let entry = entry.into_iter().flat_map(|entry| &entry.settings);
        environment.chain(entry.chain(&self.file.defaults).map(of_file)).collect()
    }
}
