//! The directories that rows may write to, and the files that they must not replace.

use std::path::{Path, PathBuf};

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::variables::Row;

use super::manifest::Manifest;
use crate::app::prepare::PreparedProject;
use crate::app::spec::{RenderSpec, VariableSource};
use crate::fault::Error;
use crate::renderers::LedgerFile;
use crate::system::gate::Reach;
use crate::system::output::OutputError;
use crate::system::output_place::{OutputPlace, OutputRefusal, OutputTarget, ResolvedFolders};

/// The directories that rows may write to.
pub(super) struct BatchPlaces {
    /// For rows with their own output: the current directory.
    named: OutputPlace,
    /// For rows whose output is the pattern: the folder before its first placeholder.
    pattern: OutputPlace,
    /// The manifest, with links resolved.
    manifest: PathBuf,
}

impl BatchPlaces {
    /// Returns the directories of a batch with this output pattern. Files that the run reads or writes must not be replaced.
    ///
    /// # Errors
    /// Returns an error if the folder of the pattern leads through a link without a target, and a usage error if the
    /// manifest must not be written where it is.
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
        let reach = spec.reach("output");
        let current = Reach::of_user(spec.workspace.as_deref());
        let place = OutputPlace::below(Path::new(""), "the current directory", &current);
        let place = place.map_err(|refusal| OutputError::Refused(PathBuf::from("."), refusal))?;
        let pattern = OutputPlace::below(&folder, &name, &reach);
        let pattern = pattern.map_err(|refusal| OutputError::Refused(folder, refusal))?;
        let protect = |place: OutputPlace| {
            own_files(spec, place)
                .reserving(manifest, "the manifest of this batch")
                .with_sources(project.sources())
        };
        let manifest = check_manifest(spec, project, manifest)?;
        Ok(Self { named: protect(place), pattern: protect(pattern), manifest })
    }

    /// Returns the path of the manifest, with links resolved.
    pub(super) fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// Checks the output of a row: its own, or the filled pattern.
    ///
    /// # Errors
    /// Returns the reason why it must not be written.
    pub(super) fn check(
        &self,
        row: &Row,
        (output, format): (&str, Format),
        folders: &mut ResolvedFolders,
    ) -> Result<OutputTarget, OutputRefusal> {
        self.place(row).check(Path::new(output), format, folders)
    }

    /// Returns where the output of a row may lead.
    pub(super) fn reach(&self, row: &Row) -> Reach {
        self.place(row).reach()
    }

    fn place(&self, row: &Row) -> &OutputPlace {
        if row.output.is_some() { &self.named } else { &self.pattern }
    }
}

/// Checks that the manifest is neither another file of the run or the project, nor a link to a file outside the folder
/// that was named, and resolves links.
///
/// # Errors
/// Returns a usage error with the reason.
fn check_manifest(spec: &RenderSpec, project: &PreparedProject, path: &Path) -> Result<PathBuf, Error> {
    let checked = OutputPlace::beside(path, &spec.reach("manifest"))
        .map(|place| own_files(spec, place).with_sources(project.sources()))
        .and_then(|place| place.check_appended(path));
    checked.map_err(|refusal| appended_error(spec, "manifest", path, &refusal))
}

/// Checks that the manifest and the ledger that the user has named are neither each other, nor another file of the run, nor
/// of another kind. Links are checked later.
///
/// # Errors
/// Returns a usage error with the reason.
pub(crate) fn check_appended_files(spec: &RenderSpec) -> Result<(), Error> {
    let manifest = spec.batch.manifest.as_deref();
    let check = |option, path, place: OutputPlace| {
        let refusal = match OutputRefusal::resolve(path, &spec.reach(option)) {
            Err(
                refusal @ (OutputRefusal::LeadsOut(_)
                | OutputRefusal::Hidden(_)
                | OutputRefusal::DanglingLink(_)),
            ) => Some(refusal),
            Ok(_) | Err(_) => match place.check_appended(path) {
                Err(
                    refusal @ (OutputRefusal::Reserved(_)
                    | OutputRefusal::NotAFile(_)
                    | OutputRefusal::Directory),
                ) => Some(refusal),
                Ok(_) | Err(_) => None,
            },
        };
        refusal.map_or(Ok(()), |refusal| Err(appended_error(spec, option, path, &refusal)))
    };
    if let Some(path) = manifest {
        check("manifest", path, own_files(spec, OutputPlace::default()))?;
        Manifest::check_kind(path)?;
    }
    if let Some(path) = spec.run.reuse.ledger.as_deref() {
        check("ledger", path, reserving(OutputPlace::default(), read_files(spec)))?;
        LedgerFile::check_kind(path)?;
    }
    Ok(())
}

fn appended_error(spec: &RenderSpec, option: &str, path: &Path, refusal: &OutputRefusal) -> Error {
    let name = spec.labels.get(option).map_or_else(|| format!("the {option}"), |label| format!("{label}:"));
    let message = format!("{name} {} {refusal}", path.display());
    Error::usage(message, refusal.help())
}

/// Reserves the files that the run itself reads or writes.
pub(crate) fn own_files(spec: &RenderSpec, place: OutputPlace) -> OutputPlace {
    let ledger = spec.run.reuse.ledger.clone().or_else(LedgerFile::default_path);
    let ledger = ledger.as_deref().map(|path| (path, "the ledger"));
    reserving(place, read_files(spec).chain(ledger))
}

fn reserving<'a>(place: OutputPlace, files: impl Iterator<Item = (&'a Path, &'static str)>) -> OutputPlace {
    files.fold(place, |place, (path, what)| place.reserving(path, what))
}

/// Returns the files that a run reads, with their names in messages.
fn read_files(spec: &RenderSpec) -> impl Iterator<Item = (&Path, &'static str)> {
    let variables = match &spec.variables {
        Some(VariableSource::File(path)) => Some(path.as_path()),
        Some(VariableSource::Inline(_)) | None => None,
    };
    let files = [
        (spec.batch.rows.as_deref(), "the rows file"),
        (variables, "the variables file"),
        (spec.severities.config.as_deref(), "the configuration"),
    ];
    files.into_iter().filter_map(|(path, what)| Some((path?, what)))
}

/// Returns the folder of a pattern up to its first placeholder.
fn fixed_folder(pattern: &str) -> PathBuf {
    let folder = Path::new(pattern).parent().unwrap_or(Path::new(""));
    folder.components().take_while(|part| !part.as_os_str().to_string_lossy().contains('{')).collect()
}

/// Describes why a row must not write its output.
pub(super) fn refused(row: &Row, output: &str, refusal: &OutputRefusal) -> String {
    let number = row.index + 1;
    format!("row {number}: output {output} {refusal}; {}", refusal.help())
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
