//! Finds files that are opened, created, renamed or deleted by the standard library outside of the gate.
//!
//! Whatever a person, an input, a configuration or a repository names goes through `src/system/gate`. The files in the
//! table use paths of this program's own only, each for the reason given.

use anyhow::{Context, Result};
use proc_macro2::TokenStream;
use syn::visit::{self, Visit};

use super::check::Problem;
use super::paths::is_for_tests;
use super::source::SourceFile;

/// Files and folders whose paths are not named by anybody, with the reason.
const OWN: &[(&str, &str)] = &[
    ("src/system/gate/", "the gate"),
    ("src/system/output.rs", "the gate's other half: outputs"),
    ("src/system/output_folder.rs", "the gate's other half: output directories"),
    ("src/system/file.rs", "files of this program, such as credentials and ledgers"),
    ("src/system/temporary.rs", "temporary files"),
    ("src/system/interrupt.rs", "deletes temporary files; reads /proc"),
    ("src/system/unpack.rs", "unpacks into a new temporary directory"),
    ("src/system/lines.rs", "opens with system/file.rs"),
    ("src/system/digest.rs", "hashes what was downloaded or rendered"),
    ("src/system/process_tree.rs", "reads /proc"),
    ("src/system/memory.rs", "reads /proc"),
    ("src/system/sandbox/", "the engine's work directory, the policy of its launcher; reads /proc"),
    ("src/system/programs/", "the cache of installed programs, and work directories"),
    ("src/app/batch/rows_file.rs", "pipes of the shell"),
    ("src/app/init/plan.rs", "compares the files to write with those that exist"),
    ("src/action/find_scope.rs", "a configuration in a temporary directory"),
    ("src/action/workflow_run.rs", "a new directory for the artifact"),
    ("src/ci/example.rs", "a service for tests"),
    ("src/ci/trust_tests.rs", "tests of the table of events"),
    ("src/ci/github/event.rs", "the event of the runner"),
    ("src/ci/github/files.rs", "the files of the runner for outputs and the summary"),
    ("src/cli/reference.rs", "tests of the documentation"),
    ("src/emulator/", "the emulator's storage"),
    ("src/engine/mod.rs", "the engine's work directory"),
    ("src/engine/processes.rs", "deletes videos in the engine's work directory"),
    ("src/engine/refusal.rs", "the files of the unpacked project, links refused"),
    ("src/engine/video.rs", "what the engine has written to its work directory"),
    ("src/engine/refusal/differential.rs", "tests with the engine"),
    ("src/heygen/auth/", "the user's credentials"),
    ("src/renderers/cloud/answers.rs", "files beside the ledger"),
    ("src/renderers/cloud/ledger.rs", "the ledger, after the gate has resolved its path"),
    ("src/renderers/docker/run.rs", "the work directory of a container"),
    ("src/renderers/http/body.rs", "the archive that was packed"),
    ("src/renderers/lambda/", "the state of a stack"),
    ("src/renderers/cloudrun/", "tests of the state of a stack"),
    ("src/renderers/serverless/", "the tooling's work directory"),
    ("src/renderers/verify.rs", "reads what was rendered or downloaded"),
];

/// Functions of `std::fs` that open, change or delete files, or read them.
const FUNCTIONS: &[&str] = &[
    "copy",
    "create_dir",
    "create_dir_all",
    "hard_link",
    "read",
    "read_to_string",
    "remove_dir_all",
    "remove_file",
    "rename",
    "set_permissions",
    "write",
];

/// Functions of `File` that open one.
const OPENING: &[&str] = &["create", "create_new", "open", "options"];

/// Returns a problem for each use in the sources of the program.
///
/// # Errors
/// Returns an error if a file is not Rust.
pub(super) fn problems(sources: &[SourceFile]) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| !is_exempt(&source.path)) {
        let mut found = Uses(Vec::new());
        found.visit_file(&syn::parse_file(&source.text).with_context(|| source.path.clone())?);
        problems.extend(found.0.into_iter().map(|(line, name)| {
            Problem::new(
                format!("{}:{line}", source.path),
                format!("{name} is used outside of the gate for paths"),
                "use crate::system::gate or crate::system::output; for a path that nobody can name, add the file to \
                 xtask/src/suites/layers/file_access.rs"
                    .to_owned(),
            )
        }));
    }
    for (path, _) in
        OWN.iter().filter(|(path, _)| sources.iter().all(|source| !source.path.starts_with(path)))
    {
        problems.push(Problem::new(
            *path,
            "the file does not exist".to_owned(),
            "remove its line".to_owned(),
        ));
    }
    Ok(problems)
}

fn is_exempt(path: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/") || path == "src/snapshots.rs";
    let is_test = is_test || path.starts_with("src/fuzz/");
    is_test || OWN.iter().any(|(own, _)| path.starts_with(own))
}

/// Lines, and what is used there.
struct Uses(Vec<(usize, String)>);

impl Uses {
    fn tokens(&mut self, tokens: TokenStream) {
        if let Ok(expression) = syn::parse2::<syn::Expr>(tokens) {
            self.visit_expr(&expression);
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
        if let [.., of, name] = names.as_slice() {
            let is_use = match of.as_str() {
                "fs" => FUNCTIONS.contains(&name.as_str()),
                "File" => OPENING.contains(&name.as_str()),
                "OpenOptions" => name == "new",
                _ => false,
            };
            if is_use {
                let line = path.segments.last().map_or(0, |last| last.ident.span().start().line);
                self.0.push((line, format!("{of}::{name}")));
            }
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_files_is_found_outside_of_tests() {
        let text = "fn f() { std::fs::read(x); File::open(x); let a = fs::metadata(x); }\n\
            fn g() { let b = OpenOptions::new(); vec![fs::write(x, y)]; }\n\
            #[cfg(test)] mod tests { fn h() { fs::read(x); } }\n";
        let source = |path: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let all = OWN.iter().map(|(path, _)| SourceFile { path: format!("{path}x.rs"), text: String::new() });
        let sources = all.chain([source("src/app/a.rs"), source("src/system/gate/a.rs")]).collect::<Vec<_>>();
        let found = problems(&sources).expect("Rust");
        let found = found.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].starts_with("src/app/a.rs:1: fs::read is used"), "{found:?}");
    }
}
