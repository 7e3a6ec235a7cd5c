//! Collects the files of an archive: those of the project, and other files of the repository that they refer to,
//! which are packed under `_ext/`.
//!
//! References to files that must not be packed stay unchanged; the checks report them.

use std::collections::{BTreeMap, BTreeSet};

use super::link::Link;
use super::path::{below, join, parent, resolve};
use super::reference::{Reference, TextKind, references, rewrite};
use super::resolve::{Destination, Resolver};
use super::tree::Tree;

/// The directory for files from outside the project in the archive, as in the official packer.
const EXTERNAL: &str = "_ext";

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundledFile {
    /// Repository path of the file.
    pub source: String,
    /// The contents to pack instead of the file, if its references were rewritten.
    pub rewritten: Option<Vec<u8>>,
}

/// Returns the files to pack, by path in the archive. `None` if a text file cannot be read, which the tree records.
///
/// ```
/// use hyperframes_ci_core::project::{Contents, MemoryTree, contained};
///
/// let text = |text: &str| Contents::Whole(text.into());
/// let files = [
///     ("videos/launch/index.html".to_owned(), text("<img src=../logo.svg>")),
///     ("videos/logo.svg".to_owned(), text("<svg/>")),
/// ];
/// let files = contained(&MemoryTree::new(files.into(), "videos/launch")).expect("readable texts");
///
/// // The file outside the project is packed as well, and the page refers to it there.
/// assert_eq!(files.keys().collect::<Vec<_>>(), ["_ext/logo.svg", "index.html"]);
/// assert_eq!(files["index.html"].rewritten.as_deref(), Some(&b"<img src=_ext/logo.svg>"[..]));
/// ```
#[must_use]
pub fn contained(tree: &dyn Tree) -> Option<BTreeMap<String, BundledFile>> {
    let mut bundler = Bundler {
        tree,
        resolver: Resolver::new(tree),
        names: BTreeMap::new(),
        taken: BTreeSet::from_iter(tree.files().iter().map(|file| file.path.clone())),
        queue: Vec::new(),
    };
    let mut entries = BTreeMap::new();
    for file in tree.files() {
        entries.insert(file.path.clone(), bundler.entry(&file.path, join(tree.project(), &file.path))?);
    }
    // Files outside the project may refer to others; each is bundled once.
    while let Some((path, source)) = bundler.queue.pop() {
        let entry = bundler.entry(&path, source)?;
        entries.insert(path, entry);
    }
    Some(entries)
}

struct Bundler<'a> {
    tree: &'a dyn Tree,
    resolver: Resolver<'a>,
    /// Path in the archive by repository path, for files from outside the project.
    names: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    queue: Vec<(String, String)>,
}

impl Bundler<'_> {
    /// Returns the file at `source`, which is at `path` in the archive.
    fn entry(&mut self, path: &str, source: String) -> Option<BundledFile> {
        let Some(kind) = TextKind::of_path(path) else {
            return Some(BundledFile { source, rewritten: None });
        };
        let Ok(text) = String::from_utf8(self.tree.read(&source)?) else {
            return Some(BundledFile { source, rewritten: None });
        };
        // Most scripts are libraries; only a reference upwards leaves the project.
        if kind == TextKind::Script && !text.contains("../") && below(self.tree.project(), &source).is_some()
        {
            return Some(BundledFile { source, rewritten: None });
        }
        let found = references(kind, &text);
        let replacements = found
            .iter()
            .filter_map(|reference| Some((reference, self.replacement(path, &source, reference)?)))
            .collect::<Vec<_>>();
        let borrowed =
            replacements.iter().map(|(reference, new)| (*reference, new.as_str())).collect::<Vec<_>>();
        let rewritten = (!borrowed.is_empty()).then(|| rewrite(&text, &borrowed).into_bytes());
        Some(BundledFile { source, rewritten })
    }

    /// Returns the new target of a reference, if it has to change in the archive.
    fn replacement(&mut self, path: &str, source: &str, reference: &Reference) -> Option<String> {
        let Link::Relative(relative) = Link::of(&reference.target) else { return None };
        let project = self.tree.project();
        let wanted = match self.resolver.destination(source, &reference.target) {
            Destination::Outside(target) => self.bundle_external(&target),
            // References between files of the project stay unchanged, because both files keep their paths.
            _ if below(project, source).is_some() => return None,
            Destination::Packed(target) => below(project, &target)?.to_owned(),
            _ => return None,
        };
        let here = parent(path);
        if resolve(here, &relative).as_deref() == Some(&wanted) {
            return None;
        }
        Some(format!("{}{}", relative_url(here, &wanted), suffix(&reference.target)))
    }

    /// Adds the file `target` of the repository to the archive, and returns its path there.
    fn bundle_external(&mut self, target: &str) -> String {
        if let Some(name) = self.names.get(target) {
            return name.clone();
        }
        let name = self.name(target);
        self.names.insert(target.to_owned(), name.clone());
        self.queue.push((name.clone(), target.to_owned()));
        name
    }

    /// Returns `_ext/` and the path relative to the nearest common directory of the project and the file, with a
    /// number if the path is already taken.
    fn name(&mut self, target: &str) -> String {
        let shared = self
            .tree
            .project()
            .split('/')
            .zip(target.split('/'))
            .take_while(|(ours, theirs)| ours == theirs)
            .map(|(segment, _)| segment.len() + 1)
            .sum::<usize>();
        let plain = format!("{EXTERNAL}/{}", &target[shared.min(target.len())..]);
        let (stem, extension) = match plain.rfind('.').filter(|dot| !plain[*dot..].contains('/')) {
            Some(dot) => plain.split_at(dot),
            None => (plain.as_str(), ""),
        };
        let mut name = plain.clone();
        let mut number = 2_u64;
        while self.taken.contains(&name) {
            name = format!("{stem}_{number}{extension}");
            number += 1;
        }
        self.taken.insert(name.clone());
        name
    }
}

/// Returns the query and fragment of a reference.
fn suffix(target: &str) -> &str {
    target.find(['?', '#']).map_or("", |at| &target[at..])
}

/// Returns `to` as a URL relative to the directory `from`.
fn relative_url(from: &str, to: &str) -> String {
    let from = from.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
    let to = to.split('/').collect::<Vec<_>>();
    let shared = from.iter().zip(&to[..to.len() - 1]).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to[shared..].iter().map(|segment| percent_encode(segment))).collect::<Vec<_>>().join("/")
}

/// Percent-encodes characters that would end or change a path in a URL, in HTML or in CSS.
pub(crate) fn percent_encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for character in segment.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() && !"-._~!$&+,;=:@".contains(character)
        {
            encoded.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            encoded.push(character);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Contents, MemoryTree};

    fn tree(files: &[(&str, &str)], project: &str) -> MemoryTree {
        let contents =
            files.iter().map(|(path, text)| ((*path).to_owned(), Contents::Whole(text.as_bytes().to_vec())));
        MemoryTree::new(contents.collect(), project)
    }

    #[test]
    fn relative_urls_lead_from_folder_to_file() {
        assert_eq!(relative_url("", "_ext/a b.png"), "_ext/a%20b.png");
        assert_eq!(relative_url("a/b", "_ext/x.png"), "../../_ext/x.png");
        assert_eq!(relative_url("_ext/css", "_ext/fonts/x?.woff"), "../fonts/x%3F.woff");
        assert_eq!(relative_url("a", "a/x.png"), "x.png");
    }

    #[test]
    fn names_do_not_collide() {
        let links =
            ["../shared/a.png", "../../shared/a.png", "../../logo.svg", "../LICENSE", "../../LICENSE"];
        let html = links.iter().map(|link| format!("<img src={link}>")).collect::<String>();
        let mut files =
            vec![("videos/launch/index.html", html.as_str()), ("videos/launch/_ext/logo.svg", "")];
        files.extend(
            ["videos/shared/a.png", "shared/a.png", "logo.svg", "videos/LICENSE", "LICENSE"]
                .map(|path| (path, "")),
        );
        let tree = tree(&files, "videos/launch");
        let found = contained(&tree).expect("readable");
        let names =
            found.iter().map(|(path, file)| (path.as_str(), file.source.as_str())).collect::<Vec<_>>();
        assert_eq!(
            names,
            [
                ("_ext/LICENSE", "videos/LICENSE"),
                ("_ext/LICENSE_2", "LICENSE"),
                ("_ext/logo.svg", "videos/launch/_ext/logo.svg"),
                ("_ext/logo_2.svg", "logo.svg"),
                ("_ext/shared/a.png", "videos/shared/a.png"),
                ("_ext/shared/a_2.png", "shared/a.png"),
                ("index.html", "videos/launch/index.html"),
            ]
        );
    }

    #[test]
    fn bundled_files_bundle_others_and_lead_back() {
        let tree = tree(
            &[
                ("v/index.html", "<link href=../css/a.css?v=1><img src=logo.png>"),
                ("v/logo.png", ""),
                (
                    "css/a.css",
                    "b{c:url(../fonts/d.woff2)} e{f:url(../v/logo.png)} g{h:url(../.env)} i{j:url(gone.png)}",
                ),
                ("fonts/d.woff2", ""),
                (".env", "secret"),
            ],
            "v",
        );
        let found = contained(&tree).expect("readable");
        let text = |path: &str| {
            String::from_utf8(found.get(path).expect("there").rewritten.clone().expect("rewritten"))
                .expect("text")
        };
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["_ext/css/a.css", "_ext/fonts/d.woff2", "index.html", "logo.png"]
        );
        assert_eq!(text("index.html"), "<link href=_ext/css/a.css?v&#61;1><img src=logo.png>");
        assert_eq!(
            text("_ext/css/a.css"),
            "b{c:url(../fonts/d.woff2)} e{f:url(../../logo.png)} g{h:url(../.env)} i{j:url(gone.png)}"
        );
    }
}
