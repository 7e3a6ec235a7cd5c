//! The graphs of a crate: its layers, its files, and what it uses of other crates.

use std::collections::BTreeMap;

use super::graph::{Dependency, Graph};
use super::rules::CORE;
use super::tree::{Crate, File, Used};

/// The dependencies of a crate.
#[derive(Debug)]
pub(super) struct CrateGraph {
    /// Its root, from the workspace.
    pub(super) folder: String,
    pub(super) files: Vec<File>,
    /// Dependencies between layers.
    pub(super) layers: Graph,
    /// Dependencies between all files.
    pub(super) whole: Graph,
    /// Dependencies between the files of each layer.
    pub(super) inside: BTreeMap<String, Graph>,
    /// Paths that lead out of the crate: the name of a dependency is the first segment.
    pub(super) external: Vec<Dependency>,
    /// Dependencies of layers on layers of the core.
    pub(super) core: Graph,
}

impl CrateGraph {
    /// Sorts the uses of a crate into graphs. Paths into `core` are followed to the layer that defines the item.
    pub(super) fn new(folder: &str, tree: &Crate, core: Option<&Crate>) -> Self {
        let (mut layers, mut whole, mut uses_of_core) =
            (Graph::default(), Graph::default(), Graph::default());
        let mut inside = BTreeMap::<String, Graph>::new();
        let mut external = Vec::new();
        for file in &tree.files {
            layers.node(&file.layer);
            whole.node(&file.path);
        }
        for used in tree.uses() {
            let from = &tree.files[used.from];
            let dependency =
                |name: &str| Dependency { name: name.to_owned(), path: from.path.clone(), line: used.line };
            match &used.used {
                Used::Item { file, name } => {
                    let to = &tree.files[*file];
                    whole.add(&from.path, &to.path, dependency(name));
                    if from.layer == to.layer {
                        inside.entry(from.layer.clone()).or_default().add(
                            &from.path,
                            &to.path,
                            dependency(name),
                        );
                    } else {
                        layers.add(&from.layer, &to.layer, dependency(name));
                    }
                }
                Used::Outside(path) => {
                    let Some((name, rest)) = path.split_first() else { continue };
                    if let Some(core) = core.filter(|_| name == CORE)
                        && let (Some(file), Some(item)) = (core.definition(rest), rest.last())
                    {
                        uses_of_core.add(&from.layer, &core.files[file].layer, dependency(item));
                    }
                    external.push(dependency(name));
                }
            }
        }
        Self {
            folder: folder.to_owned(),
            files: tree.files.clone(),
            layers,
            whole,
            inside,
            external,
            core: uses_of_core,
        }
    }

    /// The layer of a file.
    pub(super) fn layer_of(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.layer.as_str())
    }
}
