//! Every code of an error has a snapshot: the codes are read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Collects the texts that methods `code` of errors return.
#[derive(Default)]
struct Codes {
    found: BTreeSet<String>,
    is_in_code: bool,
}

/// Types of the core whose codes become those of errors.
const OF_CORE: [&str; 2] = ["Failure", "Refusal"];

impl<'ast> Visit<'ast> for Codes {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = |path: &syn::Path| path.segments.last().map(|last| last.ident.to_string());
        let is_fault = item.trait_.as_ref().is_some_and(|(path, _)| name(path).as_deref() == Some("Fault"));
        let is_of_core = matches!(&*item.self_ty, syn::Type::Path(path)
            if name(&path.path).is_some_and(|name| OF_CORE.contains(&name.as_str())));
        if is_fault || is_of_core {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if method.sig.ident == "code" {
            self.is_in_code = true;
            visit::visit_block(self, &method.block);
            self.is_in_code = false;
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        if self.is_in_code {
            self.found.insert(literal.value());
        }
    }
}

/// Returns the sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the codes in a source.
fn codes(source: &str) -> BTreeSet<String> {
    let mut codes = Codes::default();
    codes.visit_file(&syn::parse_file(source).unwrap());
    codes.found
}

#[test]
fn every_code_has_a_snapshot_and_every_snapshot_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&root.join("src")).into_iter().chain([root.join("core/src/job/failure.rs")]);
    let known = sources.flat_map(|path| codes(&fs::read_to_string(path).unwrap())).collect::<BTreeSet<_>>();
    assert!(known.len() > 40, "{known:?}");
    let snapshots = fs::read_dir(root.join("tests/snapshots/errors")).unwrap();
    let snapshots = snapshots.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let snapshots = snapshots.map(|name| name.trim_end_matches(".txt").to_owned()).collect::<BTreeSet<_>>();
    let missing = known.difference(&snapshots).collect::<Vec<_>>();
    assert!(missing.is_empty(), "add samples of these codes to src/snapshots.rs: {missing:?}");
    let stale = snapshots.difference(&known).filter(|code| !OF_API.contains(&code.as_str()));
    let stale = stale.collect::<Vec<_>>();
    assert!(stale.is_empty(), "delete these snapshots: {stale:?}");
}

/// Codes of the API with a sample. The API defines them, so that not all of them are known.
const OF_API: [&str; 3] = ["hyperframes_render_not_found", "insufficient_credit", "rate_limit_exceeded"];

#[test]
fn a_new_code_is_found() {
    let source = "
        impl Fault for Broken {
            fn code(&self) -> &str { match self { Self::A => \"a\", Self::B(error) => error.code(), _ => \"b\" } }
            fn help(&self) -> Option<String> { Some(\"help\".to_owned()) }
        }
        impl Other for Broken { fn code(&self) -> &str { \"other\" } }";
    assert_eq!(codes(source), ["a", "b"].map(str::to_owned).into());
}
