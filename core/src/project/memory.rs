//! A repository in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::credential::credential;
use super::ignore::{IGNORE_FILE, IgnoreRules};
use super::path::{below, join};
use super::tree::{Found, HEAD, Listing, ProjectFile, Tree, unportable_name};
use super::untracked::untracked_remedy;
use crate::findings::Diagnostic;
use crate::media::Edges;

/// The contents of a file in memory.
#[derive(Clone, Debug)]
pub enum Contents {
    /// The complete contents.
    Whole(Vec<u8>),
    /// A file whose contents are not needed.
    Stub {
        /// Size in bytes.
        size: u64,
        /// The first bytes, as far as they are known.
        head: Vec<u8>,
        /// The last bytes, as far as they are known.
        tail: Vec<u8>,
    },
}

impl Contents {
    fn size(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Stub { size, .. } => *size,
        }
    }

    /// Returns the first [`HEAD`] bytes, as far as they are known.
    fn head(&self) -> &[u8] {
        let bytes = match self {
            Self::Whole(bytes) => bytes,
            Self::Stub { head, .. } => head,
        };
        &bytes[..bytes.len().min(HEAD)]
    }
}

/// A repository in memory.
#[derive(Debug)]
pub struct MemoryTree {
    contents: BTreeMap<String, Contents>,
    listing: Listing,
    untracked: BTreeSet<String>,
    /// Links that lead outside of the repository, with a `/` at their ends.
    outside: Vec<String>,
}

impl MemoryTree {
    /// Creates a repository from files by repository path, with the project at the repository path `project`.
    #[must_use]
    pub fn new(contents: BTreeMap<String, Contents>, project: &str) -> Self {
        let ignore_file = match contents.get(&join(project, IGNORE_FILE)) {
            Some(Contents::Whole(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        let rules = IgnoreRules::new(ignore_file.as_deref());
        let mut files = Vec::new();
        let mut diagnostics = Vec::new();
        for (path, contents) in &contents {
            let Some(inside) = below(project, path).filter(|path| rules.exclusion_of_file(path).is_none())
            else {
                continue;
            };
            let head = || Some(contents.head().to_vec());
            match unportable_name(inside).or_else(|| credential(inside, head)) {
                Some(found) => diagnostics.push(Diagnostic { path: path.clone(), ..found }),
                None => files.push(ProjectFile { path: inside.to_owned(), size: contents.size() }),
            }
        }
        let listing = Listing { project: project.to_owned(), files, rules, diagnostics };
        Self { contents, listing, untracked: BTreeSet::new(), outside: Vec::new() }
    }

    /// Adds repository paths of files that exist, but are not part of the commit that the contents are of.
    #[must_use]
    pub fn with_untracked(self, untracked: BTreeSet<String>) -> Self {
        Self { untracked, ..self }
    }

    /// Adds repository paths of links that lead outside of the repository, with a `/` at their ends, and findings about paths
    /// that are no files, such as links that lead nowhere. Findings about ignored paths are left out.
    #[must_use]
    pub fn with_links(mut self, outside: Vec<String>, findings: Vec<Diagnostic>) -> Self {
        let listing = &mut self.listing;
        listing.diagnostics.extend(findings.into_iter().filter(|found| {
            let inside = below(&listing.project, &found.path);
            inside.is_some_and(|path| listing.rules.exclusion_of_file(path).is_none())
        }));
        Self { outside, ..self }
    }

    /// Returns the file at a repository path.
    #[must_use]
    pub fn contents(&self, path: &str) -> Option<&Contents> {
        self.contents.get(path)
    }
}

impl Tree for MemoryTree {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn find(&self, path: &str) -> Found {
        if self.contents.contains_key(path) {
            return Found::File;
        }
        let inside = format!("{path}/");
        if self.outside.iter().any(|link| inside.starts_with(link)) {
            return Found::OutOfReach;
        }
        let first = self.contents.range(inside.clone()..).next();
        if first.is_some_and(|(path, _)| path.starts_with(&inside)) { Found::Folder } else { Found::Nothing }
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let inside = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let paths = self.contents.range(inside.clone()..).map(|(path, _)| path);
        let rest = paths.map_while(|path| path.strip_prefix(&inside));
        let mut names =
            rest.map(|rest| rest.split('/').next().unwrap_or(rest).to_owned()).collect::<Vec<_>>();
        names.dedup();
        names
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        match self.contents.get(path)? {
            Contents::Whole(bytes) => Some(bytes.clone()),
            Contents::Stub { .. } => None,
        }
    }

    fn remedy(&self, path: &str) -> Option<String> {
        self.untracked.contains(path).then(|| untracked_remedy(path))
    }

    fn head(&self, path: &str) -> Option<Vec<u8>> {
        Some(self.contents.get(path)?.head().to_vec())
    }

    fn edges(&self, path: &str) -> Option<Edges> {
        Some(match self.contents.get(path)? {
            Contents::Whole(bytes) => Edges::of(bytes),
            Contents::Stub { size, head, tail } => Edges::known(*size, head, tail),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Rule;

    #[test]
    fn a_project_in_memory() {
        let files = [
            "video/index.html",
            "video/.env",
            "video/node_modules/x.js",
            "video/a.psd",
            "logo.svg",
            "video/a\\b",
        ];
        let mut contents = files
            .iter()
            .map(|path| ((*path).to_owned(), Contents::Whole(vec![1; 300])))
            .collect::<BTreeMap<_, _>>();
        contents.insert("video/.hyperframesignore".to_owned(), Contents::Whole(b"*.psd".to_vec()));
        contents
            .insert("video/big.mp4".to_owned(), Contents::Stub { size: 7, head: vec![2], tail: Vec::new() });
        let tree = MemoryTree::new(contents, "video");
        let packed = tree.files().iter().map(|file| (file.path.as_str(), file.size)).collect::<Vec<_>>();
        assert_eq!(packed, [("big.mp4", 7), ("index.html", 300)]);
        assert_eq!(tree.diagnostics()[0].path, "video/a\\b");
        assert_eq!(tree.find("video"), Found::Folder);
        assert_eq!(tree.find("video/a.psd"), Found::File);
        assert_eq!(tree.find("vid"), Found::Nothing);
        assert_eq!(tree.names(""), ["logo.svg", "video"]);
        assert_eq!(tree.head("logo.svg").map(|head| head.len()), Some(HEAD));
        assert_eq!((tree.read("video/big.mp4"), tree.head("video/big.mp4")), (None, Some(vec![2])));
    }
    #[test]
    fn links_are_findings_and_out_of_reach() {
        let contents = ["v/index.html", "v/.hyperframesignore"]
            .map(|path| (path.to_owned(), Contents::Whole(b"old".to_vec())));
        let finding = |path: &str| Diagnostic::new(Rule::DanglingLink, path, "gone");
        let findings = ["v/a", "v/old", "w/a"].map(finding).to_vec();
        let tree = MemoryTree::new(contents.into(), "v").with_links(vec!["v/out/".to_owned()], findings);
        let told = tree.diagnostics().iter().map(|found| found.path.as_str()).collect::<Vec<_>>();
        assert_eq!(told, ["v/a"]);
        assert_eq!((tree.find("v/out"), tree.find("v/out/b")), (Found::OutOfReach, Found::OutOfReach));
        assert_eq!((tree.find("v/outer"), tree.find("v")), (Found::Nothing, Found::Folder));
    }
}
