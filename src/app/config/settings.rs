//! The configuration of a repository, applied to the specification of a render.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{Entry, File, Setting};
use super::load::read;
use crate::app::options::{Given, OPTIONS, Origin, apply_layers};
use crate::app::spec::{ProjectSource, RenderSpec};
use crate::fault::Error;
use crate::heygen::environment;
use crate::project::collect;
use crate::system::gate::Reach;

/// A configuration and its repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The parsed file.
    pub(crate) file: File,
    /// The directory that its paths are relative to.
    pub(crate) root: PathBuf,
    /// The workspace of the CI service.
    pub(crate) workspace: Option<PathBuf>,
    /// The directory of the CI service for temporary files, which inputs may name as well.
    pub(crate) temporary: Option<PathBuf>,
}

impl Settings {
    /// Reads the configuration of the repository around `directory`, or the file `other`.
    ///
    /// # Errors
    /// Returns an error if the file is invalid or cannot be read.
    pub(crate) fn read(
        directory: &Path,
        other: Option<&Path>,
        workspace: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let root = collect::boundary(directory, workspace.as_deref());
        let file = read(&root, other, &Reach::of_user(workspace.as_deref()))?;
        // Relative to the current directory if possible, so that messages have short paths.
        let is_current = std::env::current_dir().is_ok_and(|current| current == root);
        Ok(Self { file, root: if is_current { PathBuf::new() } else { root }, workspace, temporary: None })
    }

    /// Returns the same configuration, without its media, for another checkout of the repository.
    pub(crate) fn at(&self, root: &Path) -> Self {
        let mut other = Self { root: root.to_owned(), ..self.clone() };
        // Its files are those of another time.
        other.file.declared = Arc::default();
        other
    }

    /// Completes a specification with `given` values (flags or inputs), which override the environment, then `entry`, then
    /// the defaults. Returns it with the values that apply.
    ///
    /// # Errors
    /// Returns a usage error with the origin of the first invalid value.
    pub(crate) fn resolve(
        &self,
        mut spec: RenderSpec,
        given: &[Given],
        entry: Option<&Entry>,
    ) -> Result<(RenderSpec, Vec<Given>), Error> {
        let values = given.iter().cloned().chain(self.layers(entry)).collect();
        if let (ProjectSource::CurrentDirectory, Some(entry)) = (&spec.source, entry) {
            spec.source = ProjectSource::Directory(self.root.join(&entry.project));
            spec.reaches.insert("project", self.repository());
        }
        let applied = apply_layers(&mut spec, values)?;
        for given in applied.iter().filter(|given| given.option.kind.is_path()) {
            let reach = match &given.origin {
                Origin::File(..) => self.repository(),
                Origin::Input => self.inputs(),
                Origin::Environment(_) => {
                    Reach::of_variable(self.workspace.as_deref(), Path::new(&given.value))
                }
                Origin::Flag | Origin::Default => continue,
            };
            spec.reaches.insert(given.option.name, reach);
        }
        let checks = [Some(&self.file.check), entry.map(|entry| &entry.check)];
        spec.severities.known = Some(checks.into_iter().flatten().cloned().collect());
        spec.severities.media = Arc::clone(&self.file.declared);
        spec.workspace.clone_from(&self.workspace);
        Ok((spec, applied))
    }

    /// Returns where paths of the configuration may lead.
    fn repository(&self) -> Reach {
        Reach::inside(&self.root, "the repository")
    }

    /// Returns where paths of inputs may lead.
    pub(crate) fn inputs(&self) -> Reach {
        let reach = Reach::inside(self.workspace.as_deref().unwrap_or(&self.root), "the workspace");
        let temporary = self.temporary.as_deref();
        temporary.map_or(reach.clone(), |folder| reach.or(folder, "the temporary directory of the job"))
    }

    /// Returns the values of the environment, the entry and the defaults; earlier ones take precedence.
    fn layers(&self, entry: Option<&Entry>) -> Vec<Given> {
        let environment = OPTIONS.iter().filter(|option| option.scope.is_key()).filter_map(|option| {
            let name = option.variable();
            // Workflows set variables without a value to an empty string.
            let value = environment::variable(&name).filter(|value| !value.trim().is_empty())?;
            Some(Given { option, value: value.into(), origin: Origin::Environment(name) })
        });
        let from_file = |setting: &Setting| Given {
            option: setting.option,
            value: if setting.option.kind.is_path() {
                self.root.join(&setting.value).into_os_string()
            } else {
                setting.value.clone().into()
            },
            origin: Origin::File(self.file.path.clone(), setting.line),
        };
        let entry = entry.into_iter().flat_map(|entry| &entry.settings);
        environment.chain(entry.chain(&self.file.defaults).map(from_file)).collect()
    }
}
