//! The files that rows write, compared as files: no two different rows write one, and none replaces something else.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};

use super::rows::ValidRow;
use crate::app::prepare::PreparedProject;
use crate::app::spec::{RenderSpec, VariableSource};
use crate::fault::Error;
use crate::system::cache;
use crate::system::output::OutputError;
use crate::system::output_place::{OutputPlace, OutputRefusal, OutputTarget, ResolvedFolders};

/// The places that rows may write to.
pub(super) struct BatchPlaces {
    /// Of rows that name their output: the current directory.
    named: OutputPlace,
    /// Of rows whose output is the pattern: the folder before its first placeholder.
    pattern: OutputPlace,
}

impl BatchPlaces {
    /// Returns the places of a batch whose outputs have this pattern. Nothing that the run reads or writes may be replaced.
    ///
    /// # Errors
    /// Returns an error if the folder of the pattern leads through a link without a target.
    pub(super) fn new(
        spec: &RenderSpec,
        project: &PreparedProject,
        pattern: &str,
        manifest: &Path,
    ) -> Result<Self, Error> {
        let folder = fixed_folder(pattern);
        let name = match folder.to_str() {
            Some("") | None => "the current directory".to_owned(),
            Some(name) => name.to_owned(),
        };
        let place = OutputPlace::below(Path::new(""), "the current directory");
        let place = place.map_err(|refusal| OutputError::Refused(PathBuf::from("."), refusal))?;
        let pattern = OutputPlace::below(&folder, &name);
        let pattern = pattern.map_err(|refusal| OutputError::Refused(folder, refusal))?;
        let protect = |place: OutputPlace| {
            own_files(spec, place)
                .reserving(manifest, "the manifest of this batch")
                .with_sources(project.sources())
        };
        Ok(Self { named: protect(place), pattern: protect(pattern) })
    }

    /// Checks the output of a row.
    ///
    /// # Errors
    /// Returns the reason against it.
    pub(super) fn check(
        &self,
        row: &ValidRow,
        folders: &mut ResolvedFolders,
    ) -> Result<OutputTarget, OutputRefusal> {
        let place = if row.row.output.is_some() { &self.named } else { &self.pattern };
        place.check(Path::new(&row.output), folders)
    }
}

/// Reserves the files that a run itself reads, writes or remembers.
pub(crate) fn own_files(spec: &RenderSpec, place: OutputPlace) -> OutputPlace {
    let variables = match &spec.variables {
        Some(VariableSource::File(path)) => Some(path.as_path()),
        Some(VariableSource::Inline(_)) | None => None,
    };
    let cache = cache::folder();
    let files = [
        (spec.batch.rows.as_deref(), "the file of rows"),
        (variables, "the file of variables"),
        (spec.run.reuse.ledger.as_deref(), "the ledger"),
        (spec.severities.config.as_deref(), "the configuration"),
        (cache.as_deref(), "in the cache of hyperframes-ci"),
    ];
    let files = files.into_iter().filter_map(|(path, what)| Some((path?, what)));
    files.fold(place, |place, (path, what)| place.reserving(path, what))
}

/// The folder of a pattern's files, as far as it has no placeholder.
fn fixed_folder(pattern: &str) -> PathBuf {
    let folder = Path::new(pattern).parent().unwrap_or(Path::new(""));
    folder.components().take_while(|part| !part.as_os_str().to_string_lossy().contains('{')).collect()
}

/// Says that a row must not write its output.
pub(super) fn refused(row: &ValidRow, refusal: &OutputRefusal) -> String {
    let (number, output) = (row.row.index + 1, &row.output);
    format!("row {number} writes to {output}, which {refusal}; {}", refusal.help())
}

/// Hashes of the outputs of rows, 8 bytes each, and of their folders. Only rows with a hash that occurs twice are looked at
/// again.
#[derive(Default)]
pub(super) struct OutputHashes {
    files: Vec<u64>,
    folders: Vec<u64>,
    /// The last folder.
    folder: PathBuf,
}

impl OutputHashes {
    pub(super) fn add(&mut self, target: &OutputTarget) {
        self.files.push(target.folded_hash());
        let folder = target.path.parent().unwrap_or(Path::new(""));
        if folder != self.folder {
            folder.clone_into(&mut self.folder);
            self.folders.extend(target.folder_hashes());
        }
    }

    /// Returns those that occur more than once, or that are a file and a folder, sorted.
    pub(super) fn repeated(mut self) -> Vec<u64> {
        self.files.sort_unstable();
        self.folders.sort_unstable();
        self.folders.dedup();
        let twice = self.files.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let mixed = self.folders.into_iter().filter(|folder| self.files.binary_search(folder).is_ok());
        let mut repeated = twice.chain(mixed).collect::<Vec<_>>();
        repeated.sort_unstable();
        repeated.dedup();
        repeated
    }
}

/// Two different rows that write one file, or files that cannot both exist.
pub(super) struct Clash {
    /// Whether it is so on every file system, and not only on those that ignore case.
    pub(super) is_certain: bool,
    /// The problem of the later row, as a sentence without its subject.
    pub(super) message: String,
}

/// The first row that writes a file, or below it as a folder.
struct Writer {
    index: u64,
    line: u64,
    /// The file; none for a folder.
    file: Option<(u64, String)>,
}

/// The rows that write the files whose hashes are `repeated`.
pub(super) struct Writers {
    repeated: Vec<u64>,
    known: HashMap<u64, Writer>,
}

impl Writers {
    /// Begins to look for clashes; `repeated` is sorted.
    pub(super) fn new(repeated: Vec<u64>) -> Self {
        Self { repeated, known: HashMap::new() }
    }

    /// Adds a row; returns the clash with an earlier one. Equal rows share a render, and may share a file.
    pub(super) fn add(&mut self, row: &ValidRow, target: &OutputTarget) -> Option<Clash> {
        let (index, line) = (row.row.index, row.row.line);
        let remedy = if row.row.output.is_some() {
            "name another output in one of them"
        } else {
            "put {index} into the output"
        };
        let clash = |first: &Writer, is_certain, verb| {
            let (number, first_line) = (first.index + 1, first.line);
            let message =
                format!("writes to {}{verb} row {number} (line {first_line}); {remedy}", row.output);
            Some(Clash { is_certain, message })
        };
        for folder in target.folder_hashes().filter(|folder| self.repeated.binary_search(folder).is_ok()) {
            let first = self.known.entry(folder).or_insert(Writer { index, line, file: None });
            if first.file.is_some() {
                return clash(first, true, ", below the file of");
            }
        }
        let key = target.folded_hash();
        self.repeated.binary_search(&key).ok()?;
        let identity = RenderIdentity::new(ProjectIdentity::Digest(""), &row.body).key(0).to_string();
        let file = (target.exact_hash(), identity);
        match self.known.get(&key) {
            None => {
                self.known.insert(key, Writer { index, line, file: Some(file) });
                None
            }
            Some(first @ Writer { file: None, .. }) => clash(first, true, ", which is a folder of"),
            Some(Writer { file: Some((_, identity)), .. }) if *identity == file.1 => None,
            Some(first @ Writer { file: Some((path, _)), .. }) => clash(first, *path == file.0, " like"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_pattern_is_what_the_user_has_typed() {
        for (pattern, folder) in [
            ("out/{name}.mp4", "out"),
            ("out/{name}/{index}.mp4", "out"),
            ("{name}.mp4", ""),
            ("same.mp4", ""),
            ("../a/b/{index}.{ext}", "../a/b"),
            ("/abs/x-{name}/v.mp4", "/abs"),
            ("./.hidden/{index}.mp4", ".hidden"),
        ] {
            let expected = Path::new(folder);
            let found = fixed_folder(pattern);
            assert_eq!(found.strip_prefix(".").unwrap_or(&found), expected, "{pattern}");
        }
    }
}
