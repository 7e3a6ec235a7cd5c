//! The modules of a crate, and which file defines what a path names.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};

use super::paths::{self, Reference, ReferenceKind};
use super::source::SourceFile;

/// How many imports may lead to each other before a path counts as unknown.
const DEEPEST: usize = 16;

/// A crate.
#[derive(Debug)]
pub(super) struct Crate {
    /// The files that are compiled outside of tests.
    pub(super) files: Vec<File>,
    modules: Vec<Module>,
}

/// A file of a crate.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its path from the workspace.
    pub(super) path: String,
    /// The folder or file directly below the crate's root that it belongs to.
    pub(super) layer: String,
    pub(super) lines: usize,
}

#[derive(Debug)]
struct Module {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    defined: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    references: Vec<Reference>,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Module(usize),
    /// An item, with the module that defines it.
    Item(usize, String),
    /// Something outside the crate, or a name that is not an import: a local variable, a prelude type.
    Outside(Vec<String>),
}

/// A use of something that another file or another crate defines.
#[derive(Debug)]
pub(super) struct Use {
    /// The file that uses it, as an index of [`Crate::files`].
    pub(super) from: usize,
    /// The line, from 1.
    pub(super) line: usize,
    pub(super) used: Used,
}

/// What is used.
#[derive(Debug)]
pub(super) enum Used {
    /// An item of another file of the crate, which is an index of [`Crate::files`].
    Item { file: usize, name: String },
    /// A path into another crate.
    Outside(Vec<String>),
}

impl Crate {
    /// Builds the module tree of the files below `folder`.
    ///
    /// # Errors
    /// Returns an error if a file is not Rust, or lies in a folder that is not a module.
    pub(super) fn new(folder: &str, sources: &[SourceFile]) -> Result<Self> {
        let mut parsed = Vec::new();
        let mut tests = Vec::new();
        for source in sources {
            let Some(path) = source.path.strip_prefix(folder).and_then(|path| path.strip_prefix('/')) else {
                continue;
            };
            let module = module_path(path);
            let file = paths::parse(&source.text)
                .map_err(|error| anyhow!("{}:{}: {error}", source.path, error.span().start().line))?;
            tests.extend(file.tests.iter().map(|test| [module.as_slice(), test].concat()));
            parsed.push((module, path, source, file));
        }
        parsed.retain(|(module, ..)| !tests.iter().any(|test| module.starts_with(test)));
        // Parents before their children.
        parsed.sort_by(|one, other| (one.0.len(), one.1).cmp(&(other.0.len(), other.1)));
        let mut tree = Self { files: Vec::new(), modules: Vec::new() };
        for (module, path, source, file) in parsed {
            let layer = path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
            tree.files.push(File { path: source.path.clone(), layer, lines: source.lines() });
            for scope in file.scopes {
                tree.insert(&[module.as_slice(), &scope.inline].concat(), scope)
                    .ok_or_else(|| anyhow!("{}: the folder around it is not a module", source.path))?;
            }
        }
        Ok(tree)
    }

    /// Adds what the newest file says in one of its modules.
    fn insert(&mut self, path: &[String], scope: paths::Scope) -> Option<()> {
        let parent = match path.split_last() {
            None => None,
            Some((_, parents)) => Some(
                parents
                    .iter()
                    .try_fold(0, |module, name| self.modules.get(module)?.children.get(name).copied())?,
            ),
        };
        let module = self.modules.len();
        if let (Some(parent), Some(name)) = (parent, path.last()) {
            self.modules.get_mut(parent)?.children.insert(name.clone(), module);
        }
        self.modules.push(Module {
            file: self.files.len() - 1,
            parent,
            children: BTreeMap::new(),
            defined: scope.defined.into_iter().collect(),
            imports: scope.imports.into_iter().collect(),
            globs: scope.globs,
            references: scope.references,
        });
        Some(())
    }

    /// Everything that files use of other files and of other crates. A path that only leads to a module is no use, nor
    /// is a `pub use` of what lies below the module itself.
    pub(super) fn uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        for (index, module) in self.modules.iter().enumerate() {
            for reference in &module.references {
                let used = match self.resolve(index, &reference.segments, 0) {
                    Target::Module(_) => continue,
                    Target::Item(owner, _) if self.modules[owner].file == module.file => continue,
                    Target::Item(owner, _)
                        if reference.kind == ReferenceKind::Reexport && self.is_below(owner, index) =>
                    {
                        continue;
                    }
                    Target::Item(owner, name) => Used::Item { file: self.modules[owner].file, name },
                    // A single name is a variable or of the prelude.
                    Target::Outside(path) if path.len() < 2 && reference.kind == ReferenceKind::Code => {
                        continue;
                    }
                    Target::Outside(path) => Used::Outside(path),
                };
                uses.push(Use { from: module.file, line: reference.line, used });
            }
        }
        uses
    }

    /// The file that defines what a path from the root of the crate names; for a module, its file.
    pub(super) fn definition(&self, path: &[String]) -> Option<usize> {
        let module = match self.descend(0, path, 0) {
            Target::Module(module) | Target::Item(module, _) => module,
            Target::Outside(_) => return None,
        };
        Some(self.modules.get(module)?.file)
    }

    fn is_below(&self, mut module: usize, ancestor: usize) -> bool {
        while let Some(parent) = self.modules[module].parent {
            if parent == ancestor {
                return true;
            }
            module = parent;
        }
        false
    }

    /// What a path in a module names.
    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Module(module) };
        if depth > DEEPEST {
            return Target::Outside(path.to_vec());
        }
        match first.as_str() {
            "crate" => self.descend(0, rest, depth),
            "self" => self.descend(module, rest, depth),
            "super" => self.descend(self.parent_of(module), rest, depth),
            _ => match self.lookup(module, first, rest.is_empty(), depth) {
                Some(found) => self.follow(found, rest, depth),
                None => Target::Outside(path.to_vec()),
            },
        }
    }

    fn parent_of(&self, module: usize) -> usize {
        self.modules[module].parent.unwrap_or(0)
    }

    /// What the rest of a path names, from a module on. What a module holds and does not show, a macro defines.
    fn descend(&self, module: usize, path: &[String], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Module(module) };
        if first == "super" {
            return self.descend(self.parent_of(module), rest, depth);
        }
        match self.lookup(module, first, rest.is_empty(), depth) {
            Some(found) => self.follow(found, rest, depth),
            None => Target::Item(module, first.clone()),
        }
    }

    fn follow(&self, found: Target, rest: &[String], depth: usize) -> Target {
        match found {
            Target::Module(module) => self.descend(module, rest, depth),
            Target::Outside(path) => Target::Outside([path.as_slice(), rest].concat()),
            item @ Target::Item(..) => item,
        }
    }

    /// What a name stands for in a module. A module and an item may share a name: at the end of a path it is the item.
    fn lookup(&self, module: usize, name: &str, is_last: bool, depth: usize) -> Option<Target> {
        if depth > DEEPEST {
            return None;
        }
        let found = &self.modules[module];
        let child = found.children.get(name).map(|child| Target::Module(*child));
        let item = || {
            if found.defined.contains(name) {
                return Some(Target::Item(module, name.to_owned()));
            }
            let import = found.imports.get(name)?;
            // `use name;` of another crate leads to itself.
            if import.first().is_some_and(|first| first == name) && child.is_none() {
                return Some(Target::Outside(import.clone()));
            }
            Some(self.resolve(module, import, depth + 1))
        };
        let named = if is_last { item().or(child.clone()) } else { child.clone().or_else(item) };
        named.or_else(|| {
            found.globs.iter().find_map(|glob| match self.resolve(module, glob, depth + 1) {
                Target::Module(other) if other != module => self.lookup(other, name, is_last, depth + 1),
                _ => None,
            })
        })
    }
}

/// The path of the module in a file, of which the path is from the crate's root.
fn module_path(file: &str) -> Vec<String> {
    let mut path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect::<Vec<_>>();
    if path.last().is_some_and(|last| last == "mod")
        || ["main", "lib"].map(|root| vec![root.to_owned()]).contains(&path)
    {
        path.pop();
    }
    path
}
